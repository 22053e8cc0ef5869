"""The form of a segment's rules: works without JavaScript, because every button submits all of it.

Inputs are named by their place in the tree: `r.0.2.days` belongs to the third rule of the first group.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from newsletter.subscribers import Field
from newsletter.subscribers.segments import Group, How, Rules, as_json
from newsletter.subscribers.segments.reading import GROUPS, KINDS, VERSION, Path
from newsletter.subscribers.segments.rules import DEEPEST, MOST_RULES, Rule

MOST_NODES = 4 * MOST_RULES
"""Most rules and groups read from a form; more cause an error."""
_NAME = re.compile(r"r((?:\.[0-9]{1,3}){0,9})\.([a-z]{1,12})")
_PLACE = re.compile(r"(add|remove):((?:[0-9]{1,3}(?:\.[0-9]{1,3}){0,9})?)")
_NUMBERS = frozenset(("days", "form", "campaign", "topic", "series", "step"))
_DEFAULTS = {"takes": "yes", "days": "30"}


@dataclass
class Node:
    """A rule or a group as typed, perhaps unfinished."""

    kind: str
    values: dict[str, str] = field(default_factory=dict)
    inner: "list[Node]" = field(default_factory=list)

    @property
    def is_group(self) -> bool:
        """Whether it contains others."""
        return self.kind in GROUPS

    def at(self, path: Path) -> "Node | None":
        """The node at this path below it, if any."""
        if not path:
            return self
        return self.inner[path[0]].at(path[1:]) if path[0] < len(self.inner) else None


def of_rules(rules: list[Rule], how: How = How.ALL) -> Node:
    """An editable tree of rules, combined by `how`."""
    if len(rules) == 1 and isinstance(rules[0], Group):
        return _of_json(as_json(Rules(rules[0]))["rules"])
    return Node(how.value, inner=[_of_json(as_json(Rules(one))["rules"]) for one in rules])


def _of_json(data: dict[str, Any]) -> Node:
    values = {name: _typed(value) for name, value in data.items() if name not in ("kind", "rules")}
    return Node(data["kind"], values, [_of_json(one) for one in data.get("rules", ())])


def _typed(value: Any) -> str:
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)


def of_form(form: Mapping[str, str]) -> Node:
    """The tree in a submitted form."""
    parts: dict[Path, dict[str, str]] = {}
    for name in form:
        found = _NAME.fullmatch(name)
        if found and len(parts) <= MOST_NODES:
            path = tuple(int(place) for place in found[1].split(".")[1:])
            parts.setdefault(path, {})[found[2]] = form[name]
    root = _of_parts(parts, ())
    return root if root.is_group else Node(How.ALL.value)


def _of_parts(parts: dict[Path, dict[str, str]], path: Path) -> Node:
    values = dict(parts.get(path, {}))
    node = Node(values.pop("kind", ""), values)
    if node.is_group:
        below = sorted(one for one in parts if len(one) == len(path) + 1 and one[:-1] == path)
        node.inner = [_of_parts(parts, one) for one in below]
    return node


def press(root: Node, button: str, form: Mapping[str, str]) -> None:
    """Carry out a button's action; nothing if its path is not in the tree."""
    found = _PLACE.fullmatch(button)
    if found is None:
        return
    path = tuple(int(place) for place in found[2].split(".") if place)
    if found[1] == "remove" and path:
        above = root.at(path[:-1])
        if above is not None and path[-1] < len(above.inner):
            del above.inner[path[-1]]
    elif found[1] == "add":
        group, wanted = root.at(path), form.get(f"add.{found[2]}", "")
        if group is not None and group.is_group and (made := _new(wanted, len(path))):
            group.inner.append(made)


def _new(wanted: str, depth: int) -> Node | None:
    kind, _, key = wanted.partition(":")
    if kind == "group":
        return Node(How.ANY.value) if depth + 1 < DEEPEST else None
    if kind == "field":
        return Node(kind, {"field": key, "how": "is", "value": ""})
    return Node(kind, dict(_DEFAULTS)) if kind in KINDS else None


def as_data(root: Node, zone: str, fields: Mapping[str, Field]) -> dict[str, Any]:
    """The tree as input for `segments.read`. `fields`: the owner's, by key."""
    return {"version": VERSION, "zone": zone, "rules": _data(root, fields)}


def _data(node: Node, fields: Mapping[str, Field]) -> dict[str, Any]:
    if node.is_group:
        return {"kind": node.kind, "rules": [_data(one, fields) for one in node.inner]}
    data: dict[str, Any] = {"kind": node.kind, **node.values}
    for name in _NUMBERS & data.keys():
        typed = data[name].strip().replace(",", "")
        data[name] = int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 20 else None
    if "takes" in data:
        data["takes"] = {"yes": True, "no": False}.get(data["takes"])
    known = fields.get(data.get("field", ""))
    if known is not None:
        data["type"] = known.kind.value
    return data
