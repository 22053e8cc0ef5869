"""The Renderer: turns a ClaimedMessage, the brand and an article's content into a complete message."""

from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import cached_property, lru_cache, partial
from pathlib import Path
from typing import Any

import css_inline
import structlog
from jinja2 import Environment
from markupsafe import Markup

from newsletter.brand import Brand
from newsletter.languages import SOURCE, Language, Languages
from newsletter.links import Signer, Urls
from newsletter.mail.ledger import ClaimedMessage
from newsletter.mail.notice import in_language
from newsletter.mail.render import mime
from newsletter.mail.render.article import BadArticle, Compiled, compiled
from newsletter.mail.render.attachment import accent_of, attachment, guide_slug
from newsletter.mail.render.bulk_head import bulk_head
from newsletter.mail.render.counted import Counted
from newsletter.mail.render.dkim import Dkim
from newsletter.mail.render.draft import NOBODY, ONCE, STRANGERS, Draft, Form, NoSkeleton, alike, gap
from newsletter.mail.render.environment import environment
from newsletter.mail.render.mail import (
    NO_FIELDS,
    Content,
    Reader,
    Rendered,
    RenderedMessage,
    fields_for,
    one_line,
    ungreeted,
    why,
)  # fmt: skip
from newsletter.mail.render.names import FOR_PAGES, NAMES, Values, names_for_readers, of_brand, of_pages
from newsletter.mail.render.own_words import own_words
from newsletter.mail.render.skeleton import DATE, TO, Skeleton
from newsletter.mail.render.template import Leading
from newsletter.mail.render.values import values_of
from newsletter.subscribers import FIRST_NAME, MergeField, Stream

TEST_MARK = "[Test] "
SKELETONS = 128
"""Skeletons kept per process; each takes as much memory as its mail."""
log = structlog.get_logger()


