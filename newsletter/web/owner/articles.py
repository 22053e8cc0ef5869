"""Articles: write, preview as a reader, send a test, publish in the archive."""

from typing import Any

from flask import g, render_template, request, url_for
from flask_login import current_user
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from newsletter import articles, brand, drafts, topics
from newsletter.accounts import Permission
from newsletter.articles import Article
from newsletter.brand import Brand
from newsletter.languages import marked
from newsletter.mail.contents import content_of
from newsletter.mail.ledger.queue import update_waiting_steps
from newsletter.mail.render import BadArticle, Reader
from newsletter.mail.render.renderer import Rendered
from newsletter.preflight.spam import Scores
from newsletter.subscribers import FIRST_NAME, Stream, Subscriber, merged
from newsletter.topics import Topic
from newsletter.web.language import _, in_words, lazy
from newsletter.web.owner import composer, spam
from newsletter.web.owner.approval import held_back
from newsletter.web.owner.composer import Around, as_sent
from newsletter.web.owner.door import asked_id, back, door, note, one_or_404, owner_in, tell, words_asked
from newsletter.web.owner.forms import ArticleForm
from newsletter.web.owner.subscribers import matching
from newsletter.web.owner.trials import NotTried, note_previewed, queue_trials, tests_of, trial_addresses
from newsletter.web.personal import MAIL_PAGE_POLICY
from newsletter.web.state import now, reading, runtime, state, transaction

CHANGED_ELSEWHERE = lazy(
    "This article was changed in another window since you opened it. Nothing is saved yet: what changed there stands "
    "below, and your words under it. Take over what you want to keep; saving again puts yours in place of the others."
)


@door.route("/articles/new", methods=["GET", "POST"], endpoint="article_new")
def new() -> Any:
    """Write a new article. If the same editor submits it again, the article created first is changed instead."""
    with transaction() if request.method == "POST" else reading() as session:
        draft = composer.chosen_draft(session, None)
        form = ArticleForm(data=draft.typed if draft else {"body": "{{ greeting }},\n\n"})
        if made := drafts.saved_by(session, composer.place(None, form)) if form.is_submitted() else None:
            form.base.data = "1"
            return _change(session, made, form)
        if form.validate_on_submit() and _fills_in(session, form, brand.current(session)):
            article = articles.write(
                session, now(), title=form.title.data or "", subject=form.subject.data or "",
                preheader=form.preheader.data or "", body=form.body.data or "", topic=_topic(session, form),
                by=current_user.owner_id, source_url=form.source.data or "",
            )  # fmt: skip
            _close(session, article, form)
            note(session, marked("article written"), f"{article.id} {article.title}")
            return back("article", _("Saved."), id=article.id)
        return composer.page(session, form, None, Around(draft=draft))


@door.route("/articles/<row:id>/edit", methods=["GET", "POST"], endpoint="article_edit")
def edit(id: int) -> Any:
    """Change an article; each save that changes something creates a revision."""
    with transaction() if request.method == "POST" else reading() as session:
        is_sent = request.method == "POST"
        article = session.get(Article, id, with_for_update=True) if is_sent else one_or_404(session, Article, id)
        if article is None:
            return _gone(session)
        draft = composer.chosen_draft(session, article)
        typed = draft.typed | {"base": str(draft.base)} if draft else {}
        form = ArticleForm(data=_as_typed(article) | typed)
        if is_sent:
            return _change(session, article, form)
        return composer.page(session, form, article, Around(draft=draft))


def _change(session: Session, article: Article, form: ArticleForm) -> Any:
    if told := held_back(session, article):
        form.body.errors = [told]
        return composer.page(session, form, article)
    if not (form.validate() and _fills_in(session, form, brand.current(session))):
        return composer.page(session, form, article)
    if found := _overtaken(session, form, article):
        return composer.page(session, form, article, found)
    article.title, article.topic = form.title.data or "", _topic(session, form)
    revision = article.revise(
        now(), subject=form.subject.data or "", preheader=form.preheader.data or "", body=form.body.data or "",
        by=current_user.owner_id,
    )  # fmt: skip
    session.flush()
    _close(session, article, form)
    update_waiting_steps(session, article, now())  # series mails that waited for a valid text
    note(session, marked("article saved"), f"{article.id} revision {revision.number} {article.title}")
    return back("article", _("Saved."), id=article.id)


def _gone(session: Session) -> Any:
    """The editor with what was typed for an article deleted meanwhile, to be saved as a new one."""
    form = ArticleForm()
    form.body.errors = [_("This article has been removed meanwhile: saving makes it a new one.")]
    return composer.page(session, form, None)


def _close(session: Session, article: Article, form: ArticleForm) -> None:
    """Close the drafts of what has now been saved."""
    drafts.close(session, composer.place(article, form), article, now())
    composer.take_over(session, request.form.get("follows", ""))


def _as_typed(article: Article) -> dict[str, Any]:
    words = article.current
    return {
        "title": article.title, "topic": article.topic.slug if article.topic else "", "subject": words.subject,
        "preheader": words.preheader, "body": words.body, "base": str(words.number), "named": article.title,
    }  # fmt: skip


