"""Topics of the newsletter, from which readers choose: adds, renames, orders and archives them."""

from typing import Any

from flask import render_template, request
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response
from wtforms import StringField

from newsletter import characters, topics
from newsletter.articles import Article
from newsletter.figures import figure
from newsletter.languages import marked
from newsletter.subscribers import Status, Subscriber, Subscription
from newsletter.topics import LONGEST_NAME, LONGEST_SLUG, BadTopic, Topic
from newsletter.web.language import _, in_words, lazy
from newsletter.web.owner.door import back, door, note, one_or_404
from newsletter.web.state import now, reading, transaction
from newsletter.web.typed_form import TypedForm

ADDED = marked(
    "“%(name)s” is there. Readers who take every topic take it too; "
    "those who chose among them get nothing of it before they tick it."
)


class TopicForm(TypedForm):
    """A topic's name."""

    name = StringField(lazy("Name"), filters=[characters.line])


class TopicEditForm(TopicForm):
    """A topic's name, and the last part of its page's address."""

    slug = StringField(lazy("Address"), filters=[characters.line])


@door.get("/topics", endpoint="topics")
def index() -> Any:
    """List every topic with the numbers of its articles and readers."""
    with reading() as session:
        return _index(session, TopicForm(formdata=None))


def _index(session: Session, form: TopicForm) -> Any:
    articles = dict(session.execute(select(Article.topic_id, func.count()).group_by(Article.topic_id)).all())
    every, chosen = figure(session, "people by topic", _people)
    page = render_template(
        "owner/topics.html", topics=topics.every(session), articles=articles, form=form, every=every, chosen=chosen
    )
    return page, 422 if form.errors else 200


def _people(session: Session) -> tuple[int, dict[int, int]]:
    """(number of readers who take every topic, numbers of others by topic id)."""
    readers = (Subscriber.status == Status.CONFIRMED, Subscriber.newsletter)
    every = session.scalar(select(func.count()).where(*readers, Subscriber.every_topic)) or 0
    rows = select(Subscription.topic_id, func.count()).join(Subscriber).where(*readers)
    return every, dict(session.execute(rows.group_by(Subscription.topic_id)).all())


@door.post("/topics", endpoint="topic_add")
def add() -> Any:
    """Add a topic, without mailing anybody."""
    with transaction() as session:
        form = TopicForm()
        if form.validate():
            try:
                made = topics.add(session, form.name.data or "", now())
            except BadTopic as error:
                form.name.errors = [in_words(error)]
            else:
                note(session, marked("topic added"), made.name)
                return back("topics", _(ADDED, name=made.name))
        return _index(session, form)


@door.route("/topics/<row:id>", methods=["GET", "POST"], endpoint="topic")
def edit(id: int) -> Any:
    """Change its name and address; the old address redirects."""
    with transaction() if request.method == "POST" else reading() as session:
        topic = one_or_404(session, Topic, id, lock=request.method == "POST")
        held = {"name": topic.name, "slug": topic.slug}
        form = TopicEditForm() if request.method == "POST" else TopicEditForm(formdata=None, data=held)
        if form.validate_on_submit():
            try:
                topics.change(session, topic, name=form.name.data or "", slug=form.slug.data or "")
            except BadTopic as error:
                form[error.part].errors = [in_words(error)]
            else:
                note(session, marked("topic changed"), topic.name)
                return back("topics", _("Saved. Pages, feeds and readers' choices have the new name from now on."))
        page = render_template(
            "owner/topic.html", topic=topic, form=form, longest_name=LONGEST_NAME, longest_slug=LONGEST_SLUG
        )
        return page, 422 if form.errors else 200


@door.post("/topics/<row:id>/<any(up, down, archive, restore):verb>", endpoint="topic_act")
def act(id: int, verb: str) -> Response:
    """Move, archive or restore it."""
    with transaction() as session:
        topic = one_or_404(session, Topic, id, lock=True)
        note(session, f"topic {verb}", topic.name)
        if verb in ("up", "down"):
            topics.move(session, topic, verb == "up")
            return back("topics")
        if verb == "archive":
            topic.archive(now())
            return back(
                "topics",
                _("“%(name)s” is offered to nobody any more. Its page and readers' choices stay.", name=topic.name),
            )
        try:
            topic.restore(session)
        except BadTopic as error:
            return back("topics", in_words(error), "danger")
    return back("topics", _("“%(name)s” is offered again.", name=topic.name))
