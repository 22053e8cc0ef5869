"""Loads the contents of a claim's messages, and finds which of the owner's fields they use."""

from collections.abc import Collection
from dataclasses import dataclass, field, replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter.articles import Article, Revision
from newsletter.mail.ledger import ClaimedMessage
from newsletter.mail.ledger.trial import Trial
from newsletter.mail.render import Content, Renderer
from newsletter.subscribers import OWN, MergeField, own_merge_fields


@dataclass
class Contents:
    """Keeps the contents of the last claim: the next one mostly has the same."""

    renderer: Renderer
    last: dict[int, Content] = field(default_factory=dict)
    """By revision. A revision never changes, but the set of fields does."""

    def of(self, session: Session, revisions: Collection[int], tries: bool = False) -> dict[int, Content]:
        """The contents of these revisions.

        The owner's fields are read only where the content may use one, or for tests an owner `tries` (`as_tried`).
        """
        known = {id: content for id, content in self.last.items() if id in revisions}
        if unread := set(revisions) - known.keys():
            rows = session.scalars(select(Revision).where(Revision.id.in_(unread)))
            known |= {row.id: Content(row.subject, row.preheader, row.body) for row in rows}
        counting = _counting_clicks(session, known)
        known = {id: replace(one, counts_clicks=id in counting) for id, one in known.items()}
        if naming := [id for id, content in known.items() if tries or may_name_own(content)]:
            own = own_merge_fields(session)
            known |= {id: replace(known[id], own=own) for id in naming}
        self.last = known
        return known

    def own_fields(self, session: Session, revisions: Collection[int]) -> list[MergeField]:
        """The owner's own fields that these revisions use (see `row_claims.OwnFields`)."""
        contents = self.of(session, revisions).values()
        named = [one for content in contents if content.own for one in self.renderer.own_fields(content)]
        return list(dict.fromkeys(named))


def as_tried(message: ClaimedMessage, words: Content | None) -> Content | None:
    """A message's content: a test may replace its revision's subject and preheader."""
    trial = Trial.of(message.stream, message.context)
    if words is None or not trial.subject:
        return words
    return replace(words, subject=trial.subject, preheader=trial.preheader)


def _counting_clicks(session: Session, revisions: Collection[int]) -> set[int]:
    """Those revisions whose articles count clicks. Read for each claim, because an owner may change that."""
    if not revisions:
        return set()
    look = select(Revision.id).join(Article, Article.id == Revision.article_id)
    return set(session.scalars(look.where(Revision.id.in_(revisions), Article.counts_clicks)))


def content(session: Session, subject: str, preheader: str, body: str) -> Content:
    """Typed text as content that may use any field."""
    return Content(subject=subject, preheader=preheader, body=body, own=own_merge_fields(session))


def content_of(session: Session, revision: Revision) -> Content:
    """The content of a revision."""
    words = Content(revision.subject, revision.preheader, revision.body)
    return replace(words, own=own_merge_fields(session)) if may_name_own(words) else words


def may_name_own(content: Content) -> bool:
    """Whether content may use one of the owner's fields: a cheap first check."""
    return any(OWN in text for text in content.words)
