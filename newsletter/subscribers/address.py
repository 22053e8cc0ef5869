"""Reading an e-mail address that a person typed."""

import re
from dataclasses import dataclass

from email_validator import EmailNotValidError, validate_email

from newsletter.subscribers.faults import AddressFault, BadAddress

GMAIL = ("gmail.com", "googlemail.com")
_AROUND = r"[\s\u202a-\u202e\u2066-\u2069]+"
_IGNORABLE = (
    "\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2060-\u2065\u206a-\u206f\u2800\u3164\ufe00-\ufe0f"
    "\ufeff\uffa0\ufff9-\ufffc\U000e0000-\U000e0fff"
)
"""Unicode's Default_Ignorable_Code_Point but for the marks of a direction, and what else is drawn as nothing."""
_UNSEEN = re.compile(rf"[{_IGNORABLE}]|^{_AROUND}|{_AROUND}$")
"""What comes along when an address is copied: invisible letters anywhere, marks of a direction around it."""
LONGEST = 254  # octets, RFC 5321 §4.5.3.1.3 less the angle brackets


@dataclass(frozen=True, slots=True)
class Address:
    """An address twice: as mail is addressed, and as the key under which it is one person."""

    email: str
    key: str

    @property
    def domain(self) -> str:
        """Behind the @, as an A-label in lower case."""
        return self.key.rpartition("@")[2]

    @property
    def mailbox(self) -> str:
        """The mailbox where it arrives, as far as that can be told: without a plus-tag, and at Gmail without dots."""
        local, _, domain = self.key.rpartition("@")
        local = local.partition("+")[0] or local
        if domain in GMAIL:
            local, domain = local.replace(".", ""), GMAIL[0]
        return f"{local}@{domain}"


def read_address(typed: str) -> Address:
    """Check the syntax (RFC 5321, 5322, 6531) and the shape of the domain, and give the address with its key.

    No look-up is made (`web.address` makes one, for who types). Raises BadAddress.
    """
    typed = _UNSEEN.sub("", typed).strip()
    if not typed:
        raise BadAddress(AddressFault.MISSING)
    if len(typed.encode()) > LONGEST:
        raise BadAddress(AddressFault.TOO_LONG)
    try:
        seen = validate_email(typed, check_deliverability=False, strict=True)
    except EmailNotValidError:
        raise BadAddress(AddressFault.NO_ADDRESS) from None
    # An internationalised domain is kept as its A-label, the form that travels everywhere (RFC 6531 §3.2).
    domain = (seen.ascii_domain or seen.domain).lower()
    # The standard lets local parts differ by case; in practice no provider does, and people type either. Not by case
    # folding, which is for searching: it makes one person of ß@ and ss@.
    return Address(email=f"{seen.local_part}@{domain}", key=f"{seen.local_part.lower()}@{domain}")
