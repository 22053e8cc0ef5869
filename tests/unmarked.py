"""Finds sentences for people that no translator would ever see: text in templates and in the code that is not marked.

`python -m tests.unmarked` prints them.
"""

import ast
import re
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

from jinja2 import Environment, nodes

from newsletter.settings import ROOT

MARKS = {"_", "gettext", "ngettext", "pgettext", "lazy", "marked", "said", "counted"}
ATTRIBUTES = {"title", "aria-label", "placeholder", "alt", "content", "label", "data-label"}
NAMES = {"PDF", "JSON", "Atom", "HTML", "SMTP"}
"""Names and values that are the same in every language."""
NOT_WORDS = {"button primary"}
"""A style."""
GAP = "\0"
TERMINAL = {
    "newsletter/cli": "what commands print for whoever runs the server",
    "newsletter/supervisor": "what starting and stopping say in the terminal",
    "newsletter/backup": "what `backup` and `restore` say in the terminal",
    "newsletter/smtp": "what is said to mail servers, and written to the log",
    "newsletter/settings.py": "what is wrong with the environment, said before anything starts",
    "newsletter/runtime.py": "what is wrong with the environment, said before anything starts",
    "newsletter/schema.py": "what a migration says in the terminal",
    "newsletter/versions.py": "what a start refuses with",
    "newsletter/web/front.py": "for whoever writes code",
    "newsletter/web/health.py": "for machines that watch the server",
    "newsletter/web/origin.py": "for whoever runs the server, before there is a brand to ask for its language",
}
"""Whose sentences no page and no mail shows, and why: they stay in English, as `docs/operating.md` says."""
_FOR_MACHINES = re.compile(
    r"(SELECT|PRAGMA|UPDATE|DELETE|INSERT|SET|BEGIN|WHERE|ORDER|FOR|Content-Type:) |\w+ \| None$|\w+\[.*\]$"
)
"""SQL, headers, and types."""
_WORD = re.compile(r"[^\W\d_]{2,}")
_SENTENCE = re.compile(r"[A-Z“].*\s\S")
_ENDS = re.compile(r"\w{2,} [^{]*\w{2,}[.?!]$")
_SELECTOR = re.compile(r"""(?:querySelector(?:All)?|closest|matches)(?:\?\.)?\(\s*(["'`]).*?\1""")
_LITERAL = re.compile(r"""(["'`])((?:(?!\1)[^\\\n]|\\.)*)\1""")
_TWO_WORDS = re.compile(r"(?<![\w.#\[-])[A-Za-z]{2,},? [A-Za-z]{2,}")
_META = {"viewport", "robots", "color-scheme", "supported-color-schemes", "referrer", "theme-color", "twitter:card"}
_FACTS = ("og:type", "og:url", "article:")
_OF_A_TAG = re.compile(r'[\w-]+="')
"""A macro may write attributes."""


def is_terminal(path: Path) -> bool:
    """Whether only the terminal, a log or another machine says what stands in this file."""
    return any(named(path) == one or named(path).startswith(f"{one}/") for one in TERMINAL)


def templates() -> list[Path]:
    """Every template."""
    return sorted(path for path in (ROOT / "templates").rglob("*") if path.suffix in (".html", ".txt"))


def code() -> list[Path]:
    """Every file of the product's code but what the terminal says."""
    return sorted(path for path in (ROOT / "newsletter").rglob("*.py") if not is_terminal(path))


def scripts() -> list[Path]:
    """Every script of ours."""
    return sorted((ROOT / "static" / "js").rglob("*.js"))


def named(path: Path) -> str:
    """A file as the list names it."""
    return path.relative_to(ROOT).as_posix()


def in_file(path: Path) -> list[str]:
    """The sentences of a file that are not marked."""
    source = path.read_text(encoding="utf-8")
    return in_code(source) if path.suffix == ".py" else in_template(source, is_html=path.suffix == ".html")


def in_template(source: str, *, is_html: bool = True) -> list[str]:
    """Text and attributes of a template, and words in its expressions."""
    tree = Environment(extensions=["jinja2.ext.i18n"], trim_blocks=True).parse(source)
    text = "".join(_text(tree))
    seen = _Seen()
    if is_html:
        seen.feed(text)
        seen.close()
    else:
        seen.found = [line for line in text.splitlines() if _has_words(line)]
    return [*seen.found, *_words_of(tree)]


