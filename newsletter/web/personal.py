"""Pages behind personal links: confirmation, library, downloads, and mails in the browser.

GET never changes anything, because mail scanners open every link.
"""

from datetime import timedelta
from typing import Any

from flask import Blueprint, Response, abort, g, redirect, render_template, request, send_file, url_for
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from newsletter import brand, guides, journey, sequences, topics
from newsletter.events import By, Press
from newsletter.guides import Guide
from newsletter.journey import AskedFor
from newsletter.links import Purpose, still_good
from newsletter.mail.contents import content_of
from newsletter.mail.ledger import Message
from newsletter.mail.ledger.contents import revision_of
from newsletter.mail.render import Reader
from newsletter.subscribers import Consent, Status, Stream, Subscriber, merged
from newsletter.web.cards import Card, card, shown_guides
from newsletter.web.forms import ButtonForm
from newsletter.web.language import _, lazy, speak
from newsletter.web.security import limiter
from newsletter.web.state import now, reading, runtime, state, transaction
from newsletter.web.wording import agreed, brings, series_wording

door = Blueprint("personal", __name__)
DOWNLOAD_FOR = timedelta(days=7)
ACTIONS = "60 per minute"
FOR_THE_MAILBOX = (Stream.RESET, Stream.INVITATION, Stream.PROVE, Stream.LOGIN)
"""Streams never shown in the browser: their links prove access to the mailbox."""
LATEST = 2**63 - 1
BOTH, ALONE, TOO = lazy("Send me both"), lazy("The guide only"), lazy("Send me this one too")
"""Labels of the buttons for a guide the reader does not have yet."""
DELETED = lazy(
    "This sign-up was never confirmed and has been deleted, so nothing comes of it. To sign up after all, please fill "
    "in the form again; if you have told us never to write to this address, write to us first."
)
MAIL_PAGE_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'; "
    "sandbox allow-popups allow-popups-to-escape-sandbox allow-top-navigation-by-user-activation"
)


def numbers(purpose: Purpose, token: str) -> tuple[int, ...]:
    """The numbers in a link's token. Raises BadLink, for which there is an error page."""
    return runtime().signer.numbers(purpose, token)


@door.get("/confirm/<token>")
def confirm(token: str) -> str:
    """The page with the confirmation button; once confirmed, the guide."""
    consent_id, last_second = numbers(Purpose.CONFIRM, token)
    with reading() as session:
        consent = session.get(Consent, consent_id) or abort(410, DELETED)
        subscriber = consent.subscriber
        speak(subscriber.language)
        if consent.confirmed_at is None:
            if consent.is_over or subscriber.status is Status.COMPLAINED:
                raise journey.LinkOver
            still_good(last_second, now())
            return _ask(session, consent, token)
        if subscriber.status is not Status.CONFIRMED:
            abort(410, _("This link has done its work, and you have left since. To come back, please sign up again."))
        guide = session.scalar(select(Guide).where(Guide.slug == consent.guide))
        return render_template(
            "public/confirmed.html", card=card(guide) if guide else None, newsletter=subscriber.newsletter,
            download_url=_download_url(subscriber, guide) if guide else None,
            follows=guide is not None and sequences.is_under_way(session, subscriber, guide.slug),
            preferences_url=preferences_path(subscriber), stop_url=_stop_path(subscriber, guide),
            **_library(session, subscriber),
        )  # fmt: skip


def _stop_path(subscriber: Subscriber, guide: Guide | None) -> str:
    token = runtime().signer.token(Purpose.PREFERENCES, subscriber.id)
    return url_for("preferences.stop", token=token, slug=guide.slug) if guide else preferences_path(subscriber)


def _ask(session: Session, consent: Consent, token: str) -> str:
    """Ask somebody new whether it was them, or a reader whether to start what comes with a guide."""
    subscriber = consent.subscriber
    asked = journey.asked_for(session, consent, now(), LATEST)  # lists everything pending by now
    known = subscriber.status is Status.CONFIRMED
    return render_template(
        "public/offer.html" if known else "public/confirm.html", form=ButtonForm(), token=token, asked=asked,
        card=card(asked.guide) if asked.guide else None, items=_brings(session, asked, asked.newsletter),
        series=bool(asked.articles), email=subscriber.email, label=_label(asked.guide, known, asked.newsletter),
        start=_label(asked.guide, known, newsletter=False),
        is_new=subscriber.status is Status.PENDING,
        library_url=url_for("personal.library", token=runtime().signer.token(Purpose.LIBRARY, subscriber.id)),
    )  # fmt: skip


