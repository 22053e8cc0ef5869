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
"""Before the key of a field of the owner's, where its answer is sent: so it never meets an input of ours."""
PASSWORDS = {
    "old": lazy("Present password"), "password": lazy("Password"), "password_again": lazy("Password"),
    "new": lazy("New password"), "new_again": lazy("New password once more"),
}  # fmt: skip
"""Every field that a password is typed into, and its label: no page gives one back."""


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
    """A form that may ask for fields of the owner's (`with_answers`)."""

    answers: Sequence[Field] = ()
    """Which it asks for."""

    @property
    def own(self) -> list[tuple[Field, Any]]:
        """Each of them with what holds its answer."""
        return [(one, self[answer_name(one)]) for one in self.answers]


class SubscribeForm(AskingForm):
    """A box: an address, perhaps a name, and whether the newsletter is wanted too."""

    class Meta(AskingForm.Meta):
        """There is no session that another site could ride on; who sends it is asked in `web.robots`."""

        csrf = False

    guide = HiddenField()
    email = StringField(lazy("E-mail address"))
    first_name = StringField(lazy("First name"))
    newsletter = BooleanField()
    topics = SelectMultipleField(TOPICS_ASKED, choices=[], validate_choice=False)
    """Those that are wanted, by their numbers; none is all of them."""
    website = StringField(lazy("Leave this empty"))
    proof = StringField()
    """Of work: what our script puts there (`web.robots`)."""
    press = StringField()
    """What the page that asks for one more press puts there."""
    kept = StringField()
    """The address that stays although it looks like a slip (`web.slip`)."""
    csrf_token = HiddenField()
    """Of the page that it stands on, at home (`web.robots`); there is none elsewhere."""
    agreed = HiddenField()
    """Which words stood beside it (`fingerprint`). A plain form of another site has none, and is asked once more."""

    came_with: str
    """The token of the page that it was sent from."""
    id_prefix: str
    has_other_words: bool
    """Whether it was sent from under words that are not today's."""
    stood_on: str = ""
    """Where one that is shown again stood at first (`sign_up.told_page`), which its next sending tells."""
    consent_note: str
    spoken: Language
    """What it is in, wherever it stands."""
    row: Form
    house: Brand

    def validate_email(self, field: StringField) -> None:
        """Its syntax and its domain, in words for the person who typed it."""
        try:
            typed_address(field.data or "", self.house)
        except BadAddress as error:
            raise ValidationError(error.told(spoken())) from None

    def validate_first_name(self, field: StringField) -> None:
        """A name of 10 kB is no name."""
        if len(field.data or "") > 200:
            raise ValidationError(_("This name is too long; the first name alone is enough."))

    def validate_topics(self, field: SelectMultipleField) -> None:
        """A tick that is not understood narrows all the same: without it, this would ask for every topic."""
        if not set(field.data or ()) <= {choice.value for choice in field.choices}:
            raise ValidationError(
                _("One of these topics is not offered any more. Please look at them, and send it again.")
            )

    def validate_agreed(self, field: HiddenField) -> None:
        """Nobody agrees to words that they have not seen: a page may have been open, or cached, since they changed."""
        if self.has_other_words:
            raise ValidationError(str(OTHER_WORDS))

    @property
    def typed_fields(self) -> dict[int, str]:
        """After `validate`: what was typed into them, as it is held; nothing typed is left out."""
        return {one.id: found for one, answer in self.own if (found := one.read(answer.data or ""))}

    @property
    def wants_newsletter(self) -> bool:
        """Whether sending it as it is asks for the newsletter."""
        asked = bool(self.newsletter.data or self.topics.data)
        return self.row.gives_newsletter or (self.row.offers_newsletter and asked)

    @property
    def topic_choice(self) -> TopicChoice:
        """After `validate`: which topics of the newsletter are asked for."""
        if self.row.fixed_topics:
            return TopicChoice.of(self.row.fixed_topics)
        return TopicChoice.of(map(int, self.topics.data)) if self.topics.data else EVERY_TOPIC

    @property
    def wording(self) -> str:
        """Word for word what is agreed to by sending this form as it is."""
        ticked = self.wants_newsletter and not self.row.gives_newsletter
        told = f"{self.consent_note} {self.newsletter.label.text}" if ticked else self.consent_note
        if not self.topics.choices or not self.wants_newsletter:
            return told
        chosen = [choice.label for choice in self.topics.choices if choice.value in (self.topics.data or ())]
        return f"{told} {topics_asked(chosen)}"

    @property
    def sent_on(self) -> dict[str, Any]:
        """All that was typed, for buttons that send it once more."""
        return {
            "email": self.email.data, "first_name": self.first_name.data or "", "website": self.website.data or "",
            "press": self.press.data, "proof": self.proof.data or "", "kept": self.kept.data or "",
            "guide": self.guide.data, "newsletter": "y" if self.newsletter.data else "",
            "topics": self.topics.data or [], "agreed": self.agreed.data,
            **{answer.name: answer.data or "" for _, answer in self.own},
        }  # fmt: skip

    @property
    def is_right(self) -> bool:
        """After `validate`: whether everything typed is as it should be."""
        return not self.errors

    @classmethod
    def box(cls, row: Form, brand: Brand, articles: int, asks: Sequence[Field] = (), topics: Sequence[Topic] = (),
            fixed: Sequence[str] = (), **kwargs: Any) -> "SubscribeForm":  # fmt: skip
        """The form as its owner has set it. `articles`: how many follow. `asks`: the owner's fields in it. `topics`:
        those that it lets people choose among. `fixed`: the names of those that are settled."""
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
    """What the answer to a field of the owner's is called, in a page and where it is sent to."""
    return f"{ANSWER}{field.key}"


def with_answers(form: type[FormKind], asks: Sequence[Field]) -> type[FormKind]:
    """A form that has an input for each of these fields too."""
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
    """What may be chosen; the first is no answer. Nothing where it is typed."""
    if field.kind is FieldKind.YES_NO:
        return [SelectChoice("", "–"), SelectChoice(YES, _("Yes")), SelectChoice(NO, _("No"))]
    return [SelectChoice("", "–"), *map(SelectChoice, field.choices)] if field.kind is FieldKind.CHOICE else []


class PreferencesForm(AskingForm):
    """What a subscriber may choose."""

    first_name = StringField(lazy("First name"))
    newsletter = BooleanField()
    topics = SelectMultipleField(lazy("Topics"), choices=[], validate_choice=False)
    zone = SelectField(lazy("Where you live, so that mails come at your time of day"), validate_choice=False)
    language = LanguageField(lazy("Your language"))
    address = StringField(lazy("New e-mail address"))
    kept = StringField()
    """As at sign-up."""
    shown = HiddenField()
    """The numbers of the topics that stood on the page: what is not ticked was left out, what was not there was not."""

    house: Brand

    def validate_zone(self, field: SelectField) -> None:
        """One of the list; none is the owner's."""
        if field.data and field.data not in known_zones():
            raise ValidationError(_("Please choose a time zone from the list."))

    def validate_address(self, field: StringField) -> None:
        """Of a new address, where its button was pressed."""
        if "move" in request.form:
            try:
                typed_address(field.data or "", self.house)
            except BadAddress as error:
                raise ValidationError(error.told(spoken())) from None

    def validate_first_name(self, field: StringField) -> None:
        """The same limit as at sign-up."""
        if len(field.data or "") > 200:
            raise ValidationError(_("This name is too long; the first name alone is enough."))
