"""Expressions of an owner's text: an allow-list over Jinja's parsed tree, evaluated without Jinja.

Jinja only parses. What the tree may hold is listed here, node by node, and becomes a function of plain values. Nothing
is ever looked up on an object, so nothing can be reached (`{{ x.__class__ }}` is an unknown name).
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from difflib import get_close_matches
from enum import Flag, auto
from functools import partial
from operator import eq, ge, gt, le, lt, ne
from typing import Any

from jinja2 import Environment, TemplateSyntaxError, nodes

from newsletter.languages import Language, joined, marked, said
from newsletter.mail.render.filters import FILTERS, Filter, day_as
from newsletter.mail.render.names import Kind, Known, Name, Value, Values
from newsletter.subscribers import YES

Worked = Value | int | float | bool
"""What an expression may evaluate to; conditions also use numbers and booleans."""
Evaluate = Callable[[Values], Worked]
_jinja = Environment(autoescape=False)  # noqa: S701 - it parses and renders nothing
_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "eq": eq, "ne": ne, "lt": lt, "lteq": le, "gt": gt, "gteq": ge,
    "in": lambda one, other: one in other, "notin": lambda one, other: one not in other,
}  # fmt: skip


class _As(Flag):
    """How a name's value is read."""

    IN_A_MAIL = 0
    STORED = auto()
    """A date as stored, not as displayed."""
    BARE = auto()
    """Empty if there is no value: without the field's fallback."""


_AS_STORED = _As.STORED | _As.BARE
_INSIDE = {"default": _As.BARE, "date": _As.STORED}
"""How a filter's input is read; a fallback given in the text takes precedence over the field's."""


class Refused(ValueError):
    """An owner's code is not on the allow-list, or makes no sense; the message says what to write instead."""


class Unknown(Refused):
    """A name that has no value here."""

    def __init__(self, name: str) -> None:
        super().__init__(said("%(name)s is not known here", name=name))
        self.name = name


@dataclass(frozen=True, slots=True)
class Expression:
    """One checked expression."""

    evaluate: Evaluate
    names: frozenset[str]
    link: bool = False
    """Whether it evaluates to a whole address."""
    bare: bool = False
    """Whether it is a name without filters."""

    def text(self, values: Values) -> str:
        """What it puts into a text."""
        found = self.evaluate(values)
        return ", ".join(found) if isinstance(found, tuple) else str(found)


@dataclass(frozen=True, slots=True)
class Condition:
    """The checked expression after `if`."""

    holds: Evaluate
    names: frozenset[str]


def parse(code: str, known: Known, language: Language) -> Expression:
    """Parse what is between the braces, for a text in this language. Raises Refused."""
    return _Reader(known, language).output(_tree(code))


def parse_condition(code: str, known: Known, language: Language) -> Condition:
    """Parse what follows `if`. Raises Refused."""
    reader = _Reader(known, language)
    return Condition(reader.condition(_tree(code)), frozenset(reader.met))


def _tree(code: str) -> nodes.Expr:
    try:
        body = _jinja.parse("{{" + code + "}}").body
    except TemplateSyntaxError as error:
        raise Refused(said("this cannot be read (%(error)s)", error=error.message)) from None
    except (RecursionError, ValueError, OverflowError, MemoryError):
        raise Refused(said("this is too deeply nested")) from None
    one = body[0] if len(body) == 1 else None
    if not isinstance(one, nodes.Output) or len(one.nodes) != 1 or isinstance(one.nodes[0], nodes.TemplateData):
        raise Refused(said("this cannot be read"))
    return one.nodes[0]


