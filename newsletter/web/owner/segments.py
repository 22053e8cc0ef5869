"""Segments: named rules, put together by clicking, with a sentence and a count after each press."""

from dataclasses import dataclass, field
from typing import Any

from flask import render_template, request
from flask_login import current_user
from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from newsletter import campaigns
from newsletter.campaigns import Campaign, CampaignState, NotNow, Part
from newsletter.figures import figure
from newsletter.languages import joined, marked, said
from newsletter.subscribers import Segment, Subscriber, all_fields, segments
from newsletter.subscribers.segments import (
    BadRules,
    BadSegment,
    Rules,
    SavedSegment,
    condition,
    look_up,
    sentence,
)
from newsletter.subscribers.segments.comparing import COMPARABLE
from newsletter.subscribers.segments.reading import Path
from newsletter.subscribers.segments.rules import DEEPEST
from newsletter.web.language import _, in_words
from newsletter.web.owner.door import asked_id, back, door, note, one_or_404
from newsletter.web.owner.people_filter import Filter
from newsletter.web.owner.segment_choices import choices
from newsletter.web.owner.segment_tree import Node, as_data, of_form, of_rules, press
from newsletter.web.state import now, reading, transaction

LISTED = 25
"""Segments per page; few, because each is counted."""


@dataclass(frozen=True, slots=True)
class Seen:
    """Rules as shown to the owner: a sentence, errors, and the number of people who match."""

    sentence: str = ""
    missing: list[str] = field(default_factory=list)
    people: int = 0
    readers: int = 0
    """Those of them who take the newsletter."""

    @classmethod
    def of(cls, session: Session, rules: Rules) -> "Seen":
        """The present state of these rules."""
        dated, known = rules.on(now()), look_up(session, rules)
        look = select(func.count()).select_from(Subscriber).where(condition(dated))
        people = figure(session, ("people by rules", dated), lambda it: it.scalar(look) or 0)
        readers = Segment(rules=dated).size(session)
        return cls(sentence=sentence(rules, known), missing=known.missing(rules), people=people, readers=readers)


@door.get("/segments", endpoint="segments")
def index() -> str:
    """List every segment, newest first."""
    look = select(SavedSegment).order_by(SavedSegment.id.desc()).limit(LISTED + 1)
    if before := asked_id("before"):
        look = look.where(SavedSegment.id < before)
    with reading() as session:
        rows = session.scalars(look).all()
        more = rows[LISTED - 1].id if len(rows) > LISTED else None
        listed = [(one, Seen.of(session, one.rules), _to_come(session, one)) for one in rows[:LISTED]]
        return render_template("owner/segments.html", listed=listed, more=more)


def _to_come(session: Session, segment: SavedSegment) -> list[Campaign]:
    """The campaigns still to come that use it as audience or exclusion."""
    states = (CampaignState.DRAFT, CampaignState.SCHEDULED)
    is_one = Campaign.part.is_distinct_from(Part.B)  # A stands for both
    its = or_(Campaign.segment_id == segment.id, Campaign.left_out.any(SavedSegment.id == segment.id))
    look = select(Campaign).where(its, Campaign.stored_state.in_(states), is_one)
    return list(session.scalars(look.order_by(Campaign.id)))


@door.route("/segments/new", methods=["GET", "POST"], endpoint="segment_new")
def new() -> Any:
    """Create a segment; from the list of people, with the list's filter as rules."""
    if request.method == "POST":
        return _post(None)
    with reading() as session:
        shown = Filter.typed(session)
        lost = _("Something of the filter cannot be used, and is not part of this.") if shown.is_broken else ""
        return _page(session, None, of_rules(shown.as_rules), "", {(): lost} if lost else {})


@door.route("/segments/<row:id>", methods=["GET", "POST"], endpoint="segment")
def edit(id: int) -> Any:
    """Edit its rules. Only “Save” changes it."""
    if request.method == "POST":
        return _post(id)
    with reading() as session:
        segment = one_or_404(session, SavedSegment, id)
        errors: dict[Path, str] = {}
        if not segment.rules.is_readable:
            errors[()] = joined(
                (look_up(session, segment.rules).missing(segment.rules)[0], said("Saving writes new ones."))
            )
        root = of_rules([segment.rules.root]) if segment.rules.is_readable else of_rules([])
        return _page(session, segment, root, segment.name, errors)


def _post(id: int | None) -> Any:
    button, root = request.form.get("do", ""), of_form(request.form)
    press(root, button, request.form)
    with transaction() if button == "save" else reading() as session:
        segment = one_or_404(session, SavedSegment, id, lock=button == "save") if id else None
        name = request.form.get("name", "")
        if button != "save":
            return _page(session, segment, root, name, _rules(session, root)[1])
        rules, errors = _rules(session, root)
        told = _changed_meanwhile(segment)
        try:
            if rules is not None and not told:
                saved = segments.save(session, name, rules, now(), segment)
                note(session, marked("segment saved"), f"{saved.id} {saved.name}")
                return back("segments", _("“%(name)s” is saved.", name=saved.name))
        except BadSegment as error:
            told = in_words(error)
        return _page(session, segment, root, name, errors, told), 422


def _changed_meanwhile(segment: SavedSegment | None) -> str:
    if segment is None or request.form.get("seen", "") == segment.updated_at.isoformat():
        return ""
    return _("It was saved in another window meanwhile. Save once more to put this in its place.")


def _rules(session: Session, root: Node) -> tuple[Rules | None, dict[Path, str]]:
    """(rules of a tree, no errors), or (None, errors by path) if unfinished or naming something that does not exist."""
    fields = {one.key: one for one in all_fields(session)}
    try:
        return segments.read(as_data(root, current_user.zone, fields)), {}
    except BadRules as error:
        return None, error.errors


def _page(session: Session, segment: SavedSegment | None, root: Node, name: str, errors: dict[Path, str],
          told: str = "") -> str:  # fmt: skip
    rules, _ = _rules(session, root)
    return render_template(
        "owner/segment.html", segment=segment, root=root, name=name, told=told,
        errors={".".join(map(str, path)): error for path, error in errors.items()},
        seen=Seen.of(session, rules) if rules else None, deepest=DEEPEST, comparable=COMPARABLE,
        to_come=_to_come(session, segment) if segment else [], **choices(session),
    )  # fmt: skip


@door.post("/segments/<row:id>/copy", endpoint="segment_copy")
def copy(id: int) -> Response:
    """Copy it under another name."""
    with transaction() as session:
        try:
            made = segments.copy(session, one_or_404(session, SavedSegment, id), now())
        except BadSegment as error:
            return back("segments", in_words(error), "danger")
        note(session, marked("segment copied"), f"{id} to {made.id} {made.name}")
        return back("segment", _("This is the copy."), id=made.id)


@door.route("/segments/<row:id>/delete", methods=["GET", "POST"], endpoint="segment_delete")
def delete(id: int) -> Any:
    """Ask for confirmation, then delete it; refused while a campaign still to come uses it."""
    with transaction() if request.method == "POST" else reading() as session:
        segment = one_or_404(session, SavedSegment, id, lock=request.method == "POST")
        if request.method == "GET":
            return render_template("owner/segment_delete.html", segment=segment, to_come=_to_come(session, segment))
        name = segment.name
        try:
            campaigns.delete_segment(session, segment)
        except NotNow as error:
            return back("segment_delete", in_words(error), "danger", id=id)
        note(session, marked("segment deleted"), f"{id} {name}")
    return back("segments", _("“%(name)s” is deleted. Campaigns that went to it keep its rules.", name=name))
