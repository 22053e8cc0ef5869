"""Links from a check to the exact place where its fault can be fixed, for those with permission."""

from dataclasses import dataclass
from typing import Any

from flask import url_for
from sqlalchemy.orm import Session

from newsletter.campaigns import Campaign, ab_test_of
from newsletter.preflight import Check, Level, Mend
from newsletter.web.language import _, lazy
from newsletter.web.owner.display import local
from newsletter.web.owner.permissions import may

WORDS: dict[Mend, Any] = {
    Mend.SUBJECT: lazy("Change the subject"), Mend.PREHEADER: lazy("Change the preheader"),
    Mend.TEXT: lazy("Change the text"), Mend.TOPIC: lazy("Change the topic"),
    Mend.AUDIENCE: lazy("Choose another audience"), Mend.FIELD: lazy("Give the field a fall-back"),
    Mend.ADDRESS: lazy("Change the address"), Mend.SENDER: lazy("See what to publish"),
    Mend.AB_TEST: lazy("Change the test"), Mend.OTHER_ARTICLE: lazy("Change the article of B"),
    Mend.SPAM: lazy("See its spam points"), Mend.TRIAL: lazy("Send a test"),
    Mend.LINKS: lazy("See which, and what to do"), Mend.OTHER_CAMPAIGN: lazy("The other campaign"),
}  # fmt: skip
_EDITED = {Mend.SUBJECT: "subject", Mend.PREHEADER: "preheader", Mend.TEXT: "body", Mend.TOPIC: "topic"}
"""Fields of the editor."""
_HERE = {Mend.SPAM: "spam", Mend.TRIAL: "trial", Mend.LINKS: "links"}
"""Anchors on the campaign's own page."""


@dataclass(frozen=True, slots=True)
class Place:
    """A link."""

    url: str
    words: str


def mended_at(session: Session, check: Check, campaign: Campaign) -> Place | None:
    """The link to fix a check's fault; None if there is no fault, or the user may not fix it."""
    if check.level is Level.GOOD:
        return None
    endpoint, url = place_of(session, check, campaign)
    if not may(endpoint):
        return None
    words = WORDS[check.mend]
    if check.other is not None:
        words = _("The other campaign, %(when)s", when=local(check.other.scheduled_at))
    return Place(url, str(words))


def place_of(session: Session, check: Check, campaign: Campaign) -> tuple[str, str]:
    """(endpoint that changes it, address of the place)."""
    mend, campaign_url = check.mend, url_for("owner.campaign", id=campaign.id)
    if mend in _EDITED:
        return "article_edit", edited_at(campaign.article_id, _EDITED[mend], check.at)
    if mend in _HERE:
        return "campaign", f"{campaign_url}#{_HERE[mend]}"
    if mend is Mend.OTHER_ARTICLE:
        test = ab_test_of(session, campaign)
        return "article_edit", edited_at(test.b.article_id if test else campaign.article_id, check.at or "body")
    if mend is Mend.OTHER_CAMPAIGN:
        return "campaign", url_for("owner.campaign", id=check.other.id) if check.other else campaign_url
    if mend is Mend.AUDIENCE:
        if campaign.saved_segment and check.level is Level.BLOCK:
            return "segment", url_for("owner.segment", id=campaign.saved_segment.id)
        return "campaign_new", url_for("owner.campaign_new", article=campaign.article_id)
    if mend is Mend.FIELD:
        return "field", url_for("owner.field", id=int(check.at))
    if mend is Mend.AB_TEST:
        return "campaign_test", url_for("owner.campaign_test", id=campaign.id)
    if mend is Mend.SENDER:
        return "sending", url_for("owner.sending", _anchor="sender")
    return "settings_brand", url_for("owner.settings", _anchor="b-address")  # Mend.ADDRESS


def edited_at(article: int, field: str, piece: str = "") -> str:
    """The editor of an article at a field, with a piece of its text in view (static/js/composer/show.js)."""
    return url_for("owner.article_edit", id=article, show=piece or None, _anchor=field)
