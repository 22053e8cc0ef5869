"""The audience to which a feed's new posts are sent automatically, chosen by somebody who may send."""

from typing import Any

from flask_login import current_user
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response
from wtforms import SelectField
from wtforms.fields.choices import SelectChoice

from newsletter import topics
from newsletter.accounts import Permission
from newsletter.feeds import Feed, Sending
from newsletter.languages import marked
from newsletter.subscribers import segments
from newsletter.subscribers.segments import SavedSegment
from newsletter.topics import Topic
from newsletter.web.language import _, lazy
from newsletter.web.owner.door import back, door, note, one_or_404, owner_in
from newsletter.web.owner.permissions import refusal
from newsletter.web.state import now, transaction
from newsletter.web.typed_form import TypedForm

SAVED = "segment:"
"""Prefix of a segment's id among the audiences."""
MOST = 100


class SendingForm(TypedForm):
    """The audience and the topic."""

    to = SelectField(lazy("New posts go by themselves to"))
    topic = SelectField(lazy("About the topic"))


def sending_form(session: Session, feed: Feed, *, typed: bool = False) -> SendingForm:
    """The form as stored, or with `typed` as submitted."""
    to = f"{SAVED}{feed.segment_id}" if feed.sending is Sending.SEGMENT else feed.sending.value
    stands = {"to": to, "topic": str(feed.topic_id or "")}
    form = SendingForm() if typed else SendingForm(formdata=None, data=stands)
    saved = [SelectChoice(f"{SAVED}{one.id}", _("Of these, the segment “%(name)s”", name=one.name))
             for one in segments.every(session)[:MOST]]  # fmt: skip
    form.to.choices = [
        SelectChoice(Sending.OFF.value, _("Nobody: they become drafts")),
        SelectChoice(Sending.EVERYBODY.value, _("Everybody who takes the newsletter")), *saved,
    ]  # fmt: skip
    offered = [one for one in topics.every(session) if one.is_open or one is feed.topic]
    form.topic.choices = [SelectChoice("", _("None")), *(SelectChoice(str(one.id), one.name) for one in offered)]
    return form


def kept_from_writers(feed: Feed) -> Any:
    """The refusal for a user who may not send, if changing this feed would change what readers get; else None."""
    return refusal(Permission.SEND) if feed.is_sending and not current_user.may(Permission.SEND) else None


@door.post("/feeds/<row:id>/sending", endpoint="feed_sending")
def save(id: int) -> Response:
    """Send its new posts automatically, or make them drafts again."""
    with transaction() as session:
        feed = one_or_404(session, Feed, id, lock=True)
        form = sending_form(session, feed, typed=True)
        chosen, is_listed = form.to.data or "", form.validate()
        is_saved = is_listed and chosen.startswith(SAVED)
        segment = session.get(SavedSegment, int(chosen.removeprefix(SAVED))) if is_saved else None
        if not is_listed or (is_saved and segment is None):
            return back("feed", _("Nothing has changed: choose one of the list."), "info", id=id)
        sending = Sending.SEGMENT if segment else Sending(chosen)
        topic = session.get(Topic, int(form.topic.data)) if form.topic.data else None
        feed.send_to(sending, segment, topic, owner_in(session), now())
        note(session, marked("feed sending changed"), f"{id} {chosen} {topic.name if topic else ''}".strip())
        is_sending = feed.is_sending
    if not is_sending:
        return back("feed", _("New posts become drafts from now on; nothing is sent by itself."), id=id)
    told = _("New posts go out by themselves from now on. What stands in the feed already does not.")
    return back("feed", told, id=id)
