"""Brand: whose newsletter this is. One row, first filled from `site.toml`, the owner's to edit afterwards."""

import tomllib
from collections.abc import Mapping, Sequence
from datetime import datetime, time
from pathlib import Path
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, String, Text, delete, false, select, true
from sqlalchemy.orm import Mapped, Session, attribute_keyed_dict, mapped_column, relationship, validates

from newsletter import characters, throwaway
from newsletter.db import Base, Id
from newsletter.follow import FollowLink, links
from newsletter.languages import Languages
from newsletter.mail_words import OURS, MailText, MailWords, OwnMail, mail_text
from newsletter.privacy import PrivacyText
from newsletter.theme import FIRST, Look, Theme, theme_of
from newsletter.throwaway import ThrowawayList
from newsletter.wordings import fingerprint
from newsletter.zones import next_weekly


class LostKey(Exception):
    """Mail was sent under a key that is not there any more: links in it would not work."""


class RetiredKey(Base):
    """A key that links were signed with before the present one. A key that comes back has a row for each time."""

    __tablename__ = "retired_keys"
    __table_args__ = {"sqlite_autoincrement": True}

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    key_print: Mapped[str] = mapped_column(String(32))
    last_message: Mapped[int] = mapped_column(BigInteger)
    """The newest message when the key was changed: up to here Message-IDs are made with this key (or an older one)."""
    retired_at: Mapped[datetime]


