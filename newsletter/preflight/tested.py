"""Checks whether a test of a mail has been sent since its text, the theme or the brand last changed.

Each test message stores a fingerprint of the mail at that time (`Trial.fingerprint`); there is no other record.
"""

from collections.abc import Iterator
from dataclasses import replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter.articles import Revision
from newsletter.brand import Brand
from newsletter.campaigns import Campaign, Part, ab_test_of
from newsletter.languages import said
from newsletter.mail.contents import content, content_of
from newsletter.mail.ledger import Message, State
from newsletter.mail.ledger.trial import Trial
from newsletter.mail.render import Content, Renderer
from newsletter.preflight.check import Check, Level, Mend
from newsletter.preflight.spam import fingerprint_of, mail_of_words
from newsletter.subscribers import Stream

MOST = 50
"""Tests of an article considered, newest first."""
NEVER_CAME = (State.FAILED, State.CANCELLED)


def print_of(renderer: Renderer, brand: Brand, words: Content) -> str:
    """A fingerprint that changes when a test of this text would look different; "" if it cannot be made into a mail.

    It ignores whether clicks are counted, which nobody sees.
    """
    return fingerprint_of(renderer, brand, [mail_of_words(replace(words, counts_clicks=False))])


def tested(session: Session, renderer: Renderer, brand: Brand, campaign: Campaign) -> Iterator[Check]:
    """One check per mail of a campaign: two for an A/B test, of which A is passed."""
    words, revision = content_of(session, campaign.revision), campaign.revision
    test = ab_test_of(session, campaign) if campaign.part is Part.A else None
    if test is None:
        yield from _tested(session, revision, print_of(renderer, brand, words), said("Test"), "")
        return
    yield from _tested(session, revision, print_of(renderer, brand, words), said("A: Test"), "")
    words = content(session, *test.words_b)
    own = words.subject if words.subject != test.b.revision.subject else ""
    yield from _tested(session, test.b.revision, print_of(renderer, brand, words), said("B: Test"), own)


def _tested(session: Session, revision: Revision, fingerprint: str, name: str, subject: str) -> Iterator[Check]:
    """The check of one mail. `subject`: B's own subject in an A/B test, "" if it is its article's."""
    if not fingerprint:
        return  # the check of the text reports it
    trials = [one for one in _trials(session, revision) if one[1].subject == subject]
    these = [trial.fingerprint for id, trial in trials if id == revision.id]
    if fingerprint in these or "" in these:  # "": sent by an older version, which recorded the text only
        yield Check(name, Level.GOOD, said("A test of it was sent as it stands."), mend=Mend.TRIAL)
        return
    told = said("No test of it has been sent yet. Send yourself one, and read it where your readers will.")
    if these:
        told = said("The theme, or what Settings say of you, has changed since the last test. Send yourself another.")
    elif trials:
        told = said("Its words have changed since the last test. Send yourself another.")
    yield Check(name, Level.WARNING, told, mend=Mend.TRIAL)


def _trials(session: Session, revision: Revision) -> list[tuple[int | None, Trial]]:
    """(revision id, test) of the article's tests that neither failed nor were cancelled, newest first."""
    words = select(Revision.id).where(Revision.article_id == revision.article_id)
    look = select(Message.revision_id, Message.context).where(
        Message.owner_id.is_not(None), Message.stream == Stream.TEST, Message.revision_id.in_(words),
        Message.state.not_in(NEVER_CAME),
    )  # fmt: skip
    rows = session.execute(look.order_by(Message.id.desc()).limit(MOST)).all()
    return [(id, Trial.of(Stream.TEST, context)) for id, context in rows]
