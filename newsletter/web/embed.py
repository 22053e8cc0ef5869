"""Forms on other sites: `/embed/<form>.js` (a script), `/embed/<form>` (an iframe, and JSON), for the owner's sites.

Nothing here sets a cookie. A sign-up needs a proof of work or a second confirmation (`web.robots`); `journey` limits
mail per mailbox, as for every form.
"""

import gzip
from hashlib import sha256
from typing import Any

from flask import Blueprint, Response, abort, g, jsonify, make_response, render_template, request, url_for
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import HTTPException, TooManyRequests

from newsletter import brand, characters, forms
from newsletter.brand import Brand
from newsletter.forms import Form
from newsletter.guides import Guide
from newsletter.web import errors, robots
from newsletter.web.address import ask_ahead
from newsletter.web.embedded import (
    INPUTS,
    LABELS,
    beside_of,
    form_words,
    offered_topics,
    script_code,
    static_text,
    style_sheet,
)
from newsletter.web.form_page import open_or_gone
from newsletter.web.forms import ANSWER, OTHER_WORDS, SubscribeForm
from newsletter.web.language import _, lazy, speak
from newsletter.web.security import limiter
from newsletter.web.sign_up import (
    allowed,
    box,
    leads_to,
    origins,
    our_site,
    page_of,
    per_client,
    sign_up,
    takes_sign_ups,
    viewed_page,
)
from newsletter.web.slip import Slip, slip_in
from newsletter.web.state import now, reading, runtime, state, transaction

door = Blueprint("embed", __name__)
SENT, SENT_TEXT = lazy("Check your inbox"), lazy("We have sent you an e-mail. Open it and follow its link.")
TOO_MANY = lazy("Too many at once. What you typed is still here: please wait a minute, and send it again.")
FRESH = 300
"""Seconds a browser may cache the script."""
STRANGER = lazy("This form may not be sent from here. Its owner can add your site to the list beside the forms.")


@door.after_request
def _for_other_sites(response: Response) -> Response:
    """Add the CORS and CORP headers (Fetch §3.2, §3.7)."""
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    response.headers.pop("Cross-Origin-Opener-Policy", None)
    response.vary.add("Origin")
    if origin := g.get("embed_origin"):
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Access-Control-Allow-Headers"] = "Content-Type"
        response.headers["Access-Control-Allow-Methods"] = "GET, POST"
        response.headers["Access-Control-Max-Age"] = "600"
    return response


@door.before_request
def _origin() -> Any:
    """Check the Origin header; refuse sites that are not the owner's."""
    asked = request.headers.get("Origin", "")
    if not asked:
        return None
    with reading() as session:
        g.embed_origin = allowed(session, asked)
    stranger = not g.embed_origin and asked not in (our_site(), "null")
    if stranger and request.endpoint not in ("embed.script", "embed.frame_script", "embed.prove_script"):
        abort(403, STRANGER)
    return ("", 204) if request.method == "OPTIONS" else None


@door.errorhandler(HTTPException)
@door.errorhandler(429)
def _failed(error: HTTPException) -> Any:
    """The error as JSON for the script, or as a small page in the iframe."""
    if isinstance(error, TooManyRequests):
        with reading() as session:
            form = forms.named(session, (request.view_args or {}).get("slug", ""))
            speak(form.language if form else None)
    told = errors.too_many(error) if isinstance(error, TooManyRequests) else errors.http(error)
    if not isinstance(told, tuple | Response):  # a redirect
        return told
    answer = make_response(told)
    text = str(TOO_MANY if isinstance(error, TooManyRequests) else error.description or _("That did not work."))
    if request.is_json or request.endpoint == "embed.challenge":
        answer.data, answer.mimetype = jsonify(state="error", text=text, errors={}).data, "application/json"
    elif request.endpoint in ("embed.show", "embed.send"):
        with reading() as session:
            _let_frame(brand.current(session))
        typed = list(request.form.items(multi=True)) if answer.status_code == 429 else []
        answer.data = render_template("embed/error.html", text=text, typed=typed).encode()
    return answer


