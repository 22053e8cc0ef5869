"""The owner's forms about forms. What is typed is cleaned here and judged by the records."""

import re
from typing import Any

from wtforms import BooleanField, SelectField, SelectMultipleField, StringField, TextAreaField, ValidationError
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, Length, Optional

from newsletter import characters
from newsletter.forms.form import MOST_TAGS
from newsletter.subscribers import FieldKind
from newsletter.subscribers.tag import LONGEST_TAG
from newsletter.web.forms import TypedForm

_COLOUR = re.compile(r"#[0-9a-fA-F]{6}\Z")


def _line(label: str, longest: int, needed: str = "") -> StringField:
    checks: list[Any] = [DataRequired(needed)] if needed else [Optional()]
    told = Length(max=longest, message=f"This is too long; at most {longest} characters.")
    return StringField(label, [*checks, told], filters=[characters.line])


class NewFormForm(TypedForm):
    """What the new form is called, and what it gives."""

    name = _line("Name", 120, "Give it a name; only you see it.")
    gives = SelectField("It gives")


class FieldForm(TypedForm):
    """What may be changed about a field of the owner's."""

    label = StringField("Label", filters=[characters.line])
    choices = TextAreaField("Choices", [Optional()], filters=[characters.text])
    fallback = StringField("Fall-back", filters=[characters.line])


class NewFieldForm(FieldForm):
    """A new field. Its key and its kind are settled now."""

    key = StringField("Key", filters=[characters.line])
    kind = SelectField("It holds", choices=[
        SelectChoice(FieldKind.TEXT.value, "Text"), SelectChoice(FieldKind.NUMBER.value, "A number"),
        SelectChoice(FieldKind.DATE.value, "A date"), SelectChoice(FieldKind.CHOICE.value, "One of several choices"),
        SelectChoice(FieldKind.YES_NO.value, "Yes or no"),
    ])  # fmt: skip


class SitesForm(TypedForm):
    """The owner's sites."""

    sites = TextAreaField("Your sites", [Optional()], filters=[characters.text])


class FormForm(TypedForm):
    """All of a form that may be changed; what it gives is settled when it is made."""

    name = _line("Name", 120, "Give it a name; only you see it.")
    headline = _line("Headline", 120)
    words = _line("Words", 500)
    button = _line("Button", 60, "A button needs a word.")
    consent_words = _line("Your own words about consent", 400)
    asks_name = BooleanField("Ask for the first name (nobody must give it)")
    asks_fields = SelectMultipleField("Ask for your own fields too", validate_choice=False)
    offers_newsletter = BooleanField("Offer the newsletter too, with a box that is not ticked")
    offers_topics = BooleanField("Let people choose among the topics of the newsletter")
    shows_cover = BooleanField("Show the guide’s cover")
    ground = _line("Ground", 7, "Choose a colour.")
    ink = _line("Text", 7, "Choose a colour.")
    accent = _line("Button and links", 7, "Choose a colour.")
    after_url = _line("Where it goes afterwards", 300)
    tags = _line("Tags", 2000)
    sequence = SelectField("A series that starts too", coerce=int, default=0)

    def validate_ground(self, field: StringField) -> None:
        """`#rrggbb`."""
        if not _COLOUR.match(field.data or ""):
            raise ValidationError("A colour is # and six digits, such as #0f5f63.")

    validate_ink = validate_accent = validate_ground

    def validate_tags(self, field: StringField) -> None:
        """So many tags help nobody to find anybody."""
        tags = [one.strip() for one in (field.data or "").split(",") if one.strip()]
        if len(tags) > MOST_TAGS or any(len(one) > LONGEST_TAG for one in tags):
            raise ValidationError(f"At most {MOST_TAGS} tags of {LONGEST_TAG} characters, with commas between them.")
