"""The composer: the page on which articles are written, with everything around the text."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask import render_template, request
from flask_login import current_user
from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from newsletter import drafts
from newsletter.accounts import Owner
from newsletter.articles import Article, Revision
from newsletter.campaigns import Campaign, CampaignState, Part
from newsletter.differences import Piece, differences
from newsletter.drafts import Draft, Place
from newsletter.guides import mail_accents
from newsletter.mail.contents import content
from newsletter.mail.render import FILTER_EXAMPLES, Content, names_for_readers
from newsletter.sequences import Sequence as Series
from newsletter.sequences import Step, mail_context
from newsletter.subscribers import FIRST_NAME, Field, FieldKind, MergeField, Stream, all_fields, own_merge_fields
from newsletter.web.cards import card, shown_guides
from newsletter.web.language import _
from newsletter.web.owner.door import asked_id
from newsletter.web.owner.forms import ArticleForm
from newsletter.web.owner.pictures import newest
from newsletter.web.published import summary

WORDS = ("title", "topic", "subject", "preheader", "body", "named", "source")
"""The editor's fields stored in a draft."""
CARDS = 12
_QUOTES = re.compile(r'["\\{}%]')
"""Characters that would end a code, or a string in one."""
_MARKDOWN = str.maketrans({sign: f"\\{sign}" for sign in "\\`*_[]<>{}"})


@dataclass(frozen=True, slots=True)
class Theirs:
    """Changes saved elsewhere since this editor was opened."""

    revision: Revision
    author: str
    title: str
    """The article's present title, if it was changed there too."""
    changed: Sequence[Piece]
    """The differences from the revision that both started from."""


@dataclass(frozen=True, slots=True)
class Snippet:
    """Something that a press inserts into the text."""

    name: str
    code: str


@dataclass(frozen=True, slots=True)
class Around:
    """Everything shown around an editor."""

    theirs: Theirs | None = None
    draft: Draft | None = None
    """The draft being continued, if any."""
    sitting: str = field(default_factory=drafts.new_sitting)


def page(session: Session, form: ArticleForm, article: Article | None, around: Around | None = None) -> Any:
    """The editor with what was typed; status 422 if the form has errors."""
    own = own_merge_fields(session)
    around = around or Around()
    sitting = request.form.get("sitting", "")
    shown = render_template(
        "owner/article_edit.html", form=form, article=article, variables=names_for_readers(own),
        filters=FILTER_EXAMPLES, pictures=newest(session), chips=list(_chips(own)),
        conditions=list(_conditions(all_fields(session))),
        guide_cards=list(_guide_cards(session)), article_cards=list(_article_cards(session, article)),
        sitting=sitting if drafts.is_sitting(sitting) else around.sitting, theirs=around.theirs,
        follows=request.form.get("follows", "") or (version(around.draft) if around.draft else ""),
        is_unsaved=bool(form.errors or around.draft), offers=_offers(session, article, around),
        scheduled=_scheduled(session, article),
    )  # fmt: skip
    return shown, 422 if form.errors else 200


def place(article: Article | None, form: ArticleForm) -> Place:
    """The place in which a submitted form was typed."""
    base = form.base.data or ""
    number = int(base) if base.isascii() and base.isdigit() and len(base) < 9 else 0
    return Place(
        owner_id=current_user.owner_id,
        sitting=request.form.get("sitting", ""),
        article_id=article.id if article else None,
        base=number,
    )


def version(draft: Draft) -> str:
    """An identifier of a draft's present state, which changes with it."""
    return f"{draft.id}@{draft.saved_at.timestamp():.6f}"


def take_over(session: Session, follows: str) -> None:
    """Delete the draft that this text started from, unless somebody has typed in it since."""
    id = follows.partition("@")[0]
    known = (
        session.get(Draft, int(id), with_for_update=True) if id.isascii() and id.isdigit() and len(id) < 19 else None
    )
    if known and known.owner_id == current_user.owner_id and version(known) == follows:
        session.delete(known)


def chosen_draft(session: Session, article: Article | None) -> Draft | None:
    """The draft to continue, as named in the page's address."""
    id = asked_id("draft")
    found = session.get(Draft, id) if id else None
    fits = found is not None and found.closed_at is None and found.article_id == (article.id if article else None)
    return found if fits else None