@door.get("/embed/<slug>.js")
def script(slug: str) -> Response:
    """The script with this form's texts. For a missing or closed form it does nothing."""
    with reading() as session:
        form = forms.named(session, slug)
        if form is None or not takes_sign_ups(session, form):
            return _sent(b"/* This form is closed. */", FRESH)
        speak(form.language)
        code = script_code(session, form)
    _seen(form)
    return _sent(code, FRESH)


@door.get("/embed/frame.js")
def frame_script() -> Response:
    """The script beside an iframe."""
    return _sent(static_text("js/frame.js").encode(), 86400)


@door.get("/embed/prove.js")
def prove_script() -> Response:
    """What a page of the owner's that sends JSON by itself makes its proof with."""
    return _sent(f"{{\n{static_text('js/proof.js')}\nwindow.newsletterProof = prove;\n}}\n".encode(), 86400)


def _sent(code: bytes, seconds: int) -> Response:
    answer = make_response(code)
    answer.mimetype = "text/javascript"
    answer.headers["Cache-Control"] = f"public, max-age={seconds}, stale-while-revalidate=86400"
    answer.set_etag(sha256(code).hexdigest()[:32], weak=True)
    answer.make_conditional(request)
    if answer.status_code == 200 and request.accept_encodings["gzip"]:
        answer.data = gzip.compress(code, 9, mtime=0)
        answer.headers["Content-Encoding"] = "gzip"
    answer.vary.add("Accept-Encoding")
    return answer


@door.get("/embed/<slug>.json")
def challenge(slug: str) -> Response:
    """A proof-of-work challenge; fetched when somebody starts to type, here or on another site."""
    with reading() as session:
        if session.scalar(select(Guide.id).where(Guide.slug == slug, ~Guide.hidden)) is None:
            open_or_gone(session, slug)  # the form on a guide's page may not be stored
    answer = jsonify(challenge=robots.challenge(slug))
    answer.headers["Cache-Control"] = "no-store"
    return answer


@door.get("/embed/<slug>")
def show(slug: str) -> str:
    """The form in an iframe."""
    with reading() as session:
        form = open_or_gone(session, slug)
        page = frame(session, box(session, form, brand.current(session), formdata=None), request.referrer or "")
    _seen(form)
    return page


@door.route("/embed/<slug>", methods=["POST", "OPTIONS"])
@per_client
def send(slug: str) -> Any:
    """A sign-up from the script (JSON) or from the iframe's form."""
    told = _typed() if request.is_json else request.form
    ask_ahead(told.get("email", ""))
    with transaction() as session:
        form = open_or_gone(session, slug)
        typed = box(session, form, brand.current(session), formdata=told)
        typed.validate()
        right, page, slip = typed.is_right, _page_told(), slip_in(typed)
        taken = right and slip is None and sign_up(session, typed, page_of(session, page))
        if request.is_json:
            said = _asked(slip) if slip else _answer(session, typed, taken)
        else:
            said = frame(session, typed, page, sent=str(SENT) if taken else "", slip=slip), 200 if right else 422
    if taken:
        state().trigger.wake()
    return said


@door.post("/embed/<slug>/seen")
@limiter.limit("60 per minute")
def seen(slug: str) -> tuple[str, int]:
    """Count a view of the form; the body is its page's URL. Nothing about the visitor is kept."""
    with reading() as session:
        form = open_or_gone(session, slug)
        page = viewed_page(session, characters.text(request.get_data().decode(errors="replace")))
    if page is not None:
        state().views.add(form.id, page)
    return "", 204


def _page_told() -> str:
    return str(g.embed_page) if request.is_json else request.form.get("page", "")


