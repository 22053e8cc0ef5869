"""The owner's forms; they clean input, which the records validate."""

from collections.abc import Sequence
from datetime import date
from typing import Any
from urllib.parse import urlsplit

from flask_wtf.file import FileField, FileRequired
from wtforms import (
    BooleanField,
    HiddenField,
    IntegerField,
    PasswordField,
    SelectField,
    StringField,
    TextAreaField,
    ValidationError,
)
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, Length, NumberRange, Optional

from newsletter import characters, follow, topics
from newsletter.articles import LONGEST_BODY, source_address
from newsletter.languages import UnknownLanguage
from newsletter.sequences import Delay
from newsletter.subscribers import BadAddress, Field, clean_name, read_address
from newsletter.subscribers.name import LONGEST_NAME
from newsletter.web.forms import with_answers
from newsletter.web.language import _, in_words, lazy, spoken
from newsletter.web.language_field import LanguageField
from newsletter.web.state import reading, runtime
from newsletter.web.typed_form import TypedForm
from newsletter.zones import known_zones


def _line(label: str, longest: int, needed: str = "", **kwargs: Any) -> StringField:
    checks: list[Any] = [DataRequired(needed)] if needed else [Optional()]
    return StringField(label, [*checks, Length(max=longest)], filters=[characters.line], **kwargs)


def _known_zone(field: StringField) -> None:
    if field.data not in known_zones():
        raise ValidationError(_("This is no time zone we know. Choose one from the list, for example Europe/London."))


def _languages() -> list[SelectChoice]:
    return [SelectChoice(one.code, f"{one.name} ({one.code})") for one in runtime().languages.all.values()]


def weekdays() -> list[SelectChoice]:
    """Monday to Sunday as choices."""
    return [SelectChoice(day, spoken().weekday(date(2024, 1, 1 + day))) for day in range(7)]  # which was a Monday


def hours() -> list[SelectChoice]:
    """The hours of a day as choices."""
    return [SelectChoice(hour, f"{hour:02}:00") for hour in range(24)]


def _followed(field: StringField, told: str) -> None:
    seen = urlsplit(field.data or "")
    if field.data and (seen.scheme not in ("http", "https") or not seen.hostname):
        raise ValidationError(told)


class SignInForm(TypedForm):
    """Sign-in."""

    email = _line(lazy("E-mail address"), 254, lazy("Please type your e-mail address."))
    password = PasswordField(lazy("Password"), [DataRequired(lazy("Please type your password.")), Length(max=1000)])


class ForgotForm(TypedForm):
    """A request for a new password."""

    email = _line(lazy("E-mail address"), 254, lazy("Please type your e-mail address."))


class NewPasswordForm(TypedForm):
    """A new password, twice."""

    new = PasswordField(lazy("New password"), [DataRequired(lazy("Please choose a new password.")), Length(max=1000)])
    new_again = PasswordField(
        lazy("New password once more"), [DataRequired(lazy("Please type the new password twice."))]
    )

    def validate_new_again(self, field: PasswordField) -> None:
        """Require the same password twice, so that a typing error does not lock the owner out."""
        if field.data != self.new.data:
            raise ValidationError(_("The two new passwords differ."))


class WordsForm(TypedForm):
    """The text of a mail."""

    subject = _line(lazy("Subject"), 200, lazy("Every mail needs a subject."))
    preheader = _line(lazy("Preheader"), 200)
    body = TextAreaField(
        lazy("Text"),
        [DataRequired(lazy("Write something first.")), Length(max=LONGEST_BODY)],
        filters=[characters.text],
    )
    base = HiddenField()
    """The number of the revision that the writer started from."""


class ResendForm(TypedForm):
    """The subject of a resent campaign."""

    subject = _line(lazy("New subject"), 200, lazy("Give it another subject."))
    preheader = _line(lazy("Preheader"), 200)


def _topic_choices() -> list[SelectChoice]:
    with reading() as session:
        named = [(one.slug, one.name if one.is_open else f"{one.name} (archived)") for one in topics.every(session)]
    return [SelectChoice("", _("None")), *(SelectChoice(slug, name) for slug, name in named)]


class ArticleForm(WordsForm):
    """An article's title and text."""

    title = _line(lazy("Title"), 200, lazy("Give the article a name of its own; readers see it in the archive."))
    topic = SelectField(lazy("Topic"), choices=_topic_choices)
    named = HiddenField()
    """Its title when the editor was opened."""
    source = HiddenField(filters=[source_address])  # where its text was imported from


class PictureForm(TypedForm):
    """A picture for texts."""

    file = FileField(lazy("Picture"), [FileRequired(lazy("Choose a picture first."))])
    words = _line(lazy("What it shows"), 300)


class PersonForm(TypedForm):
    """The properties of a person that an owner may change."""

    first_name = StringField(
        lazy("First name"), [Optional(), Length(max=LONGEST_NAME)], filters=[lambda typed: clean_name(typed or "")]
    )
    tags = TextAreaField(lazy("Tags"), [Optional(), Length(max=20_000)], filters=[characters.text])
    language = LanguageField(lazy("Language"))
    answers: Sequence[Field] = ()
    """The owner's fields."""


