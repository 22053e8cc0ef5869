"""How much may go in how long: the rules, and one count for all workers on all hosts.

The rules are records; `redis` and `connections` count over Redis and are known to the doors only.
"""
