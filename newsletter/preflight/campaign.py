"""The preflight of a campaign: its text, its audience, and both halves of an A/B test."""

from datetime import datetime

from sqlalchemy.orm import Session

from newsletter.brand import Brand
from newsletter.campaigns import Campaign, Part, ab_test_of
from newsletter.mail.contents import content_of
from newsletter.mail.render import Renderer
from newsletter.preflight.ab_test import check_ab_test
from newsletter.preflight.check import Report
from newsletter.preflight.look import check
from newsletter.preflight.spam import spam_checks
from newsletter.preflight.twice import sent_twice


def check_campaign(session: Session, renderer: Renderer, brand: Brand, campaign: Campaign, now: datetime) -> Report:
    """The preflight of a campaign sent now; for an A/B test, pass A."""
    asked = (*sent_twice(session, campaign, now), *spam_checks(session, renderer, brand, campaign))
    return _looked(session, renderer, brand, campaign, now).and_also(asked)


def _looked(session: Session, renderer: Renderer, brand: Brand, campaign: Campaign, now: datetime) -> Report:
    if campaign.part is Part.A and (test := ab_test_of(session, campaign)):
        return check_ab_test(session, renderer, brand, test, now)
    words = content_of(session, campaign.revision)
    return check(session, renderer, brand, words, campaign.audience(now), campaign.article_id)
