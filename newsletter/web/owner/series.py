"""Series: the articles that follow a guide, their delays, and where people are."""

from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

from flask import render_template, request
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response
from wtforms.fields.choices import SelectChoice

from newsletter import brand, campaigns, characters, sequences
from newsletter.articles import Article
from newsletter.figures import figure
from newsletter.guides import Guide
from newsletter.languages import marked
from newsletter.sequences import Delay, Enrollment, EnrollmentStatus, Sequence, Step, Unit
from newsletter.web.language import _, in_words, ngettext
from newsletter.web.owner.display import number
from newsletter.web.owner.door import back, back_to_set_up, door, note, one_or_404, set_up_asked
from newsletter.web.owner.forms import StepForm
from newsletter.web.state import now, reading, transaction


@dataclass(frozen=True, slots=True)
class People:
    """People in a series: numbers waiting for each step, by its id, and numbers by status."""

    before: dict[int, int]
    statuses: dict[EnrollmentStatus, int]

    @classmethod
    def of(cls, session: Session, sequence: Sequence) -> "People":
        """The numbers for a series."""
        look = select(Enrollment.status, Enrollment.place_id, func.count()).where(Enrollment.sequence_id == sequence.id)
        look = look.group_by(Enrollment.status, Enrollment.place_id)
        rows = figure(session, ("people in series", sequence.id), lambda it: list(it.execute(look)))
        places = {place.id: place for place in sequence.places}
        before, statuses = Counter[int](), Counter[EnrollmentStatus]()
        for status, place, people in rows:
            statuses[status] += people
            step = next(iter(sequence.ahead(places.get(place or 0))), None)
            if status in (EnrollmentStatus.ACTIVE, EnrollmentStatus.WAITING) and step is not None:
                before[step.id] += people
        return cls(dict(before), {status: statuses[status] for status in EnrollmentStatus})


@door.get("/series", endpoint="all_series")
def index() -> str:
    """List every series with its numbers."""
    with reading() as session:
        rows = session.scalars(select(Sequence).order_by(Sequence.id)).all()
        titles = dict(session.execute(select(Guide.slug, Guide.title)).all())
        listed = [(one, People.of(session, one)) for one in rows]
        return render_template("owner/series.html", series=listed, titles=titles)


@door.get("/series/<row:id>", endpoint="series")
def show(id: int) -> str:
    """Show the steps, the people, and the calendar of somebody who confirms now."""
    with reading() as session:
        sequence = one_or_404(session, Sequence, id)
        return _page(session, sequence, _step_form(session, sequence, formdata=None))


def _step_form(session: Session, sequence: Sequence, **kwargs: Any) -> StepForm:
    form = StepForm(data={"delay": "7 days"}, **kwargs)
    places = [
        SelectChoice(step.id, _("Before “%(title)s”", title=step.article.title)) for step in sequence.current_steps
    ]
    form.before.choices = [SelectChoice(0, _("At the end")), *places]
    rows = session.execute(select(Article.id, Article.title).order_by(Article.title))
    form.article.choices = [SelectChoice(id, title) for id, title in rows]
    return form


def _page(session: Session, sequence: Sequence, form: StepForm) -> str:
    house = brand.current(session)
    zone = house.zone
    title = session.scalar(select(Guide.title).where(Guide.slug == sequence.guide_slug))
    return render_template(
        "owner/series_one.html", sequence=sequence, places=People.of(session, sequence), form=form, title=title,
        calendar=sequences.simulate(sequence, now(), zone, house.series_wait_days, campaigns.planned(session)),
        zone=zone, wait=house.series_wait_days,
    )  # fmt: skip


def _locked(session: Session, id: int) -> Sequence:
    sequence = one_or_404(session, Sequence, id)
    sequence.lock(session)
    return sequence


