"""The form with which a team member changes their sign-in address."""

from wtforms import PasswordField, StringField, ValidationError
from wtforms.validators import DataRequired, Length

from newsletter import characters
from newsletter.subscribers import BadAddress, read_address
from newsletter.web.language import in_words, lazy
from newsletter.web.owner.second_factor import LONGEST_CODE
from newsletter.web.typed_form import TypedForm


class AddressForm(TypedForm):
    """The new address, and proof of who is typing."""

    email = StringField(
        lazy("New e-mail address"), [DataRequired(lazy("Please type an e-mail address.")), Length(max=254)],
        filters=[characters.line],
    )  # fmt: skip
    old = PasswordField(
        lazy("Present password"), [DataRequired(lazy("Please type your present password.")), Length(max=1000)]
    )
    code = StringField(lazy("Code"), [Length(max=LONGEST_CODE)])

    def validate_email(self, field: StringField) -> None:
        """Check the address's syntax."""
        try:
            read_address(field.data or "")
        except BadAddress as error:
            raise ValidationError(in_words(error.told())) from None