class Brand(Base):
    """The name, the sender and the postal address that every page and mail carries."""

    __tablename__ = "brand"

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(String(120))
    strapline: Mapped[str] = mapped_column(String(200), default="")
    author: Mapped[str] = mapped_column(String(120))
    email: Mapped[str] = mapped_column(String(254))
    """The From address."""
    phone: Mapped[str] = mapped_column(String(40), default="")
    address: Mapped[str] = mapped_column(String(400), default="")
    """Postal address, one line of it a line. Bulk mail refuses to go without (CAN-SPAM, 16 CFR 316)."""
    website: Mapped[str] = mapped_column(String(200), default="")
    booking: Mapped[str] = mapped_column(String(300), default="", server_default="")
    """Where readers book a talk; "" where there is no such page."""
    sites: Mapped[str] = mapped_column(String(4000), default="", server_default="")
    """Origins of the owner's other sites, a line each: our forms may stand there, and lead there (`forms.hosts`)."""
    has_article_forms: Mapped[bool] = mapped_column(default=True, server_default=true())
    """Whether a form stands below each article of the archive."""
    article_form_id: Mapped[int | None] = mapped_column(ForeignKey("forms.id", ondelete="SET NULL"))
    """Which one; None: the one that fits the article (`web.article_form`)."""
    follow_urls: Mapped[str] = mapped_column(Text, default="", server_default="")
    """Where else readers find the owner, a link a line (`follow.read`)."""
    zone: Mapped[str] = mapped_column(String(64), default="Europe/London")
    language: Mapped[str] = mapped_column(String(16), default="en-GB")
    """What was chosen (`speak`). Pages and mails ask `Languages.spoken`: an older database may name any."""
    series_wait_days: Mapped[int] = mapped_column(default=2, server_default="2")
    """Days for which a step of a series gives way to other marketing mail; 0: it does not."""
    digest_weekday: Mapped[int] = mapped_column(default=4, server_default="4")
    """The day of the weekly mail (`digest`) of those who chose one, Monday 0."""
    digest_hour: Mapped[int] = mapped_column(default=9, server_default="9")
    """Its hour, where each of them lives."""
    counts_clicks: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Whether links of bulk mail pass by our server, which records who followed which. Off until the owner wants it:
    readers agreed under a privacy page that said so (UK GDPR Art. 25 (2))."""
    has_counted_clicks: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Whether that was on at some time, so that something may be held of it."""
    refuses_throwaway: Mapped[bool] = mapped_column(default=True, server_default=true())
    """Whether a sign-up with an address at a throw-away domain is refused."""
    throwaway_print: Mapped[str] = mapped_column(String(16), default="", server_default="")
    """Which list of such domains is gone by, by the fingerprint of its words; "" for ours."""
    key_print: Mapped[str] = mapped_column(String(32), default="", server_default="")
    """Of the key that links in its mails are signed with (`Signer.key_print`); "" before the first start."""

    throwaway: Mapped[ThrowawayList | None] = relationship(cascade="all, delete-orphan")
    theme: Mapped[Theme | None] = relationship(cascade="all, delete-orphan", lazy="joined")
    """Read together with the brand: a worker builds mails when its session has ended."""
    mail_texts: Mapped[dict[OwnMail, MailText]] = relationship(
        cascade="all, delete-orphan", lazy="joined", collection_class=attribute_keyed_dict("mail")
    )
    """The owner's own words in mails that the product sends by itself. So are they."""
    privacy: Mapped[PrivacyText | None] = relationship(cascade="all, delete-orphan")

    @validates("name", "strapline", "author", "email", "phone", "address", "website", "booking", "zone", "language")
    def _clean(self, name: str, typed: str) -> str:
        return characters.text(typed) if name == "address" else characters.line(typed)

    def speak(self, language: str, languages: Languages) -> None:
        """Put pages and mails into a language from now on. Raises UnknownLanguage where it has no catalogue."""
        self.language = languages.named(language).code

    def speaking(self, language: str | None, languages: Languages) -> "Brand":
        """A copy for readers of this language, of no session and never stored; itself for None, or its own language.

        The owner's own words for mails are in the brand's language: readers of another language get ours.
        """
        wanted = languages.spoken(language) if language else None
        own = languages.spoken(self.language)
        if wanted is None or wanted.code == own.code:
            return self
        words = {mail: one.words for mail, one in self.mail_texts.items()} if wanted.reads(own) else {}
        other = self._copy(theme_of(self.look, self.frame) if self.theme else None, words)
        other.language = wanted.code
        return other

    def count_clicks(self, on: bool) -> None:
        """Count who follows which link from now on, or stop that; what is recorded stays."""
        self.counts_clicks = on
        self.has_counted_clicks = self.has_counted_clicks or on

    @property
    def follow_links(self) -> list[FollowLink]:
        """Where else readers find the owner."""
        return links(self.follow_urls)

    @property
    def look(self) -> Look:
        """How its mails look."""
        return self.theme.look if self.theme else FIRST

    @property
    def frame(self) -> str:
        """The layout of mails that was compiled for its look; "" for the one that the product brings along."""
        return self.theme.frame if self.theme else ""

    def wear(self, look: Look, frame: str, frame_key: str) -> None:
        """Let mails look like this from now on. `frame`: the layout compiled for it."""
        if self.theme is None:
            self.theme = theme_of(look, frame, frame_key)
        else:
            self.theme.take(look, frame, frame_key)

    def seen_in(self, look: Look, frame: str) -> "Brand":
        """The same in another look, for a preview: of no session, and never kept."""
        return self._copy(theme_of(look, frame), {mail: one.words for mail, one in self.mail_texts.items()})

    def _copy(self, theme: Theme | None, words: Mapping[OwnMail, MailWords]) -> "Brand":
        columns = {column.key: getattr(self, column.key) for column in type(self).__mapper__.column_attrs}
        texts = {mail: mail_text(mail, one) for mail, one in words.items()}
        return type(self)(**columns, theme=theme, mail_texts=texts)

    def words_in(self, mail: OwnMail) -> MailWords:
        """The owner's own words in a mail that the product sends by itself."""
        text = self.mail_texts.get(mail)
        return text.words if text else OURS

    def reword(self, mail: OwnMail, words: MailWords) -> None:
        """Let this mail say these words from now on. Raises BadWords."""
        words.check(mail)
        text = self.mail_texts.get(mail)
        self.mail_texts[mail] = text or mail_text(mail, words, 0)
        self.mail_texts[mail].take(words)

    @property
    def privacy_text(self) -> str:
        """What the owner adds to the public page about readers' data; "" for nothing."""
        return self.privacy.text if self.privacy else ""

    def add_to_privacy(self, text: str) -> None:
        """Add this to that page from now on. `text`: as `privacy.read` gives it."""
        self.privacy = self.privacy or PrivacyText(text="", saves=0)
        self.privacy.take(text)

    def saying(self, mail: OwnMail, words: MailWords) -> "Brand":
        """The same with these words in this mail, for a preview: of no session, and never kept."""
        return self._copy(theme_of(self.look, self.frame) if self.theme else None, {mail: words})

    @property
    def throwaway_list(self) -> str:
        """The list of throw-away domains that holds, as its owner reads it."""
        return self.throwaway.text if self.throwaway else throwaway.our_text()

    def list_throwaway(self, typed: str) -> None:
        """Go by this list of throw-away domains; ours stays ours, and changes with the product. Raises BadDomains."""
        typed = characters.text(typed).strip()
        throwaway.check(typed, throwaway.a_labels(self.email.rpartition("@")[2]))
        if typed == throwaway.our_text().strip():
            self.throwaway, self.throwaway_print = None, ""
            return
        self.throwaway = self.throwaway or ThrowawayList()
        self.throwaway.text, self.throwaway_print = typed, fingerprint(typed)

    def refuses(self, domain: str) -> bool:
        """Whether nobody signs up with an address at this domain (A-labels)."""
        if not self.refuses_throwaway:
            return False
        own = self.throwaway_print
        listed = throwaway.remembered(own, lambda: self.throwaway_list) if own else throwaway.ours()
        return throwaway.covers(listed, domain)

    def next_digest(self, after: datetime, zone: str | None) -> datetime:
        """When the weekly mail comes that holds what is written now, to somebody in this zone (None: the owner's)."""
        return next_weekly(after, self.digest_weekday, time(self.digest_hour), zone or self.zone)

    def is_signed_with(self, key_print: str) -> bool:
        """Whether links made with the key of this print are ours. A host with another key must not send: nobody could
        leave by its mails."""
        return self.key_print in ("", key_print)

    def adopt(self, session: Session, key_prints: Sequence[str], newest_message: int, now: datetime) -> bool:
        """Sign with the first of these keys from now on; the others are those that links may have been made with.

        True: it is another one than before. Raises LostKey when a key that mail was sent under is not among them.
        """
        known = {self.key_print, *session.scalars(select(RetiredKey.key_print))} - {""}
        if known - set(key_prints):
            raise LostKey
        return self._sign_with(session, key_prints[0], newest_message, now)

    def forget_keys(self, session: Session, key_prints: Sequence[str], newest_message: int, now: datetime) -> None:
        """`adopt`, where keys are lost: what was sent under those that are not among these is given up."""
        session.execute(delete(RetiredKey).where(RetiredKey.key_print.not_in(key_prints)))
        if self.key_print not in key_prints:
            self.key_print = ""
        self._sign_with(session, key_prints[0], newest_message, now)

    def _sign_with(self, session: Session, key_print: str, newest_message: int, now: datetime) -> bool:
        before, self.key_print = self.key_print, key_print
        if before in ("", key_print):
            return False
        session.add(RetiredKey(key_print=before, last_message=newest_message, retired_at=now))
        return True

    @property
    def address_lines(self) -> list[str]:
        """The postal address, line by line."""
        return [line.strip() for line in self.address.splitlines() if line.strip()]

    @property
    def address_line(self) -> str:
        """Name and postal address on one line."""
        return ", ".join([self.name, *self.address_lines])

    @property
    def sender(self) -> str:
        """The name that stands in From."""
        return f"{self.author} at {self.name}" if self.author else self.name


def read_site(path: Path) -> dict[str, Any]:
    """The data of `site.toml`: `brand` and `guides`."""
    with path.open("rb") as file:
        return tomllib.load(file)


def current(session: Session) -> Brand:
    """The brand; the database has one from the first migration on."""
    found = session.get_one(Brand, 1)
    session.info["brand"] = found  # held, or it would be read again by whoever asks next in this session
    return found


def retired_keys(session: Session) -> list[tuple[int, str]]:
    """Up to which message each earlier key was the current one, and its fingerprint; the oldest first."""
    rows = session.execute(select(RetiredKey.last_message, RetiredKey.key_print).order_by(RetiredKey.id))
    return [(last, key_print) for last, key_print in rows]


def from_site(data: dict[str, Any], languages: Languages | None = None) -> Brand:
    """A Brand filled from the `[brand]` table of `site.toml`. Raises UnknownLanguage."""
    brand = dict(data["brand"])
    address = "\n".join([*brand.pop("address", []), brand.pop("country", "")]).strip()
    given = ("name", "strapline", "author", "email", "phone", "website", "zone")
    made = Brand(id=1, address=address, booking=brand.get("booking", ""), **{key: brand[key] for key in given})
    made.speak(brand["language"], languages or Languages())
    return made
