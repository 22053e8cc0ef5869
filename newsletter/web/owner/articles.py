"""Articles: write, look at as a reader would, try on oneself, publish in the archive."""

from typing import Any

from flask import g, render_template, request, url_for
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from newsletter import articles, brand, topics
from newsletter.articles import Article, Revision
from newsletter.brand import Brand
from newsletter.mail import ledger
from newsletter.mail.contents import content, content_of
from newsletter.mail.ledger import Message
from newsletter.mail.ledger.queue import update_waiting_steps
from newsletter.mail.render import FILTER_EXAMPLES, BadArticle, Reader, names_for_readers
from newsletter.mail.render.renderer import Rendered
from newsletter.sequences import Sequence, Step
from newsletter.subscribers import FIRST_NAME, Stream, Subscriber, merged, own_merge_fields
from newsletter.topics import Topic
from newsletter.web.owner.door import PAGE, asked_id, back, door, note, one_or_404, owner_in, tell, words_asked
from newsletter.web.owner.forms import ArticleForm
from newsletter.web.owner.pictures import newest
from newsletter.web.owner.subscribers import matching
from newsletter.web.personal import MAIL_PAGE_POLICY
from newsletter.web.state import now, reading, runtime, state, transaction

CHANGED_ELSEWHERE = (
    "This article was changed in another window since you opened it. Nothing is saved yet: "
    "your words are below, and saving again puts them in place of the others."
)


@door.get("/articles", endpoint="articles")
def index() -> str:
    """Every article, the one last changed first."""
    look = select(Article).order_by(Article.updated_at.desc(), Article.id.desc()).limit(PAGE * 4)
    asked = words_asked()
    if asked:
        look = look.where(Article.title.icontains(asked, autoescape=True))
    with reading() as session:
        rows = session.scalars(look).all()
        places = session.execute(select(Step.article_id, Sequence.name).join(Sequence).where(Step.deleted_at.is_(None)))
        in_series: dict[int, list[str]] = {}
        for article_id, name in places:
            in_series.setdefault(article_id, []).append(name)
        return render_template("owner/articles.html", articles=rows, in_series=in_series, asked=asked)


@door.route("/articles/new", methods=["GET", "POST"], endpoint="article_new")
def new() -> Any:
    """A first draft."""
    form = ArticleForm(data={"body": "{{ greeting }},\n\n"} if request.method == "GET" else None)
    with transaction() if request.method == "POST" else reading() as session:
        if form.validate_on_submit() and _fills_in(session, form, brand.current(session)):
            article = articles.write(
                session, now(), title=form.title.data or "", subject=form.subject.data or "",
                preheader=form.preheader.data or "", body=form.body.data or "", topic=_topic(session, form),
            )  # fmt: skip
            note(session, "article written", f"{article.id} {article.title}")
            return back("article", "Saved.", id=article.id)
    return _editor(form, None)


@door.route("/articles/<row:id>/edit", methods=["GET", "POST"], endpoint="article_edit")
def edit(id: int) -> Any:
    """Change the words; each save that changes something is a new revision."""
    with transaction() if request.method == "POST" else reading() as session:
        article = one_or_404(session, Article, id, lock=request.method == "POST")
        form = ArticleForm(data=_as_typed(article))
        if (
            form.validate_on_submit()
            and _fills_in(session, form, brand.current(session))
            and _not_overtaken(form, article)
        ):
            article.title, article.topic = form.title.data or "", _topic(session, form)
            revision = article.revise(
                now(), subject=form.subject.data or "", preheader=form.preheader.data or "", body=form.body.data or ""
            )
            session.flush()
            update_waiting_steps(session, article, now())  # series mails that waited for a text that can be built
            note(session, "article saved", f"{article.id} revision {revision.number} {article.title}")
            return back("article", "Saved.", id=id)
        return _editor(form, article)


def _as_typed(article: Article) -> dict[str, Any]:
    words = article.current
    return {
        "title": article.title, "topic": article.topic.slug if article.topic else "", "subject": words.subject,
        "preheader": words.preheader, "body": words.body, "base": str(words.number),
    }  # fmt: skip


def _editor(form: ArticleForm, article: Article | None) -> Any:
    with reading() as session:
        pictures, variables = newest(session), names_for_readers(own_merge_fields(session))
    page = render_template(
        "owner/article_edit.html",
        form=form,
        article=article,
        variables=variables,
        filters=FILTER_EXAMPLES,
        pictures=pictures,
    )
    return page, 422 if form.errors else 200


def _topic(session: Session, form: ArticleForm) -> Topic | None:
    return topics.by_slug(session, form.topic.data) if form.topic.data else None


