"""The preferences page (newsletter, topics, series, name and more), and the page that stops a series."""

from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, abort, redirect, render_template, request, url_for
from sqlalchemy import select
from sqlalchemy.orm import Session
from wtforms.fields.choices import SelectChoice

from newsletter import brand, campaigns, forms, journey, sequences, topics
from newsletter.events import By, Press
from newsletter.journey import Proof
from newsletter.links import Purpose, path
from newsletter.sequences import Enrollment, Planned
from newsletter.sequences.delay import local_day
from newsletter.sequences.enrollment import LIVE
from newsletter.subscribers import (
    Status,
    Subscriber,
    TopicChoice,
    fields_named,
    held_until,
    read_address,
    topic_choice,
    values_of,
)
from newsletter.web import plain
from newsletter.web.address import ask_ahead
from newsletter.web.cards import all_guides
from newsletter.web.forms import ButtonForm, PreferencesForm, answer_name, with_answers
from newsletter.web.language import _, lazy, spoken
from newsletter.web.personal import ACTIONS, check_form, numbers, person_or_gone
from newsletter.web.security import limiter
from newsletter.web.slip import Slip, slip_in_move
from newsletter.web.state import now, reading, runtime, state, transaction
from newsletter.web.weekly import frequency
from newsletter.web.wording import (
    NO_NEWSLETTER,
    SINGLES,
    SINGLES_BRING,
    TOPICS_KEPT,
    WEEKLY,
    agreed,
    newsletter_wording,
    series_wording,
    topics_kept,
    weekly_brings,
)
from newsletter.zones import known_zones

door = Blueprint("preferences", __name__)
PAGE = "/preferences"
STOP_PAGE = "/preferences/stop"
STOP, AGAIN = lazy("Stop these"), lazy("Start again")
PAUSE = lazy("Pause everything for %(days)d days", days=journey.PAUSE.days)
GO_ON = lazy("Go on now")
MOVE = lazy("Write to this address instead")
MOVING = lazy("We send a link to the new address, and tell this one. Nothing changes before the link is pressed.")
PACE = ("pause", "go_on", "weekly", "singles")
OWN = {Proof.DATA: lazy("Send me a link to it"), Proof.ERASE: lazy("Delete me")}
"""Actions that need access to the mailbox: the button sends a link there."""
PAUSES = lazy(
    "For %(days)d days nothing comes by itself, and no time passes for the series. What you ask for still comes. It "
    "ends by itself, or when you press.", days=journey.PAUSE.days
)  # fmt: skip
PAUSED = lazy("Nothing comes by itself until then, and no time passes for the series. What you ask for still comes.")


@door.route("/preferences/<token>", methods=["GET", "POST"])
@limiter.limit(ACTIONS, methods=["POST"])
def show(token: str) -> Any:
    """Show or save the preferences."""
    (subscriber_id,) = numbers(Purpose.PREFERENCES, token)
    if request.method == "POST":
        if "move" in request.form:
            ask_ahead(request.form.get("address", ""))
        return _page(token, subscriber_id)
    leave_at = path(runtime().renderer.urls.unsubscribe(subscriber_id, 0))
    with reading() as session:
        person_or_gone(session, subscriber_id)
    kept = "saved" in request.args or "back" in request.args
    return plain.or_plain(lambda: _page(token, subscriber_id)[0], plain.preferences(leave_at, kept))


def _page(token: str, subscriber_id: int) -> Any:
    with transaction() if request.method == "POST" else reading() as session:
        subscriber = person_or_gone(session, subscriber_id)
        form = _form(session, subscriber)
        right = request.method == "POST" and form.validate()
        if form.csrf_token.errors:
            abort(400, form.csrf_token.errors[0])
        slip = slip_in_move(form)
        if not right or slip:
            return _rendered(session, subscriber, form, slip), 422 if form.errors else 200
        _change(session, subscriber, form)
    plain.attempt(state().trigger.wake)
    there = url_for("preferences.show", token=token)
    told = "asked" if "move" in request.form else "sent" if _link_asked() else "saved"
    return redirect(f"{there}?{told}=1", 303)


def _rendered(session: Session, subscriber: Subscriber, form: PreferencesForm, slip: Slip | None = None) -> str:
    form.newsletter.label.text = newsletter_wording(brand.current(session))
    form.zone.choices[0] = SelectChoice("", _("As here (%(zone)s)", zone=brand.current(session).zone))
    form.shown.data = ",".join(choice.value for choice in form.topics.choices)
    return render_template(
        "public/preferences.html", form=form, series=_live(session, subscriber),
        unsubscribe_url=path(runtime().renderer.urls.unsubscribe(subscriber.id, 0)),
        stopped=_stopped(session, subscriber), stop=STOP, again=AGAIN, saved="saved" in request.args,
        **{one: one in request.args for one in ("back", "asked", "moved", "sent")}, move=MOVE, moving=MOVING,
        own={one.name.lower(): words for one, words in OWN.items()},
        email=subscriber.email, topics_kept=TOPICS_KEPT, pause=PAUSE, go_on=GO_ON, paused_text=PAUSED, pauses=PAUSES,
        paused_until=_paused_until(session, subscriber), held=_held(session, subscriber),
        left=subscriber.status is not Status.CONFIRMED, weekly=frequency(session, subscriber), slip=slip,
    )  # fmt: skip


