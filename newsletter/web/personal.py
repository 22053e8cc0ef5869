"""Pages behind personal links: confirm, library, download, preferences, and a mail in the browser.

GET shows and POST acts: mail scanners open every link, and must change nothing by it.
"""

from datetime import timedelta
from typing import Any

from flask import Blueprint, Response, abort, g, redirect, render_template, request, send_file, url_for
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from newsletter import brand, campaigns, guides, journey, sequences
from newsletter.guides import Guide
from newsletter.links import Purpose, path, still_good
from newsletter.mail import outbox
from newsletter.mail.outbox import Message
from newsletter.mail.render import Reader, Words
from newsletter.sequences import Enrollment
from newsletter.sequences.enrollment import LIVE
from newsletter.subscribers import Consent, Status, Stream, Subscriber
from newsletter.web import plain
from newsletter.web.cards import Card, all_guides, card
from newsletter.web.forms import ButtonForm, PreferencesForm, newsletter_wording
from newsletter.web.security import limiter
from newsletter.web.state import now, reading, runtime, state, transaction

door = Blueprint("personal", __name__)
DOWNLOAD_FOR = timedelta(days=7)
ACTIONS = "60 per minute"
MAIL_PAGE_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'; "
    "sandbox allow-popups allow-popups-to-escape-sandbox allow-top-navigation-by-user-activation"
)


def numbers(purpose: Purpose, token: str) -> tuple[int, ...]:
    """The numbers of a link. Raises BadLink, which the error page explains."""
    return runtime().signer.numbers(purpose, token)


@door.get("/confirm/<token>")
def confirm(token: str) -> str:
    """One clear button; after it, the guide."""
    consent_id, last_second = numbers(Purpose.CONFIRM, token)
    with reading() as session:
        consent = session.get(Consent, consent_id)
        if consent is None:
            abort(410, "This sign-up was never confirmed and has been deleted. Please sign up again.")
        guide = session.scalar(select(Guide).where(Guide.slug == consent.guide))
        subscriber = consent.subscriber
        if consent.confirmed_at is None:
            still_good(last_second, now())
            return render_template(
                "public/confirm.html", form=ButtonForm(), token=token, card=card(guide) if guide else None,
                newsletter=consent.newsletter, email=subscriber.email,
                articles=journey.articles_after(session, guide) if guide else 0,
            )  # fmt: skip
        if subscriber.status is not Status.CONFIRMED:
            abort(410, "This link has done its work, and you have left since. To come back, please sign up again.")
        return render_template(
            "public/confirmed.html", card=card(guide) if guide else None, newsletter=consent.newsletter,
            download_url=_download_url(subscriber, guide) if guide else None, **_library(session, subscriber),
        )  # fmt: skip


@door.post("/confirm/<token>", endpoint="confirm_now")
@limiter.limit(ACTIONS)
def confirm_now(token: str) -> AnyResponse:
    """The button was pressed."""
    consent_id, last_second = numbers(Purpose.CONFIRM, token)
    _check(ButtonForm())
    with transaction() as session:
        consent = session.get(Consent, consent_id)
        if consent is not None and consent.confirmed_at is None:
            still_good(last_second, now())
        if journey.confirm(session, runtime(), consent_id, now()) is None:
            abort(410, "This sign-up was never confirmed and has been deleted. Please sign up again.")
    state().crank.turn()
    return redirect(url_for("personal.confirm", token=token), 303)


def _check(form: ButtonForm) -> None:
    if not form.validate():
        abort(400, (form.csrf_token.errors or ["Please go back and send the form again."])[0])


def _library(session: Session, subscriber: Subscriber) -> dict[str, Any]:
    has = {entry.guide.id for entry in guides.shelf(session, subscriber)}
    token = runtime().signer.token(Purpose.LIBRARY, subscriber.id)
    others = (
        [card(one) for one in all_guides(session) if one.id not in has] if subscriber.status is Status.CONFIRMED else []
    )
    return {
        "library_token": token,
        "library_url": url_for("personal.library", token=token),
        "others": others,
        "form": ButtonForm(formdata=None),
    }


def _download_url(subscriber: Subscriber, guide: Guide) -> str:
    last_second = int((now() + DOWNLOAD_FOR).timestamp())
    token = runtime().signer.token(Purpose.DOWNLOAD, subscriber.id, guide.id, last_second)
    return url_for("personal.download", token=token, slug=guide.slug)


def _person(session: Session, subscriber_id: int) -> Subscriber:
    found = session.get(Subscriber, subscriber_id)
    if found is None:
        text = "This is a test mail: in a real one this link leads to the reader's own page."
        gone = "We hold no data of yours any more, so there is nothing to show here."
        abort(410, gone if subscriber_id else text)
    return found


@door.get("/library/<token>")
def library(token: str) -> str:
    """A subscriber's guides."""
    (subscriber_id,) = numbers(Purpose.LIBRARY, token)
    with reading() as session:
        subscriber = _person(session, subscriber_id)
        shelf = [_entry(subscriber, entry) for entry in guides.shelf(session, subscriber)]
        asked = request.args.get("requested", "")
        requested: Card | None = next((one["card"] for one in shelf if one["card"].slug == asked), None)
        preferences_url = path(runtime().renderer.urls.preferences(subscriber.id))
        return render_template(
            "public/library.html", shelf=shelf, requested=requested, preferences_url=preferences_url,
            **_library(session, subscriber),
        )  # fmt: skip


def _entry(subscriber: Subscriber, entry: guides.guide.ShelfEntry) -> dict[str, Any]:
    return {
        "card": card(entry.guide),
        "download_url": _download_url(subscriber, entry.guide),
        "requested_at": entry.requested_at,
    }


