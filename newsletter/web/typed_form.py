"""TypedForm: base class of our forms, which sets the source of their values and the language of errors."""

from functools import lru_cache
from gettext import NullTranslations, translation
from typing import Any

from flask import request
from flask_wtf import FlaskForm
from flask_wtf.form import _Auto
from werkzeug.datastructures import MultiDict
from wtforms import FileField
from wtforms.i18n import messages_path

from newsletter.web.language import spoken


@lru_cache(8)
def _sentences(locale: str) -> NullTranslations:
    """WTForms' catalogue for a locale, cached; Flask-WTF would read the file for each request."""
    return translation("wtforms", messages_path(), [locale], fallback=True)


class TypedForm(FlaskForm):
    """A form that only takes text, and files only in file fields.

    Flask-WTF also reads JSON and accepts a file for a text field, so that code expecting text would fail.
    """

    class Meta(FlaskForm.Meta):
        """The source of values and translations."""

        def wrap_formdata(self, form: Any, formdata: Any) -> Any:
            """The request's form data, unless some is given explicitly."""
            if formdata is not _Auto:
                return formdata
            if request.method in ("GET", "HEAD") or not (request.form or request.files):
                return None
            wanted = {name for name, field in form._unbound_fields or () if issubclass(field.field_class, FileField)}
            typed = [pair for pair in request.form.items(multi=True) if pair[0] not in wanted]
            return MultiDict([*typed, *(pair for pair in request.files.items(multi=True) if pair[0] in wanted)])

        def get_translations(self, form: Any) -> NullTranslations:
            """WTForms' messages in the page's language."""
            return _sentences(str(spoken().locale))