def _fills_in(session: Session, form: ArticleForm, house: Brand) -> bool:
    """Whether every variable can be filled in; what is wrong is told beside the text."""
    words = content(session, form.subject.data or "", form.preheader.data or "", form.body.data or "")
    reader = Reader(0, {FIRST_NAME: "Alex"})
    try:
        runtime().renderer.rendered(Stream.STEP, house, reader, words, {"guide": "a-guide"})
    except BadArticle as error:
        form.body.errors = [str(error)]
        return False
    return True


def _not_overtaken(form: ArticleForm, article: Article) -> bool:
    words, typed = article.current, (form.subject.data, form.preheader.data, form.body.data)
    if form.base.data == str(words.number) or typed == (words.subject, words.preheader, words.body):
        return True
    form.base.data = str(words.number)
    form.body.errors = [CHANGED_ELSEWHERE]
    return False


@door.get("/articles/<row:id>", endpoint="article")
def show(id: int) -> str:
    """The article as a chosen subscriber would get it, wide and narrow, and in plain text."""
    with reading() as session:
        article = one_or_404(session, Article, id)
        reader, asked = _chosen_reader(session), words_asked()
        try:
            seen, problem = _rendered(session, article, reader), ""
        except BadArticle as error:
            seen, problem = None, str(error)
        return render_template(
            "owner/article.html", article=article, seen=seen, problem=problem, reader=reader, asked=asked,
            matches=matching(session, asked)[:8] if asked else [], test_number=_tests(session, article.current) + 1,
            preview_url=url_for("owner.article_preview", id=id, subscriber=reader.id if reader else None),
        )  # fmt: skip


@door.get("/articles/<row:id>/preview", endpoint="article_preview")
def preview(id: int) -> Any:
    """The HTML part alone, for a frame."""
    with reading() as session:
        article = one_or_404(session, Article, id)
        g.csp = MAIL_PAGE_POLICY
        try:
            return _rendered(session, article, _chosen_reader(session)).html
        except BadArticle as error:
            return str(error), 422, {"Content-Type": "text/plain; charset=utf-8"}


def _chosen_reader(session: Session) -> Subscriber | None:
    id = asked_id("subscriber")
    return session.get(Subscriber, id) if id else None


def _rendered(session: Session, article: Article, reader: Subscriber | None) -> Rendered:
    stream, context = _as_sent(session, article)
    words, renderer = content_of(session, article.current), runtime().renderer
    # Nobody's links: a click in the preview must not unsubscribe the person it is shown for.
    nobody = Reader(0, merged(session, reader, renderer.own_fields(words)))
    return renderer.rendered(stream, brand.current(session), nobody, words, context)


def _as_sent(session: Session, article: Article) -> tuple[Stream, dict[str, Any]]:
    """An article of a guide's series is shown as a step of it, any other as a campaign."""
    guide = session.scalar(
        select(Sequence.guide_slug)
        .join(Step, Step.sequence_id == Sequence.id)
        .where(Step.article_id == article.id, Step.deleted_at.is_(None), Sequence.guide_slug.is_not(None))
        .limit(1)
    )
    return (Stream.STEP, {"guide": guide}) if guide else (Stream.CAMPAIGN, {})


def _tests(session: Session, revision: Revision) -> int:
    to_owners = Message.owner_id.is_not(None)  # what the index of owners' mail covers
    look = select(func.count()).where(to_owners, Message.revision_id == revision.id, Message.stream == Stream.TEST)
    return session.scalar(look) or 0


@door.post("/articles/<row:id>/test", endpoint="article_test")
def test(id: int) -> Response:
    """Mail it to the owner who is signed in. A double click carries one number and sends one mail."""
    with transaction() as session:
        article, owner = one_or_404(session, Article, id), owner_in(session)
        try:
            _rendered(session, article, None)
        except BadArticle as error:
            return back("article", str(error), "danger", id=id)
        key = f"test:{article.current.id}:{asked_id('number', request.form) or 1}"
        _, context = _as_sent(session, article)
        _, fresh = ledger.queue(session, owner, Stream.TEST, key, now(), revision=article.current, context=context)
        if fresh:
            note(session, "test sent", f"article {id}")
        told = f"A test is on its way to {owner.email}." if fresh else "That test is on its way already."
    state().trigger.wake()
    return back("article", told, id=id)


@door.post("/articles/<row:id>/archive", endpoint="article_archive")
def archive(id: int) -> Response:
    """Publish in the public archive, or take out of it."""
    with transaction() as session:
        article = one_or_404(session, Article, id, lock=True)
        if request.form.get("public") == "yes":
            article.publish(now())
            tell("Everybody can read it in the archive now.", "success")
        else:
            article.unpublish()
            tell("It is out of the archive. Links in mails that were sent keep working.", "success")
        note(session, "article published" if article.published_at else "article unpublished", f"{id} {article.title}")
    return back("article", id=id)
