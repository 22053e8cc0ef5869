"""Jinja for mails. A template is compiled once for all renderers, languages and forks of a process."""

from pathlib import Path
from types import CodeType

from jinja2 import (
    BytecodeCache,
    ChoiceLoader,
    DictLoader,
    Environment,
    FileSystemLoader,
    StrictUndefined,
    select_autoescape,
)
from jinja2.bccache import Bucket

from newsletter.languages import SOURCE, Language

LAYOUT = "layout.html"
"""The frame of all mails; the file is the default look's."""
MOST = 128
"""Compiled templates kept: enough for all files, and for the frames of themes being tried out."""


class _Kept(BytecodeCache):
    """Compiled templates in memory by name and content; beyond MOST the oldest is dropped."""

    def __init__(self) -> None:
        self._code: dict[tuple[str, str], CodeType] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Load the compiled code, if there is any."""
        bucket.code = self._code.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep the compiled code."""
        if bucket.code is not None:
            self._code[bucket.key, bucket.checksum] = bucket.code
            if len(self._code) > MOST:
                del self._code[next(iter(self._code))]


_KEPT = _Kept()


def environment(folder: Path, language: Language, frame: str = "") -> Environment:
    """The environment of mail templates in one language. `frame`: a theme's layout; "": the default look's."""
    files = FileSystemLoader(folder)
    jinja = Environment(
        loader=ChoiceLoader([DictLoader({LAYOUT: frame}), files]) if frame else files,
        extensions=["jinja2.ext.i18n"], undefined=StrictUndefined,
        autoescape=select_autoescape(["html"]), trim_blocks=True, lstrip_blocks=True, bytecode_cache=_KEPT,
    )  # fmt: skip
    jinja.install_gettext_callables(language.gettext, language.ngettext, newstyle=True)  # type: ignore[attr-defined]
    return jinja


def warm(folder: Path) -> None:
    """Compile the templates of bulk mail now, so that no worker has to when a campaign starts."""
    jinja = environment(folder, SOURCE)
    for name in jinja.list_templates(filter_func=lambda name: name.startswith(("article/", "digest/", "layout"))):
        jinja.get_template(name)