def _link_asked() -> Proof | None:
    """The kind of link requested by the pressed button, or None."""
    return next((one for one in OWN if one.name.lower() in request.form), None)


def _paused_until(session: Session, subscriber: Subscriber) -> date | None:
    """The local date on which their pause ends."""
    until = subscriber.paused_until
    return local_day(until, subscriber.zone or brand.current(session).zone) if until else None


def _held(session: Session, subscriber: Subscriber) -> str:
    """Local date and time until which a changed address may still be reverted, in words; "" if it may not."""
    until = held_until(session, subscriber.id, now())
    there = until.astimezone(ZoneInfo(subscriber.zone or brand.current(session).zone)) if until else None
    if there is None:
        return ""
    return _("%(weekday)s, %(day)s, %(time)s (%(zone)s)", weekday=spoken().weekday(there), day=spoken().day(there),
             time=f"{there:%H:%M}", zone=there.tzinfo)  # fmt: skip


def _form(session: Session, subscriber: Subscriber) -> PreferencesForm:
    """The form with current values; of the custom fields only those that some form asks for."""
    asked = fields_named(session, forms.asked_for(session))
    held = values_of(session, subscriber.id) if asked else {}
    shown = {"first_name": subscriber.first_name, "newsletter": subscriber.newsletter, "zone": subscriber.zone or "",
             "language": subscriber.language or ""}  # fmt: skip
    shown |= {answer_name(one): held.get(one.id, "") for one in asked}
    choice, offered = topic_choice(session, subscriber), topics.open_ones(session)
    shown["topics"] = [str(one.id) for one in offered if choice.takes(one.id)]
    form = with_answers(PreferencesForm, asked)(data=shown)
    form.topics.choices = [SelectChoice(str(one.id), one.name) for one in offered]
    form.language.offer(subscriber.language)
    if "move" in request.form:
        form.house = brand.current(session)
    form.zone.choices = [SelectChoice("", ""), *map(SelectChoice, known_zones())]
    return form


@door.route("/preferences/<token>/stop/<slug>", methods=["GET", "POST"])
@limiter.limit(ACTIONS, methods=["POST"])
def stop(token: str, slug: str) -> Any:
    """The target of "stop these" in mails: a button that stops the series of one guide."""
    (subscriber_id,) = numbers(Purpose.PREFERENCES, token)
    if request.method == "POST":
        check_form(ButtonForm())
        with transaction() as session:
            subscriber = person_or_gone(session, subscriber_id)
            for one in _of_guide(session, subscriber, slug):
                press = Press(By.MAIL, agreed(STOP, [one.sequence.name]), STOP_PAGE)
                journey.stop_series(session, subscriber, one.id, press, now())
        return redirect(url_for("preferences.stop", token=token, slug=slug), 303)
    leave_at = path(runtime().renderer.urls.unsubscribe(subscriber_id, 0))
    with reading() as session:
        person_or_gone(session, subscriber_id)
    return plain.or_plain(lambda: _stop_page(token, subscriber_id, slug), plain.preferences(leave_at, False))


def _stop_page(token: str, subscriber_id: int, slug: str) -> str:
    with reading() as session:
        subscriber = person_or_gone(session, subscriber_id)
        ended = [one for one in sequences.stopped(session, subscriber) if one.sequence.guide_slug == slug]
        return render_template(
            "public/stop.html", form=ButtonForm(formdata=None), label=STOP, email=subscriber.email, ended=bool(ended),
            names=[one.sequence.name for one in _of_guide(session, subscriber, slug)], newsletter=subscriber.newsletter,
            preferences_url=url_for("preferences.show", token=token),
        )  # fmt: skip


def _of_guide(session: Session, subscriber: Subscriber, slug: str) -> list[Enrollment]:
    """Live enrollments in series of this guide."""
    live = select(Enrollment).where(Enrollment.subscriber_id == subscriber.id, Enrollment.status.in_(LIVE))
    ordered = live.order_by(Enrollment.sequence_id)  # a fixed order, to avoid deadlocks over new wordings
    return [one for one in session.scalars(ordered) if one.sequence.guide_slug == slug]