def _offers(session: Session, article: Article | None, around: Around) -> list[tuple[Draft, str]]:
    """Unsaved drafts typed elsewhere: (draft, its author; "" for one's own)."""
    if request.method == "POST":
        return []
    known = drafts.opened(session, article, owner_id=None if article else current_user.owner_id)
    here = around.draft.id if around.draft else 0
    return [(one, author(session, one.owner_id)) for one in known
            if one.id != here and (article or one.article_id is None)]  # fmt: skip


def _scheduled(session: Session, article: Article | None) -> Sequence[Campaign]:
    """The scheduled campaigns that will send what is saved."""
    if article is None:
        return []
    coming = (Campaign.article_id == article.id, Campaign.stored_state == CampaignState.SCHEDULED)
    look = select(Campaign).where(*coming).order_by(Campaign.scheduled_at, Campaign.id).limit(10)
    found = session.scalars(look).all()
    tests = {one.lot for one in found if one.part is Part.A}  # A stands for both of a test of two subjects
    return [one for one in found if one.part is not Part.B or one.lot not in tests][:5]


def author(session: Session, owner_id: int | None) -> str:
    """The e-mail address of an author, or "a command"; "" for the user."""
    if owner_id == current_user.owner_id:
        return ""
    found = session.get(Owner, owner_id) if owner_id else None
    return found.email if found else _("a command")


def theirs(session: Session, article: Article, form: ArticleForm, is_title: bool) -> Theirs:
    """What was saved in this article since the form was opened."""
    now, base = article.current, place(article, form).base
    began = next((one.body for one in article.revisions if one.number == base), form.body.data or "")
    title = article.title if is_title else ""
    return Theirs(
        revision=now, author=author(session, now.author_id), title=title, changed=differences(began, now.body)
    )


def typed_words(session: Session, form: ArticleForm) -> Content:
    """What was typed, as the content of a mail."""
    return content(session, form.subject.data or "", form.preheader.data or "", form.body.data or "")


def as_sent(session: Session, article: Article | None) -> tuple[Stream, dict[str, Any]]:
    """(stream, context) for a preview: a step for an article in a guide's series, else a campaign."""
    guide = article and session.scalar(
        select(Series.guide_slug)
        .join(Step, Step.sequence_id == Series.id)
        .where(Step.article_id == article.id, Step.deleted_at.is_(None), Series.guide_slug.is_not(None))
        .limit(1)
    )
    return (Stream.STEP, mail_context(guide, mail_accents(session))) if guide else (Stream.CAMPAIGN, {})


def _chips(own: Sequence[MergeField]) -> Iterator[tuple[str, str, str]]:
    """(name, label, fall-back) of each variable."""
    yield FIRST_NAME, _("First name"), _("friend")
    for one in own:
        yield one.name, one.means, one.fallback


def _conditions(fields: Sequence[Field]) -> Iterator[tuple[str, str]]:
    """(condition, description of the people it matches) for parts of a text meant for some readers only."""
    yield FIRST_NAME, _("people whose first name is known")
    for one in fields:
        name = one.merge_field.name
        if one.kind is FieldKind.YES_NO:
            yield name, _("people whose “%(field)s” is yes", field=one.label)
        else:
            yield name, _("people whose “%(field)s” is known", field=one.label)
        for choice in one.choices if not _QUOTES.search("".join(one.choices)) else ():
            yield f'{name} == "{choice}"', _("people whose “%(field)s” is “%(choice)s”", field=one.label, choice=choice)


def _guide_cards(session: Session) -> Iterator[Snippet]:
    covers = _("Cover of the guide")
    for guide in shown_guides(session):
        seen = card(guide)
        cover = f"![{covers}](/guides/{guide.slug}/pages/1.png)\n\n" if seen.cover else ""
        yield Snippet(guide.title, _card(cover, guide.title, seen.box, f"/guides/{guide.slug}", _("Get the guide")))


def _article_cards(session: Session, but: Article | None) -> Iterator[Snippet]:
    look = select(Article).where(Article.published_at.is_not(None), Article.id != (but.id if but else 0))
    newest_first = look.order_by(Article.published_at.desc(), Article.id.desc()).limit(CARDS)
    for one in session.scalars(newest_first.options(joinedload(Article.newest))):
        yield Snippet(one.title, _card("", one.title, summary(one), f"/archive/{one.slug}", _("Read it")))


def _card(top: str, title: str, words: str, address: str, label: str) -> str:
    """A card as fixed text, so that sent mails do not change with what it names."""
    said = f"{words.translate(_MARKDOWN)}\n\n" if words else ""
    return f'::: card\n{top}**{title.translate(_MARKDOWN)}**\n\n{said}[{label}]({address} "button")\n:::'