def _label(guide: Guide | None, known: bool, newsletter: bool) -> str:
    """The button's label."""
    if known:
        return _("Yes, and the newsletter too") if newsletter else _("Yes, start the e-mails")
    return _("Yes, send me the guide") if guide else _("Yes, sign me up")


def _brings(session: Session, asked: AskedFor, newsletter: bool) -> list[str]:
    """What confirming brings, in words; without a guide the reader already has."""
    is_new = asked.consent.subscriber.status is not Status.CONFIRMED
    seen = card(asked.guide) if asked.guide and is_new else None
    title, pages = (seen.title, seen.pages) if seen else (None, 0)
    named = topics.names_of(session, asked.topics.ids)
    return brings(title, pages, asked.articles, newsletter, brand.current(session), named)


@door.post("/confirm/<token>", endpoint="confirm_now")
@limiter.limit(ACTIONS)
def confirm_now(token: str) -> AnyResponse:
    """Confirm."""
    consent_id, last_second = numbers(Purpose.CONFIRM, token)
    check_form(ButtonForm())
    told = request.form.get("upto", "")
    upto = int(told) if told.isdecimal() and len(told) < 19 else None
    with transaction() as session:
        asked = journey.open_link(session, consent_id, now(), upto) or abort(410, DELETED)
        speak(asked.consent.subscriber.language)
        if asked.consent.confirmed_at is None:
            still_good(last_second, now())
        # A confirmed reader accepts the newsletter with a separate button.
        known = asked.consent.subscriber.status is Status.CONFIRMED
        ticked = not known or request.form.get("newsletter") == "y"
        newsletter = ticked and asked.newsletter
        words = agreed(_label(asked.guide, known, newsletter), _brings(session, asked, newsletter))
        press = Press(By.MAIL, words, "/confirm")
        journey.confirm(session, runtime(), asked, now(), press=press, newsletter=ticked)
    state().trigger.wake()
    return redirect(url_for("personal.confirm", token=token), 303)


def check_form(form: ButtonForm) -> None:
    """Abort with 400 if the form did not come from our page."""
    if not form.validate():
        abort(400, (form.csrf_token.errors or [_("Please go back and send the form again.")])[0])


def _library(session: Session, subscriber: Subscriber) -> dict[str, Any]:
    has = {entry.guide.id for entry in guides.shelf(session, subscriber)}
    token = runtime().signer.token(Purpose.LIBRARY, subscriber.id)
    confirmed = subscriber.status is Status.CONFIRMED
    others = [one for one in shown_guides(session) if one.id not in has] if confirmed else []
    return {
        "library_token": token,
        "library_url": url_for("personal.library", token=token),
        "others": [(card(one), series_wording(journey.articles_ahead(session, subscriber, one))) for one in others],
        "form": ButtonForm(formdata=None),
        "labels": {"both": BOTH, "alone": ALONE, "too": TOO},
    }


def _download_url(subscriber: Subscriber, guide: Guide) -> str:
    last_second = int((now() + DOWNLOAD_FOR).timestamp())
    token = runtime().signer.token(Purpose.DOWNLOAD, subscriber.id, guide.id, last_second)
    return url_for("personal.download", token=token, slug=guide.slug)


def preferences_path(subscriber: Subscriber) -> str:
    """The path of the reader's preferences page."""
    return url_for("preferences.show", token=runtime().signer.token(Purpose.PREFERENCES, subscriber.id))


def person_or_gone(session: Session, subscriber_id: int) -> Subscriber:
    """The subscriber, setting the page's language to theirs; 410 if they have been erased."""
    found = session.get(Subscriber, subscriber_id)
    if found is None:
        text = _("This is a test mail: in a real one this link leads to the reader's own page.")
        gone = _("We hold no data of yours any more, so there is nothing to show here.")
        abort(410, gone if subscriber_id else text)
    speak(found.language)
    return found


