"""People: filters them; tags those found, or exports them as a file."""

from datetime import timedelta
from typing import Any

from flask import current_app, jsonify, render_template, request
from flask_login import current_user
from sqlalchemy import and_, select, true
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from newsletter import journey
from newsletter.bulk_actions import NotNow, TagChange, change_tag, reach_tag, undoable
from newsletter.figures import figure
from newsletter.imports import csv_pieces
from newsletter.languages import marked
from newsletter.subscribers import Estimate, Subscriber, all_tags, clean_tag, segments
from newsletter.subscribers.segments.comparing import Compare
from newsletter.subscribers.subscriber import count_by_status
from newsletter.web.feedback import WHY
from newsletter.web.language import _, in_words, lazy, ngettext
from newsletter.web.owner.display import number
from newsletter.web.owner.door import PAGE, asked_id, back, door, note, one_or_404, words_asked
from newsletter.web.owner.people_filter import BAR, MOST_COUNTED, Filter
from newsletter.web.owner.proof import asks_password
from newsletter.web.owner.segment_choices import choices
from newsletter.web.pieces import Pieces
from newsletter.web.state import now, reading, runtime, transaction

MOST_LISTED = 60
"""Most tags, and most segments, offered as filters."""
WHY_DAYS = 90
NO_TAG = lazy("Nothing was changed: please type the tag.")
NOT_WHOLE = lazy("This file is not whole: something failed while it was written. Please export it once more.")
"""The last line of an export that failed; imports refuse it, because it is no address."""


@door.get("/subscribers", endpoint="subscribers")
def index() -> Any:
    """List people, with search by address or name, and filters."""
    with reading() as session:
        shown = Filter.typed(session)
        if any(one in request.args and not words_asked(one) for one in BAR):
            return back("subscribers", **shown.as_query)  # a clean address to bookmark, without empty parameters
        conditions = shown.conditions
        if before := asked_id("before"):
            conditions.append(Subscriber.id < before)
        look = select(Subscriber).where(*conditions).order_by(Subscriber.id.desc()).limit(PAGE + 1)
        rows = session.scalars(look).all()
        more = rows[PAGE - 1].id if len(rows) > PAGE else None
        return render_template(
            "owner/subscribers.html", rows=rows[:PAGE], more=more, asked=shown.asked, status=shown.status,
            counts=count_by_status(session), tag=shown.tag, tags=all_tags(session, MOST_LISTED), shown=shown,
            size=shown.hits(session, len(rows)), most=MOST_COUNTED, segments=segments.every(session)[:MOST_LISTED],
            told=shown.told(session), why=_why_left(session), why_days=WHY_DAYS, comparisons=list(Compare),
            choices=choices(session), tagged=undoable(session, now()), bar=dict(shown.bar.typed),
        )  # fmt: skip


def _why_left(session: Session) -> list[tuple[str, int]]:
    """(reason, number of people) of those who left lately."""
    since = now() - timedelta(days=WHY_DAYS)
    found = figure(session, "why people left", lambda it: journey.why_left(it, since))
    return [(WHY[why], many) for why, many in found.items()]


@door.get("/subscribers/count.json", endpoint="subscribers_count")
def count() -> Response:
    """The number of people for the filter being typed, as JSON; `again`: whether it is still being counted."""
    with reading() as session:
        shown = Filter.typed(session)
        wrong = shown.told(session)[1]
        size = 0 if wrong else shown.size_if_kept(session)
    told = " ".join(map(in_words, wrong)) or _many(size)
    answer = jsonify(told=told, again=isinstance(size, Estimate))
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _many(people: int | Estimate) -> str:
    if isinstance(people, Estimate):
        many = people.people
        if people.is_bound:
            return _("fewer than %(num)s people; they are being counted", num=number(many))
        return _("about %(num)s people; they are being counted", num=number(many))
    if people == MOST_COUNTED + 1:
        return ngettext("more than %(num)s person", "more than %(num)s people", MOST_COUNTED, num=number(MOST_COUNTED))
    return ngettext("%(num)s person", "%(num)s people", people, num=number(people))


@door.get("/subscribers/export.csv", endpoint="subscribers_export")
@asks_password
def export() -> Response:
    """Download the people listed as a file that an import can read; streamed, so any number fits."""
    house = runtime()
    with transaction() as session:
        shown = Filter.typed(session)
        note(session, marked("subscribers exported"), f"{shown.size(session)} people")
        conditions = shown.conditions
    rows = csv_pieces(house.database.reading, house.secrets, *conditions)
    answer = current_app.response_class(Pieces(rows, f"{NOT_WHOLE}\r\n"), mimetype="text/csv", direct_passthrough=True)
    answer.headers["Content-Disposition"] = "attachment; filename=subscribers.csv"
    return answer


@door.get("/subscribers/tag", endpoint="subscribers_tag_ask")
def ask_tag() -> Any:
    """Show how many people's tags would change. Changes nothing."""
    name, gives = clean_tag(words_asked("name")), request.args.get("verb") != "untag"
    with reading() as session:
        shown = Filter.typed(session)
        if not name:
            return back("subscribers", NO_TAG, "danger", **shown.as_query)
        people, changed = reach_tag(session, name, and_(true(), *shown.conditions), gives=gives)
        return render_template(
            "owner/tag_ask.html", shown=shown, name=name, gives=gives, people=people, changed=changed,
            others=people - changed,
        )  # fmt: skip


@door.post("/subscribers/tag", endpoint="subscribers_tag")
def tag_shown() -> Response:
    """Add a tag to the people listed, or remove it. Does not change what they receive."""
    name = clean_tag(request.form.get("name", ""))
    with transaction() as session:
        shown = Filter.typed(session, request.form)
        if not name:
            return back("subscribers", NO_TAG, "danger", **shown.as_query)
        who = and_(true(), *shown.conditions)
        gives = request.form.get("verb") != "untag"
        made = change_tag(session, name, who, now(), gives=gives, owner_id=current_user.owner_id)
        done = f"have the tag “{name}” now" if gives else f"no longer have the tag “{name}”"
        note(session, marked("subscribers tagged"), f"{made.people} people {done}"[:500])
        told = _tagged(made.people, name, gives=gives)
        can = _("“Undo” beside the list takes it back exactly, for 24 hours.") if made.people else ""
    return back("subscribers", f"{told} {can}".strip(), **shown.as_query)


def _tagged(people: int, name: str, *, gives: bool) -> str:
    if gives:
        return ngettext("%(num)s more person has the tag “%(name)s” now.",
                        "%(num)s more people have the tag “%(name)s” now.", people, num=number(people),
                        name=name)  # fmt: skip
    return ngettext("%(num)s person no longer has the tag “%(name)s”.",
                    "%(num)s people no longer have the tag “%(name)s”.", people, num=number(people),
                    name=name)  # fmt: skip


@door.post("/subscribers/tag/<row:id>/undo", endpoint="subscribers_tag_undo")
def undo_tag(id: int) -> Response:
    """Undo a change of many people's tags, for those whom it changed."""
    with transaction() as session:
        shown = Filter.typed(session, request.form)
        made = one_or_404(session, TagChange, id, lock=True)
        try:
            changed = made.undo(session, now())
        except NotNow as error:
            return back("subscribers", in_words(error), "info", **shown.as_query)
        note(session, marked("change of tags undone"), f"{id}: {changed} people, “{made.tag}”"[:500])
    told = ngettext("Undone: %(num)s person is as before.", "Undone: %(num)s people are as before.", changed,
                    num=number(changed))  # fmt: skip
    return back("subscribers", told, **shown.as_query)
