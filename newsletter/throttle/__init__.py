"""Rate limits on outgoing mail: the rules, and one count shared by all workers on all hosts.

The rules are records. `redis` and `connections` count in Redis, and only the doors import them.
"""