@door.post("/series/<row:id>/live", endpoint="series_live")
def live(id: int) -> Response:
    """Switch it on: people are enrolled and articles sent; or off: neither, and everybody keeps their place."""
    with transaction() as session:
        sequence = _locked(session, id)
        if request.form.get("live") == "yes":
            sequence.switch_on(now())
        else:
            sequences.switch_off(session, sequence, now())
        note(session, marked("series on") if sequence.live else marked("series off"), sequence.slug)
        on = _("The series is on. Whoever is in it goes on where they were, later by as long as it was off.")
        off = _("The series is off: nothing of it is sent, everybody keeps their place, and no time passes for them.")
        told = on if sequence.live else off
    return back_to_set_up("series", told, id=id)


@door.post("/series/<row:id>/steps", endpoint="series_add")
def add(id: int) -> Any:
    """Add an article, at the end or before another step; a removed one is restored."""
    with transaction() as session:
        sequence = _locked(session, id)
        form = _step_form(session, sequence)
        if not form.validate():
            return _page(session, sequence, form), 422
        article = one_or_404(session, Article, form.article.data)
        if any(step.article_id == article.id for step in sequence.current_steps):
            return back("series", _("“%(title)s” is in this series already.", title=article.title), "info", id=id,
                        set_up=set_up_asked())  # fmt: skip
        before = next((one for one in sequence.current_steps if one.id == form.before.data), None)
        sequence.publish(session, article, Delay.parse(form.delay.data or ""), before)
        moved = sequences.replan(session, sequence, brand.current(session).zone, now())
        note(session, marked("step added"), f"{sequence.slug}: {article.title}")
        told = _("“%(title)s” now ends the series.", title=article.title)
        if before:
            told = _("“%(title)s” now comes before “%(before)s”.", title=article.title, before=before.article.title)
    return back("series", _told(told, moved), id=id, set_up=set_up_asked())


@door.post("/series/<row:id>/steps/<row:step_id>/<any(delay, up, down, remove):verb>", endpoint="series_step")
def change(id: int, step_id: int, verb: str) -> Response:
    """Change one step, and recompute when mails are due."""
    with transaction() as session:
        sequence = _locked(session, id)
        step = next((one for one in sequence.current_steps if one.id == step_id), None)
        if step is None:
            return back("series", _("That step has been removed already."), "info", id=id, set_up=set_up_asked())
        try:
            told = _changed(session, sequence, step, verb)
        except ValueError as error:
            return back("series", _("Nothing was changed: %(why)s.", why=in_words(error)), "danger", id=id,
                        set_up=set_up_asked())  # fmt: skip
        moved = sequences.replan(session, sequence, brand.current(session).zone, now())
        note(session, f"step {verb}", f"{sequence.slug}: {step.article.title} {step.delay}")
    return back("series", _told(told, moved), id=id, set_up=set_up_asked())


def _changed(session: Session, sequence: Sequence, step: Step, verb: str) -> str:
    title = step.article.title
    if verb == "delay":
        typed = Delay.parse(characters.line(request.form.get("delay"))[:40])
        step.delay = replace(step.delay, amount=typed.amount, unit=typed.unit)
        if step.delay.unit is Unit.HOURS:
            return ngettext("“%(title)s” now follows after %(num)s hour.",
                "“%(title)s” now follows after %(num)s hours.",
                            step.delay.amount, title=title)  # fmt: skip
        return ngettext("“%(title)s” now follows after %(num)s day.", "“%(title)s” now follows after %(num)s days.",
                        step.delay.amount, title=title)  # fmt: skip
    if verb == "remove":
        sequences.keep_dates(session, sequence, step, brand.current(session).zone, now())
        step.remove(now())
        return _("“%(title)s” is out of the series.", title=title)
    if not sequence.move(step, up=verb == "up"):
        return _("“%(title)s” is at the end already.", title=title)
    return _("“%(title)s” moved up.", title=title) if verb == "up" else _("“%(title)s” moved down.", title=title)


def _told(told: str, moved: int) -> str:
    if not moved:
        return told
    dates = ngettext("%(num)s person has a new date.", "%(num)s people have a new date.", moved, num=number(moved))
    return f"{told} {dates}"
