"""Spam points on the command line: queried before a campaign is scheduled, if SPAMD is set."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import click
from sqlalchemy.orm import Session

from newsletter import brand
from newsletter.campaigns import Campaign
from newsletter.mail.contents import content
from newsletter.mail.render import BadArticle
from newsletter.preflight import Check, spam
from newsletter.preflight.spam import Scores
from newsletter.preflight.spam.mails import Mail
from newsletter.runtime import Runtime

MOST_RULES = 5
"""Rules printed, heaviest first."""


@dataclass(frozen=True, slots=True)
class Points:
    """SpamAssassin's result for a mail, or for both of a test; {} if it was not asked."""

    found: dict[str, Any] = field(default_factory=dict)

    @property
    def checks(self) -> tuple[Check, ...]:
        """The result as checks for the preflight report."""
        return tuple(spam.checks_of(self.found)) if self.found else ()

    def keep(self, rt: Runtime, session: Session, made: Campaign) -> None:
        """Store the result for the campaign's page. Flushes, so that the campaign has its id."""
        session.flush()
        if self.found:
            mails = spam.mails_of_campaign(session, rt.renderer, made)
            of_these = spam.fingerprint_of(rt.renderer, brand.current(session), mails)
            spam.keep(session, Scores.CAMPAIGN, made.id, of_these, self.found, rt.clock.now())


@contextmanager
def asked(rt: Runtime, subject: str, preheader: str, body: str, test: Mapping[str, Any]) -> Iterator[Points]:
    """Query and print the points of the mail, or of both of a test.

    Holds no transaction while SpamAssassin works. Invalid content is left to the preflight to refuse.
    """
    if not rt.settings.spamd:
        yield Points()
        return
    ready = []
    with rt.database.reading() as session:
        house = brand.current(session)
        try:
            for one in _mails(session, subject, preheader, body, test):
                ready.append((one.part, one.octets(rt.renderer, house, rt.clock.now())))
        except BadArticle:
            ready = []
    points = Points(spam.scored(rt.settings.spamd, ready)) if ready else Points()
    _print(points.found)
    yield points


def _mails(session: Session, subject: str, preheader: str, body: str, test: Mapping[str, Any]) -> Iterator[Mail]:
    subject_b, preheader_b = test["subject_b"], test["preheader_b"]
    yield spam.mail_of_words(content(session, subject, preheader, body), "A" if subject_b else "")
    if subject_b:
        yield spam.mail_of_words(content(session, subject_b, preheader_b or preheader, body), "B")


def _print(found: dict[str, Any]) -> None:
    if found.get("trouble"):
        click.echo(f"Note: Spam points: SpamAssassin gave none ({found['trouble']}), which holds nothing up.", err=True)
    for mail in found.get("mails", ()):
        name = f"{mail['part']}: Spam points" if mail["part"] else "Spam points"
        click.echo(f"{name}: {mail['points']:.1f}; from {mail['threshold']:.1f} on it is spam.", err=True)
        for points, rule, means in sorted(mail["hits"], key=lambda one: -one[0])[:MOST_RULES]:
            if points > 0:
                click.echo(f"  {points:+.1f}  {rule}  {means}", err=True)