@door.get("/library/<token>")
def library(token: str) -> str:
    """A subscriber's guides."""
    (subscriber_id,) = numbers(Purpose.LIBRARY, token)
    with reading() as session:
        subscriber = person_or_gone(session, subscriber_id)
        shelf = [_entry(subscriber, entry, token) for entry in guides.shelf(session, subscriber)]
        asked = request.args.get("requested", "")
        requested: Card | None = next((one["card"] for one in shelf if one["card"].slug == asked), None)
        return render_template(
            "public/library.html", shelf=shelf, requested=requested, preferences_url=preferences_path(subscriber),
            **_library(session, subscriber),
        )  # fmt: skip


def _entry(subscriber: Subscriber, entry: guides.guide.ShelfEntry, token: str) -> dict[str, Any]:
    readable = entry.guide.phone_edition(runtime().guides).is_file()
    return {
        "card": card(entry.guide),
        "read_url": url_for("books.read", token=token, slug=entry.guide.slug) if readable else None,
        "download_url": _download_url(subscriber, entry.guide),
        "requested_at": entry.requested_at,
    }


@door.post("/library/<token>")
@limiter.limit(ACTIONS)
def request_guide(token: str) -> AnyResponse:
    """Request another guide, with or without its series, depending on the button."""
    (subscriber_id,) = numbers(Purpose.LIBRARY, token)
    check_form(ButtonForm())
    with transaction() as session:
        subscriber = person_or_gone(session, subscriber_id)
        shown = (Guide.slug == request.form.get("guide", ""), ~Guide.hidden)
        guide = session.scalar(select(Guide).where(*shown)) or abort(404)
        ahead = journey.articles_ahead(session, subscriber, guide)
        series = ahead > 0 and request.form.get("series") == "y"
        seen = card(guide)
        items = brings(seen.title, seen.pages, ahead if series else 0, False, brand.current(session))
        label = str((BOTH if series else ALONE) if ahead else TOO)
        press = Press(By.PAGE, agreed(label, items), "/library")
        journey.request_guide(session, runtime(), subscriber, guide, press, now(), series=series)
    state().trigger.wake()
    return redirect(url_for("personal.library", token=token, requested=guide.slug), 303)


@door.get("/library/<token>/<slug>.pdf")
def own_pdf(token: str, slug: str) -> AnyResponse:
    """A guide through the permanent personal link in mails (which may point to a page in it)."""
    (subscriber_id,) = numbers(Purpose.LIBRARY, token)
    return _pdf(subscriber_id, slug)


@door.get("/download/<token>/<slug>.pdf")
def download(token: str, slug: str) -> AnyResponse:
    """A guide through a link that expires after a week; the library makes a new one."""
    subscriber_id, guide_id, last_second = numbers(Purpose.DOWNLOAD, token)
    still_good(last_second, now())
    return _pdf(subscriber_id, slug, guide_id)


def _pdf(subscriber_id: int, slug: str, guide_id: int | None = None) -> AnyResponse:
    with transaction() as session:
        subscriber = person_or_gone(session, subscriber_id)
        guide = session.scalar(select(Guide).where(Guide.slug == slug)) or abort(404)
        if guide_id not in (None, guide.id):
            abort(404)
        guides.inspect(guide.file(runtime().guides))  # an incomplete file must not count as a download
        if request.method == "GET" and not guides.fetch(session, subscriber, guide, now()):
            abort(404, _("This guide is not in your library yet; you can ask for it there."))
    return send_file(guide.file(runtime().guides), mimetype="application/pdf", max_age=0)


@door.get("/view/<token>")
def view(token: str) -> str | Response:
    """A mail in the browser, with the content that was or would now be sent."""
    (message_id,) = numbers(Purpose.VIEW, token)
    with reading() as session:
        message = session.get(Message, message_id)
        if message is None or message.stream in FOR_THE_MAILBOX:
            abort(410, _("This mail has been deleted together with its reader's data, or it was only a preview."))
        revision = revision_of(session, message)
        words = content_of(session, revision) if revision else None
        named = runtime().renderer.own_fields(words) if words else []
        reader = Reader(message.subscriber_id or 0, merged(session, message.subscriber, named), message.id)
        spoken = message.subscriber.language if message.subscriber else None
        house = brand.current(session).speaking(spoken, runtime().languages)
        seen = runtime().renderer.rendered(message.stream, house, reader, words, message.context or {})
    g.csp = MAIL_PAGE_POLICY
    return seen.html
