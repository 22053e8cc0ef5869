"""A choice of a language: a form's own, or a reader's. It is offered only where there is more than English."""

from typing import Any

from wtforms import SelectField, ValidationError
from wtforms.fields.choices import SelectChoice

from newsletter.languages import name_of
from newsletter.web.language import _, speaking, spoken
from newsletter.web.state import runtime


def choices(held: str | None) -> list[SelectChoice]:
    """The newsletter's own first; `held` too, where its catalogue is gone. Nothing where there is only English."""
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
    """Without choices it is not shown, and changes nothing."""

    def __init__(self, label: str, **kwargs: Any) -> None:
        super().__init__(label, choices=[], validate_choice=False, **kwargs)
        self.type = SelectField.__name__  # as templates know it

    def offer(self, held: str | None) -> None:
        """Let it be chosen among what there is."""
        self.choices = choices(held)
        self.held = held

    def pre_validate(self, form: Any) -> None:
        """One of the list."""
        if self.choices and self.data and self.data not in {choice.value for choice in self.choices}:
            raise ValidationError(_("Please choose a language from the list."))

    @property
    def chosen(self) -> str | None:
        """After `offer`: what was chosen, None for the newsletter's; what was held, where it was not asked."""
        return (self.data or None) if self.choices and self.raw_data else self.held