@dataclass(slots=True)
class _Reader:
    known: Known
    language: Language
    met: set[str] = field(default_factory=set)
    """The names read so far."""

    def output(self, node: nodes.Expr, read: _As = _As.IN_A_MAIL) -> Expression:
        if isinstance(node, nodes.Const):
            if not isinstance(node.value, str):
                raise Refused(said("%(value)s needs no braces; write it as text", value=node.value))
            word = node.value
            return Expression(lambda _: word, frozenset(), link=word.startswith(("https://", "http://")))
        if isinstance(node, nodes.Filter):
            return self._filtered(node, read)
        return self._named(node, read)

    def _named(self, node: nodes.Expr, read: _As) -> Expression:
        name = _name(node)
        if name is None:
            raise Refused(said(_advice(node)))
        if name not in self.known:
            raise Refused(self._unknown(name))
        self.met.add(name)
        known = self.known[name]
        return Expression(
            _look_up(known, read, self.language), frozenset({name}), link=known.kind is Kind.LINK, bare=True
        )

    def _unknown(self, name: str) -> str:
        near = get_close_matches(name, self.known, n=1)
        advice = [said("there is no variable “%(name)s”.", name=name)]
        if near:
            advice.append(said("Did you mean %(name)s?", name=near[0]))
        return joined((*advice, said("Variables that exist: %(names)s", names=", ".join(self.known))))

    def _filtered(self, node: nodes.Filter, read: _As) -> Expression:
        if node.name not in FILTERS or node.node is None:
            raise Refused(
                said(
                    "there is no filter “%(name)s”. Filters that exist: %(filters)s",
                    name=node.name,
                    filters=", ".join(FILTERS),
                )
            )
        filter = FILTERS[node.name]
        inner = self.output(node.node, read | _INSIDE.get(node.name, _As.IN_A_MAIL))
        given = self._arguments(node, filter)
        stays_link = inner.link and node.name == "default" and str(given[0]).startswith(("https://", "http://"))
        evaluate = _or_nothing(inner.evaluate) if node.name == "default" else inner.evaluate
        apply = partial(filter.apply, language=self.language) if filter.speaks else filter.apply
        return Expression(lambda values: apply(evaluate(values), *given), inner.names, link=stays_link)

    def _arguments(self, node: nodes.Filter, filter: Filter) -> list[Any]:
        if node.kwargs or node.dyn_args or node.dyn_kwargs:
            raise Refused(said("write the filter as %(example)s", example=filter.example))
        given = [one.value if isinstance(one, nodes.Const) else None for one in node.args]
        if not filter.fits(given):
            raise Refused(
                said(
                    "write the filter as %(example)s, with nothing worked out inside the brackets",
                    example=filter.example,
                )
            )
        return given

    def condition(self, node: nodes.Expr) -> Evaluate:
        if isinstance(node, nodes.Not):
            inner = self.condition(node.node)
            return lambda values: not inner(values)
        if isinstance(node, nodes.And | nodes.Or):
            left, right = self.condition(node.left), self.condition(node.right)
            if isinstance(node, nodes.And):
                return lambda values: left(values) and right(values)
            return lambda values: left(values) or right(values)
        if isinstance(node, nodes.Compare):
            return self._compared(node)
        if isinstance(node, nodes.Const):
            constant = node.value
            return lambda _: constant if isinstance(constant, str | int | float) else False
        held = _or_nothing(self.output(node, _AS_STORED).evaluate)
        return (lambda values: held(values) == YES) if self._kind(node) is Kind.YES_NO else held

    def _kind(self, node: nodes.Expr) -> Kind | None:
        known = self.known.get(_name(node) or "")
        return known.kind if known else None

    def _side(self, node: nodes.Expr) -> Evaluate:
        """One side of a comparison: a name's value, not its truth."""
        if _name(node) is None:
            return self.condition(node)
        return _or_nothing(self.output(node, _AS_STORED).evaluate)

    def _compared(self, node: nodes.Compare) -> Evaluate:
        if len(node.ops) != 1:
            raise Refused(said("compare two things at a time, and put “and” between"))
        left, right = self._side(node.expr), self._side(node.ops[0].expr)
        if Kind.NUMBER in (self._kind(node.expr), self._kind(node.ops[0].expr)):
            left, right = _as_number(left), _as_number(right)
        compare = _ORDER[node.ops[0].op]

        def compared(values: Values) -> bool:
            try:
                return compare(left(values), right(values))
            except TypeError:  # text and numbers have no order
                return False

        return compared


def _name(node: nodes.Expr) -> str | None:
    """The name a node is, None if it is anything else."""
    if isinstance(node, nodes.Name):
        return node.name
    if isinstance(node, nodes.Getattr) and isinstance(node.node, nodes.Name):
        return f"{node.node.name}.{node.attr}"
    return None


def _look_up(known: Name, read: _As, language: Language) -> Evaluate:
    name, fallback = known.name, "" if _As.BARE in read else known.fallback

    def look_up(values: Values) -> Value:
        try:
            return values[name] or fallback
        except KeyError:
            raise Unknown(name) from None

    if known.kind is Kind.DATE and _As.STORED not in read:
        return lambda values: day_as("long", look_up(values), language)
    return look_up


def _as_number(side: Evaluate) -> Evaluate:
    """Convert numeric text to a number; "" stays text, so no ordering with it holds."""

    def number(values: Values) -> Worked:
        found = side(values)
        try:
            return float(found) if isinstance(found, str) else found
        except ValueError:
            return found

    return number


def _or_nothing(evaluate: Evaluate) -> Evaluate:
    """Treat a name without a value as empty: `default` and `if` exist to test for that."""

    def evaluated(values: Values) -> Worked:
        try:
            return evaluate(values)
        except Unknown:
            return ""

    return evaluated


_INSTEAD: tuple[tuple[type[nodes.Node], str], ...] = (
    (
        nodes.Call,
        marked("a text cannot call anything; write the variable alone, or with a filter: {{ first_name|upper }}"),
    ),
    (nodes.Getitem, marked("square brackets are not known; write the variable alone, for example {{ brand.name }}")),
    (nodes.Getattr, marked("only one dot is known, as in {{ brand.name }}")),
    (nodes.CondExpr, marked("write the condition as {% if first_name %}…{% else %}…{% endif %}")),
    (nodes.Concat, marked("write the variables side by side: {{ first_name }}{{ brand.name }}")),
    (nodes.Or, marked('write what stands in for an empty variable as {{ first_name|default("friend") }}')),
    (nodes.BinExpr, marked("a text cannot work anything out; write the result")),
    (nodes.UnaryExpr, marked("a text cannot work anything out; write the result")),
    (nodes.Test, marked("“is” is not known; {% if first_name %} asks whether there is one")),
)


def _advice(node: nodes.Node) -> str:
    for kind, advice in _INSTEAD:
        if isinstance(node, kind):
            return advice
    return marked("only variables, filters and plain words are known here")


__all__ = ["Condition", "Evaluate", "Expression", "Refused", "Unknown", "parse", "parse_condition"]
