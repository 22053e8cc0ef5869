"""A subscriber's page: their whole history, and actions at their request."""

from flask import jsonify, render_template, request
from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from newsletter import brand, campaigns, clicks, data_export, guides, journey, sequences, topics
from newsletter.events import By, Press
from newsletter.guides import Guide
from newsletter.languages import marked
from newsletter.mail.ledger import Reason
from newsletter.sequences import Enrollment, Planned, Standing
from newsletter.subscribers import (
    SUPPRESSING,
    Status,
    Stream,
    Subscriber,
    Suppression,
    SuppressionReason,
    found_by,
    held,
    tags_of,
    topic_choice,
)
from newsletter.web.language import _
from newsletter.web.owner import person_choices
from newsletter.web.owner.display import word
from newsletter.web.owner.door import PAGE, asked_id, back, door, note, one_or_404
from newsletter.web.owner.proof import asks_password
from newsletter.web.owner.timeline import guide_answers, timeline
from newsletter.web.state import now, reading, runtime, state, transaction

STOPPED = marked("Stopped by the owner.")


def matching(session: Session, asked: str, *conditions: ColumnElement[bool]) -> list[Subscriber]:
    """One page of subscribers, newest first, and one more if there is a next page."""
    look = select(Subscriber).where(*conditions)
    if asked:
        look = look.where(found_by(asked))
    return list(session.scalars(look.order_by(Subscriber.id.desc()).limit(PAGE + 1)))


@door.get("/subscribers/<row:id>", endpoint="subscriber")
def show(id: int) -> str:
    """Show everything about one person: did Jane get the guide, and what comes next?"""
    with reading() as session:
        person = one_or_404(session, Subscriber, id)
        zone = brand.current(session).zone
        enrollments = session.scalars(
            select(Enrollment).where(Enrollment.subscriber_id == id).order_by(Enrollment.id.desc())
        ).all()
        return render_template(
            "owner/subscriber.html", person=person, tags=tags_of(session, id), held=held(session, id),
            guides=guide_answers(session, person),
            series=[_outlook(session, one, zone) for one in enrollments], coming=campaigns.coming_to(session, person),
            weekly=campaigns.next_digest(session, person, now()),
            may_have_guide=person.may_receive(Stream.GUIDE), events=timeline(session, person, runtime().renderer.urls),
            ahead={one.slug: journey.articles_ahead(session, person, one) for one in session.scalars(select(Guide))},
            suppressed_by=_suppressed_by(session, person), topics=_topics(session, person),
            choices=person_choices.shown(session, person),
            objects=clicks.objects(session, id), counting=brand.current(session).counts_clicks,
        )  # fmt: skip


def _topics(session: Session, person: Subscriber) -> str:
    """The names of the newsletter topics they take; "" for all."""
    choice = topic_choice(session, person)
    return "" if choice.every else ", ".join(topics.names_of(session, choice.ids)) or _("none of your topics")


def _outlook(session: Session, one: Enrollment, zone: str) -> tuple[Enrollment, Standing, list[Planned]]:
    """(enrollment, what it waits for, what will come), as computed by the scheduler."""
    planned = sequences.what_is_next(session, one, zone, now(), campaigns.planned(session))
    return one, sequences.standing(one), planned


@door.post("/subscribers/<row:id>/unsubscribe", endpoint="subscriber_unsubscribe")
def unsubscribe(id: int) -> Response:
    """Unsubscribe a person who asked by other means. Nothing more is sent, not even a goodbye."""
    with transaction() as session:
        person = one_or_404(session, Subscriber, id)
        press = Press(By.OWNER, marked("Unsubscribed by the owner, at the person's request."))
        left = journey.unsubscribe(session, person, now(), goodbye=False, press=press)
        if left:
            note(session, marked("subscriber unsubscribed"), str(id))
    told = _("Unsubscribed. Nothing more is sent to this address.") if left else _("This person had left before.")
    return back("subscriber", told, "success" if left else "info", id=id)


@door.get("/subscribers/<row:id>/everything.json", endpoint="subscriber_everything")
@asks_password
def everything(id: int) -> Response:
    """Download all data held about a person, for them (UK GDPR Art. 15 and 20)."""
    with reading() as session:
        held = data_export.of(session, one_or_404(session, Subscriber, id))
    answer: Response = jsonify(held)
    answer.headers["Content-Disposition"] = f"attachment; filename=subscriber-{id}.json"
    return answer