def _topic(session: Session, form: ArticleForm) -> Topic | None:
    return topics.by_slug(session, form.topic.data) if form.topic.data else None


def _fills_in(session: Session, form: ArticleForm, house: Brand) -> bool:
    """Whether every variable can be filled in; if not, adds an error to the text."""
    words = composer.typed_words(session, form)
    reader = Reader(0, {FIRST_NAME: "Alex"})
    try:
        runtime().renderer.rendered(Stream.STEP, house, reader, words, {"guide": "a-guide"})
    except BadArticle as error:
        form.body.errors = [in_words(error)]
        return False
    return True


def _overtaken(session: Session, form: ArticleForm, article: Article) -> Around | None:
    """What another window has saved since the form was opened, if it differs from what was typed.

    A title changed only there is adopted.
    """
    words, typed, title = article.current, (form.subject.data, form.preheader.data, form.body.data), form.title.data
    named = form.named.data or article.title
    if title == named:
        form.title.data = title = article.title
    is_title = article.title not in (named, title)
    is_text = form.base.data != str(words.number) and typed != (words.subject, words.preheader, words.body)
    if not is_text and not is_title:
        return None
    found = Around(theirs=composer.theirs(session, article, form, is_title))
    form.base.data, form.named.data = str(words.number), article.title
    form.body.errors = [CHANGED_ELSEWHERE]
    return found


@door.get("/articles/<row:id>", endpoint="article")
def show(id: int) -> str:
    """The article as a chosen subscriber would get it, wide, narrow and as plain text."""
    with reading() as session:
        article = one_or_404(session, Article, id)
        reader, asked = _chosen_reader(session), words_asked()
        note_previewed(article, reader)
        try:
            seen, problem = _rendered(session, article, reader), ""
        except BadArticle as error:
            seen, problem = None, in_words(error)
        return render_template(
            "owner/article.html", article=article, seen=seen, problem=problem, reader=reader, asked=asked,
            matches=matching(session, asked)[:8] if asked else [], test_number=tests_of(session, article.current) + 1,
            preview_url=url_for("owner.article_preview", id=id, subscriber=reader.id if reader else None),
            spam=spam.shown(session, Scores.ARTICLE, id),
        )  # fmt: skip


@door.get("/articles/<row:id>/preview", endpoint="article_preview")
def preview(id: int) -> Any:
    """The HTML part alone, to be shown in a frame."""
    with reading() as session:
        article = one_or_404(session, Article, id)
        g.csp = MAIL_PAGE_POLICY
        try:
            return _rendered(session, article, _chosen_reader(session)).html
        except BadArticle as error:
            return in_words(error), 422, {"Content-Type": "text/plain; charset=utf-8"}


def _chosen_reader(session: Session) -> Subscriber | None:
    id = asked_id("subscriber", request.values)
    return session.get(Subscriber, id) if id else None


def _rendered(session: Session, article: Article, reader: Subscriber | None) -> Rendered:
    stream, context = as_sent(session, article)
    words, renderer = content_of(session, article.current), runtime().renderer
    # Links for nobody: a click in the preview must not unsubscribe the person it is filled in for.
    nobody = Reader(0, merged(session, reader, renderer.own_fields(words)))
    house = brand.current(session).speaking(reader.language if reader else None, renderer.languages)
    return renderer.rendered(stream, house, nobody, words, context)


@door.post("/articles/<row:id>/test", endpoint="article_test")
def test(id: int) -> Response:
    """Mail it to some addresses, filled in for the chosen reader; a number in the form prevents doubles."""
    with transaction() as session:
        article = one_or_404(session, Article, id, lock=True)  # so that no example is removed while its test is queued
        owner, reader = owner_in(session), _chosen_reader(session)
        like: dict[str, Any] = {"subscriber": reader.id} if reader else {}
        try:
            to = trial_addresses(session, owner, request.form.get("to", ""))
            if to != [owner.email] and not owner.may(Permission.SEND):
                raise NotTried(_("Your role sends tests to your own address only. Nothing was sent."))
            _rendered(session, article, reader)
        except (BadArticle, NotTried) as error:
            return back("article", in_words(error), "danger", id=id, **like)
        context = as_sent(session, article)[1]
        fresh = queue_trials(session, owner, article, to, reader.id if reader else 0, context)
        if fresh:
            note(session, marked("test sent"), f"article {id} to {', '.join(fresh)}")
        told = (
            _("A test is on its way to %(fresh)s.", fresh=", ".join(fresh))
            if fresh
            else _("That test is on its way already.")
        )
    state().trigger.wake()
    return back("article", told, id=id, **like)


@door.post("/articles/<row:id>/archive", endpoint="article_archive")
def archive(id: int) -> Response:
    """Publish it in the archive, or remove it from there."""
    with transaction() as session:
        article = one_or_404(session, Article, id, lock=True)
        if request.form.get("public") == "yes":
            article.publish(now())
            tell(_("Everybody can read it in the archive now."), "success")
        else:
            article.unpublish()
            tell(_("It is out of the archive. Links in mails that were sent keep working."), "success")
        note(
            session,
            marked("article published") if article.published_at else marked("article unpublished"),
            f"{id} {article.title}",
        )
    return back("article", id=id)
