"""The forms that visitors and subscribers fill in."""

from typing import Any

from flask import request
from flask_wtf import FlaskForm
from flask_wtf.form import _Auto
from werkzeug.datastructures import MultiDict
from wtforms import BooleanField, FileField, HiddenField, StringField, ValidationError

from newsletter.brand import Brand
from newsletter.forms import Form
from newsletter.subscribers import BadAddress, read_address
from newsletter.web.security import FormToken
from newsletter.web.wording import fingerprint, form_wording, newsletter_wording

PASSWORDS = {
    "old": "Present password", "password": "Password", "password_again": "Password", "new": "New password",
    "new_again": "New password once more",
}  # fmt: skip
"""Every field that a password is typed into, and its label: no page gives one back."""


OTHER_WORDS = (
    "What this form brings has changed since you opened the page. Please read the words below its button, and send it "
    "once more."
)


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
    """A box: an address, perhaps a name, and whether the newsletter is wanted too."""

    guide = HiddenField()
    email = StringField("E-mail address")
    first_name = StringField("First name")
    newsletter = BooleanField()
    website = StringField("Leave this empty")
    agreed = HiddenField()
    """Which words stood beside it (`fingerprint`). A plain form of another site has none, and is asked once more."""

    id_prefix: str
    has_other_words: bool
    """Whether it was sent from under words that are not today's."""
    consent_note: str
    row: Form

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

    def validate_agreed(self, _: HiddenField) -> None:
        """Nobody agrees to words that they have not seen: a page may have been open, or cached, since they changed."""
        if self.has_other_words:
            raise ValidationError(OTHER_WORDS)

    @property
    def wants_newsletter(self) -> bool:
        """Whether sending it as it is asks for the newsletter."""
        return self.row.gives_newsletter or (self.row.offers_newsletter and bool(self.newsletter.data))

    @property
    def wording(self) -> str:
        """Word for word what is agreed to by sending this form as it is."""
        ticked = self.wants_newsletter and not self.row.gives_newsletter
        return f"{self.consent_note} {self.newsletter.label.text}" if ticked else self.consent_note

    @property
    def is_ours(self) -> bool:
        """After `validate`: whether it carries the token of a page of ours."""
        return not self.csrf_token.errors

    @property
    def is_right(self) -> bool:
        """After `validate`: whether everything typed is as it should be."""
        return not set(self.errors) - {"csrf_token"}

    @classmethod
    def box(cls, row: Form, brand: Brand, articles: int, **kwargs: Any) -> "SubscribeForm":
        """The form as its owner has set it. `articles`: how many follow."""
        form = cls(**kwargs)
        form.row, form.id_prefix = row, row.slug
        form.newsletter.label.text = newsletter_wording(brand)
        form.consent_note = form_wording(row, brand, articles)
        words = fingerprint(form.consent_note, form.newsletter.label.text)
        form.has_other_words = form.agreed.data not in (None, "", words)
        form.agreed.data = words
        if not form.guide.data:
            form.guide.data = row.guide_slug or ""
        return form


class PreferencesForm(PublicForm):
    """What a subscriber may choose."""

    first_name = StringField("First name")
    newsletter = BooleanField()

    def validate_first_name(self, field: StringField) -> None:
        """The same limit as at sign-up."""
        if len(field.data or "") > 200:
            raise ValidationError("This name is too long; the first name alone is enough.")
