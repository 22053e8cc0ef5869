"""LanguageField: the choice of a form's or reader's language, offered only if there is one besides English."""

from typing import Any

from wtforms import SelectField, ValidationError
from wtforms.fields.choices import SelectChoice

from newsletter.languages import name_of
from newsletter.web.language import _, speaking, spoken
from newsletter.web.state import runtime


def choices(held: str | None) -> list[SelectChoice]:
    """The newsletter's language first; includes `held` even if its catalogue is gone. Empty if only English exists."""
    names = {one.code: one.name for one in runtime().languages.offered}
    if not names:
        return []
    if held:
        names.setdefault(held, name_of(held))
    with speaking(None):
        own = spoken().name
    first = SelectChoice("", _("As the newsletter (%(language)s)", language=own))
    return [first, *(SelectChoice(code, name) for code, name in names.items())]


class LanguageField(SelectField):
    """Without choices it is not shown and has no effect."""

    def __init__(self, label: str, **kwargs: Any) -> None:
        super().__init__(label, choices=[], validate_choice=False, **kwargs)
        self.type = SelectField.__name__  # as templates know it

    def offer(self, held: str | None) -> None:
        """Set the choices and the current value."""
        self.choices = choices(held)
        self.held = held

    def pre_validate(self, form: Any) -> None:
        """Accept only listed languages."""
        if self.choices and self.data and self.data not in {choice.value for choice in self.choices}:
            raise ValidationError(_("Please choose a language from the list."))

    @property
    def chosen(self) -> str | None:
        """After `offer`: the chosen code, None for the newsletter's; the current value if it was not sent."""
        return (self.data or None) if self.choices and self.raw_data else self.held
