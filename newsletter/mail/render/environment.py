"""Jinja as mails use it. A template is compiled once for all renderers, languages and forks of a process."""

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
"""The frame of all mails: the file is that of the first look."""
MOST = 128
"""Compiled templates that are kept: more than there are, besides the frames of the themes that somebody tries out."""


class _Kept(BytecodeCache):
    """Compiled templates in memory, by name and content; of too many, the oldest goes."""

    def __init__(self) -> None:
        self._code: dict[tuple[str, str], CodeType] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Give the template what was compiled before, if it was."""
        bucket.code = self._code.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep what was compiled."""
        if bucket.code is not None:
            self._code[bucket.key, bucket.checksum] = bucket.code
            if len(self._code) > MOST:
                del self._code[next(iter(self._code))]


_KEPT = _Kept()


def environment(folder: Path, language: Language, frame: str = "") -> Environment:
    """The templates of mails in one language. `frame`: the layout of a theme; "": that of the first look."""
    files = FileSystemLoader(folder)
    jinja = Environment(
        loader=ChoiceLoader([DictLoader({LAYOUT: frame}), files]) if frame else files,
        extensions=["jinja2.ext.i18n"], undefined=StrictUndefined,
        autoescape=select_autoescape(["html"]), trim_blocks=True, lstrip_blocks=True, bytecode_cache=_KEPT,
    )  # fmt: skip
    jinja.install_gettext_callables(language.gettext, language.ngettext, newstyle=True)  # type: ignore[attr-defined]
    return jinja


def warm(folder: Path) -> None:
    """Compile the templates of bulk mail, so that no worker does when a campaign's time has come."""
    jinja = environment(folder, SOURCE)
    for name in jinja.list_templates(filter_func=lambda name: name.startswith(("article/", "digest/", "layout"))):
        jinja.get_template(name)
