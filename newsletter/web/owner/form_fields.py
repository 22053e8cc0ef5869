"""The owner's forms about forms; they clean input, which the records validate."""

import re
from typing import Any

from wtforms import BooleanField, SelectField, SelectMultipleField, StringField, TextAreaField, ValidationError
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, Length, Optional

from newsletter import characters
from newsletter.forms.form import MOST_TAGS
from newsletter.subscribers import FieldKind
from newsletter.subscribers.tag import LONGEST_TAG
from newsletter.web.language import _, lazy
from newsletter.web.language_field import LanguageField
from newsletter.web.typed_form import TypedForm

_COLOUR = re.compile(r"#[0-9a-fA-F]{6}\Z")


def _line(label: str, longest: int, needed: str = "") -> StringField:
    checks: list[Any] = [DataRequired(needed)] if needed else [Optional()]
    told = Length(max=longest, message=lazy("This is too long; at most %(longest)s characters.", longest=longest))
    return StringField(label, [*checks, told], filters=[characters.line])


class NewFormForm(TypedForm):
    """Name of a new form, and what it gives."""

    name = _line(lazy("Name"), 120, lazy("Give it a name; only you see it."))
    gives = SelectField(lazy("It gives"))


class FieldForm(TypedForm):
    """The properties of one of the owner's fields that may be changed."""

    label = StringField(lazy("Label"), filters=[characters.line])
    choices = TextAreaField(lazy("Choices"), [Optional()], filters=[characters.text])
    fallback = StringField(lazy("Fall-back"), filters=[characters.line])


class NewFieldForm(FieldForm):
    """A new field; its key and kind cannot be changed later."""

    key = StringField(lazy("Key"), filters=[characters.line])
    kind = SelectField(lazy("It holds"), choices=[
        SelectChoice(FieldKind.TEXT.value, lazy("Text")), SelectChoice(FieldKind.NUMBER.value, lazy("A number")),
        SelectChoice(FieldKind.DATE.value, lazy("A date")),
        SelectChoice(FieldKind.CHOICE.value, lazy("One of several choices")),
        SelectChoice(FieldKind.YES_NO.value, lazy("Yes or no")),
    ])  # fmt: skip


class SitesForm(TypedForm):
    """Sites on which the owner's forms stand."""

    sites = TextAreaField(lazy("Your sites"), [Optional()], filters=[characters.text])


class BelowForm(TypedForm):
    """The form shown below articles."""

    below = SelectField(lazy("Below each article"), default="")


class FormForm(TypedForm):
    """Everything about a form that may be changed; what it gives is fixed at creation."""

    name = _line(lazy("Name"), 120, lazy("Give it a name; only you see it."))
    headline = _line(lazy("Headline"), 120)
    words = _line(lazy("Words"), 500)
    button = _line(lazy("Button"), 60, lazy("A button needs a word."))
    consent_words = _line(lazy("Your own words about consent"), 400)
    asks_name = BooleanField(lazy("Ask for the first name (nobody must give it)"))
    asks_fields = SelectMultipleField(lazy("Ask for your own fields too"), validate_choice=False)
    offers_newsletter = BooleanField(lazy("Offer the newsletter too, with a box that is not ticked"))
    offers_topics = BooleanField(lazy("Let people choose among the topics of the newsletter"))
    fixed_topics = SelectMultipleField(lazy("Or settle the topics yourself"), coerce=int, validate_choice=False)
    shows_cover = BooleanField(lazy("Show the guide’s cover"))
    picture = SelectField(lazy("A picture of its own"), validate_choice=False)
    picture_words = _line(lazy("What the picture shows"), 300)
    ground = _line(lazy("Ground"), 7, lazy("Choose a colour."))
    ink = _line(lazy("Text"), 7, lazy("Choose a colour."))
    accent = _line(lazy("Button and links"), 7, lazy("Choose a colour."))
    language = LanguageField(lazy("Its language"))
    after_url = _line(lazy("Where it goes afterwards"), 300)
    tags = _line(lazy("Tags"), 2000)
    sequence = SelectField(lazy("A series that starts too"), coerce=int, default=0)

    def validate_ground(self, field: StringField) -> None:
        """Accept only `#rrggbb`."""
        if not _COLOUR.match(field.data or ""):
            raise ValidationError(_("A colour is # and six digits, such as #0f5f63."))

    validate_ink = validate_accent = validate_ground

    def validate_fixed_topics(self, field: SelectMultipleField) -> None:
        """Accept only existing topics; fixed topics leave readers no choice."""
        if field.data and self.offers_topics.data:
            raise ValidationError(
                _("Either people choose among the topics, or you settle them: untick one or the other.")
            )
        if not set(field.data or ()) <= {choice.value for choice in field.choices}:
            raise ValidationError(_("One of these topics is not there any more. Please look at them, and save again."))

    def validate_picture(self, field: SelectField) -> None:
        """Require alternative text for a picture."""
        if field.data and not self.picture_words.data:
            raise ValidationError(_("Say in a few words what the picture shows, for whoever cannot see it."))

    def validate_tags(self, field: StringField) -> None:
        """Limit the number of tags."""
        tags = [one.strip() for one in (field.data or "").split(",") if one.strip()]
        if len(tags) > MOST_TAGS or any(len(one) > LONGEST_TAG for one in tags):
            raise ValidationError(
                _(
                    "At most %(most_tags)s tags of %(longest_tag)s characters, with commas between them.",
                    most_tags=MOST_TAGS,
                    longest_tag=LONGEST_TAG,
                )
            )
