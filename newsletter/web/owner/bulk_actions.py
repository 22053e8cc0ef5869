"""Bulk actions on everybody in the filtered list of people: requested with a dry run, watched, stopped, cancelled."""

from dataclasses import dataclass
from typing import Any

from flask import jsonify, render_template, request
from flask_login import current_user
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from newsletter import topics
from newsletter.accounts import Permission
from newsletter.bulk_actions import ActionKind, ActionState, BulkAction, NotNow, reach
from newsletter.bulk_actions.record import GRACE, STANDS, WORKING
from newsletter.guides import Guide, by_edition
from newsletter.languages import marked
from newsletter.sequences import Sequence
from newsletter.topics import Topic
from newsletter.web.language import _, in_words, ngettext
from newsletter.web.owner.display import number
from newsletter.web.owner.door import PAGE, asked_id, back, door, note, one_or_404
from newsletter.web.owner.people_filter import Filter
from newsletter.web.owner.permissions import may, refusal
from newsletter.web.owner.proof import asks_password
from newsletter.web.state import now, reading, transaction

NOTED = {
    ActionKind.GUIDE: marked("guide sent to many"),
    ActionKind.EDITION: marked("new edition sent to many"),
    ActionKind.REMIND: marked("many asked again to confirm"),
    ActionKind.LEAVE_TOPIC: marked("topic taken from many"),
    ActionKind.STOP_SERIES: marked("series stopped for many"),
    ActionKind.ERASE: marked("many subscribers erased"),
}


@dataclass(frozen=True, slots=True)
class Wish:
    """A requested action: its kind, and the guide, series or topic it concerns."""

    kind: ActionKind
    guide: Guide | None = None
    sequence: Sequence | None = None
    topic: Topic | None = None

    @classmethod
    def typed(cls, session: Session, source: Any) -> "Wish | None":
        """The action in the address or a form; None if incomplete."""
        guide, sequence, topic = (asked_id(name, source) for name in ("guide", "series", "from_topic"))
        match source.get("do", ""):
            case ActionKind.GUIDE.value if guide:
                return cls(ActionKind.GUIDE, guide=one_or_404(session, Guide, guide))
            case ActionKind.EDITION.value if guide:
                return cls(ActionKind.EDITION, guide=one_or_404(session, Guide, guide))
            case ActionKind.REMIND.value:
                return cls(ActionKind.REMIND)
            case ActionKind.LEAVE_TOPIC.value if topic:
                return cls(ActionKind.LEAVE_TOPIC, topic=one_or_404(session, Topic, topic))
            case ActionKind.STOP_SERIES.value if sequence:
                return cls(ActionKind.STOP_SERIES, sequence=one_or_404(session, Sequence, sequence))
            case ActionKind.ERASE.value:
                return cls(ActionKind.ERASE)
        return None

    @property
    def about(self) -> str:
        """The name of its guide, series or topic."""
        if self.guide:
            return self.guide.title
        named = self.sequence or self.topic
        return named.name if named else ""

    @property
    def parts(self) -> dict[str, Any]:
        """Its parts, by their names in a bulk action."""
        return {"kind": self.kind, "guide": self.guide, "sequence": self.sequence, "topic": self.topic}


@door.get("/subscribers/actions", endpoint="bulk_actions")
def index() -> str:
    """List the requested actions, newest first."""
    with reading() as session:
        look = select(BulkAction).order_by(BulkAction.id.desc())
        before = asked_id("before")
        rows = session.scalars((look.where(BulkAction.id < before) if before else look).limit(PAGE + 1)).all()
        more = rows[PAGE - 1].id if len(rows) > PAGE else None
        return render_template(
            "owner/bulk_actions.html", rows=rows[:PAGE], more=more, paged=before, stands=STANDS, titled=_titled
        )


@door.get("/subscribers/actions/new", endpoint="bulk_action_new")
def ask() -> Any:
    """Show the actions available for the people listed, or the dry run of the chosen one."""
    with reading() as session:
        shown, wish = Filter.typed(session), Wish.typed(session, request.args)
        return _page(session, shown, wish)


def _page(session: Session, shown: Filter, wish: Wish | None, error: str = "") -> Any:
    meant = reached = shown.size(session)
    if wish:
        meant, reached = reach(session, shown.people, now(), **wish.parts)
    page = render_template(
        "owner/bulk_action_new.html", shown=shown, wish=wish, size=meant, reached=reached, error=error,
        by_edition=by_edition(session, wish.guide) if wish and wish.guide else {},
        grace=GRACE.seconds, guides=session.scalars(select(Guide).order_by(Guide.position)).all(),
        series=session.scalars(select(Sequence).order_by(Sequence.id)).all(), topics=topics.every(session),
    )  # fmt: skip
    return page, 422 if error else 200