def _text(node: nodes.Node) -> Iterator[str]:
    """What a template says by itself, in order; a gap for each thing that is filled in."""
    if isinstance(node, nodes.Output):
        for part in node.nodes:
            yield part.data if isinstance(part, nodes.TemplateData) else GAP
    elif not isinstance(node, nodes.Expr):
        for inner in node.iter_child_nodes():
            yield from _text(inner)


def _words_of(node: nodes.Node) -> Iterator[str]:
    """Constants that are put out or handed on, and read as words for people."""
    if isinstance(node, nodes.Call) and isinstance(node.node, nodes.Name) and node.node.name in MARKS | {"url_for"}:
        for one in node.kwargs:
            yield from _words_of(one.value)
        return
    if isinstance(node, nodes.Pair):  # what something is looked up by is no word
        yield from _words_of(node.value)
        return
    if isinstance(node, nodes.Filter) and node.name == "tojson":
        return
    if isinstance(node, nodes.Filter | nodes.Test | nodes.Compare):
        for inner in node.iter_child_nodes(only=("node", "expr")):
            yield from _words_of(inner)
        return
    if isinstance(node, nodes.Const) and isinstance(node.value, str) and _is_sentence(node.value):
        yield node.value
    for inner in node.iter_child_nodes():
        yield from _words_of(inner)


def _is_sentence(text: str) -> bool:
    words = _WORD.findall(text)
    is_more = " " in text.strip() and len(words) > 1
    return bool(words) and (is_more or text[:1].isupper()) and text not in NAMES | NOT_WORDS


def _has_words(text: str) -> bool:
    return any(word not in NAMES for word in _WORD.findall(text))


class _Seen(HTMLParser):
    """What of a page people read."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent += tag in ("script", "style")
        told = dict(attrs)
        is_fact = (
            told.get("property") == "og:image"
            or told.get("name") in _META
            or (told.get("property") or "").startswith(_FACTS)
        )
        if tag == "meta" and (is_fact or "http-equiv" in told):
            return
        for name, value in attrs:
            if name in ATTRIBUTES and value and _has_words(value):
                self.found.append(f"{name}={value}")

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in ("script", "style")

    def handle_data(self, data: str) -> None:
        if self._silent <= 0 and _has_words(data) and not _OF_A_TAG.match(data.strip()):
            self.found.append(" ".join(data.replace(GAP, "…").split()))


def in_script(source: str) -> list[str]:
    """What looks like words for people in a script: two of them in one literal. A page has to bring them instead."""
    bare = _SELECTOR.sub("", re.sub(r"(?m)(^|[ \t])//.*$|/\*.*?\*/", "", source))
    return [text for _, text in _LITERAL.findall(bare) if _TWO_WORDS.search(text)]


def in_code(source: str) -> list[str]:
    """Sentences in Python: a capital, and more than one word; not what is logged, and no docstring."""
    return list(_literals(ast.parse(source)))


def _literals(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Call):
        called = ast.unparse(node.func)
        if called in MARKS or called.startswith(("log.", "re.")):
            for word in node.keywords:
                yield from _literals(word.value)
            return
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return  # a docstring
    if isinstance(node, ast.JoinedStr):
        text = "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values)
        if _is_for_people(text):
            yield text
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                yield from _literals(part.value)
                # What collects the sentences does not look into f-strings.
                calls = [one for one in ast.walk(part) if isinstance(one, ast.Call)]
                yield from (ast.unparse(one) for one in calls if ast.unparse(one.func) in MARKS)
        return
    if isinstance(node, ast.Constant):
        if isinstance(node.value, str) and _is_for_people(node.value):
            yield node.value
        return
    for inner in ast.iter_child_nodes(node):
        yield from _literals(inner)


def _is_for_people(text: str) -> bool:
    begins_with_a_value = text.startswith("…") and _ENDS.search(text)
    return bool((_SENTENCE.match(text) or begins_with_a_value) and not _FOR_MACHINES.match(text))


if __name__ == "__main__":
    for asked in [Path(one).resolve() for one in sys.argv[1:]] or [*templates(), *code()]:
        for sentence in in_file(asked):
            print(f"{named(asked)}: {sentence}")
