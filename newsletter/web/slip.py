"""Likely typos in an address's domain (`newsletter.slips`): asks, before anything is stored or mailed, which address is
right.

Asks before the robot check, so that the proof is still unused and can go with either answer.
"""

from dataclasses import dataclass

from flask import request

from newsletter import slips
from newsletter.brand import Brand
from newsletter.subscribers import Address, BadAddress, read_address
from newsletter.web import robots
from newsletter.web.forms import PreferencesForm, SubscribeForm
from newsletter.web.language import _


@dataclass(frozen=True, slots=True, kw_only=True)
class Slip:
    """An address as typed, and the one probably meant."""

    typed: str
    meant: str
    fault: str = ""
    """Why the typed address cannot be accepted, or ""."""
    press: str = ""
    press_meant: str = ""
    """Tokens for confirming either address (`robots.press_token`)."""

    @property
    def asks(self) -> str:
        """The question."""
        return _("Did you mean %(address)s?", address=self.meant)

    @property
    def yes(self) -> str:
        """The button for the address probably meant."""
        return _("Yes, use %(address)s", address=self.meant)

    @property
    def no(self) -> str:
        """The button for the address as typed."""
        return _("No, %(address)s is right", address=self.typed)


def slip_in(form: SubscribeForm) -> Slip | None:
    """After `validate`: the likely typo in an otherwise valid sign-up, unless the person has kept the address."""
    if form.website.data or set(form.errors) - {"email"}:
        return None
    found = _found(form.email.data or "", form.kept.data or "", form.house)
    if found is None:
        return None
    typed, meant = found
    press, press_meant = (robots.press_token(form.row.slug, one) for one in found)
    return Slip(typed=typed.email, meant=meant.email, fault=" ".join(form.email.errors), press=press,
                press_meant=press_meant)  # fmt: skip


def slip_in_move(form: PreferencesForm) -> Slip | None:
    """After `validate`: the likely typo in a reader's new address, if they requested a change."""
    if "move" not in request.form:
        return None
    found = _found(form.address.data or "", form.kept.data or "", form.house)
    return Slip(typed=found[0].email, meant=found[1].email, fault=" ".join(form.address.errors)) if found else None


def _found(typed: str, kept: str, house: Brand) -> tuple[Address, Address] | None:
    try:
        address = read_address(typed)
    except BadAddress:
        return None
    domain = slips.meant(address.domain)
    if domain is None or house.refuses(domain) or kept.strip() in (typed.strip(), address.email):
        return None
    return address, read_address(f"{address.email.rpartition('@')[0]}@{domain}")
