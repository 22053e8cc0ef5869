"""Feeds: blogs whose new posts become drafts or mails, with their state and posts."""

from collections.abc import Mapping
from typing import Any

from flask import abort, render_template, request
from flask_login import current_user
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from wtforms import BooleanField, SelectField, StringField
from wtforms.fields.choices import SelectChoice

from newsletter import characters, feeds
from newsletter.feed_mail import MOST_A_DAY
from newsletter.feeds import NEEDS_OWNER, Feed, FeedPost, Makes, Rhythm
from newsletter.fetch import NotFetched, in_words
from newsletter.languages import marked
from newsletter.web import language
from newsletter.web.language import _, lazy
from newsletter.web.owner.bring_over import completed
from newsletter.web.owner.door import PAGE, back, door, note, one_or_404
from newsletter.web.owner.feed_sending import kept_from_writers, sending_form
from newsletter.web.owner.forms import hours, weekdays
from newsletter.web.state import now, reading, runtime, transaction
from newsletter.web.typed_form import TypedForm

MOST = 50
"""Most feeds; nobody has more blogs."""
RHYTHMS = {Rhythm.DAILY: lazy("Every day"), Rhythm.WEEKLY: lazy("Once a week")}
MAKES = {
    Makes.ARTICLES: lazy("A draft or mail for each new post"),
    Makes.DIGEST: lazy("One draft or mail with all new posts: titles, how they begin, and links"),
}


def _choices(words: Mapping[Rhythm, str] | Mapping[Makes, str]) -> list[SelectChoice]:
    return [SelectChoice(code.value, told) for code, told in words.items()]


class FeedForm(TypedForm):
    """How often a feed is checked, and what its posts become."""

    rhythm = SelectField(lazy("Look at it"), choices=lambda: _choices(RHYTHMS))
    weekday = SelectField(lazy("Weekday, if once a week"), choices=weekdays, coerce=int)
    hour = SelectField(lazy("Hour"), choices=hours, coerce=int)
    makes = SelectField(lazy("New posts become"), choices=lambda: _choices(MAKES))


class NewFeedForm(FeedForm):
    """A new feed."""

    address = StringField(lazy("Address"), filters=[characters.line])
    takes_old = BooleanField(lazy("Take the posts too that stand in it already"))


@door.get("/feeds", endpoint="feeds")
def index() -> Any:
    """List all feeds, with a form for a new one."""
    form = NewFeedForm(formdata=None, data={"rhythm": Rhythm.WEEKLY.value, "makes": Makes.ARTICLES.value, "hour": 7})
    with reading() as session:
        return _list(session, form)


def _list(session: Session, form: NewFeedForm) -> Any:
    rows = session.scalars(select(Feed).order_by(Feed.id)).all()
    counts = select(FeedPost.feed_id, func.count()).where(FeedPost.taken).group_by(FeedPost.feed_id)
    taken = dict(session.execute(counts).all())
    page = render_template(
        "owner/feeds.html", rows=rows, taken=taken, form=form, rhythms=RHYTHMS, in_words=_told, most=NEEDS_OWNER
    )
    return page, 422 if form.errors else 200


def _told(feed: Feed) -> str:
    """Why a feed could not be read."""
    return language.in_words(in_words(feed.trouble)) if feed.trouble else ""


@door.post("/feeds", endpoint="feed_add")
def add() -> Any:
    """Add a feed; check it at once, so that the owner learns of a wrong address."""
    form = NewFeedForm()
    if form.validate():
        try:
            found, seen = feeds.found(runtime().fetcher, completed(form.address.data or ""))
        except NotFetched as error:
            form.address.errors = [language.in_words(error)]
        else:
            with transaction() as session:
                where = found.address
                if told := _refused(session, where):
                    form.address.errors = [told]
                    return _list(session, form)
                made = Feed(
                    url=where, title=seen.title or where, owner_id=current_user.owner_id, created_at=now(),
                    due_at=now(), takes_old=bool(form.takes_old.data), **_typed(form),
                )  # fmt: skip
                session.add(made)
                session.flush()
                note(session, marked("feed added"), f"{made.id} {made.url}")
            return back("feed", _("Its first look comes within a minute."), id=made.id)
    with reading() as session:
        return _list(session, form)


