"""Series: which articles follow a guide, after which delays, and who is where."""

from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

from flask import render_template, request
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response
from wtforms.fields.choices import SelectChoice

from newsletter import brand, characters, sequences
from newsletter.articles import Article
from newsletter.guides import Guide
from newsletter.sequences import Course, Delay, Enrollment, Sequence, Step
from newsletter.web.owner.door import back, door, note, one_or_404
from newsletter.web.owner.forms import StepForm
from newsletter.web.state import now, reading, transaction


@dataclass(frozen=True, slots=True)
class Places:
    """Where the people of a series are: how many wait for each step (by its id), and how many in each course."""

    before: dict[int, int]
    courses: dict[Course, int]

    @classmethod
    def of(cls, session: Session, sequence: Sequence) -> "Places":
        """Count them."""
        rows = session.execute(
            select(Enrollment.course, Enrollment.last_step_id, func.count())
            .where(Enrollment.sequence_id == sequence.id)
            .group_by(Enrollment.course, Enrollment.last_step_id)
        )
        steps = {step.id: step for step in sequence.steps}
        before, courses = Counter[int](), Counter[Course]()
        for course, last, people in rows:
            courses[course] += people
            step = sequence.after(steps.get(last or 0))
            if course in (Course.ACTIVE, Course.WAITING) and step is not None:
                before[step.id] += people
        return cls(dict(before), {course: courses[course] for course in Course})


@door.get("/series", endpoint="all_series")
def index() -> str:
    """Every series with its numbers."""
    with reading() as session:
        rows = session.scalars(select(Sequence).order_by(Sequence.id)).all()
        titles = dict(session.execute(select(Guide.slug, Guide.title)).all())
        listed = [(one, Places.of(session, one)) for one in rows]
        return render_template("owner/series.html", series=listed, titles=titles)


@door.get("/series/<row:id>", endpoint="series")
def show(id: int) -> str:
    """The steps, the people, and the calendar of somebody who confirms now."""
    with reading() as session:
        return _page(session, one_or_404(session, Sequence, id), _step_form(session, formdata=None))


def _step_form(session: Session, **kwargs: Any) -> StepForm:
    form = StepForm(data={"delay": "7 days"}, **kwargs)
    rows = session.execute(select(Article.id, Article.title).order_by(Article.title))
    form.article.choices = [SelectChoice(id, title) for id, title in rows]
    return form


def _page(session: Session, sequence: Sequence, form: StepForm) -> str:
    zone = brand.current(session).zone
    title = session.scalar(select(Guide.title).where(Guide.slug == sequence.guide_slug))
    return render_template(
        "owner/series_one.html", sequence=sequence, places=Places.of(session, sequence), form=form, title=title,
        calendar=sequences.simulate(sequence, now(), zone), zone=zone,
    )  # fmt: skip


@door.post("/series/<row:id>/live", endpoint="series_live")
def live(id: int) -> Response:
    """On: people are enrolled and articles go out. Off: neither, and everybody keeps their place."""
    with transaction() as session:
        sequence = one_or_404(session, Sequence, id, lock=True)
        sequence.live = request.form.get("live") == "yes"
        note(session, "series on" if sequence.live else "series off", sequence.slug)
        off = "The series is off: nothing of it is sent, and everybody keeps their place."
        told = "The series is on." if sequence.live else off
    return back("series", told, id=id)


@door.post("/series/<row:id>/steps", endpoint="series_add")
def add(id: int) -> Any:
    """One more article at the end."""
    with transaction() as session:
        sequence = one_or_404(session, Sequence, id, lock=True)
        form = _step_form(session)
        if not form.validate():
            return _page(session, sequence, form), 422
        article = one_or_404(session, Article, form.article.data)
        if any(step.article_id == article.id for step in sequence.current_steps):
            return back("series", f"“{article.title}” is in this series already.", "info", id=id)
        sequence.append(article, Delay.parse(form.delay.data or ""))
        moved = sequences.replan(session, sequence, brand.current(session).zone, now())
        note(session, "step added", f"{sequence.slug}: {article.title}")
    return back("series", _told(f"“{article.title}” now ends the series.", moved), id=id)


@door.post("/series/<row:id>/steps/<row:step_id>/<any(delay, up, down, remove):verb>", endpoint="series_step")
def change(id: int, step_id: int, verb: str) -> Response:
    """Change one step, and work out anew what is due when."""
    with transaction() as session:
        sequence = one_or_404(session, Sequence, id, lock=True)
        step = next((one for one in sequence.current_steps if one.id == step_id), None)
        if step is None:
            return back("series", "That step has been removed already.", "info", id=id)
        try:
            told = _changed(sequence, step, verb)
        except ValueError as error:
            return back("series", f"Nothing was changed: {error}.", "danger", id=id)
        moved = sequences.replan(session, sequence, brand.current(session).zone, now(), no_sooner=verb == "remove")
        note(session, f"step {verb}", f"{sequence.slug}: {step.article.title} {step.delay}")
    return back("series", _told(told, moved), id=id)


def _changed(sequence: Sequence, step: Step, verb: str) -> str:
    name = f"“{step.article.title}”"
    if verb == "delay":
        typed = Delay.parse(characters.line(request.form.get("delay"))[:40])
        step.delay = replace(step.delay, amount=typed.amount, unit=typed.unit)
        return f"{name} now follows after {step.delay}."
    if verb == "remove":
        step.remove(now())
        return f"{name} is out of the series."
    moved = sequence.move(step, up=verb == "up")
    return f"{name} moved {verb}." if moved else f"{name} is at the end already."


def _told(told: str, moved: int) -> str:
    if not moved:
        return told
    return f"{told} {moved:,} {'person has' if moved == 1 else 'people have'} a new date."
