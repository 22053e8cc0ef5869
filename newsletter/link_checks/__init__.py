"""Link checks: whether an article's links and pictures on other sites can still be fetched.

A page requests a check and a worker fetches. For scheduled campaigns and running series the worker also checks on its
own, once a day. Pages only show results.
"""

from newsletter.link_checks.addresses import addresses_of
from newsletter.link_checks.record import CheckedLink, ask, forget_old, is_waiting
from newsletter.link_checks.told import Lost, Outcome, Seen, found_of, link_check, lost_in_use
from newsletter.link_checks.work import gather, go_on

__all__ = [
    "CheckedLink", "Lost", "Outcome", "Seen", "addresses_of", "ask", "forget_old", "found_of", "gather", "go_on",
    "is_waiting", "link_check", "lost_in_use",
]  # fmt: skip
