"""The form of the theme, and the look made from its input."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from flask_wtf.file import FileField
from wtforms import BooleanField, HiddenField, IntegerField, RadioField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import Optional

from newsletter import characters
from newsletter.theme import ButtonStyle, Corners, Font, Look
from newsletter.web.language import lazy
from newsletter.web.typed_form import TypedForm

FONTS = {
    Font.MIXED: lazy("Georgia for headings, the reader’s own typeface for words"),
    Font.SYSTEM: lazy("The reader’s own typeface"),
    Font.HELVETICA: lazy("Helvetica or Arial"),
    Font.VERDANA: lazy("Verdana"),
    Font.GEORGIA: lazy("Georgia"),
    Font.TIMES: lazy("Times"),
}
CORNERS = {
    Corners.SQUARE: lazy("Square"), Corners.SLIGHT: lazy("Slightly round"), Corners.ROUND: lazy("Round"),
}  # fmt: skip
BUTTONS = {ButtonStyle.FILLED: lazy("Filled"), ButtonStyle.OUTLINE: lazy("Outlined")}
LABELS = {
    "accent": lazy("Buttons and links"), "ground": lazy("Ground"), "font": lazy("Typeface"),
    "corners": lazy("Corners of buttons and cards"), "button": lazy("Buttons"),
    "guide_colours": lazy("Guides’ colours"),
    "logo": lazy("Picture"), "logo_words": lazy("What the logo says"), "logo_width": lazy("Width in pixels"),
    "footer": lazy("Footer"),
}  # fmt: skip
"""Labels of a look's values, for the form and the audit log."""
FIELDS = {one.name: "body" if one.name == "footer" else one.name for one in fields(Look)}
"""The form's field for each value. The footer's has the name of an article's, so that nothing is lost when a session
ends.
"""


def _choices(words: Mapping[Any, str]) -> list[SelectChoice]:
    return [SelectChoice(code.value, told) for code, told in words.items()]


class ThemeForm(TypedForm):
    """All values of a theme, and the mail to preview."""

    accent = StringField(LABELS["accent"], filters=[characters.line])
    ground = StringField(LABELS["ground"], filters=[characters.line])
    font = SelectField(LABELS["font"], choices=_choices(FONTS))
    corners = RadioField(LABELS["corners"], choices=_choices(CORNERS))
    button = RadioField(LABELS["button"], choices=_choices(BUTTONS))
    guide_colours = BooleanField(lazy("Mails of a guide keep that guide’s own colour"))
    logo = SelectField(LABELS["logo"], validate_choice=False)
    file = FileField(lazy("Or send a new one"))
    logo_words = StringField(LABELS["logo_words"], filters=[characters.line])
    logo_width = IntegerField(LABELS["logo_width"], [Optional()])
    body = TextAreaField(LABELS["footer"], filters=[characters.text])
    base = HiddenField()
    """Number of saves when the page was opened."""
    mail = SelectField(lazy("Which mail"), validate_choice=False)


def look_of(typed: Mapping[str, Any], now: Look) -> Look:
    """The look with these values; invalid or missing codes are taken from `now`."""
    return Look(
        accent=str(typed.get("accent") or "").lower(),
        ground=str(typed.get("ground") or "").lower(),
        font=_code(Font, typed.get("font"), now.font),
        corners=_code(Corners, typed.get("corners"), now.corners),
        button=_code(ButtonStyle, typed.get("button"), now.button),
        guide_colours=bool(typed.get("guide_colours")),
        logo=str(typed.get("logo") or ""),
        logo_words=characters.line(str(typed.get("logo_words") or "")),
        logo_width=_number(typed.get("logo_width")),
        footer=characters.text(str(typed.get("body") or "")).strip(),
    )


def _code(kind: type[Any], typed: Any, now: Any) -> Any:
    return next((one for one in kind if one.value == typed), now)


def _number(typed: Any) -> int:
    digits = str(typed or "")
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 6 else 0