@door.post("/subscribers/<row:id>/erase", endpoint="subscriber_erase")
@asks_password
def erase(id: int) -> Response:
    """Erase everything at the person's request, except a keyed hash of the address."""
    with transaction() as session:
        person = one_or_404(session, Subscriber, id)
        if request.form.get("sure") != "yes":
            return back("subscriber", _("Nothing was erased: tick the box to say that you are sure."), "info", id=id)
        addresses = journey.erase(session, runtime(), person, now())
        note(session, marked("subscriber erased"), str(id))
    runtime().forget_traces(*addresses)
    return back("subscribers", _("Erased. What stays is a code that keeps old lists from signing the person up again."))


@door.post("/subscribers/<row:id>/guide", endpoint="subscriber_guide")
def send_guide(id: int) -> Response:
    """Send a guide with a new link. Starts no series: the mail asks whether it is wanted too."""
    with transaction() as session:
        person = one_or_404(session, Subscriber, id)
        guide = one_or_404(session, Guide, asked_id("guide", request.form) or 0)
        if not person.may_receive(Stream.GUIDE):
            return back(
                "subscriber",
                _("A person who is %(status)s gets no guide.", status=word(person.status)),
                "danger",
                id=id,
            )
        sent = journey.offer_guide(session, runtime(), person, guide, now())
        if sent:
            note(session, marked("guide sent again"), f"{guide.slug} to subscriber {id}")
    state().trigger.wake()
    seconds = guides.guide.AGAIN_AFTER.total_seconds()
    told = _("“%(title)s” is on its way.", title=guide.title) if sent else (
        _("Not sent: it went out less than %(seconds)s seconds ago, or %(most)s times today.",
          seconds=round(seconds), most=guides.guide.MOST_A_DAY)
    )  # fmt: skip
    return back("subscriber", told, "success" if sent else "info", id=id)


@door.post("/subscribers/<row:id>/series", endpoint="subscriber_series")
def stop_series(id: int) -> Response:
    """Stop a series at the person's request. Only their own press starts or resumes one."""
    with transaction() as session:
        person = one_or_404(session, Subscriber, id, lock=True)
        enrollment = asked_id("stop", request.form) or 0
        press = Press(By.OWNER, STOPPED)
        if not journey.stop_series(session, person, enrollment, press, now(), Reason.STOPPED_BY_OWNER):
            return back("subscriber", _("That series had ended already."), "info", id=id)
        note(session, marked("series stopped"), f"enrollment {enrollment} of subscriber {person.id}")
    return back("subscriber", _("The series is stopped for this person."), "success", id=id)


@door.post("/subscribers/<row:id>/lift", endpoint="subscriber_lift")
def lift(id: int) -> Response:
    """Lift a bounce, complaint or refusal, with a reason."""
    reason = " ".join(request.form.get("reason", "").replace("\0", "").split())
    if not reason:
        return back("subscriber", _("Nothing was changed: please say why, it is kept on record."), "danger", id=id)
    with transaction() as session:
        person = one_or_404(session, Subscriber, id)
        what = _suppressed_by(session, person)
        if not journey.lift(session, runtime(), person, reason[:1000], now()):
            return back("subscriber", _("There is nothing to lift: this address may be written to."), "info", id=id)
        note(session, f"{what} lifted", f"subscriber {id}: {reason}"[:500])
        stands = word(person.status)
    return back("subscriber", _("Lifted. This person is %(stands)s now.", stands=stands), "success", id=id)


def _suppressed_by(session: Session, person: Subscriber) -> str:
    """Why we may not write to this person, as a code for the page; "" if we may."""
    if person.status in (Status.COMPLAINED, Status.BOUNCED):
        return {Status.COMPLAINED: "complaint", Status.BOUNCED: "bounce"}[person.status]
    reasons = {one.reason for one in Suppression.of_address(session, runtime().secrets, person.address)}
    if SuppressionReason.REFUSED in reasons:
        return "refusal"
    return "suppression" if reasons & set(SUPPRESSING) else ""
