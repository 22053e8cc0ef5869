"""Autosave: stores what is typed in the composer beside the article; it is not mailed before it is saved."""

from collections.abc import Mapping
from typing import Any

from flask import jsonify, request
from flask_login import current_user
from sqlalchemy.orm import Session

from newsletter import characters, drafts
from newsletter.articles import Article
from newsletter.drafts import Draft, Place
from newsletter.languages import marked
from newsletter.web.language import _
from newsletter.web.owner.composer import WORDS, author, place, take_over
from newsletter.web.owner.display import clock, local, number
from newsletter.web.owner.door import back, door, note, one_or_404
from newsletter.web.owner.forms import ArticleForm
from newsletter.web.state import now, transaction

TOO_LONG = marked("This text is too long to be kept: %(longest)s characters are the most. Please shorten it.")
EMPTY = frozenset({"", "{{ greeting }},"})


@door.post("/articles/draft", endpoint="draft_keep")
def keep() -> Any:
    """Store what is typed; answer with the time, and whether somebody else has saved meanwhile."""
    typed = {name: characters.text(request.form.get(name)) for name in WORDS}
    if not drafts.is_sitting(request.form.get("sitting", "")):
        return jsonify(error=_("This editor has no name. Please open the page again.")), 422
    if any(len(words) > drafts.LONGEST for words in typed.values()):
        return jsonify(error=_(TOO_LONG, longest=number(drafts.LONGEST))), 422
    with transaction() as session:
        id = request.form.get("article", "")
        article = session.get(Article, int(id)) if id.isascii() and id.isdigit() and len(id) < 19 else None
        here = place(article, ArticleForm())
        if _is_nothing_new(article, typed):
            drafts.drop(session, here)
            return jsonify(kept="", **_newer(session, article, here))
        try:
            kept = drafts.keep(session, here, typed, now())
        except drafts.Closed:
            made = drafts.saved_by(session, here)
            if made and _is_nothing_new(made, typed):  # sent before the save, received after it
                return jsonify(kept="")
            return jsonify(closed=True, sitting=drafts.new_sitting()), 409
        take_over(session, request.form.get("follows", ""))
        session.flush()
        return jsonify(kept=clock(kept.saved_at), id=kept.id, **_newer(session, article, here))


def _is_nothing_new(article: Article | None, typed: Mapping[str, str]) -> bool:
    lines = {name: characters.line(typed[name]) for name in ("title", "subject", "preheader")}
    if article is None:
        return not any(lines.values()) and typed["body"].strip() in EMPTY
    words = article.current
    saved = {"title": article.title, "subject": words.subject, "preheader": words.preheader}
    topic = article.topic.slug if article.topic else ""
    return lines == saved and typed["body"] == words.body and typed["topic"] == topic


def _newer(session: Session, article: Article | None, here: Place) -> dict[str, Any]:
    """Whether somebody has saved something newer, or is typing, as data for the script."""
    if article is None:
        return {}
    words = article.current
    if here.base and words.number != here.base:
        who = author(session, words.author_id) or _("you, in another window")
        return {
            "newer": _(
                "Revision %(number)s was saved %(when)s by %(who)s.",
                number=words.number,
                when=local(words.created_at),
                who=who,
            )
        }
    others = [one for one in drafts.opened(session, article) if one.sitting != here.sitting]
    who = ", ".join(dict.fromkeys(author(session, one.owner_id) or _("you, elsewhere") for one in others))
    return {"others": _("Others wait too: of %(who)s.", who=who)} if others else {}


@door.post("/drafts/<row:id>/delete", endpoint="draft_delete")
def delete(id: int) -> Any:
    """Discard one's own draft."""
    with transaction() as session:
        draft = one_or_404(session, Draft, id, lock=True)
        article = draft.article_id
        if draft.owner_id != current_user.owner_id:
            return back("articles", _("These words are somebody else’s; only they can throw them away."), "danger")
        if draft.closed_at is None:
            note(session, marked("draft thrown away"), draft.title)
            draft.close(now())
    told = _("Thrown away.")
    return back("article_edit", told, id=article) if article else back("articles", told)