def _change(session: Session, subscriber: Subscriber, form: PreferencesForm) -> None:
    """Apply what the pressed button says."""
    stop, again = request.form.get("stop", ""), request.form.get("again", "")
    if "move" in request.form:
        press = Press(By.PAGE, agreed(MOVE, [MOVING.rstrip(".")]), PAGE)
        journey.ask_move(session, runtime(), subscriber, read_address(form.address.data or ""), press, now())
    elif asked := _link_asked():
        journey.ask_proof(session, subscriber, asked, now())
    elif any(name in request.form for name in PACE):
        _change_pace(session, subscriber)
    elif stop:
        one = session.get(Enrollment, _number(stop))
        press = Press(By.PAGE, agreed(STOP, [one.sequence.name]) if one else "", PAGE)
        journey.stop_series(session, subscriber, _number(stop), press, now())
    elif again:
        one = session.get(Enrollment, _number(again))
        items = _comes(session, one) if one and one.subscriber_id == subscriber.id else []
        journey.start_again(session, subscriber, _number(again), Press(By.PAGE, agreed(AGAIN, items), PAGE), now())
    else:
        # Switching it off must not depend on the brand; only agreeing needs the wording, which names it.
        wording = newsletter_wording(brand.current(session)) if form.newsletter.data else NO_NEWSLETTER
        ticked, told = _ticked(session, subscriber, form)
        sent = {one: one.read(answer.data or "") for one, answer in form.own if answer.name in request.form}
        if "zone" in request.form:
            journey.live_in(session, subscriber, form.zone.data or None, now())
        journey.read_in(session, subscriber, form.language.chosen)
        name = form.first_name.data or ""
        journey.choose(session, subscriber, bool(form.newsletter.data), name, f"{wording} {told}".strip(), now(), sent,
                       ticked)  # fmt: skip


def _change_pace(session: Session, subscriber: Subscriber) -> None:
    """Pause, resume, or switch the weekly digest."""
    if "pause" in request.form:
        journey.pause(session, subscriber, Press(By.PAGE, agreed(PAUSE, [PAUSES.rstrip(".")]), PAGE), now())
    elif "go_on" in request.form:
        journey.end_pause(session, subscriber, Press(By.PAGE, f"{GO_ON}.", PAGE), now())
    elif "weekly" in request.form:
        press = Press(By.PAGE, agreed(WEEKLY, [weekly_brings(brand.current(session))]), PAGE)
        journey.take_digest(session, subscriber, press, now())
    else:
        journey.take_singles(session, subscriber, Press(By.PAGE, agreed(SINGLES, [str(SINGLES_BRING)]), PAGE), now())


def _ticked(session: Session, subscriber: Subscriber, form: PreferencesForm) -> tuple[TopicChoice | None, str]:
    """The chosen topics and the wording shown with them; (None, "") if the page showed no topics."""
    every = topics.every(session)
    sent = {_number(typed) for typed in (form.shown.data or "").split(",")}
    shown = [one for one in every if one.id in sent]
    if not shown:
        return None, ""
    wanted = {_number(typed) for typed in form.topics.data or ()}
    ticked, left = ([one for one in shown if (one.id in wanted) is yes] for yes in (True, False))
    offered = [one.id for one in every if one.is_open]
    choice = topic_choice(session, subscriber).ticked((one.id for one in ticked), (one.id for one in shown), offered)
    return choice, topics_kept([one.name for one in ticked], [one.name for one in left])


def _number(typed: str) -> int:
    return int(typed) if typed.isdecimal() and len(typed) < 19 else 0


def _comes(session: Session, enrollment: Enrollment) -> list[str]:
    ahead = sequences.steps_ahead(session, enrollment.subscriber, enrollment.sequence)
    return [enrollment.sequence.name, series_wording(ahead)]


def _live(session: Session, subscriber: Subscriber) -> list[dict[str, Any]]:
    live = session.scalars(
        select(Enrollment).where(Enrollment.subscriber_id == subscriber.id, Enrollment.status.in_(LIVE))
    )
    zone, mailings = brand.current(session).zone, campaigns.planned(session)
    return [
        _shown(session, one)
        | _position(one, sequences.what_is_next(session, one, zone, now(), mailings), subscriber.zone or zone)
        for one in live
    ]


def _position(enrollment: Enrollment, planned: list[Planned], zone: str) -> dict[str, Any]:
    """Progress and the local date of the next mail, computed by the scheduler's own code."""
    had = _had(enrollment)
    return {
        "had": had, "of": had + len(planned), "standing": sequences.standing(enrollment),
        "next_on": local_day(planned[0].due_at, zone) if planned else None,
    }  # fmt: skip


def _had(enrollment: Enrollment) -> int:
    return len(enrollment.place.had) if enrollment.place else 0


def _stopped(session: Session, subscriber: Subscriber) -> list[dict[str, Any]]:
    return [
        _shown(session, one)
        | {"had": _had(one), "of": _had(one) + sequences.steps_ahead(session, subscriber, one.sequence)}
        for one in sequences.stopped(session, subscriber)
    ]


def _shown(session: Session, enrollment: Enrollment) -> dict[str, Any]:
    titles = {guide.slug: guide.title for guide in all_guides(session)}
    title = titles.get(enrollment.sequence.guide_slug or "", "")
    return {"id": enrollment.id, "name": enrollment.sequence.name, "guide_title": title}
