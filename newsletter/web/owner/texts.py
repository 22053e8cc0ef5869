"""Texts: the owner's own words in automatic mails, beside our default and a preview of the mail."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from flask import g, render_template, request
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response
from wtforms import HiddenField, StringField, TextAreaField

from newsletter import brand, characters, media
from newsletter.accounts import differing
from newsletter.brand import Brand
from newsletter.languages import marked
from newsletter.mail.render import check_own_words, names_in
from newsletter.mail_words import (
    LONGEST_CLOSING,
    LONGEST_OPENING,
    LONGEST_SUBJECT,
    OURS,
    BadWords,
    MailWords,
    OwnMail,
)  # fmt: skip
from newsletter.web.language import _, in_words, lazy
from newsletter.web.owner.door import back, door, note
from newsletter.web.owner.mails import NAMED, as_seen
from newsletter.web.personal import MAIL_PAGE_POLICY
from newsletter.web.state import reading, runtime, transaction
from newsletter.web.typed_form import TypedForm

_ADDRESS = f"/texts/<any({', '.join(OwnMail)}):mail>"
USES = {
    OwnMail.CONFIRM: lazy(
        "To somebody who signed up and has not proven their address yet. It may be a stranger’s, so this mail names "
        "nobody; please leave advertising out."
    ),
    OwnMail.REMINDER: lazy("Once, to somebody who has not pressed the button of the confirmation."),
    OwnMail.GUIDE: lazy("Brings a guide, each time somebody asks for one."),
    OwnMail.GOODBYE: lazy("The last mail, to somebody who has unsubscribed."),
    OwnMail.PROVE: lazy(
        "Asks for a press where somebody changes their address, or wants to see or delete what is held of them."
    ),
    OwnMail.DIGEST: lazy(
        "The weekly mail, to readers who chose one mail a week in place of single ones. It holds your campaigns’ "
        "articles of that week."
    ),
}
STAYS = {
    OwnMail.CONFIRM: lazy(
        "what was asked for, the button and its link, how long it works, why this mail came, and “This was not me”"
    ),
    OwnMail.REMINDER: lazy(
        "what was asked for, the button and its link, when the address is deleted, and “This was not me”"
    ),
    OwnMail.GUIDE: lazy("which guide it is, the button, what follows and how to stop it, and how to leave"),
    OwnMail.GOODBYE: lazy("that they are unsubscribed, and that nothing more comes"),
    OwnMail.PROVE: lazy("its subject, what the press does, the button and its link, and how long it works"),
    OwnMail.DIGEST: lazy("the articles and the links to them, why it comes once a week, and how to leave"),
}
_SIGNED = "{{ brand.author }}\n{{ brand.name }}"
_GREETED = ("{{ greeting }},", _SIGNED)
BY_NAME = (OwnMail.GUIDE, OwnMail.GOODBYE, OwnMail.DIGEST)
_WRITTEN = lazy("Here is what we have written since your last weekly mail.")
_GOODBYE = lazy("Thank you for reading. If you change your mind one day, the guides stay free:")
FIELDS = {"subject": "subject", "opening": "body", "closing": "closing"}
"""The form's field for each text. The opening's has the name of an article's, so that nothing is lost when a session
ends.
"""
MEANWHILE = lazy(
    "Somebody has saved other words since you opened this page. Theirs stand below; yours are in the fields and not "
    "saved: press Save once more to replace theirs."
)


class TextForm(TypedForm):
    """The texts of one mail."""

    subject = StringField(lazy("Subject"), filters=[characters.line])
    body = TextAreaField(lazy("Opening"), filters=[characters.text])
    closing = TextAreaField(lazy("Closing"), filters=[characters.text])
    base = HiddenField()
    """Number of saves when the page was opened."""

    @property
    def words(self) -> MailWords:
        """The texts as typed."""
        return MailWords.typed(self.subject.data, self.body.data, self.closing.data)


@dataclass(frozen=True, slots=True)
class Listed:
    """A row of the list."""

    mail: OwnMail
    is_ours: bool
    subject: str


@door.get("/texts", endpoint="texts")
def index() -> str:
    """List the mails whose texts can be changed."""
    with reading() as session:
        house = brand.current(session)
        listed = [Listed(one, house.words_in(one) == OURS, as_seen(session, one, house).subject) for one in OwnMail]
    return render_template("owner/texts.html", listed=listed, named=NAMED, uses=USES)


@door.get(_ADDRESS, endpoint="text")
def show(mail: str) -> Any:
    """The texts of one mail."""
    with reading() as session:
        house, which = brand.current(session), OwnMail(mail)
        return _page(session, house, which, _form(house, which))


def _saves(house: Brand, mail: OwnMail) -> int:
    text = house.mail_texts.get(mail)
    return text.saves if text else 0


def _form(house: Brand, mail: OwnMail) -> TextForm:
    """The form with the present texts."""
    words = house.words_in(mail)
    return TextForm(formdata=None, data={"subject": words.subject, "body": words.opening, "closing": words.closing,
                                         "base": str(_saves(house, mail))})  # fmt: skip


def _page(session: Session, house: Brand, mail: OwnMail, form: TextForm, status: int = 200, told: str = "") -> Any:
    """The page. `told`: what somebody else changed meanwhile."""
    page = render_template(
        "owner/text.html", mail=mail, form=form, called=NAMED[mail], use=USES[mail], stays=STAYS[mail],
        ours=_ours(session, house, mail), now=house.words_in(mail), is_ours=house.words_in(mail) == OURS,
        names=names_in(mail), told=told, longest=(LONGEST_SUBJECT, LONGEST_OPENING, LONGEST_CLOSING),
        has_languages=bool(runtime().languages.offered),
    )  # fmt: skip
    return page, status


def _ours(session: Session, house: Brand, mail: OwnMail) -> MailWords:
    """Our default texts in this mail."""
    opening, closing = _GREETED if mail in BY_NAME else (_("Hello,"), _SIGNED)
    if mail is OwnMail.DIGEST:
        opening = f"{opening}\n\n{_WRITTEN}"
    if mail is OwnMail.GOODBYE:
        closing = f"{_GOODBYE}\n{{{{ site_url }}}}/\n\n{_SIGNED}"
    return MailWords(as_seen(session, mail, house.saying(mail, OURS)).subject, opening, closing)


@door.post(_ADDRESS, endpoint="text_save")
def save(mail: str) -> Any:
    """Save the texts for all mails from now on."""
    which = OwnMail(mail)
    with transaction() as session:
        house, form = _locked(session), TextForm()
        if not _is_sound(which, form):
            return _page(session, house, which, form, 422)
        if form.base.data != str(_saves(house, which)):
            form.base.data = str(_saves(house, which))
            return _page(session, house, which, form, 409, str(MEANWHILE))
        told = _reword(session, house, which, form.words)
    return back("text", told, mail=mail)


def _locked(session: Session) -> Brand:
    session.scalar(select(Brand.id).with_for_update())  # handles two tabs one after the other
    return brand.current(session)


def _is_sound(mail: OwnMail, form: TextForm) -> bool:
    """Whether the texts are valid in this mail; if not, adds errors to the fields."""
    try:
        check_own_words(mail, form.words, runtime().settings.site)
    except BadWords as error:
        form[FIELDS[error.field]].errors = [in_words(error)]
        return False
    return True


def _reword(session: Session, house: Brand, mail: OwnMail, words: MailWords) -> str:
    """Store these texts, with the differences in the audit log; return the message for the owner."""
    before = house.words_in(mail)
    if words == before:
        return _("Nothing was different.")
    house.reword(mail, words)
    media.keep(session, media.named_in(f"{words.opening} {words.closing}"))
    action = marked("words of a mail taken back") if words == OURS else marked("words of a mail saved")
    values = [{name: getattr(one, name) for name in FIELDS} for one in (before, words)]
    note(session, action, f"{mail}: {', '.join(_changes(before, words))}", differing(*values))
    return _("It says our words again.") if words == OURS else _("Saved. The next mail says it.")


def _changes(before: MailWords, after: MailWords) -> Iterator[str]:
    for name in FIELDS:
        old, new = getattr(before, name), getattr(after, name)
        if old != new:
            yield f"{name} {_short(old)} → {_short(new)}"


def _short(words: str) -> str:
    line = " ".join(words.split())
    return f"“{line[:60]}…”" if len(line) > 60 else f"“{line}”" if line else "–"


@door.post(f"{_ADDRESS}/ours", endpoint="text_ours")
def go_back(mail: str) -> Response:
    """Restore our default texts."""
    if request.form.get("sure") != "yes":
        return back("text", _("Nothing has changed: tick the box to say that you are sure."), "info", mail=mail)
    with transaction() as session:
        told = _reword(session, _locked(session), OwnMail(mail), OURS)
    return back("text", told, mail=mail)


@door.post(f"{_ADDRESS}/preview", endpoint="text_preview")
def preview(mail: str) -> Any:
    """The whole mail with the typed texts, for a frame. Saves nothing."""
    which, form = OwnMail(mail), TextForm()
    g.csp = MAIL_PAGE_POLICY
    if not _is_sound(which, form):
        wrong = " ".join(str(one) for field in form for one in field.errors)
        return wrong, 422, {"Content-Type": "text/plain; charset=utf-8"}
    with reading() as session:
        seen = as_seen(session, mail, brand.current(session).saying(which, form.words))
    if request.form.get("show") == "text":
        return f"{seen.subject}\n\n{seen.text}", 200, {"Content-Type": "text/plain; charset=utf-8"}
    return seen.html
