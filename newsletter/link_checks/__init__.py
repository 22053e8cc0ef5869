"""Links fetched: whether what an article leads to and shows of other sites is there.

A page asks and a worker fetches; of what is scheduled or in a running series the worker asks by itself, once a day.
Pages show what was found, and fetch nothing.
"""

from newsletter.link_checks.addresses import addresses_of
from newsletter.link_checks.record import CheckedLink, ask, forget_old, is_waiting
from newsletter.link_checks.told import Lost, Outcome, Seen, found_of, link_check, lost_in_use
from newsletter.link_checks.work import gather, go_on

__all__ = [
    "CheckedLink", "Lost", "Outcome", "Seen", "addresses_of", "ask", "forget_old", "found_of", "gather", "go_on",
    "is_waiting", "link_check", "lost_in_use",
]  # fmt: skip
