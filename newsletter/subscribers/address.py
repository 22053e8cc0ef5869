"""Address: parses an e-mail address as typed by a person."""

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
"""Unicode's Default_Ignorable_Code_Point without direction marks, and other characters drawn as nothing."""
_UNSEEN = re.compile(rf"[{_IGNORABLE}]|^{_AROUND}|{_AROUND}$")
"""Debris of copying an address: invisible characters anywhere, direction marks around it."""
LONGEST = 254  # octets, RFC 5321 §4.5.3.1.3 less the angle brackets


@dataclass(frozen=True, slots=True)
class Address:
    """An address as mail is sent to it, and the key that identifies a person."""

    email: str
    key: str

    @property
    def domain(self) -> str:
        """The part after the @, as A-labels in lower case."""
        return self.key.rpartition("@")[2]

    @property
    def mailbox(self) -> str:
        """The mailbox it is delivered to, as far as known: without a plus-tag, and for Gmail without dots."""
        local, _, domain = self.key.rpartition("@")
        local = local.partition("+")[0] or local
        if domain in GMAIL:
            local, domain = local.replace(".", ""), GMAIL[0]
        return f"{local}@{domain}"


def read_address(typed: str) -> Address:
    """Check the syntax (RFC 5321, 5322, 6531) and return the address with its key. Raises BadAddress.

    Makes no DNS lookup; for people at a form `web.address` does.
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
    # Internationalised domains are stored as A-labels, which work everywhere (RFC 6531 §3.2).
    domain = (seen.ascii_domain or seen.domain).lower()
    # Local parts are case-sensitive by the standard but at no real provider. lower(), not casefold(), which would make
    # ß@ and ss@ the same person.
    return Address(email=f"{seen.local_part}@{domain}", key=f"{seen.local_part.lower()}@{domain}")
