"""A new owner's steps before the first campaign, ticked automatically and never by hand."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from flask import url_for
from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from newsletter import brand, sending
from newsletter.accounts import AuditEntry
from newsletter.campaigns import Campaign
from newsletter.forms.sighting import Sighting
from newsletter.networks import is_loopback
from newsletter.sender_domain import Light
from newsletter.sending import LookKind
from newsletter.settings import Settings
from newsletter.smtp import parse_relays
from newsletter.subscribers import Basis, Consent
from newsletter.web.language import _


@dataclass(frozen=True, slots=True)
class FirstStep:
    """One step and its place."""

    done: bool
    title: str
    what: str
    url: str


def first_steps(session: Session, settings: Settings, unsigned: bool) -> list[FirstStep]:
    """The steps in order; none once a campaign has been sent. `unsigned`: whether a guide still names no author."""
    if session.scalar(select(exists().where(Campaign.launched_at.is_not(None)))):
        return []
    own_guide = not unsigned or _noted(session, "guide added")
    return [
        FirstStep(done=_noted(session, "brand saved"), title=_("Say who you are"),
                  what=_("Name, sender address and postal address stand in every mail."),
                  url=url_for("owner.settings")),
        FirstStep(done=not stays_here(settings), title=_("Let mail out"),
                  what=_("All of it lands in the local mailbox now. Set SMTP_URL in .env to your provider or server."),
                  url=url_for("owner.settings")),
        FirstStep(done=_domain_stands(session, settings), title=_("Sender and domain"),
                  what=_("Whose domain your mail comes from, and whether its DNS says so: look once."),
                  url=url_for("owner.sending", _anchor="sender")),
        FirstStep(done=own_guide, title=_("Make the guides yours"),
                  what=_("Send a PDF of your own, or fill in who wrote the example’s."), url=url_for("owner.guides")),
        FirstStep(done=_stands_elsewhere(session, settings), title=_("Put a form on your site"),
                  what=_("Copy its code into your sidebar; it is ticked when the form has been seen there."),
                  url=url_for("owner.forms")),
        FirstStep(done=_imported(session), title=_("Bring the people you have"),
                  what=_("An export of your present program, or any CSV. Leave it out if you begin with nobody."),
                  url=url_for("owner.subscriber_import")),
        FirstStep(done=_noted(session, "test sent"), title=_("Send yourself an article"),
                  what=_("Open one and press “Send a test to me”."), url=url_for("owner.write")),
    ]  # fmt: skip


def stays_here(settings: Settings) -> bool:
    """Whether all mail goes to the local mailbox and reaches nobody."""
    own = settings.mailbox_smtp_port
    return all(is_loopback(one.host) and one.port == own for one in parse_relays(settings.relays))


def _domain_stands(session: Session, settings: Settings) -> bool:
    """Whether the sender is the owner's own, and the last check of the domain found no fault.

    Without a check, mail that leaves this machine is proof enough.
    """
    if not _noted(session, "brand saved") or not brand.current(session).email:
        return False
    found = next((one.found for one in sending.every(session) if one.kind is LookKind.DOMAIN), {})
    lights = [one["light"] for one in found.get("findings", ())]
    if any(one in (Light.WRONG, Light.MISSING) for one in lights):
        return False
    return Light.GOOD in lights or not stays_here(settings)


def _noted(session: Session, action: str) -> bool:
    return bool(session.scalar(select(exists().where(AuditEntry.action == action))))


def _stands_elsewhere(session: Session, settings: Settings) -> bool:
    """Whether a form was seen on any site other than the example blog."""
    sites = (urlsplit(origin) for origin in session.scalars(select(Sighting.origin).distinct()))
    return any(not is_loopback(site.hostname or "") or site.port != settings.blog_port for site in sites)


def _imported(session: Session) -> bool:
    return bool(session.scalar(select(exists().where(Consent.basis == Basis.IMPORT))))
