"""All checks shown before sending: the preflight, and the results of background checks."""

from collections.abc import Iterator

from sqlalchemy.orm import Session

from newsletter import brand, link_checks, preflight, sending
from newsletter.brand import Brand
from newsletter.campaigns import Campaign
from newsletter.preflight import Check, Level, Report
from newsletter.web.owner.first_steps import stays_here
from newsletter.web.state import now, runtime


def report_of(session: Session, campaign: Campaign) -> Report:
    """All checks of a campaign sent now by an owner."""
    renderer, house = runtime().renderer, brand.current(session)
    report = preflight.check_campaign(session, renderer, house, campaign, now())
    links = link_checks.link_check(link_checks.found_of(session, renderer, house, campaign))
    return report.and_also((*preflight.tested(session, renderer, house, campaign), *_sender(session, house), *links))


def sender_needs(session: Session, house: Brand) -> list[Check]:
    """Faults of the sender's domain found by the last check."""
    return [one for one in _sender(session, house) if one.level is Level.WARNING]


def _sender(session: Session, house: Brand) -> Iterator[Check]:
    """The checks of the sender's domain; none while mail stays on this machine, or if DNS must not be used."""
    settings = runtime().settings
    if settings.looks_domains_up and not stays_here(settings):
        yield from sending.sender_checks(session, house)
