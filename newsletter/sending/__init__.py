"""What an owner has looked at about sending: the sender's domain in DNS, and each relay.

A page asks and a worker looks, for it alone is told the relays' passwords and the keys that sign. The domain is looked
at unasked too, some times a day.
"""

from newsletter.sending.again import look_again
from newsletter.sending.checks import sender_checks
from newsletter.sending.record import LookKind, SendingLook, ask, every, is_waiting
from newsletter.sending.work import go_on

__all__ = ["LookKind", "SendingLook", "ask", "every", "go_on", "is_waiting", "look_again", "sender_checks"]