@door.post("/subscribers/actions/new", endpoint="bulk_action_begin")
def begin() -> Any:
    """Begin an action that can be stopped and deletes nothing for good."""
    with transaction() as session:
        wish = Wish.typed(session, request.form)
        if wish is None or wish.kind is ActionKind.ERASE:
            return _page(session, Filter.typed(session, request.form), None, _("Please choose what is to be done."))
        return _begun(session, wish)


@door.post("/subscribers/actions/erase", endpoint="bulk_action_erase")
@asks_password
def erase() -> Any:
    """Begin to erase all data about these people at their request. The owner must type how many they are."""
    with transaction() as session:
        return _begun(session, Wish(ActionKind.ERASE), "".join(filter(str.isdecimal, request.form.get("sure", ""))))


def _begun(session: Session, wish: Wish, sure: str | None = None) -> Any:
    """`sure`: the number of people typed by the owner; None if none is asked for."""
    shown = Filter.typed(session, request.form)
    if shown.is_broken:
        return _page(session, shown, wish, _("The filter that was shown cannot be used, so nothing was begun."))
    made = BulkAction.begin(session, shown.people, now(), owner_id=current_user.owner_id, **wish.parts)
    if sure not in (None, str(made.expected)):  # counted from the stored list, so nobody can be added in between
        made.take_back(session)
        told = _("Nothing was erased. To say that you are sure, type how many people they are: %(people)s.",
                 people=number(made.expected))  # fmt: skip
        return _page(session, shown, wish, told)
    note(session, NOTED[wish.kind], f"{made.expected} people shown {wish.about}".strip())
    told = ngettext(
        "It begins in %(num)s second. Until then “Undo” calls it off.",
        "It begins in %(num)s seconds. Until then “Undo” calls it off.",
        GRACE.seconds,
    )
    return back("bulk_action", told, "info", id=made.id)


@door.get("/subscribers/actions/<row:id>", endpoint="bulk_action")
def show(id: int) -> str:
    """Show an action's progress or result."""
    with reading() as session:
        it = one_or_404(session, BulkAction, id)
        waits = it.state is ActionState.WAITING and now() - it.starts_at > GRACE * 2
        return render_template(
            "owner/bulk_action.html", it=it, far=_far(it), title=_titled(it), stands=STANDS, late=waits,
            working=it.state in WORKING, locked=_is_locked(it),
        )  # fmt: skip


def _is_locked(it: BulkAction) -> bool:
    return it.state is ActionState.STOPPED and it.looked_at == 0


def _titled(it: BulkAction) -> str:
    match it.kind:
        case ActionKind.GUIDE:
            return _("Send the guide “%(title)s”", title=it.guide.title if it.guide else "–")
        case ActionKind.EDITION:
            return _("Offer the new edition of “%(title)s”", title=it.guide.title if it.guide else "–")
        case ActionKind.REMIND:
            return _("Ask again who has not confirmed")
        case ActionKind.LEAVE_TOPIC:
            return _("Take away the topic “%(title)s”", title=it.topic.name if it.topic else "–")
        case ActionKind.STOP_SERIES:
            return _("Stop the series “%(title)s”", title=it.sequence.name if it.sequence else "–")
        case ActionKind.ERASE:
            return _("Erase people")


def _far(it: BulkAction) -> dict[str, Any]:
    return {
        "state": it.state.value, "done": it.looked_at, "total": it.expected, "rows": it.done,
        "percent": min(100 * it.looked_at // it.expected, 100) if it.expected else 0,
    }  # fmt: skip


@door.get("/subscribers/actions/<row:id>/progress.json", endpoint="bulk_action_progress")
def progress(id: int) -> Response:
    """The present numbers as JSON."""
    with reading() as session:
        answer = jsonify(_far(one_or_404(session, BulkAction, id)))
    answer.headers["Cache-Control"] = "no-store"
    return answer


@door.post("/subscribers/actions/<row:id>/<any('undo', 'stop', 'go-on'):verb>", endpoint="bulk_action_do")
def act(id: int, verb: str) -> Any:
    """Carry out a button's action. If it is too late, changes nothing and shows the present state."""
    with transaction() as session:
        it = one_or_404(session, BulkAction, id, lock=True)
        if verb == "go-on" and it.kind is ActionKind.ERASE and not may("bulk_action_erase"):
            return refusal(Permission.ERASE)
        try:
            match verb:
                case "undo":
                    it.call_off(session, now())
                    told = _("Called off. Nothing was done.")
                case "stop":
                    it.stop()
                    told = _("Stopped. What is done stays.")
                case _verb:
                    it.go_on(now())
                    told = _("It goes on where it was stopped.")
        except NotNow as error:
            return back("bulk_action", in_words(error), "info", id=id)
        note(session, marked("bulk action"), f"{verb}: {id}")
    return back("bulk_action", told, id=id)
