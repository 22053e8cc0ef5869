"""Update the catalogues: collect the marked sentences and merge them into each `messages.po`.

`make messages` updates all languages; `make messages LANGUAGE=de` also creates that one if missing. Nothing is
compiled: the program does that in memory.
"""

import sys
from datetime import UTC, datetime
from typing import Any

from babel import Locale, UnknownLocaleError
from babel.messages import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.pofile import read_po, write_po

from newsletter.languages import CATALOGUES
from newsletter.settings import ROOT

HEAD: dict[str, Any] = {
    "project": "newsletter",
    "charset": "utf-8",
    "header_comment": "# Sentences that readers and owners see. Names in brackets, %(like)s this one, stay as they "
    "are.\n#",
}
KEYWORDS = {**DEFAULT_KEYWORDS, "lazy": None, "marked": None, "said": None, "counted": (1, 2)}
WHERE = (
    ("newsletter", [("**.py", "python")], {}),
    ("templates", [("**", "jinja2")], {"**": {"newstyle_gettext": "true", "trim_blocks": "true", "silent": "false"}}),
)
"""Folders with sentences, and their extractors."""


def collected() -> Catalog:
    """Every marked sentence, with the files it is in."""
    found = Catalog(**HEAD)
    for folder, methods, options in WHERE:
        for file, _, sentence, comments, context in extract_from_dir(
            str(ROOT / folder), methods, options, KEYWORDS, ("To translators:",)
        ):
            found.add(sentence, None, [(f"{folder}/{file}", 0)], auto_comments=comments, context=context)
    return found


def update(name: str, source: Catalog) -> str:
    """Merge the sentences into one catalogue, creating it if missing; returns a line on its progress."""
    file = CATALOGUES / name / "LC_MESSAGES" / "messages.po"
    if file.exists():
        with file.open("rb") as old:
            catalogue = read_po(old, locale=name)
        catalogue.update(source)
    else:
        catalogue = Catalog(locale=Locale.parse(name), fuzzy=False, **HEAD)
        catalogue.revision_date = datetime.now(UTC)
        catalogue.update(source)
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("wb") as new:
        write_po(new, catalogue, width=100, sort_by_file=True, include_lineno=False, ignore_obsolete=True)
    open_ones = len(missing(catalogue, source))
    return f"{file.relative_to(ROOT)}: {len(source)} sentences, {open_ones or 'none'} to translate"


def missing(catalogue: Catalog, source: Catalog) -> list[str]:
    """The sentences that are missing in a catalogue, fuzzy, or translated with other placeholders."""
    found = []
    for message in source:
        if not message.id:
            continue
        mine = catalogue.get(message.id, message.context)
        words = [] if mine is None or mine.fuzzy else mine.string if isinstance(mine.string, tuple) else [mine.string]
        if not words or not all(words):
            found.append(str(message.id))
        elif mine is not None:
            found += [f"{message.id}: {error}" for error in _all_names(mine).check(catalogue)]
    return found


def _all_names(message: Message) -> Message:
    """For the check: with the English plural for both forms, because a single form has the plural's placeholders."""
    if not isinstance(message.id, tuple):
        return message
    return Message((message.id[1], message.id[1]), message.string, flags=message.flags, context=message.context)


def main() -> None:
    """Update every language, and those named as arguments."""
    names = {file.parent.parent.name for file in CATALOGUES.glob("*/LC_MESSAGES/messages.po")}
    for typed in sys.argv[1:]:
        try:
            names.add(str(Locale.parse(typed.replace("-", "_"))))
        except (UnknownLocaleError, ValueError):
            sys.exit(f"LANGUAGE={typed}: no language is known by this code. Codes look like de, pt-BR or he.")
    source = collected()
    for name in sorted(names):
        print(update(name, source))
    if not names:
        print(
            f"{len(source)} sentences are marked. There is no catalogue yet; begin one with: make messages LANGUAGE=de"
        )


if __name__ == "__main__":
    main()
