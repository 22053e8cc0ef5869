"""Reads the file and options of `subscribers import`."""

import shutil
import tempfile
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import click

from newsletter import topics
from newsletter.imports import workbook
from newsletter.imports.for_known import ForKnown
from newsletter.imports.header import glance
from newsletter.imports.mapping import Meaning, changed
from newsletter.imports.run import Order
from newsletter.imports.source import Source
from newsletter.imports.standing import Standing, plain
from newsletter.imports.survey import survey
from newsletter.runtime import Runtime
from newsletter.subscribers import EVERY_TOPIC, TopicChoice, all_fields, clean_tag

STATUSES = {
    "reader": Standing.READER, "pending": Standing.PENDING, "left": Standing.LEFT, "bounced": Standing.BOUNCED,
    "out": Standing.NEVER_AGREED,
}  # fmt: skip
Sheet = tuple[str, int]
"""Sheet name and number of hidden rows; ("", 0) for CSV."""


def open_list(
    stack: ExitStack, given: BinaryIO, name: str, sheet: str, *, visible_only: bool
) -> tuple[BinaryIO, Sheet]:
    """The file as CSV, and the sheet it comes from. Raises BadFile, click.BadParameter."""
    head = given.read(8)
    given.seek(0)
    if not workbook.is_workbook(head):
        if sheet:
            raise click.BadParameter(f"{name} is no workbook", param_hint="--sheet")
        return given, ("", 0)
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    book, out = folder / "book", folder / "rows.csv"
    with book.open("wb") as copy:
        shutil.copyfileobj(given, copy)
    chosen = workbook.the_sheet(workbook.sheets_of(book), sheet).name
    written = workbook.to_csv(book, out, chosen, visible_only=visible_only)
    return stack.enter_context(out.open("rb")), (chosen, 0 if visible_only else written.hidden)


def parse_order(rt: Runtime, raw: BinaryIO, basis: str, source: Sheet, *, maps: Iterable[str], statuses: Iterable[str],
                tags: Iterable[str], topics_named: Iterable[str], headed: bool | None, known: str,
                **_: Any) -> Order:  # fmt: skip
    """The import's options from the command line. Raises BadFile, click.BadParameter."""
    order = Order(
        basis=basis, answers=_answers(statuses), tags=list(dict.fromkeys(filter(None, map(clean_tag, tags)))),
        topics=_topics(rt, list(topics_named)), sheet=source[0], hidden=source[1],
        headed=headed, known=ForKnown(known),
    )  # fmt: skip
    return replace(order, meanings=_meanings(rt, raw, list(maps), order)) if maps else order


def _meanings(rt: Runtime, raw: BinaryIO, maps: list[str], order: Order) -> list[Meaning]:
    with rt.database.reading() as session:
        fields = all_fields(session)
        seen = glance(Source(raw), fields, headed=order.headed)
        meanings = changed(seen.columns, seen.rows, maps)
        if any(one.new_kind is not None for one in meanings):  # a new choice field takes its choices from the file
            plan = survey(Source(raw), order.name, fields, meanings=meanings, answers=order.answers,
                          headed=order.headed)  # fmt: skip
            meanings = [replace(one, choices=plan.choices.get(place, ())) for place, one in enumerate(meanings)]
    return meanings


def _answers(statuses: Iterable[str]) -> dict[str, Standing]:
    found = {}
    for one in statuses:
        word, equals, what = (part.strip() for part in one.rpartition("="))
        if not equals or not word or what.lower() not in STATUSES:
            raise click.BadParameter(
                f"{one!r}: write a status, =, and one of {', '.join(STATUSES)}", param_hint="--status"
            )
        found[plain(word)] = STATUSES[what.lower()]
    return found


def _topics(rt: Runtime, names: list[str]) -> TopicChoice:
    if not names:
        return EVERY_TOPIC
    with rt.database.reading() as session:
        found = [topics.by_name(session, name) for name in names]
        if None in found:
            listed = ", ".join(one.name for one in topics.open_ones(session))
            raise click.BadParameter(f"there is no topic “{names[found.index(None)]}”; there are: {listed}",
                                     param_hint="--topic")  # fmt: skip
    return TopicChoice.of(one.id for one in found if one is not None)