@dataclass(frozen=True)
class Renderer:
    """Renders mails. Built once per process; holds no connection and no clock."""

    templates: Path
    signer: Signer
    site: str
    mail_domain: str
    guides: Callable[[str], Path]
    """Returns the path of a guide's PDF by its slug."""
    dkim: Dkim | None = None
    """None: mails go out unsigned, and a relay may sign them."""
    sender_form: str = ""
    """The envelope sender, with an asterisk for the message's tag (VERP). "": `b+*@` and the mail domain."""
    languages: Languages = field(default_factory=Languages)
    """The languages a mail may be in; each is in its brand's (`Brand.speaking`)."""
    urls: Urls = field(init=False)
    _jinja: Callable[[Language, str], Environment] = field(init=False)
    _inliner: css_inline.CSSInliner = field(init=False)
    _skeleton: Callable[[Form], Skeleton | None] = field(init=False)
    _read: Callable[..., Compiled] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "urls", Urls(self.site, self.signer))
        object.__setattr__(self, "sender_form", self.sender_form or f"b+*@{self.mail_domain}")
        object.__setattr__(self, "_jinja", lru_cache(16)(partial(environment, self.folder)))
        object.__setattr__(self, "_read", compiled)
        inliner = css_inline.CSSInliner(
            keep_style_tags=False, keep_at_rules=True, minify_css=True, load_remote_stylesheets=False
        )
        object.__setattr__(self, "_inliner", inliner)
        object.__setattr__(self, "_skeleton", lru_cache(SKELETONS)(self._compiled))

    @property
    def folder(self) -> Path:
        """The folder of the mail templates."""
        return self.templates / "email"

    @cached_property
    def typing(self) -> "Renderer":
        """A renderer for drafts being typed: it keeps a few compiled texts instead of hundreds."""
        other = copy(self)
        object.__setattr__(other, "_read", lru_cache(8)(compiled.__wrapped__))
        object.__setattr__(other, "_jinja", lru_cache(4)(partial(environment, self.folder)))
        return other

    def compose(self, claimed: ClaimedMessage, brand: Brand, words: Content | None, now: datetime) -> RenderedMessage:
        """The complete, signed message. Raises BadArticle if the owner's text cannot be filled in."""
        mail = self.unsigned(claimed, brand, words, now)
        return replace(mail, data=self.dkim.signed(mail.data, now)) if self.dkim else mail

    def unsigned(self, claimed: ClaimedMessage, brand: Brand, words: Content | None, now: datetime) -> RenderedMessage:
        """The same without a signature, even if this process has keys. Raises BadArticle."""
        fields = fields_for(claimed.stream, claimed.fields)
        reader = Reader(claimed.subscriber_id or 0, fields, claimed.id)
        context, pdf = attachment(claimed, self.guides)
        seen = self.rendered(claimed.stream, brand, reader, words, context, claimed.revision_id)
        subject = TEST_MARK + seen.subject if claimed.stream is Stream.TEST else seen.subject
        head = self._head(
            claimed,
            brand,
            mime.header("Date", format_datetime(now.astimezone(UTC))),
            mime.address_header("To", fields.get(FIRST_NAME, ""), claimed.email),
            mime.text_header("Subject", subject),
        )
        boundary = self.signer.message_tag(claimed.id)
        body = mime.multipart(
            "alternative", boundary, [mime.text_part("plain", seen.text), mime.text_part("html", seen.html)]
        )
        if pdf:
            name = f"{context['guide']['slug']}.pdf"
            body = mime.multipart("mixed", f"m-{boundary}", [body, mime.pdf_part(name, pdf)])
        return RenderedMessage(self.return_path(claimed.id), claimed.email, head + body)

    def rendered(self, stream: Stream, brand: Brand, reader: Reader, words: Content | None,
                 context: Mapping[str, Any], counted: int | None = None) -> Rendered:  # fmt: skip
        """Subject, text and HTML of any mail. `counted`: its revision, if it will be sent. Raises BadArticle."""
        reader = replace(reader, fields=fields_for(stream, reader.fields))
        values = self._values(brand, reader, context, stream)
        if words is not None:
            article, plain = self.compiled(words, values["language"]), self.plain(brand, values, words)
            leading = self._leading(article, plain, brand, words, counted, reader.message)
            return self._article(stream, values, article.fill(plain, leading=leading))
        values |= {"subject": "", "preheader": ""}
        # An owner's test is an article, which has content, or a guide's mail.
        kind = str(Stream.GUIDE if stream is Stream.TEST else stream)
        values |= own_words(self._read, brand, kind, values, self.site)
        values["subject"] = values["own_subject"] or one_line(self._template(values, f"{kind}/subject.txt"))
        return self._framed(kind, values)

    def _leading(self, article: Compiled, plain: Values, brand: Brand, words: Content, revision: int | None,
                 message: int) -> Leading:  # fmt: skip
        """How addresses of links in a mail of this revision are replaced."""
        if not (revision and brand.counts_clicks and words.counts_clicks):
            return str
        return Counted.of(self.signer, self.site, revision, message, article.destinations(plain)).leading

    def _article(self, stream: Stream, values: dict[str, Any], filled: tuple[str, str, str, str]) -> Rendered:
        subject, preheader, html, text = filled
        values |= {"subject": subject, "preheader": preheader, "body_text": text}
        values["body_html"] = Markup(html)  # noqa: S704 - values escaped, cleaned by nh3
        values["why"] = why(stream, values["brand"], values["language"])
        return self._framed("article", values)

    def _framed(self, folder: str, values: Mapping[str, Any]) -> Rendered:
        text, page = (self._template(values, f"{folder}/{part}") for part in ("text.txt", "html.html"))
        return Rendered(values["subject"], text, self._inliner.inline(page))

    def _template(self, values: Mapping[str, Any], name: str) -> str:
        return self._jinja(values["language"], values["brand"].frame).get_template(name).render(values)

    def compile(self, claimed: ClaimedMessage, brand: Brand, words: Content | None) -> Skeleton | None:
        """The skeleton of the bulk mail that `claimed` is a copy of; cached.

        None: this mail must be composed for each reader. It is not an article, or the owner's text has more than plain
        variables, or it cannot be filled in (`compose` then says why).
        """
        if words is None or not claimed.stream.is_bulk or not claimed.context.keys() <= {"guide", "accent"}:
            return None
        content = tuple((column.key, getattr(brand, column.key)) for column in Brand.__mapper__.column_attrs)
        slug, accent = guide_slug(claimed.context), accent_of(claimed.context)
        return self._skeleton(Form(stream=claimed.stream, revision_id=claimed.revision_id, guide=slug, accent=accent,
                                   words=words, dispatch_id=claimed.dispatch_id, brand=content, look=brand.look,
                                   frame=brand.frame))  # fmt: skip

    def _compiled(self, form: Form) -> Skeleton | None:
        brand = form.to_brand()
        try:
            skeleton = self._drafted(form, brand)
            unsigned = replace(skeleton, seal=None)
            for number, stranger in enumerate(STRANGERS, start=1):
                claimed = form.sample(number, 10**number, dict.fromkeys(skeleton.fields, stranger))
                if not alike(unsigned.splice(claimed, ONCE), self.unsigned(claimed, brand, form.words, ONCE)):
                    raise NoSkeleton("it comes out differently for different readers")
        except BadArticle:
            return None
        except NoSkeleton as reason:
            log.warning("mail is composed for each reader", revision=form.revision_id, reason=str(reason))
            return None
        return skeleton

    def _drafted(self, form: Form, brand: Brand) -> Skeleton:
        language = self.languages.spoken(brand.language)
        article = self.compiled(form.words, language)
        if not article.is_plain:
            raise NoSkeleton("its text holds more than plain variables")
        draft = Draft(self.signer, language)
        nobody = form.sample(NOBODY, NOBODY, NO_FIELDS)
        values = self._values(brand, Reader(NOBODY, message=NOBODY), nobody.context)
        plain = self.plain(brand, values, form.words)
        leading = self._leading(article, plain, brand, form.words, form.revision_id, NOBODY)
        subject, preheader, html, text = article.fill(plain, draft.stand_in, leading)
        lines = (draft.line("subject", subject), draft.line("preheader", preheader))
        seen = self._article(form.stream, values, (*lines, html, text))
        head = self._head(nobody, brand, gap(DATE), gap(TO), draft.subject(seen.subject))
        parts = [draft.part("plain", seen.text), draft.part("html", seen.html)]
        body = mime.multipart("alternative", self.signer.message_tag(NOBODY), parts)
        return draft.skeleton(
            head + body, self.sender_form, lambda claimed, now: self.compose(claimed, brand, form.words, now), self.dkim
        )

    def article_page(self, words: Content, brand: Brand, guide_url: str) -> Rendered:
        """Render an article for the public archive: without a greeting, and with personal links to public pages."""
        values = self._values(brand, Reader(0), {})
        values |= dict.fromkeys(("preferences_url", "unsubscribe_url", "view_url"), f"{self.site}/")
        values |= dict.fromkeys(("guide_pdf", "library_url"), guide_url)
        subject, _, html, text = self.compiled(ungreeted(words), values["language"]).fill(
            self.plain(brand, values, words)
        )
        return Rendered(subject, text, html)

    def page(self, body: str, brand: Brand) -> str:
        """Render a page of the site, from the owner's folder of texts, as HTML. Raises BadArticle."""
        language = self.languages.spoken(brand.language)
        return compiled("", "", body, self.site, FOR_PAGES, language).fill(of_pages(brand, self.site))[2]

    def compiled(self, words: Content, language: Language = SOURCE) -> Compiled:
        """Compile an article's content once; `language` matters for dates. Raises BadArticle."""
        names = names_for_readers(words.own)
        return self._read(words.subject, words.preheader, words.body, self.site, names, language)

    def empty_for_nobody(self, words: Content, brand: Brand,
                         context: Mapping[str, Any]) -> tuple[list[str], list[str]]:  # fmt: skip
        """The codes that are empty for a reader without fields: in subject and preheader, and in the text."""
        values = self._values(brand, Reader(0), context)
        return self.compiled(words, values["language"]).empty(self.plain(brand, values, words))

    def problem(self, words: Content) -> str:
        """Why this content cannot be mailed, for its writer; "" if it can."""
        try:
            self.compiled(words)
        except BadArticle as error:
            return str(error)
        return ""

    def own_fields(self, words: Content) -> list[MergeField]:
        """The owner's own fields that this content uses; none if it cannot be mailed."""
        try:
            names = self.compiled(words).names
        except BadArticle:
            return []
        return [one for one in words.own if one.name in names]

    def plain(self, brand: Brand, values: Mapping[str, Any], words: Content) -> Values:
        """All values an owner's text may use: only known names, only plain text."""
        own = {one.name: str(values.get(one.name, "")) for one in words.own}
        return of_brand(brand, self.site) | {name: str(values[name]) for name in NAMES if name in values} | own

    def return_path(self, message_id: int) -> str:
        """The envelope sender of a message. Its signed tag (VERP) lets a bounce identify its message."""
        return self.sender_form.replace("*", self.signer.return_tag(message_id), 1)

    def message_id(self, message_id: int) -> str:
        """The Message-ID, the same for every try (RFC 5322 §3.6.4)."""
        return f"<{self.signer.message_tag(message_id)}@{self.mail_domain}>"

    def _head(self, claimed: ClaimedMessage, brand: Brand, date: bytes, to: bytes, subject: bytes) -> bytes:
        lines = [
            date,
            mime.address_header("From", brand.sender, brand.email),
            to,
            subject,
            mime.header("Message-ID", self.message_id(claimed.id)),
            mime.header("MIME-Version", "1.0"),
        ]
        if claimed.stream.is_bulk:
            lines += bulk_head(claimed, brand, self.urls, self.signer)
        else:
            lines.append(mime.header("Auto-Submitted", "auto-generated"))  # RFC 3834 §5
        return b"".join(lines)

    def _values(self, brand: Brand, reader: Reader, context: Mapping[str, Any],
                stream: Stream = Stream.CAMPAIGN) -> dict[str, Any]:  # fmt: skip
        language = self.languages.spoken(brand.language)
        if stream is Stream.NOTICE:
            context = in_language(context, language)
        return values_of(self.urls, brand, language, reader, context)


__all__ = ["BadArticle", "Content", "Reader", "Rendered", "RenderedMessage", "Renderer"]
