"""A slip behind the @ (`newsletter.slips`), asked about before anything is stored or mailed: one press takes what was
probably meant, another keeps what was typed.

It is asked before a robot is looked for: the proof is still unspent then, and goes along with either press.
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
    """An address that was typed, and the one that may have been meant."""

    typed: str
    meant: str
    fault: str = ""
    """Why what was typed cannot be kept, in a sentence; "" where it can."""
    press: str = ""
    press_meant: str = ""
    """What shows that a button of ours was pressed for either address (`robots.press_token`)."""

    @property
    def asks(self) -> str:
        """The question."""
        return _("Did you mean %(address)s?", address=self.meant)

    @property
    def yes(self) -> str:
        """The button that takes what was meant."""
        return _("Yes, use %(address)s", address=self.meant)

    @property
    def no(self) -> str:
        """The button that keeps what was typed."""
        return _("No, %(address)s is right", address=self.typed)


def slip_in(form: SubscribeForm) -> Slip | None:
    """After `validate`: the slip in a sign-up of which the rest is right, unless its person has kept the address."""
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
    """After `validate`: the same of a reader's new address, where its button was pressed."""
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
