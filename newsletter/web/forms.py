"""The forms that visitors and subscribers fill in."""

from collections.abc import Sequence
from typing import Any, TypeVar

from flask import request
from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    HiddenField,
    SelectField,
    SelectMultipleField,
    StringField,
    ValidationError,
)
from wtforms.fields.choices import SelectChoice

from newsletter.brand import Brand
from newsletter.forms import Form
from newsletter.languages import Language
from newsletter.subscribers import (
    EVERY_TOPIC,
    NO,
    YES,
    BadAddress,
    BadValue,
    Field,
    FieldKind,
    TopicChoice,
)
from newsletter.topics import Topic
from newsletter.web import robots
from newsletter.web.address import typed_address
from newsletter.web.language import _, lazy, speaking, spoken
from newsletter.web.language_field import LanguageField
from newsletter.web.security import FormToken
from newsletter.web.typed_form import TypedForm
from newsletter.web.wording import TOPICS_ASKED, form_wording, newsletter_wording, topics_asked
from newsletter.wordings import fingerprint
from newsletter.zones import known_zones

FormKind = TypeVar("FormKind", bound=FlaskForm)
ANSWER = "field_"
"""Prefix of the inputs for the owner's fields, so that they never clash with ours."""
PASSWORDS = {
    "old": lazy("Present password"), "password": lazy("Password"), "password_again": lazy("Password"),
    "new": lazy("New password"), "new_again": lazy("New password once more"),
}  # fmt: skip
"""The labels of all password fields, by name; no page returns what was typed into them."""


OTHER_WORDS = lazy(
    "What this form brings has changed since you opened the page. Please read the words below its button, and send it "
    "once more."
)


class PublicForm(TypedForm):
    """A form for people without a session."""

    class Meta(TypedForm.Meta):
        """No cookie: the token is in the form (see `FormToken`)."""

        csrf = True
        csrf_class = FormToken
        csrf_field_name = "csrf_token"


class ButtonForm(PublicForm):
    """One button."""


class AskingForm(PublicForm):
    """A form that may ask for the owner's fields (`with_answers`)."""

    answers: Sequence[Field] = ()
    """The fields it asks for."""

    @property
    def own(self) -> list[tuple[Field, Any]]:
        """(field, its input) of each."""
        return [(one, self[answer_name(one)]) for one in self.answers]


class SubscribeForm(AskingForm):
    """The sign-up form: an address, perhaps a name, and whether to get the newsletter too."""

    class Meta(AskingForm.Meta):
        """No CSRF check: there is no session to abuse. `web.robots` tells people from robots."""

        csrf = False

    guide = HiddenField()
    email = StringField(lazy("E-mail address"))
    first_name = StringField(lazy("First name"))
    newsletter = BooleanField()
    topics = SelectMultipleField(TOPICS_ASKED, choices=[], validate_choice=False)
    """Ids of the topics wanted; none means all."""
    website = StringField(lazy("Leave this empty"))
    proof = StringField()
    """Proof of work, filled in by our script (`web.robots`)."""
    press = StringField()
    """Filled in by the page that asks for one more press."""
    kept = StringField()
    """The address confirmed as correct although it looks mistyped (`web.slip`)."""
    csrf_token = HiddenField()
    """The token of our own page around it (`web.robots`); none on other sites."""
    agreed = HiddenField()
    """Fingerprint of the wording shown beside it. A plain form on another site has none, and needs one more press."""

    came_with: str
    """The token of the page it was sent from."""
    id_prefix: str
    has_other_words: bool
    """Whether the wording has changed since the page was opened."""
    stood_on: str = ""
    """The page of its first display (`sign_up.told_page`), passed on when the form is shown again."""
    consent_note: str
    spoken: Language
    """Its own language, whatever the page's."""
    row: Form
    house: Brand

    def validate_email(self, field: StringField) -> None:
        """Check syntax and domain, with messages for the person who typed it."""
        try:
            typed_address(field.data or "", self.house)
        except BadAddress as error:
            raise ValidationError(error.told(spoken())) from None

    def validate_first_name(self, field: StringField) -> None:
        """Limit the length: a name of 10 kB is no name."""
        if len(field.data or "") > 200:
            raise ValidationError(_("This name is too long; the first name alone is enough."))

    def validate_topics(self, field: SelectMultipleField) -> None:
        """Refuse unknown topics: ignoring them could leave none ticked, which means every topic."""
        if not set(field.data or ()) <= {choice.value for choice in field.choices}:
            raise ValidationError(
                _("One of these topics is not offered any more. Please look at them, and send it again.")
            )

    def validate_agreed(self, field: HiddenField) -> None:
        """Refuse consent to a wording not seen: the page may have been open or cached since it changed."""
        if self.has_other_words:
            raise ValidationError(str(OTHER_WORDS))

    @property
    def typed_fields(self) -> dict[int, str]:
        """After `validate`: values in stored form, by field id, without empty answers."""
        return {one.id: found for one, answer in self.own if (found := one.read(answer.data or ""))}

    @property
    def wants_newsletter(self) -> bool:
        """Whether it requests the newsletter as filled in."""
        asked = bool(self.newsletter.data or self.topics.data)
        return self.row.gives_newsletter or (self.row.offers_newsletter and asked)

    @property
    def topic_choice(self) -> TopicChoice:
        """After `validate`: the newsletter topics requested."""
        if self.row.fixed_topics:
            return TopicChoice.of(self.row.fixed_topics)
        return TopicChoice.of(map(int, self.topics.data)) if self.topics.data else EVERY_TOPIC

    @property
    def wording(self) -> str:
        """The exact wording agreed to by sending this form as filled in."""
        ticked = self.wants_newsletter and not self.row.gives_newsletter
        told = f"{self.consent_note} {self.newsletter.label.text}" if ticked else self.consent_note
        if not self.topics.choices or not self.wants_newsletter:
            return told
        chosen = [choice.label for choice in self.topics.choices if choice.value in (self.topics.data or ())]
        return f"{told} {topics_asked(chosen)}"

    @property
    def sent_on(self) -> dict[str, Any]:
        """Everything typed, for buttons that send it again."""
        return {
            "email": self.email.data, "first_name": self.first_name.data or "", "website": self.website.data or "",
            "press": self.press.data, "proof": self.proof.data or "", "kept": self.kept.data or "",
            "guide": self.guide.data, "newsletter": "y" if self.newsletter.data else "",
            "topics": self.topics.data or [], "agreed": self.agreed.data,
            **{answer.name: answer.data or "" for _, answer in self.own},
        }  # fmt: skip

    @property
    def is_right(self) -> bool:
        """After `validate`: whether everything typed is valid."""
        return not self.errors

    @classmethod
    def box(cls, row: Form, brand: Brand, articles: int, asks: Sequence[Field] = (), topics: Sequence[Topic] = (),
            fixed: Sequence[str] = (), **kwargs: Any) -> "SubscribeForm":  # fmt: skip
        """The form as its owner set it up. `articles`: how many follow a guide. `asks`: the owner's fields in it.
        `topics`: those offered to choose from. `fixed`: the names of those that the owner has settled."""
        with speaking(row.language):
            form = with_answers(cls, asks)(**kwargs)
            form.row, form.house, form.id_prefix, form.spoken = row, brand, row.slug, spoken()
            form.newsletter.label.text = newsletter_wording(brand, fixed)
            form.consent_note = form_wording(row, brand, articles, fixed)
            form.topics.choices = [SelectChoice(str(one.id), one.name) for one in topics]
            offered = [str(TOPICS_ASKED), *(f"{one.id} {one.name}" for one in topics)] if topics else []
            words = fingerprint(form.consent_note, form.newsletter.label.text, *offered)
        form.has_other_words = form.agreed.data not in (None, "", words)
        form.agreed.data = words
        if not form.guide.data:
            form.guide.data = row.guide_slug or ""
        form.came_with = form.csrf_token.data or ""
        form.csrf_token.data = robots.page_token()
        if not form.csrf_token.data:
            del form.csrf_token
        return form