def _refused(session: Session, url: str) -> str:
    if session.scalar(select(Feed.id).where(Feed.url == url)):
        return _("This feed is in the list already.")
    if (session.scalar(select(func.count()).select_from(Feed)) or 0) >= MOST:
        return _("There are %(most)s feeds, which are the most. Remove one first.", most=MOST)
    return ""


def _typed(form: FeedForm) -> dict[str, Any]:
    return {"rhythm": Rhythm(form.rhythm.data), "weekday": form.weekday.data, "hour": form.hour.data,
            "makes": Makes(form.makes.data)}  # fmt: skip


@door.get("/feeds/<row:id>", endpoint="feed")
def show(id: int) -> Any:
    """Show a feed: its state, its posts, and when it is checked."""
    with reading() as session:
        feed = one_or_404(session, Feed, id)
        stands = {"rhythm": feed.rhythm.value, "weekday": feed.weekday, "hour": feed.hour, "makes": feed.makes.value}
        return _one(session, feed, FeedForm(formdata=None, data=stands))


def _one(session: Session, feed: Feed, form: FeedForm) -> Any:
    posts = select(FeedPost).where(FeedPost.feed_id == feed.id, FeedPost.taken).order_by(FeedPost.id.desc())
    page = render_template(
        "owner/feed.html", feed=feed, form=form, posts=session.scalars(posts.limit(PAGE)).all(), told=_told(feed),
        sending=sending_form(session, feed), most=MOST_A_DAY,
    )  # fmt: skip
    return page, 422 if form.errors else 200


@door.post("/feeds/<row:id>", endpoint="feed_save")
def save(id: int) -> Any:
    """Change when it is checked, or what its posts become."""
    with transaction() as session:
        feed, form = one_or_404(session, Feed, id, lock=True), FeedForm()
        if kept := kept_from_writers(feed):
            return kept
        if form.validate():
            for name, value in _typed(form).items():
                setattr(feed, name, value)
            if feed.looked_at is not None:
                feed.due_at = feed.next_look(now())
            note(session, marked("feed saved"), f"{feed.id} {feed.rhythm} {feed.makes}")
            return back("feed", _("Saved."), id=id)
        return _one(session, feed, form)


@door.post("/feeds/<row:id>/<any('pause', 'go-on', 'look', 'remove'):verb>", endpoint="feed_do")
def act(id: int, verb: str) -> Any:
    """Carry out a button's action."""
    with transaction() as session:
        feed = one_or_404(session, Feed, id, lock=True)
        if kept := kept_from_writers(feed):
            return kept
        match verb:
            case "pause":
                feed.pause(now())
                note(session, marked("feed paused"), f"{id} {feed.url}")
                told = _("It is not looked at until you let it go on.")
            case "go-on":
                feed.go_on(now())
                note(session, marked("feed goes on"), f"{id} {feed.url}")
                told = _("It is looked at again within a minute; what was posted meanwhile is new.")
            case "look":
                if feed.paused_at is not None:
                    return back("feed", _("It is paused: let it go on first."), "info", id=id)
                feed.due_at = now()
                told = _("It is looked at within a minute.")
            case "remove":
                if request.form.get("sure") != "yes":
                    told = _("Nothing has changed: tick the box to say that you are sure.")
                    return back("feed", told, "info", id=id)
                note(session, marked("feed removed"), f"{id} {feed.url}")
                session.delete(feed)
                return back("feeds", _("Removed. Drafts and articles that came of it stay."))
            case _other:
                abort(404)
    return back("feed", told, id=id)
