"""What every form of ours stands on: where its values come from, and in which language it says what is wrong."""

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
    """Read once for a language: Flask-WTF reads the file again for each request."""
    return translation("wtforms", messages_path(), [locale], fallback=True)


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

        def get_translations(self, form: Any) -> NullTranslations:
            """WTForms' own sentences in the page's language."""
            return _sentences(str(spoken().locale))