def _typed() -> MultiDict[str, Any]:
    """The script's JSON as form data."""
    try:
        told = request.get_json(silent=True)
    except RecursionError:
        told = None
    if not isinstance(told, dict):
        abort(400, _("Please send a JSON object with the form's fields."))
    texts = {name: _text(told.get(name)) for name in ("email", "first_name", "website", "agreed", "proof")}
    # An older cached script cannot show a typo question, so its address is accepted as typed.
    texts["kept"] = _text(told.get("kept")) if "kept" in told else texts["email"]
    answers = told.get("fields")
    for name, answer in answers.items() if isinstance(answers, dict) else ():
        texts[f"{ANSWER}{name}"] = _text(answer)
    if told.get("newsletter") is True:
        texts["newsletter"] = "y"
    ticked = told.get("topics")
    g.embed_page = _text(told.get("page"))
    return MultiDict({**texts,
                      "topics": [_text(one) for one in ticked] if isinstance(ticked, list) else []})  # fmt: skip


def _text(told: object) -> str:
    """A JSON string without lone surrogates; "" for any other type."""
    return characters.text(told) if isinstance(told, str) else ""


def _asked(slip: Slip) -> Any:
    """Ask about a likely typo: one button per address; the second only if the typed one is acceptable."""
    choices = [(slip.yes, slip.meant), *([] if slip.fault else [(slip.no, slip.typed)])]
    return jsonify(state="slip", text=f"{slip.fault} {slip.asks}".strip(), choices=choices), 422


def _answer(session: Session, typed: SubscribeForm, taken: bool) -> Any:
    if not typed.is_right:
        beside = {"email", "first_name", *(answer.name for _, answer in typed.own)}
        told = {name: " ".join(found) for name, found in typed.errors.items() if name in beside}
        if typed.has_other_words:
            words = {"consent": typed.consent_note, "newsletter": typed.newsletter.label.text,
                     "topics": offered_topics(typed)}  # fmt: skip
            return jsonify(state="error", text=str(OTHER_WORDS), errors=told, agreed=typed.agreed.data, **words), 422
        return jsonify(state="error", text=" ".join(typed.topics.errors), errors=told), 422
    if not taken:
        return jsonify(state="proof", text=_("Please send it once more.")), 403
    return jsonify(state="done", title=str(SENT), text=str(SENT_TEXT), next=leads_to(session, typed.row) or None)


def frame(session: Session, typed: SubscribeForm, page: str, sent: str = "", action: str | None = None,
          slip: Slip | None = None) -> str:  # fmt: skip
    """The page inside the iframe; only the owner's sites may frame it."""
    form, house = typed.row, brand.current(session)
    _let_frame(house)
    return render_template(
        "embed/frame.html", form=typed, brand=house, css=style_sheet(form), beside=beside_of(session, form),
        labels=LABELS, inputs=INPUTS, page=page, sent=sent, sent_text=SENT_TEXT, slip=slip,
        onward=leads_to(session, form) if sent else "",
        action=url_for("embed.send", slug=form.slug) if action is None else action, **form_words(session, form),
    )  # fmt: skip


def _let_frame(house: Brand) -> None:
    """Allow only the owner's sites to frame this response."""
    local = ("http://localhost:*", "http://127.0.0.1:*") if runtime().settings.is_local else ()
    ancestors = " ".join(["'self'", *local, *origins(house)])
    g.csp = (
        f"default-src 'none'; style-src 'nonce-{g.csp_nonce}'; script-src 'nonce-{g.csp_nonce}'; img-src 'self'; "
        f"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors {ancestors}"
    )
    g.is_framed = True


def _seen(form: Form) -> None:
    """Record on which of the owner's sites the form is, at most once a minute."""
    with reading() as session:
        origin = allowed(session, request.headers.get("Origin") or request.referrer or "")
        own = origin in (our_site(), forms.origin_of(runtime().settings.site))
        if origin is None or own or not forms.is_due(session, form, origin, now()):
            return
    with transaction() as session:
        forms.note_sighting(session, form.id, origin, now())