def answer_name(field: Field) -> str:
    """The name of the input for one of the owner's fields."""
    return f"{ANSWER}{field.key}"


def with_answers(form: type[FormKind], asks: Sequence[Field]) -> type[FormKind]:
    """A subclass of `form` with an input for each of these fields."""
    if not asks:
        return form
    return type(form.__name__, (form,), {**{answer_name(one): _answer(one) for one in asks}, "answers": asks})


def _answer(field: Field) -> Any:
    def check(form: FlaskForm, typed: Any) -> None:
        try:
            field.read(typed.data or "")
        except BadValue as error:
            raise ValidationError(error.told(spoken())) from None

    choices = choices_of(field)
    if not choices:
        return StringField(field.label, [check])
    return SelectField(field.label, [check], choices=choices, validate_choice=False)


def choices_of(field: Field) -> list[SelectChoice]:
    """The choices for a field, the first of which means no answer; empty if the answer is typed."""
    if field.kind is FieldKind.YES_NO:
        return [SelectChoice("", "–"), SelectChoice(YES, _("Yes")), SelectChoice(NO, _("No"))]
    return [SelectChoice("", "–"), *map(SelectChoice, field.choices)] if field.kind is FieldKind.CHOICE else []


class PreferencesForm(AskingForm):
    """A subscriber's preferences."""

    first_name = StringField(lazy("First name"))
    newsletter = BooleanField()
    topics = SelectMultipleField(lazy("Topics"), choices=[], validate_choice=False)
    zone = SelectField(lazy("Where you live, so that mails come at your time of day"), validate_choice=False)
    language = LanguageField(lazy("Your language"))
    address = StringField(lazy("New e-mail address"))
    kept = StringField()
    """The address confirmed as correct although it looks mistyped, as at sign-up."""
    shown = HiddenField()
    """Ids of the topics shown on the page: unticked ones were declined; ones not shown were not."""

    house: Brand

    def validate_zone(self, field: SelectField) -> None:
        """Accept only listed zones; none means the owner's."""
        if field.data and field.data not in known_zones():
            raise ValidationError(_("Please choose a time zone from the list."))

    def validate_address(self, field: StringField) -> None:
        """Check a new address, if its button was pressed."""
        if "move" in request.form:
            try:
                typed_address(field.data or "", self.house)
            except BadAddress as error:
                raise ValidationError(error.told(spoken())) from None

    def validate_first_name(self, field: StringField) -> None:
        """Limit the length as at sign-up."""
        if len(field.data or "") > 200:
            raise ValidationError(_("This name is too long; the first name alone is enough."))
