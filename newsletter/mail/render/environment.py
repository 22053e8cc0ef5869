"""Jinja as mails use it. A template is compiled once for all renderers, languages and forks of a process."""

from pathlib import Path
from types import CodeType

from jinja2 import BytecodeCache, Environment, FileSystemLoader, StrictUndefined, select_autoescape
from jinja2.bccache import Bucket

from newsletter.languages import SOURCE, Language


class _Kept(BytecodeCache):
    """Compiled templates in memory, by name and content."""

    def __init__(self) -> None:
        self._code: dict[tuple[str, str], CodeType] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Give the template what was compiled before, if it was."""
        bucket.code = self._code.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep what was compiled."""
        if bucket.code is not None:
            self._code[bucket.key, bucket.checksum] = bucket.code


_KEPT = _Kept()


def environment(folder: Path, language: Language) -> Environment:
    """The templates of mails in one language."""
    jinja = Environment(
        loader=FileSystemLoader(folder), extensions=["jinja2.ext.i18n"], undefined=StrictUndefined,
        autoescape=select_autoescape(["html"]), trim_blocks=True, lstrip_blocks=True, bytecode_cache=_KEPT,
    )  # fmt: skip
    jinja.install_gettext_callables(language.gettext, language.ngettext, newstyle=True)  # type: ignore[attr-defined]
    return jinja


def warm(folder: Path) -> None:
    """Compile the templates of bulk mail, so that no worker does when a campaign's time has come."""
    jinja = environment(folder, SOURCE)
    for name in jinja.list_templates(filter_func=lambda name: name.startswith(("article/", "digest/", "layout"))):
        jinja.get_template(name)
