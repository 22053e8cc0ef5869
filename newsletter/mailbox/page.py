"""The mailbox's pages, and the JSON for scripts and tests."""

from email.message import EmailMessage
from typing import Any

from flask import Flask, Response, abort, jsonify, render_template, request, send_file, url_for
from werkzeug.routing import IntegerConverter
from werkzeug.wrappers import Response as AnyResponse

from newsletter.languages import SOURCE, Language
from newsletter.local_mail import Entry, Store, body_of, files_of, headers_of, parse, readable
from newsletter.networks import host_name, is_loopback
from newsletter.settings import ROOT

POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; frame-src 'self'; base-uri 'none'"
)
MAIL_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data: {}; "
    "sandbox allow-popups allow-popups-to-escape-sandbox"
)
"""The placeholder is the origin whose pictures a mail may show."""
NEWEST = 200


def create(store: Store, language: Language = SOURCE, site: str = "") -> Flask:
    """The mailbox as a Flask application. It has no database, so it is told the language.

    `site`: our own site's address, the only one from which mails may load pictures.
    """
    app = Flask("mailbox", template_folder=str(ROOT / "templates"), static_folder=None)
    app.jinja_env.add_extension("jinja2.ext.i18n")
    # Added by the extension.
    app.jinja_env.install_gettext_translations(language.translations, newstyle=True)  # type: ignore[attr-defined]
    app.jinja_env.globals["language"] = language
    app.before_request(_only_from_this_machine)
    app.url_map.converters["row"] = _RowId
    app.after_request(_headers)
    _add_lists(app, store)
    _add_messages(app, store, MAIL_POLICY.format(site))

    @app.get("/static/css/mailbox.css", endpoint="style")
    def style() -> AnyResponse:
        return send_file(ROOT / "static" / "css" / "mailbox.css", max_age=60)

    return app


def _add_lists(app: Flask, store: Store) -> None:
    @app.get("/", endpoint="mailbox.index")
    def index() -> str:
        to = _asked()
        found = store.entries(to, NEWEST, is_part=True)
        return render_template("mailbox/index.html", messages=found, query=to, total=store.total())

    @app.get("/messages.json")
    def messages() -> Response:
        return jsonify([_json(entry) for entry in store.entries(_asked())])


def _add_messages(app: Flask, store: Store, policy: str) -> None:
    @app.get("/messages/<row:id>", endpoint="mailbox.message")
    def message(id: int) -> str:
        entry, raw = store.find(id) or abort(404)
        return render_template("mailbox/message.html", message=_shown(entry, parse(raw)))

    @app.get("/messages/<row:id>.eml", endpoint="mailbox.raw")
    def eml(id: int) -> Response:
        _, raw = store.find(id) or abort(404)
        return Response(raw, mimetype="message/rfc822")

    @app.get("/messages/<row:id>.html", endpoint="mailbox.html")
    def html(id: int) -> Response:
        _, raw = store.find(id) or abort(404)
        text = body_of(parse(raw), "html")
        if text is None:
            abort(404)
        # Open links in a new tab: most sites refuse to load inside the frame.
        page = text.replace("<head>", '<head><base target="_blank">', 1)
        return Response(page, mimetype="text/html", headers={"Content-Security-Policy": policy})


class _RowId(IntegerConverter):
    """A message id; the digits are limited because Python refuses to parse very long integers."""

    regex = "[0-9]{1,18}"


def _asked() -> str:
    return readable(request.args.get("to", "")).strip()


def _only_from_this_machine() -> None:
    """Refuse foreign host names, which could read the mail through a local browser (DNS rebinding)."""
    if not is_loopback(host_name(request.headers.get("Host", ""))):
        abort(403, "The mailbox is shown under the address of this machine only, such as http://127.0.0.1/.")


def _headers(response: AnyResponse) -> AnyResponse:
    response.headers.setdefault("Content-Security-Policy", POLICY)
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "no-store"
    return response


def _json(entry: Entry) -> dict[str, Any]:
    return {
        "id": entry.id,
        "from": entry.from_,
        "to": entry.to,
        "subject": entry.subject,
        "received_at": entry.received_at.isoformat(),
    }


def _shown(entry: Entry, parsed: EmailMessage) -> dict[str, Any]:
    text, html = body_of(parsed, "plain"), body_of(parsed, "html")
    return {
        "id": entry.id, "from_": entry.from_, "to": entry.to, "subject": entry.subject,
        "received_at": entry.received_at, "size": entry.size,
        "headers": headers_of(parsed),
        "text": text or "",
        "has_html": html is not None,
        "html_url": url_for("mailbox.html", id=entry.id),
        "raw_url": url_for("mailbox.raw", id=entry.id),
        "attachments": files_of(parsed),
    }  # fmt: skip
