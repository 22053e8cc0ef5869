"""Checks that an owner asks for: the sender's domain in DNS, and each relay.

A page requests a check and a worker runs it: only workers have the relays' passwords and the signing keys. The domain
is also checked unasked, several times a day.
"""

from newsletter.sending.again import look_again
from newsletter.sending.checks import sender_checks
from newsletter.sending.record import LookKind, SendingLook, ask, every, is_waiting
from newsletter.sending.work import go_on

__all__ = ["LookKind", "SendingLook", "ask", "every", "go_on", "is_waiting", "look_again", "sender_checks"]
