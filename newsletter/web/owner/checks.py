"""All that is looked at before somebody presses: the preflight, and what workers found for it beside the page."""

from collections.abc import Iterator

from sqlalchemy.orm import Session

from newsletter import brand, link_checks, preflight, sending
from newsletter.brand import Brand
from newsletter.campaigns import Campaign
from newsletter.preflight import Check, Level, Report
from newsletter.web.owner.first_steps import stays_here
from newsletter.web.state import now, runtime


def report_of(session: Session, campaign: Campaign) -> Report:
    """What stands against a campaign, were it sent now by a press."""
    renderer, house = runtime().renderer, brand.current(session)
    report = preflight.check_campaign(session, renderer, house, campaign, now())
    links = link_checks.link_check(link_checks.found_of(session, renderer, house, campaign))
    return report.and_also((*preflight.tested(session, renderer, house, campaign), *_sender(session, house), *links))


def sender_needs(session: Session, house: Brand) -> list[Check]:
    """What is wrong with the sender's domain, as a worker found it the last time."""
    return [one for one in _sender(session, house) if one.level is Level.WARNING]


def _sender(session: Session, house: Brand) -> Iterator[Check]:
    """Nothing is said of it while mail stays on this machine, or DNS is not to be asked."""
    settings = runtime().settings
    if settings.looks_domains_up and not stays_here(settings):
        yield from sending.sender_checks(session, house)
