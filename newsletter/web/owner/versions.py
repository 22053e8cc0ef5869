"""The revisions of an article: authors, times and differences, and restoring an earlier one."""

from typing import Any

from flask import render_template
from flask_login import current_user
from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter.accounts import Owner
from newsletter.articles import Article, Revision
from newsletter.differences import differences
from newsletter.languages import marked
from newsletter.mail.contents import content_of
from newsletter.mail.ledger.queue import update_waiting_steps
from newsletter.web.language import _, in_words, lazy
from newsletter.web.owner.approval import held_back
from newsletter.web.owner.door import PAGE, asked_id, back, door, note, one_or_404
from newsletter.web.state import now, reading, runtime, transaction

WORDS = {"subject": lazy("Subject"), "preheader": lazy("Preheader"), "body": lazy("Text")}
"""Labels of the parts of a revision."""


@door.get("/articles/<row:id>/versions", endpoint="article_versions")
def index(id: int) -> str:
    """List all revisions, newest first."""
    with reading() as session:
        article = one_or_404(session, Article, id)
        look = select(Revision).where(Revision.article_id == id).order_by(Revision.number.desc()).limit(PAGE + 1)
        if before := asked_id("before"):
            look = look.where(Revision.number < before)
        rows = session.scalars(look).all()
        more = rows[PAGE - 1].number if len(rows) > PAGE else None
        return render_template(
            "owner/article_versions.html", article=article, revisions=rows[:PAGE], authors=_authors(session), more=more
        )


def _authors(session: Session) -> dict[int, str]:
    return dict(session.execute(select(Owner.id, Owner.email)).all())


def _numbered(session: Session, article: Article, number: int | None) -> Revision | None:
    return session.scalar(select(Revision).where(Revision.article_id == article.id, Revision.number == number))


@door.get("/articles/<row:id>/versions/<row:number>", endpoint="article_version")
def show(id: int, number: int) -> Any:
    """Show a revision beside the previous one, or beside another requested."""
    with reading() as session:
        article = one_or_404(session, Article, id)
        revision = _numbered(session, article, number)
        if revision is None:
            return back("article_versions", _("There is no version %(number)s.", number=number), "danger", id=id)
        other = _numbered(session, article, asked_id("against") or number - 1)
        parts = [(name, differences(getattr(other, part) if other else "", getattr(revision, part)))
                 for part, name in WORDS.items()]  # fmt: skip
        return render_template(
            "owner/article_version.html", article=article, revision=revision, other=other, parts=parts,
            authors=_authors(session),
        )  # fmt: skip


@door.post("/articles/<row:id>/versions/<row:number>/restore", endpoint="article_restore")
def restore(id: int, number: int) -> Any:
    """Restore its text as a new revision, so that nothing in between is lost."""
    with transaction() as session:
        article = one_or_404(session, Article, id, lock=True)
        if told := held_back(session, article):
            return back("article_version", told, "danger", id=id, number=number)
        old = _numbered(session, article, number)
        if old is None:
            return back("article_versions", _("There is no version %(number)s.", number=number), "danger", id=id)
        if problem := runtime().renderer.problem(content_of(session, old)):
            told = _("These words can be no mail any more: %(problem)s", problem=in_words(problem))
            return back("article_version", told, "danger", id=id, number=number)
        made = article.revise(
            now(), subject=old.subject, preheader=old.preheader, body=old.body, by=current_user.owner_id
        )
        session.flush()
        update_waiting_steps(session, article, now())
        note(session, marked("article restored"), f"{id} revision {made.number} from {number} {article.title}")
        told = _(
            "The words of version %(number)s are back, as version %(number2)s.", number=number, number2=made.number
        )
    return back("article", told, id=id)
