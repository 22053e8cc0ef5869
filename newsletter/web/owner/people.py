"""People: found by words, status, tag and segment; those found can be tagged, and taken along as a file."""

import io
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from flask import current_app, render_template, request
from sqlalchemy import ColumnElement, and_, false, func, select, true
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from newsletter import journey
from newsletter.bulk_actions import People
from newsletter.figures import figure
from newsletter.imports import export_csv
from newsletter.languages import marked
from newsletter.subscribers import (
    Status,
    Subscriber,
    all_tags,
    clean_tag,
    found_by,
    segments,
    tag_all,
    untag_all,
    with_tag,
)
from newsletter.subscribers.segments import DatedRules, SavedSegment, condition, look_up, sentence
from newsletter.subscribers.segments.rules import Called, HasStatus, HasTag, Rule
from newsletter.subscribers.subscriber import count_by_status
from newsletter.web.feedback import WHY
from newsletter.web.language import _
from newsletter.web.owner.display import number
from newsletter.web.owner.door import PAGE, asked_id, back, door, note, words_asked
from newsletter.web.owner.proof import asks_password
from newsletter.web.state import now, reading, runtime, transaction

MOST_LISTED = 60
"""Tags, and segments, that the list offers."""
WHY_DAYS = 90
MOST_COUNTED = 10_000
"""People whose number a page tells where words were searched for; more are “more than 10,000”."""
MOST_EXPORTED = 200_000
"""People whose file a page makes in memory: about twenty megabytes."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """The saved segment that a list is filtered by. `rules`: None where it is gone, which is nobody."""

    id: str
    name: str = "deleted"
    rules: DatedRules | None = None
    stored: dict[str, Any] | None = field(default=None, compare=False)
    """The rules as they are written down."""

    @classmethod
    def typed(cls, session: Session, source: Any) -> "Chosen | None":
        """The one whose number is asked for."""
        asked = words_asked("segment", source)
        id = asked_id("segment", source)
        found = session.get(SavedSegment, id) if id else None
        if found is None:
            return cls(asked) if asked else None
        return cls(str(found.id), found.name, found.rules.on(now()), found.stored)


@dataclass(frozen=True, slots=True)
class Filter:
    """Whom the list shows: by words, status, tag and a saved segment."""

    asked: str
    status: Status | None
    tag: str
    segment: Chosen | None = None

    @classmethod
    def typed(cls, session: Session, source: Any = None) -> "Filter":
        """The one in the address, or in a form that was sent from the list."""
        status = words_asked("status", source)
        known = Status(status) if status in {one.value for one in Status} else None
        return cls(
            asked=words_asked("q", source),
            status=known,
            tag=words_asked("tag", source),
            segment=Chosen.typed(session, source),
        )

    @property
    def conditions(self) -> list[ColumnElement[bool]]:
        """All that has to hold, as SQL."""
        return [
            *([found_by(self.asked)] if self.asked else []),
            *([Subscriber.status == self.status] if self.status else []),
            *([with_tag(self.tag)] if self.tag else []),
            *([condition(self.segment.rules) if self.segment.rules else false()] if self.segment else []),
        ]

    @property
    def is_broken(self) -> bool:
        """Whether it asks for a segment that is gone, or cannot be read."""
        return self.segment is not None and not (self.segment.rules and self.segment.rules.is_readable)

    @property
    def people(self) -> People:
        """The same people, to be written down: as a segment that is gone, nobody."""
        stored = (self.segment.stored or {}) if self.segment else None
        return People(asked=self.asked, status=self.status, tag=self.tag, rules=stored)

    @property
    def as_rules(self) -> list[Rule]:
        """The same as rules of a segment."""
        return [
            *([Called(self.asked)] if self.asked else []),
            *([HasStatus(self.status)] if self.status else []),
            *([HasTag(self.tag)] if self.tag else []),
            *([self.segment.rules.root] if self.segment and self.segment.rules and not self.is_broken else []),
        ]

    @property
    def as_query(self) -> dict[str, str]:
        """What an address that shows the same people holds."""
        every = {
            "q": self.asked, "status": self.status.value if self.status else "", "tag": self.tag,
            "segment": self.segment.id if self.segment else "",
        }  # fmt: skip
        return {name: value for name, value in every.items() if value}

    def size(self, session: Session) -> int:
        """How many people it shows."""
        look = select(func.count()).select_from(Subscriber).where(*self.conditions)
        return figure(session, ("people found", self), lambda it: it.scalar(look) or 0)

    def hits(self, session: Session, listed: int) -> int:
        """The same for a page that lists so many and one more if there are more. Of words at most MOST_COUNTED + 1 are
        counted: what many letters fit is found quickly, and counting all of it is not."""
        if listed <= PAGE and not asked_id("before"):
            return listed
        if not self.asked:
            return self.size(session)
        some = select(Subscriber.id).where(*self.conditions).limit(MOST_COUNTED + 1).subquery()
        return session.scalar(select(func.count()).select_from(some)) or 0


@door.get("/subscribers", endpoint="subscribers")
def index() -> str:
    """Search by address or name, filter by status, tag and segment."""
    with reading() as session:
        shown = Filter.typed(session)
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
            told=_told(session, shown), why=_why_left(session), why_days=WHY_DAYS,
        )  # fmt: skip


def _why_left(session: Session) -> list[tuple[str, int]]:
    """Why people have left lately, in the words that they pressed."""
    since = now() - timedelta(days=WHY_DAYS)
    found = figure(session, "why people left", lambda it: journey.why_left(it, since))
    return [(WHY[why], many) for why, many in found.items()]


def _told(session: Session, shown: Filter) -> tuple[str, list[str]]:
    """The segment that is shown as a sentence, and what is wrong with it."""
    if shown.segment is None:
        return "", []
    if shown.segment.rules is None:
        return "", [_("There is no such segment any more, so nobody is shown.")]
    known = look_up(session, shown.segment.rules)
    return sentence(shown.segment.rules, known), known.missing(shown.segment.rules)


@door.get("/subscribers/export.csv", endpoint="subscribers_export")
@asks_password
def export() -> Response:
    """Those that the list shows, as a file that an import reads again."""
    out = io.StringIO(newline="")
    with transaction() as session:
        shown = Filter.typed(session)
        people = shown.size(session)
        if people > MOST_EXPORTED:
            told = _(
                "These are %(people)s people. Write so many on the server: newsletter subscribers export FILE.csv",
                people=number(people),
            )
            return back("subscribers", told, "info", **shown.as_query)
        export_csv(session, out, runtime().secrets, *shown.conditions)
        note(session, marked("subscribers exported"), f"{people} people")
    answer = current_app.response_class(out.getvalue(), mimetype="text/csv")
    answer.headers["Content-Disposition"] = "attachment; filename=subscribers.csv"
    return answer


@door.post("/subscribers/tag", endpoint="subscribers_tag")
def tag_shown() -> Response:
    """Give those that the list shows a tag, or take it from them. Nothing of what they receive changes."""
    name = clean_tag(request.form.get("name", ""))
    with transaction() as session:
        shown = Filter.typed(session, request.form)
        if not name:
            return back("subscribers", _("Nothing was changed: please type the tag."), "danger", **shown.as_query)
        who = and_(true(), *shown.conditions)
        if request.form.get("verb") == "untag":
            changed, told = untag_all(session, name, who), f"no longer have the tag “{name}”"
        else:
            changed, told = tag_all(session, name, who), f"have the tag “{name}” now"
        note(session, marked("subscribers tagged"), f"{changed} people {told}"[:500])
    return back("subscribers", f"{changed:,} more people {told}.", **shown.as_query)