def person_form(asks: Sequence[Field], **kwargs: Any) -> PersonForm:
    """A PersonForm with an input for each of the owner's fields."""
    return with_answers(PersonForm, asks)(**kwargs)


class GuideForm(TypedForm):
    """The properties of a guide that may be changed."""

    title = _line(lazy("Title"), 200, lazy("The guide needs a title."))
    topic = _line(lazy("Topic"), 40)
    box = TextAreaField(
        lazy("Words of the box"),
        [DataRequired(lazy("The box needs a sentence.")), Length(max=500)],
        filters=[characters.line],
    )
    begin = _line(lazy("What to read first"), 200)
    begin_page = IntegerField(
        lazy("On page"),
        [Optional(), NumberRange(0, 9999, lazy("Give the number of a page of the guide, or leave it empty."))],
    )
    question = _line(lazy("A question to answer by reply"), 300)
    attach = BooleanField(lazy("Attach the PDF to the mail, beside the link"))


class NewGuideForm(TypedForm):
    """A guide of the owner's own."""

    file = FileField("PDF", [FileRequired(lazy("Choose your guide, a PDF."))])
    title = _line(lazy("Title"), 200)
    box = TextAreaField(lazy("Words of the box"), [Optional(), Length(max=500)], filters=[characters.line])
    topic = _line(lazy("Topic"), 40)


class ReplaceForm(TypedForm):
    """A new edition of a guide's PDF."""

    file = FileField("PDF", [FileRequired(lazy("Choose the new PDF first."))])


class StepForm(TypedForm):
    """A new step of a series."""

    article = SelectField(lazy("Article"), coerce=int)
    before = SelectField(lazy("Where"), coerce=int, default=0)
    delay = _line(lazy("Delay"), 40, lazy("Say how long after the mail before it, for example “3 days”."))

    def validate_delay(self, field: StringField) -> None:
        """Accept only delays that the scheduler can read."""
        try:
            Delay.parse(field.data or "")
        except ValueError as error:
            raise ValidationError(in_words(error).capitalize() + ".") from None


class BrandForm(TypedForm):
    """The identity of the newsletter's sender."""

    name = _line(lazy("Name"), 120, lazy("Your readers need to know who writes."))
    strapline = _line(lazy("Strapline"), 200)
    author = _line(lazy("Author"), 120)
    email = _line(lazy("Sender address"), 254, lazy("Mail needs a sender."))
    phone = _line(lazy("Phone"), 40)
    address = TextAreaField(lazy("Postal address"), [Optional(), Length(max=400)], filters=[characters.text])
    website = _line(lazy("Website"), 200)
    booking = _line(lazy("Booking link"), 300)
    follow_urls = TextAreaField(lazy("Follow links"), [Optional(), Length(max=4000)], filters=[characters.text])
    zone = _line(lazy("Time zone"), 64, lazy("Choose a time zone."))
    language = SelectField(lazy("Language"), choices=_languages, validate_choice=False)
    series_wait_days = IntegerField(
        lazy("Days a series gives way"), [Optional(), NumberRange(0, 14, lazy("Give a number of days from 0 to 14."))]
    )

    digest_weekday = SelectField(
        lazy("Day of the weekly mail"), [Optional(), NumberRange(0, 6)], int, weekdays, validate_choice=False
    )
    digest_hour = SelectField(lazy("Its hour"), [Optional(), NumberRange(0, 23)], int, hours, validate_choice=False)

    def validate_email(self, field: StringField) -> None:
        """Check the address's syntax."""
        try:
            read_address(field.data or "")
        except BadAddress as error:
            raise ValidationError(error.told()) from None

    def validate_website(self, field: StringField) -> None:
        """Accept only links that a browser follows, none that run code."""
        _followed(field, _("A website's address begins with https:// or http://."))

    def validate_booking(self, field: StringField) -> None:
        """Validate like the website."""
        _followed(field, _("A booking link begins with https:// or http://."))

    def validate_follow_urls(self, field: TextAreaField) -> None:
        """Accept only web addresses, one per line."""
        try:
            field.data = follow.read(field.data)
        except follow.BadFollow as error:
            raise ValidationError(in_words(error)) from None

    def validate_zone(self, field: StringField) -> None:
        """Accept only names in the IANA tz database."""
        _known_zone(field)

    def validate_language(self, field: SelectField) -> None:
        """Accept only supported languages."""
        try:
            runtime().languages.named(field.data or "")
        except UnknownLanguage as error:
            raise ValidationError(in_words(error)) from None


class ImportForm(TypedForm):
    """A file of people."""

    file = FileField(lazy("File (CSV, XLSX, ODS or XLS)"), [FileRequired(lazy("Choose a file first."))])


class ZoneForm(TypedForm):
    """The time zone in which this owner reads and schedules."""

    zone = _line(lazy("Your time zone"), 64, lazy("Choose a time zone."))

    def validate_zone(self, field: StringField) -> None:
        """Accept only names in the IANA tz database."""
        _known_zone(field)


class PasswordForm(NewPasswordForm):
    """A new password for the signed-in owner."""

    old = PasswordField(
        lazy("Present password"), [DataRequired(lazy("Please type your present password.")), Length(max=1000)]
    )
