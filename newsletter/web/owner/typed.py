"""Live preview: renders what is typed in the composer as a mail. Saves nothing."""

import html
import re
from dataclasses import dataclass
from typing import Any

from flask import g, jsonify, render_template, request
from sqlalchemy.orm import Session

from newsletter import brand, preflight
from newsletter.articles import Article
from newsletter.brand import Brand
from newsletter.mail.render import BadArticle, Content, Reader, Renderer
from newsletter.mail.render.renderer import Rendered
from newsletter.subscribers import Subscriber, merged
from newsletter.web.language import _, in_words
from newsletter.web.owner.composer import as_sent, typed_words
from newsletter.web.owner.display import size
from newsletter.web.owner.door import asked_id, door, words_asked
from newsletter.web.owner.forms import ArticleForm
from newsletter.web.owner.subscribers import matching
from newsletter.web.personal import MAIL_PAGE_POLICY
from newsletter.web.state import reading, runtime

SHOWN = 140
"""Most characters of a mail that an inbox shows after the subject."""
FRAME_POLICY = (
    "default-src 'none'; script-src 'nonce-{}'; style-src 'unsafe-inline'; img-src 'self' {} data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'self'; sandbox allow-scripts allow-popups allow-popups-to-escape-sandbox"
)
SCHEMES = {"light": "not all", "dark": "all"}
_ASKS_SCHEME = re.compile(r"\(prefers-color-scheme: ?dark\)")
_IN_A_LINE = re.compile(r"</?(?:a|code|em|strong)\b[^>]*>")
_UNSEEN = re.compile(r"<head.*?</head>|<!--.*?-->|<[^>]*>", re.DOTALL)
_PICTURE = re.compile(r'(<img\b[^>]*?)\ssrc="[^"]*"')


@dataclass(frozen=True, slots=True)
class Look:
    """Options of the preview."""

    scheme: str
    pictures: bool

    @classmethod
    def asked(cls) -> "Look":
        """The options in the form."""
        return cls(request.form.get("scheme", ""), request.form.get("pictures") != "off")

    def of(self, page: str) -> str:
        """The HTML of a mail with these options."""
        if self.scheme in SCHEMES:
            page = _ASKS_SCHEME.sub(SCHEMES[self.scheme], page)
        return page if self.pictures else _PICTURE.sub(r"\1", page)


@door.get("/articles/frame", endpoint="article_frame")
def frame() -> str:
    """The frame for a preview: a sandbox in which only its own script runs."""
    settings = runtime().settings
    g.csp = FRAME_POLICY.format(g.csp_nonce, settings.site.removesuffix(settings.site_path))
    return render_template("owner/article_frame.html")


@door.post("/articles/typed", endpoint="article_typed")
def typed() -> Any:
    """The mail, its text, its line in an inbox, and its checks as JSON; for a frame, the mail alone."""
    form = ArticleForm()
    with reading() as session:
        article, renderer, house = _article(session), runtime().renderer.typing, brand.current(session)
        words, reader = typed_words(session, form), _reader(session)
        try:
            seen, problem = _rendered(session, renderer, house, words, article, reader), ""
        except BadArticle as error:
            seen, problem = None, in_words(error)
        if request.accept_mimetypes.best != "application/json":
            return _for_frame(seen, problem)
        report = preflight.check_words(session, renderer, house, words, preflight.SentAs(*as_sent(session, article)))
        return jsonify(
            problem=problem, reader=_told(reader), sender=f"{house.sender} <{house.email}>",
            checks=[{"name": in_words(one.name), "level": one.level, "found": in_words(one.found)}
                    for one in report.checks],
            **(_shown(seen) if seen else {}),
        )  # fmt: skip


def _article(session: Session) -> Article | None:
    id = asked_id("article", request.form)
    return session.get(Article, id) if id else None


def _reader(session: Session) -> Subscriber | None:
    """The reader to preview it for: the one found before, or else one with this address or name."""
    if id := asked_id("subscriber", request.form):
        return session.get(Subscriber, id)
    asked = words_asked("reader", request.form)
    return next(iter(matching(session, asked)), None) if asked else None


def _told(reader: Subscriber | None) -> dict[str, Any]:
    if reader is None:
        asked = words_asked("reader", request.form)
        return {
            "id": "",
            "told": _("Nobody’s address or name holds “%(asked)s”.", asked=asked)
            if asked
            else _("Somebody without a name"),
        }
    return {
        "id": str(reader.id),
        "told": f"{reader.first_name} ({reader.email})" if reader.first_name else reader.email,
    }


def _rendered(session: Session, renderer: Renderer, house: Brand, words: Content, article: Article | None,
              reader: Subscriber | None) -> Rendered:  # fmt: skip
    stream, context = as_sent(session, article)
    # Links for nobody: a click in the preview must not unsubscribe the person it is filled in for.
    nobody = Reader(0, merged(session, reader, renderer.own_fields(words)))
    house = house.speaking(reader.language if reader else None, renderer.languages)
    return renderer.rendered(stream, house, nobody, words, context)


def _for_frame(seen: Rendered | None, problem: str) -> Any:
    g.csp = MAIL_PAGE_POLICY
    if seen is None:
        return problem, 422, {"Content-Type": "text/plain; charset=utf-8"}
    if request.form.get("show") == "text":
        return seen.text, 200, {"Content-Type": "text/plain; charset=utf-8"}
    return Look.asked().of(seen.html)


def _shown(seen: Rendered) -> dict[str, Any]:
    visible = " ".join(html.unescape(_UNSEEN.sub(" ", _IN_A_LINE.sub("", seen.html))).split())
    octets = len(seen.html.encode())
    return {
        "html": Look.asked().of(seen.html), "text": seen.text, "subject": seen.subject,
        "inbox": visible[:SHOWN], "size": size(octets), "share": octets / preflight.HEAVIEST,
    }  # fmt: skip