@door.post("/library/<token>")
@limiter.limit(ACTIONS)
def request_guide(token: str) -> AnyResponse:
    """One click for another guide, or the same one again."""
    (subscriber_id,) = numbers(Purpose.LIBRARY, token)
    _check(ButtonForm())
    with transaction() as session:
        subscriber = _person(session, subscriber_id)
        guide = session.scalar(select(Guide).where(Guide.slug == request.form.get("guide", ""))) or abort(404)
        journey.request_guide(session, runtime(), subscriber, guide, now())
    state().crank.turn()
    return redirect(url_for("personal.library", token=token, requested=guide.slug), 303)


@door.get("/library/<token>/<slug>.pdf")
def own_pdf(token: str, slug: str) -> AnyResponse:
    """A guide by the personal link that mails carry (they point to its pages)."""
    (subscriber_id,) = numbers(Purpose.LIBRARY, token)
    return _pdf(subscriber_id, slug)


@door.get("/download/<token>/<slug>.pdf")
def download(token: str, slug: str) -> AnyResponse:
    """A guide by a signed link that works for a week; the library gives a fresh one."""
    subscriber_id, guide_id, last_second = numbers(Purpose.DOWNLOAD, token)
    still_good(last_second, now())
    return _pdf(subscriber_id, slug, guide_id)


def _pdf(subscriber_id: int, slug: str, guide_id: int | None = None) -> AnyResponse:
    with transaction() as session:
        subscriber = _person(session, subscriber_id)
        guide = session.scalar(select(Guide).where(Guide.slug == slug)) or abort(404)
        if guide_id not in (None, guide.id):
            abort(404)
        guides.inspect(guide.file(runtime().guides))  # one that is not whole is no guide fetched
        if request.method == "GET" and not guides.fetch(session, subscriber, guide, now()):
            abort(404, "This guide is not in your library yet; you can ask for it there.")
    return send_file(guide.file(runtime().guides), mimetype="application/pdf", max_age=0)


@door.route("/preferences/<token>", methods=["GET", "POST"])
@limiter.limit(ACTIONS, methods=["POST"])
def preferences(token: str) -> Any:
    """Choose: newsletter, series, name."""
    (subscriber_id,) = numbers(Purpose.PREFERENCES, token)
    if request.method != "POST":
        leave_at = path(runtime().renderer.urls.unsubscribe(subscriber_id, 0))
        with reading() as session:
            _person(session, subscriber_id)
        return plain.or_plain(
            lambda: _preferences(token, subscriber_id)[0], plain.preferences(leave_at, "saved" in request.args)
        )
    return _preferences(token, subscriber_id)


def _preferences(token: str, subscriber_id: int) -> Any:
    with transaction() if request.method == "POST" else reading() as session:
        subscriber = _person(session, subscriber_id)
        form = PreferencesForm(data={"first_name": subscriber.first_name, "newsletter": subscriber.newsletter})
        if request.method == "POST" and form.validate():
            if stop := request.form.get("stop", ""):
                sequences.stop(
                    session,
                    subscriber,
                    now(),
                    "The person stopped this series.",
                    only=int(stop) if stop.isdecimal() and len(stop) < 19 else 0,
                )
            else:
                # Leaving depends on nothing else: only who wants the newsletter agrees to words, which name the brand.
                wording = newsletter_wording(brand.current(session)) if form.newsletter.data else ""
                journey.choose(
                    session, subscriber, bool(form.newsletter.data), form.first_name.data or "", wording, now()
                )
            session.flush()
            return redirect(url_for("personal.preferences", token=token, saved=1), 303)
        if form.csrf_token.errors:
            abort(400, form.csrf_token.errors[0])
        form.newsletter.label.text = newsletter_wording(brand.current(session))
        message = path(runtime().renderer.urls.unsubscribe(subscriber.id, 0))
        page = render_template(
            "public/preferences.html", form=form, series=_series(session, subscriber), unsubscribe_url=message,
            saved="saved" in request.args, email=subscriber.email, left=subscriber.status is not Status.CONFIRMED,
        )  # fmt: skip
        return page, 422 if form.errors else 200


def _series(session: Session, subscriber: Subscriber) -> list[dict[str, Any]]:
    live = session.scalars(
        select(Enrollment).where(Enrollment.subscriber_id == subscriber.id, Enrollment.course.in_(LIVE))
    )
    titles = {guide.slug: guide.title for guide in all_guides(session)}
    zone, mailings = brand.current(session).zone, campaigns.planned(session)
    return [
        {
            "id": one.id,
            "name": one.sequence.name,
            "guide_title": titles.get(one.sequence.guide_slug or "", ""),
            "planned": sequences.what_is_next(session, one, zone, now(), mailings),
            "standing": sequences.standing(one),
        }
        for one in live
    ]


@door.get("/view/<token>")
def view(token: str) -> str | Response:
    """A mail in the browser, in the words in which it was sent, or would be sent now."""
    (message_id,) = numbers(Purpose.VIEW, token)
    with reading() as session:
        message = session.get(Message, message_id)
        if message is None or message.stream is Stream.RESET:  # its link is for the mailbox alone
            abort(410, "This mail has been deleted together with its reader's data, or it was only a preview.")
        revision = outbox.revision_of(session, message)
        words = revision and Words(revision.subject, revision.preheader, revision.body)
        reader = Reader(
            message.subscriber_id or 0, message.subscriber.first_name if message.subscriber else "", message.id
        )
        seen = runtime().renderer.rendered(
            message.stream, brand.current(session), reader, words or None, message.context or {}
        )
    g.csp = MAIL_PAGE_POLICY
    return seen.html
