"""The mails that are scored: to the last octet what would go to a reader without a name."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter.articles import Article, Revision
from newsletter.brand import Brand
from newsletter.campaigns import Campaign, Part, ab_test_of
from newsletter.guides import Files, Guide, mail_accents
from newsletter.mail.contents import Contents
from newsletter.mail.ledger import ClaimedMessage
from newsletter.mail.render import BadArticle, Content, Renderer
from newsletter.preflight.spam.record import Scores
from newsletter.sequences import Sequence, Step, mail_context
from newsletter.subscribers import FIRST_NAME, Stream

NOBODY = 0
"""Whose links are those of a preview: nobody's."""
READER = "reader@example.org"
ONCE = datetime(2001, 1, 1, tzinfo=UTC)
"""When mails are dated whose fingerprint is taken."""


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail, or one of the two of an A/B test: `part` is "A" or "B" then."""

    claimed: ClaimedMessage
    words: Content | None
    part: str = ""

    def octets(self, renderer: Renderer, brand: Brand, now: datetime) -> bytes:
        """As delivery puts it together. Raises BadArticle."""
        skeleton = renderer.compile(self.claimed, brand, self.words)
        mail = skeleton.splice(self.claimed, now) if skeleton else None
        return (mail or renderer.compose(self.claimed, brand, self.words, now)).data


def mails_of(session: Session, renderer: Renderer, files: Files, kind: Scores, about: int) -> list[Mail]:
    """What would go; none of what is gone."""
    if kind is Scores.CAMPAIGN:
        campaign = session.get(Campaign, about)
        return list(mails_of_campaign(session, renderer, campaign)) if campaign else []
    if kind is Scores.ARTICLE:
        article = session.get(Article, about)
        return [_of_article(session, renderer, article)] if article else []
    guide = session.get(Guide, about)
    told = {"guide": guide.told(files), "series": True} if guide else {}
    return [_mail(Stream.GUIDE, told)] if guide else []


def mails_of_campaign(session: Session, renderer: Renderer, campaign: Campaign) -> Iterator[Mail]:
    """One, or both that an A/B test compares, asked of A."""
    test = ab_test_of(session, campaign) if campaign.part is Part.A else None
    words = _words(session, renderer, campaign.revision)
    yield _mail(Stream.CAMPAIGN, {}, words, campaign.revision.id, campaign.id, "A" if test else "")
    if test:
        subject, preheader, body = test.words_b
        words = replace(_words(session, renderer, test.b.revision), subject=subject, preheader=preheader, body=body)
        yield _mail(Stream.CAMPAIGN, {}, words, test.b.revision.id, test.b_id, "B")


def mail_of_words(words: Content, part: str = "") -> Mail:
    """These words as a campaign that there is not yet: it has no number, and is the same otherwise."""
    return _mail(Stream.CAMPAIGN, {}, words, NOBODY, NOBODY, part)


def mail_of_revision(session: Session, renderer: Renderer, revision: Revision) -> Mail:
    """The same of the words of an article."""
    return mail_of_words(_words(session, renderer, revision))


def _of_article(session: Session, renderer: Renderer, article: Article) -> Mail:
    steps = select(Sequence).join(Step, Step.sequence_id == Sequence.id).order_by(Step.id).limit(1)
    series = session.scalar(steps.where(Step.article_id == article.id, Step.deleted_at.is_(None)))
    stream, context = Stream.CAMPAIGN, dict[str, Any]()
    if series:
        stream, context = Stream.STEP, dict(mail_context(series.guide_slug, mail_accents(session)))
    return _mail(stream, context, _words(session, renderer, article.current), article.current.id)


def _words(session: Session, renderer: Renderer, revision: Revision) -> Content:
    return Contents(renderer).of(session, [revision.id])[revision.id]


def _mail(stream: Stream, context: dict[str, Any], words: Content | None = None, revision: int | None = None,
          dispatch: int | None = None, part: str = "") -> Mail:  # fmt: skip
    """One that nobody gets."""
    claimed = ClaimedMessage(
        id=NOBODY, stream=stream, attempts=0, created_at=ONCE, subscriber_id=NOBODY, email=READER,
        fields={FIRST_NAME: ""}, revision_id=revision, dispatch_id=dispatch, context=context,
    )  # fmt: skip
    return Mail(claimed, words, part)


def fingerprint_of(renderer: Renderer, brand: Brand, mails: Iterable[Mail]) -> str:
    """Another one as soon as anything of them is another, but for their date and who signs; "" where there are none, or
    they cannot be put together."""
    whole = hashlib.sha256()
    try:
        octets = [renderer.unsigned(one.claimed, brand, one.words, ONCE).data for one in mails]
    except BadArticle:
        return ""
    for data in octets:
        whole.update(data)
    return whole.hexdigest() if octets else ""
