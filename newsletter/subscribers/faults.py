"""Input errors as codes, and their sentences for the person who typed.

Records only use the codes; the web layer asks here for the sentence in the reader's language.
"""

from enum import StrEnum

from newsletter.languages import SOURCE, Language, marked
from newsletter.mail_domains import DomainFault


class AddressFault(StrEnum):
    """Why mail cannot be sent to what was typed."""

    MISSING = "missing"
    TOO_LONG = "too-long"
    NO_ADDRESS = "no-address"
    NO_DOMAIN = DomainFault.NO_DOMAIN
    TAKES_NO_MAIL = DomainFault.TAKES_NO_MAIL
    THROWN_AWAY = "thrown-away"
    """Its domain is on the owner's list of refused domains (`Brand.refuses`)."""


class ValueFault(StrEnum):
    """Why a value does not fit a field."""

    FAR_TOO_LONG = "far-too-long"
    """Rejected unread."""
    TOO_LONG = "too-long"
    NO_NUMBER = "no-number"
    NO_DATE = "no-date"
    NO_CHOICE = "no-choice"
    NO_YES_NO = "no-yes-no"


_ADDRESS = {
    AddressFault.MISSING: marked("Please type your e-mail address."),
    AddressFault.TOO_LONG: marked("This address is too long: 254 characters are the most an e-mail address can have."),
    AddressFault.NO_ADDRESS: marked("This does not look like an e-mail address. It should be like jane@example.com."),
    AddressFault.NO_DOMAIN: marked("There is no %(domain)s. Please look at the part behind the @, and send it again."),
    AddressFault.TAKES_NO_MAIL: marked(
        "%(domain)s takes no mail. Please look at the part behind the @, or type another address."
    ),
    AddressFault.THROWN_AWAY: marked(
        "Addresses at %(domain)s are made to be thrown away, so we do not write there. Please type another address of "
        "yours, and send it again."
    ),
}
_VALUE = {
    ValueFault.FAR_TOO_LONG: marked("%(label)s: that is too long; %(most)s characters are the most."),
    ValueFault.TOO_LONG: marked("%(label)s: that has %(length)s characters; %(most)s are the most."),
    ValueFault.NO_NUMBER: marked("%(label)s: please type a number, such as 1200 or 12.5."),
    ValueFault.NO_DATE: marked("%(label)s: please type a date as year-month-day, such as 1960-05-31."),
    ValueFault.NO_CHOICE: marked("%(label)s: please choose one of %(choices)s."),
    ValueFault.NO_YES_NO: marked("%(label)s: please answer yes or no."),
}


class BadAddress(ValueError):
    """Mail cannot be sent to what was typed. `domain`: in readable form, if the sentence names it."""

    def __init__(self, fault: AddressFault, domain: str = "") -> None:
        super().__init__(fault)
        self.fault = fault
        self.domain = domain

    def told(self, language: Language = SOURCE) -> str:
        """The sentence for the person who typed."""
        return language.gettext(_ADDRESS[self.fault]) % {"domain": self.domain}


class BadValue(ValueError):
    """What was typed does not fit the field. `values`: placeholders of the sentence."""

    def __init__(self, fault: ValueFault, **values: str | int | list[str]) -> None:
        super().__init__(fault)
        self.fault = fault
        self.values = values

    def told(self, language: Language = SOURCE) -> str:
        """The sentence for the person who typed; it begins with the field's label."""
        written = {name: _written(value, language) for name, value in self.values.items()}
        return language.gettext(_VALUE[self.fault]) % written


def _written(value: str | int | list[str], language: Language) -> str:
    if isinstance(value, int):
        return language.number(value)
    return value if isinstance(value, str) else ", ".join(value)
