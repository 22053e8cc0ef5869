"""What every page of ours keeps to: when, how many, tables on a phone, and buttons that show they were pressed."""

import re
from collections.abc import Iterable

from newsletter.settings import ROOT

TEMPLATES = {
    str(path.relative_to(ROOT / "templates")): path.read_text(encoding="utf-8")
    for path in sorted((ROOT / "templates").rglob("*.html"))
    if path.relative_to(ROOT / "templates").parts[0] != "email"
}
OWNER = {name: text for name, text in TEMPLATES.items() if name.startswith("owner/")}
EXACT = {
    "owner/receipt.html",  # a record: it is printed, and a printed page has no pointer
    "owner/audit.html",  # as it was written down
}
PAST = re.compile(
    r"\b(created|saved|sent|settled|looked|tried|answered|reviewed|decided|stopped|launched|finished|requested|fetched"
    r"|ended|used|last_seen|signed_in|anchor)_at\)? \| local\b"
)
"""What has happened is told in words, with the exact time behind them; what is to come, and "since", exactly."""
COUNTED = re.compile(r"<td(?P<head>[^>]*)>(?:(?!</td>).)*?\{\{[^}]*\| *(?:number|percent|share|size)\b", re.DOTALL)
"""A cell with a number."""


def _offenders(found: dict[str, Iterable[str]]) -> dict[str, list[str]]:
    listed = {name: list(what) for name, what in found.items()}
    return {name: what for name, what in listed.items() if what}


def test_what_has_happened_is_told_in_words() -> None:
    told = {name: [one[0] for one in PAST.finditer(text)] for name, text in OWNER.items() if name not in EXACT}
    assert _offenders(told) == {}


def test_numbers_in_a_table_stand_at_the_right() -> None:
    def left(text: str) -> list[str]:
        return [one[0] for one in COUNTED.finditer(text) if not re.search(r"\bnum\b", one["head"])]

    assert _offenders({name: left(text) for name, text in OWNER.items()}) == {}


def test_every_table_becomes_cards_on_a_phone() -> None:
    tables = {name: re.findall(r'<table class="table[^"]*"', text) for name, text in OWNER.items()}
    assert sum(map(len, tables.values())) > 20
    assert _offenders({name: [one for one in found if "stack" not in one] for name, found in tables.items()}) == {}


MARKS = ("js/owner.js", "js/site.js", "js/framed.js")
"""The scripts that show of a button that it was pressed."""


def _with_what_it_extends(name: str) -> str:
    text = TEMPLATES[name]
    above = re.search(r'\{% extends "([^"]+)"', text)
    return text + (_with_what_it_extends(above[1]) if above else "")


def test_every_form_stands_on_a_page_whose_buttons_show_that_they_were_pressed() -> None:
    forms = [name for name, text in TEMPLATES.items() if "<form" in text and "/_" not in name and name[0] != "_"]
    assert len(forms) > 50
    alone = [name for name in forms if not any(mark in _with_what_it_extends(name) for mark in MARKS)]
    assert alone == ["mailbox/index.html"]  # no script runs beside somebody's mail; it asks this machine
