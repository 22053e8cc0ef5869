"""The forms that visitors and subscribers fill in."""

from typing import Any

from flask import request
from flask_wtf import FlaskForm
from flask_wtf.form import _Auto
from werkzeug.datastructures import MultiDict
from wtforms import BooleanField, FileField, HiddenField, StringField, ValidationError

from newsletter.brand import Brand
from newsletter.guides import Guide
from newsletter.subscribers import BadAddress, read_address
from newsletter.web.security import FormToken
from newsletter.web.wording import newsletter_wording

PASSWORDS = {
    "old": "Present password", "password": "Password", "password_again": "Password", "new": "New password",
    "new_again": "New password once more",
}  # fmt: skip
"""Every field that a password is typed into, and its label: no page gives one back."""


class TypedForm(FlaskForm):
    """A form whose fields are text, but for those that are there for a file.

    Flask-WTF would also read JSON, and take a file for a text; then a field holds a number, a list or a file, and
    whatever reads it as text fails.
    """

    class Meta(FlaskForm.Meta):
        """Where the values come from."""

        def wrap_formdata(self, form: Any, formdata: Any) -> Any:
            """The request's form when one was sent and none is given; else what is given."""
            if formdata is not _Auto:
                return formdata
            if request.method in ("GET", "HEAD") or not (request.form or request.files):
                return None
            wanted = {name for name, field in form._unbound_fields or () if issubclass(field.field_class, FileField)}
            typed = [pair for pair in request.form.items(multi=True) if pair[0] not in wanted]
            return MultiDict([*typed, *(pair for pair in request.files.items(multi=True) if pair[0] in wanted)])


class PublicForm(TypedForm):
    """A form for people without a session."""

    class Meta(TypedForm.Meta):
        """No cookie: the token is in the form (see `FormToken`)."""

        csrf = True
        csrf_class = FormToken
        csrf_field_name = "csrf_token"


class ButtonForm(PublicForm):
    """One button."""


class SubscribeForm(PublicForm):
    """The box: an address, perhaps a name, and whether the newsletter is wanted too."""

    guide = HiddenField()
    email = StringField("E-mail address")
    first_name = StringField("First name")
    newsletter = BooleanField()
    website = StringField("Leave this empty")

    id_prefix: str
    consent_note: str

    def validate_email(self, field: StringField) -> None:
        """The syntax of the address, in words for the person who typed it."""
        try:
            read_address(field.data or "")
        except BadAddress as error:
            raise ValidationError(str(error)) from None

    def validate_first_name(self, field: StringField) -> None:
        """A name of 10 kB is no name."""
        if len(field.data or "") > 200:
            raise ValidationError("This name is too long; the first name alone is enough.")

    @property
    def wording(self) -> str:
        """Word for word what is agreed to by sending this form as it is."""
        return f"{self.consent_note} {self.newsletter.label.text}" if self.newsletter.data else self.consent_note

    @classmethod
    def box(cls, guide: Guide, brand: Brand, articles: int, **kwargs: Any) -> "SubscribeForm":
        """The form for one guide, under the house's words. `articles`: how many follow in its series."""
        form = cls(**kwargs)
        form.id_prefix = guide.slug
        form.newsletter.label.text = newsletter_wording(brand)
        follows = f", and {articles} short e-mails on the same subject over the next weeks" if articles else ""
        form.consent_note = f"We send the guide to this address{follows}. You can stop them at any time."
        if not form.guide.data:
            form.guide.data = guide.slug
        return form


class PreferencesForm(PublicForm):
    """What a subscriber may choose."""

    first_name = StringField("First name")
    newsletter = BooleanField()

    def validate_first_name(self, field: StringField) -> None:
        """The same limit as at sign-up."""
        if len(field.data or "") > 200:
            raise ValidationError("This name is too long; the first name alone is enough.")
