"""What SpamAssassin said of a mail, as a check of the preflight: where it was asked about these very words."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy.orm import Session

from newsletter.brand import Brand
from newsletter.campaigns import Campaign
from newsletter.languages import said
from newsletter.mail.render import Renderer
from newsletter.preflight.check import Check, Level, Mend
from newsletter.preflight.spam.mails import fingerprint_of, mails_of_campaign
from newsletter.preflight.spam.record import Scores, score_of

NEAR = 0.6
"""The share of the threshold from which on it is a warning: servers ask lists of senders and links too, learn from
their own mail, and many go by a lower threshold."""


def spam_checks(session: Session, renderer: Renderer, brand: Brand, campaign: Campaign) -> Iterator[Check]:
    """One for each mail of a campaign; none where nothing is known of it as it stands."""
    row = score_of(session, Scores.CAMPAIGN, campaign.id)
    if row is None or not row.found.get("mails"):
        return
    if row.fingerprint == fingerprint_of(renderer, brand, mails_of_campaign(session, renderer, campaign)):
        yield from checks_of(row.found)


def checks_of(found: dict[str, Any]) -> Iterator[Check]:
    """One for each mail that was scored (`work.scored`)."""
    return (_check(mail) for mail in found["mails"])


def level_of(points: float, threshold: float) -> Level:
    """How much it matters."""
    return Level.WARNING if points >= NEAR * threshold else Level.GOOD


def _check(mail: dict[str, Any]) -> Check:
    points, threshold = mail["points"], mail["threshold"]
    figures = {"points": f"{points:.1f}", "threshold": f"{threshold:.1f}"}
    if points >= threshold:
        told = said("SpamAssassin gives it %(points)s points, and from %(threshold)s on it calls a mail spam: its "
                    "spam points say what for.", **figures)  # fmt: skip
    elif level_of(points, threshold) is Level.WARNING:
        told = said("SpamAssassin gives it %(points)s points of the %(threshold)s at which it calls a mail spam, and "
                    "others are stricter: its spam points say what for.", **figures)  # fmt: skip
    else:
        told = said("SpamAssassin gives it %(points)s points; from %(threshold)s on it calls a mail spam.", **figures)
    name = said("%(part)s: Spam points", part=mail["part"]) if mail["part"] else said("Spam points")
    return Check(name, level_of(points, threshold), told, mend=Mend.SPAM)
