"""What an owner writes: Markdown with variables, turned into two Jinja templates (HTML and text) in a sandbox.

Markdown is read first, with every `{{ … }}` and `{% … %}` replaced by a word that Markdown leaves alone, and the
variables are filled in afterwards: a subscriber called `[x](http://evil)` stays a name and never becomes a link.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import nh3
from jinja2 import StrictUndefined, Template, TemplateError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markdown_it import MarkdownIt
from markdown_it.token import Token

VARIABLES = (
    "greeting",
    "first_name",
    "guide_pdf",
    "library_url",
    "preferences_url",
    "unsubscribe_url",
    "view_url",
    "brand",
)
"""What an owner's text may use."""
IN_SERIES = "guide_pdf"
"""Of these only in the series that follows a guide."""
_CODE = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)
_WORD = re.compile(r"zqv(\d+)qz")
_markdown = MarkdownIt("commonmark", {"html": False, "linkify": False, "typographer": False})
_escaping = ImmutableSandboxedEnvironment(autoescape=True, undefined=StrictUndefined)
_plain = ImmutableSandboxedEnvironment(autoescape=False, undefined=StrictUndefined)


class BadArticle(ValueError):
    """The owner's text cannot be made into a mail; the message says what is wrong and what to do."""


@dataclass(frozen=True)
class Compiled:
    """An article's subject, preheader and body as templates."""

    subject: Template
    preheader: Template
    html: Template
    text: Template
    sources: tuple[str, ...]

    @cached_property
    def is_plain(self) -> bool:
        """Whether it holds nothing but words, variables and what the brand says: no logic that could look at them."""
        return all(_is_plain(_plain.parse(source)) for source in self.sources)

    def fill(self, values: Mapping[str, Any]) -> tuple[str, str, str, str]:
        """(subject, preheader, html, text) for one reader. Raises BadArticle."""
        try:
            subject, preheader, html, text = (
                template.render(values) for template in (self.subject, self.preheader, self.html, self.text)
            )
        except TemplateError as error:
            raise BadArticle(_explained(error)) from None
        except (ArithmeticError, TypeError, ValueError, AttributeError, LookupError, RecursionError) as error:
            raise BadArticle(f"A variable or expression in the text cannot be worked out: {error}") from None
        return " ".join(subject.split()), " ".join(preheader.split()), html, text


@lru_cache(maxsize=256)
def compiled(subject: str, preheader: str, body: str) -> Compiled:
    """Compile an article once. Raises BadArticle for a template that does not parse."""
    codes: list[str] = []

    def hide(match: re.Match[str]) -> str:
        if match[0] not in codes:  # the same code is the same word: a link whose text is its address stays one
            codes.append(match[0])
        return f"zqv{codes.index(match[0])}qz"

    def show(text: str) -> str:
        return _WORD.sub(lambda match: codes[int(match[1])], text)

    if _WORD.search(body):
        raise BadArticle("The text holds a word that the product needs for itself (zqv…qz); please change it.")
    tokens = _markdown.parse(_CODE.sub(hide, body))
    html = nh3.clean(_markdown.renderer.render(tokens, _markdown.options, {}), link_rel="noopener")
    page, text = show(_literal(html)), show(_literal(to_text(tokens)))
    try:
        return Compiled(
            subject=_plain.from_string(subject),
            preheader=_plain.from_string(preheader),
            html=_escaping.from_string(page),
            text=_plain.from_string(text),
            sources=(subject, preheader, page, text),
        )
    except TemplateError as error:
        raise BadArticle(_explained(error)) from None


def _literal(text: str) -> str:
    """Braces that Markdown itself produced are no template code."""
    return text.replace("{{", "{{ '{{' }}").replace("{%", "{{ '{%' }}").replace("{#", "{{ '{#' }}")


def _is_plain(tree: nodes.Template) -> bool:
    return all(isinstance(node, nodes.Output) and all(map(_is_plain_output, node.nodes)) for node in tree.body)


def _is_plain_output(node: nodes.Expr) -> bool:
    if isinstance(node, nodes.Name):
        return node.name in VARIABLES and node.name != "brand"
    if isinstance(node, nodes.Getattr):
        return isinstance(node.node, nodes.Name) and node.node.name == "brand"
    return isinstance(node, nodes.TemplateData | nodes.Const)


def _explained(error: TemplateError) -> str:
    line = getattr(error, "lineno", None)
    where = f" (line {line})" if line else ""
    told = f"The text's variables cannot be filled in{where}: {error.message}."
    if f"'{IN_SERIES}'" in str(error.message):
        return f"{told} It is only there in the series that follows a guide; elsewhere use library_url, or take it out."
    return f"{told} Variables that exist: {', '.join(VARIABLES)}."


def to_text(tokens: list[Token]) -> str:
    """Markdown tokens as plain text: lists with their marks, code indented, links with their address behind."""
    lines: list[str] = []
    depth: list[Callable[[], str]] = []
    item = False
    for token in tokens:
        if token.type in ("bullet_list_open", "ordered_list_open"):
            depth.append(_marker(token))
        elif token.type in ("bullet_list_close", "ordered_list_close"):
            depth.pop()
        elif token.type == "list_item_open":
            item = True
        elif token.type == "inline":
            lead = "  " * max(len(depth) - 1, 0)
            hang = (depth[-1]() if item else "  ") if depth else ""
            item = False
            words = _inline_text(token.children or [])
            lines += [lead + hang + words if depth else words, ""]
        elif token.type in ("code_block", "fence"):
            lines += [*("    " + line for line in token.content.rstrip("\n").split("\n")), ""]
        elif token.type == "hr":
            lines += ["* * *", ""]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip() + "\n"


def _marker(token: Token) -> Callable[[], str]:
    if token.type == "bullet_list_open":
        return lambda: "- "
    number = int(token.attrGet("start") or 1) - 1

    def counted() -> str:
        nonlocal number
        number += 1
        return f"{number}. "

    return counted


def _inline_text(children: list[Token]) -> str:
    out, targets = "", []
    for child in children:
        if child.type in ("text", "code_inline"):
            out += child.content
        elif child.type in ("softbreak", "hardbreak"):
            out += " " if child.type == "softbreak" else "\n"
        elif child.type == "link_open":
            targets.append((len(out), str(child.attrGet("href") or "")))
        elif child.type == "link_close":
            start, target = targets.pop()
            if target and target != out[start:]:
                out += f" ({target})"
        elif child.type == "image":
            out += child.content
    return out
