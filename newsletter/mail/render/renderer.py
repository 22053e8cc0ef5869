"""The Renderer: a Letter, the brand and an article's words become a complete message."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import css_inline
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from newsletter.brand import Brand
from newsletter.links import Purpose, Signer, Urls
from newsletter.mail.outbox import Letter
from newsletter.mail.render import mime
from newsletter.mail.render.article import BadArticle, compiled
from newsletter.subscribers import Stream

TEST_MARK = "[Test] "
_GREETING = re.compile(r"\A\s*\{\{\s*greeting\s*\}\}[,.!]?\s*\n")


@dataclass(frozen=True, slots=True)
class Words:
    """The words of an article at one revision."""

    subject: str
    preheader: str
    body: str


@dataclass(frozen=True, slots=True)
class Reader:
    """Who a mail is for: what its variables and links are made of. `message` 0: no message, a preview."""

    subscriber: int
    first_name: str = ""
    message: int = 0


@dataclass(frozen=True, slots=True)
class Mail:
    """A complete message and its envelope."""

    sender: str
    recipient: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Rendered:
    """The three parts of a mail as a person sees them."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True)
class Renderer:
    """Built once for each process; holds no connection and no clock."""

    templates: Path
    signer: Signer
    site: str
    mail_domain: str
    guides: Path
    urls: Urls = field(init=False)
    _jinja: Environment = field(init=False)
    _inliner: css_inline.CSSInliner = field(init=False)

    def __post_init__(self) -> None:
        jinja = Environment(
            loader=FileSystemLoader(self.templates / "email"),
            undefined=StrictUndefined,
            autoescape=select_autoescape(["html"]),
            trim_blocks=True,
            lstrip_blocks=True,
        )
        object.__setattr__(self, "urls", Urls(self.site, self.signer))
        object.__setattr__(self, "_jinja", jinja)
        inliner = css_inline.CSSInliner(keep_style_tags=False, keep_at_rules=True, load_remote_stylesheets=False)
        object.__setattr__(self, "_inliner", inliner)

    def compose(self, letter: Letter, brand: Brand, words: Words | None, now: datetime) -> Mail:
        """The message for a claimed letter. Raises BadArticle when the owner's text cannot be filled in."""
        reader = Reader(letter.subscriber_id or 0, letter.first_name, letter.id)
        seen = self.rendered(letter.stream, brand, reader, words, letter.context)
        subject = TEST_MARK + seen.subject if letter.stream is Stream.TEST else seen.subject
        head = self._head(letter, brand, subject, now)
        boundary = self.signer.tag(Purpose.MESSAGE_ID, letter.id)
        body = mime.multipart(
            "alternative", boundary, [mime.text_part("plain", seen.text), mime.text_part("html", seen.html)]
        )
        guide = letter.context.get("guide")
        if letter.stream is Stream.GUIDE and guide and guide["attached"]:
            pdf = (self.guides / f"{guide['slug']}.pdf").read_bytes()
            body = mime.multipart("mixed", f"m-{boundary}", [body, mime.pdf_part(f"{guide['slug']}.pdf", pdf)])
        return Mail(self.return_path(letter.id), letter.email, head + body)

    def rendered(self, stream: Stream, brand: Brand, reader: Reader, words: Words | None,
                 context: Mapping[str, Any]) -> Rendered:  # fmt: skip
        """Subject, text and HTML of any mail. Raises BadArticle."""
        values = self._values(brand, reader, context)
        folder = str(stream)
        if words is not None:
            folder = "article"
            subject, preheader, html, text = compiled(words.subject, words.preheader, words.body).fill(values)
            values |= {"subject": subject, "preheader": preheader, "body_text": text}
            values["body_html"] = Markup(html)  # noqa: S704 - cleaned by nh3, values escaped
            values["why"] = _why(stream, brand)
        else:
            values |= {"subject": "", "preheader": ""}
            values["subject"] = " ".join(self._jinja.get_template(f"{folder}/subject.txt").render(values).split())
        text = self._jinja.get_template(f"{folder}/text.txt").render(values)
        page = self._jinja.get_template(f"{folder}/html.html").render(values)
        return Rendered(values["subject"], text, self._inliner.inline(page))

    def article_page(self, words: Words, brand: Brand, guide_url: str) -> Rendered:
        """An article for the public archive: nobody is greeted, and personal links lead to public pages."""
        values = self._values(brand, Reader(0), {})
        values |= dict.fromkeys(("preferences_url", "unsubscribe_url", "view_url"), f"{self.site}/")
        values |= dict.fromkeys(("guide_pdf", "library_url"), guide_url)
        body = _GREETING.sub("", words.body)
        subject, _, html, text = compiled(words.subject, words.preheader, body).fill(values)
        return Rendered(subject, text, html)

    def return_path(self, message_id: int) -> str:
        """The signed VERP address of a message: a bounce names its message by itself."""
        return f"b+{self.signer.tag(Purpose.RETURN_PATH, message_id)}@{self.mail_domain}"

    def message_id(self, message_id: int) -> str:
        """The Message-ID, the same at every try (RFC 5322 §3.6.4)."""
        return f"<{self.signer.tag(Purpose.MESSAGE_ID, message_id)}@{self.mail_domain}>"

    def _head(self, letter: Letter, brand: Brand, subject: str, now: datetime) -> bytes:
        lines = [
            mime.header("Date", format_datetime(now.astimezone(UTC))),
            mime.address_header("From", brand.sender, brand.email),
            mime.address_header("To", letter.first_name, letter.email),
            mime.text_header("Subject", subject),
            mime.header("Message-ID", self.message_id(letter.id)),
            mime.header("MIME-Version", "1.0"),
        ]
        if letter.stream.is_bulk:
            lines += self._bulk_head(letter, brand)
        else:
            lines.append(mime.header("Auto-Submitted", "auto-generated"))  # RFC 3834 §5
        return b"".join(lines)

    def _bulk_head(self, letter: Letter, brand: Brand) -> list[bytes]:
        one_click = self.urls.unsubscribe(letter.subscriber_id or 0, letter.id)
        by_mail = f"mailto:{brand.email}?subject={quote(f'unsubscribe {letter.id}')}"
        kind = "newsletter" if letter.stream is Stream.CAMPAIGN else "series"
        what = f"c{letter.dispatch_id}" if letter.dispatch_id else f"r{letter.revision_id}"
        host = urlsplit(self.site).hostname or "localhost"
        return [
            mime.header("List-Unsubscribe", f"<{one_click}>,", f"<{by_mail}>"),  # RFC 2369 §3.2
            mime.header("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),  # RFC 8058 §3.1
            mime.header("List-Id", f"<{kind}.{host}>"),  # RFC 2919 §2
            mime.header("Precedence", "bulk"),
            mime.header("Feedback-ID", f"{what}:{kind}:newsletter:{host.replace(':', '.')}"),
        ]

    def _values(self, brand: Brand, reader: Reader, context: Mapping[str, Any]) -> dict[str, Any]:
        urls = self.urls
        guide = context.get("guide")
        slug = guide["slug"] if isinstance(guide, dict) else guide
        values: dict[str, Any] = {
            **context,
            "brand": brand,
            "site_url": self.site,
            "home_url": f"{self.site}/",
            "first_name": reader.first_name,
            "greeting": f"Hello {reader.first_name}" if reader.first_name else "Hello",
            "library_url": urls.library(reader.subscriber),
            "preferences_url": urls.preferences(reader.subscriber),
            "unsubscribe_url": urls.unsubscribe(reader.subscriber, reader.message),
            "view_url": urls.view(reader.message),
        }
        if slug:
            values["guide_pdf"] = urls.guide_pdf(reader.subscriber, slug)
        if "consent" in context:
            values["confirm_url"] = urls.confirm(context["consent"], context["until"])
        return values


def _why(stream: Stream, brand: Brand) -> str:
    if stream is Stream.STEP:
        return f"You get this short series because you asked {brand.name} for a guide."
    return f"You get this because you subscribed to the {brand.name} newsletter."


__all__ = ["BadArticle", "Mail", "Reader", "Rendered", "Renderer", "Words"]
