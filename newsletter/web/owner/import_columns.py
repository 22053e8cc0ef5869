"""The meaning of an import's columns, asked with the first rows and preselected from the headings."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import render_template, request
from sqlalchemy.orm import Session

from newsletter.imports import BadFile, Import, NotNow
from newsletter.imports.columns import Role
from newsletter.imports.header import Glance, glance, headings_hash
from newsletter.imports.mapping import (
    FIELD,
    LEFT_OUT,
    NEW,
    WAVED,
    BadMapping,
    Meaning,
    guessed_kind,
    mapped,
    propose,
)
from newsletter.imports.mapping import ROLES as KNOWN
from newsletter.imports.record import read_alike
from newsletter.imports.source import Source
from newsletter.imports.uploads import Upload
from newsletter.imports.work import GONE
from newsletter.subscribers import FieldKind, all_fields
from newsletter.subscribers.field import LONGEST_LABEL
from newsletter.web.language import _, in_words, lazy
from newsletter.web.owner.door import back, door, one_or_404
from newsletter.web.owner.fields import KINDS
from newsletter.web.state import now, reading, runtime, transaction

SHOWN, LONGEST_SHOWN = 3, 60
"""Number of values shown per column, and characters of each."""
WORDS: dict[Role, str] = {
    Role.EMAIL: lazy("E-mail address"), Role.FIRST_NAME: lazy("First name"),
    Role.FULL_NAME: lazy("Whole name"), Role.ZONE: lazy("Time zone"),
    Role.LANGUAGE: lazy("Language, by its code (such as de)"),
    Role.STATUS: lazy("Status (subscribed, unsubscribed …)"),
    Role.SUBSCRIBED: lazy("Subscribed: yes or no, or since when"),
    Role.CONFIRMED: lazy("Confirmed: when, or yes or no"), Role.UNSUBSCRIBED: lazy("Left: when, or yes or no"),
    Role.BOUNCED: lazy("Bounced: when, or yes or no"), Role.COMPLAINED: lazy("Complained: when, or yes or no"),
    Role.NEWSLETTER: lazy("Takes the newsletter: yes or no"),
    Role.WEEKLY: lazy("Wants one mail a week: yes or no (holds for people who are new here)"),
    Role.OBJECTS: lazy("Objects to clicks being counted: yes or no"),
    Role.LISTS: lazy("Status in each list (listmonk)"),
    Role.JOINED: lazy("Joined on"), Role.PAUSED: lazy("Paused until"),
    Role.TAGS: lazy("Tags"), Role.TOPICS: lazy("Topics"),
}  # fmt: skip
GROUPS: tuple[tuple[str, tuple[Role, ...]], ...] = (
    (lazy("The person"), (Role.EMAIL, Role.FIRST_NAME, Role.FULL_NAME, Role.ZONE, Role.LANGUAGE)),
    (lazy("Whether they want mail"), (Role.STATUS, Role.SUBSCRIBED, Role.CONFIRMED, Role.UNSUBSCRIBED, Role.BOUNCED,
                                Role.COMPLAINED, Role.NEWSLETTER, Role.LISTS, Role.WEEKLY, Role.OBJECTS)),
    (lazy("Since when, and what for"), (Role.JOINED, Role.PAUSED, Role.TAGS, Role.TOPICS)),
)  # fmt: skip
NOTHING = ((LEFT_OUT, lazy("Leave out")), (WAVED, lazy("Leave out: says nothing of who wants mail")))


@dataclass(frozen=True, slots=True)
class Column:
    """A column as shown on the page. `kind`: that of a new field for it."""

    place: int
    heading: str
    examples: list[str]
    meaning: Meaning
    kind: FieldKind
    error: str = ""


def page(session: Session, it: Import, typed: Sequence[Meaning] | None = None, error: BadFile | None = None) -> Any:
    """The page of columns with their first rows. `typed`: meanings chosen, and `error`: their fault."""
    upload, told, seen = Upload(runtime().uploads, it.token or ""), in_words(error or it.problem), None
    try:
        seen = _glance(session, it, upload)
    except FileNotFoundError:
        told = in_words(GONE)
    except BadFile as unreadable:
        told = told or in_words(unreadable)
    place = error.place if isinstance(error, BadMapping) else it.place
    columns = _columns(session, it, upload, seen, typed, place, told) if seen else []
    return render_template(
        "owner/import_columns.html", it=it, columns=columns, seen=seen, choices=_choices(session, columns),
        told="" if any(one.error for one in columns) else told, named=LONGEST_LABEL, new=NEW,
    )  # fmt: skip


def _glance(session: Session, it: Import, upload: Upload) -> Glance:
    with upload.rows.open("rb") as file:
        return glance(Source(file), all_fields(session), headed=it.headed)


def _columns(session: Session, it: Import, upload: Upload, seen: Glance, typed: Sequence[Meaning] | None,
             place: int | None, told: str) -> list[Column]:  # fmt: skip
    meanings = list(typed or it.columns or _as_last_time(session, it, upload, seen) or propose(seen.columns, seen.rows))
    if len(meanings) != len(seen.columns.headings):
        meanings = propose(seen.columns, seen.rows)
    found = []
    for number, heading in enumerate(seen.columns.headings):
        values = [row[number] for row in seen.rows if number < len(row)]
        examples = list(dict.fromkeys(value.strip() for value in values if value.strip()))[:SHOWN]
        found.append(Column(
            place=number, heading=heading, examples=[one[:LONGEST_SHOWN] for one in examples],
            meaning=meanings[number], kind=guessed_kind(values), error=told if number == place else "",
        ))  # fmt: skip
    return found


def _as_last_time(session: Session, it: Import, upload: Upload, seen: Glance) -> list[Meaning] | None:
    """The meanings chosen for the last file with the same headings, without fields deleted since."""
    with upload.rows.open("rb") as file:
        hashed = headings_hash(file, it.headed)
    last = read_alike(session, hashed) if hashed else None
    keys = {f"{FIELD}{field.key}" for field in seen.columns.fields}
    fits = last is not None and all(not one.what.startswith(FIELD) or one.what in keys for one in last)
    return last if fits else None


def _choices(session: Session, columns: Sequence[Column]) -> list[tuple[str, list[tuple[str, str]]]]:
    """The meanings of a column as (group, [(code, label)]); language only if any are offered, or the file has it."""
    codes: dict[Role, str] = {role: code for code, role in KNOWN.items()}
    if not (runtime().languages.offered or any(one.meaning.what == codes[Role.LANGUAGE] for one in columns)):
        del codes[Role.LANGUAGE]
    groups = [(label, [(codes[role], WORDS[role]) for role in roles if role in codes]) for label, roles in GROUPS]
    if fields := all_fields(session):
        groups.append((_("Your fields"), [(f"{FIELD}{field.key}", field.label) for field in fields]))
    groups.append(
        (
            _("A new field of yours"),
            [(f"{NEW}{kind.value}", _("New field: %(kind)s", kind=KINDS[kind])) for kind in FieldKind],
        )
    )
    return groups


@door.post("/subscribers/imports/<row:id>/columns", endpoint="import_columns")
def choose(id: int) -> Any:
    """Store the columns' meanings, or show errors."""
    with reading() as session:
        it = one_or_404(session, Import, id)
        upload = Upload(runtime().uploads, it.token or "")
        try:
            seen = _glance(session, it, upload)
            meanings = _typed(seen)
            mapped(seen.columns, meanings)
            with upload.rows.open("rb") as file:
                hashed = headings_hash(file, it.headed)
        except FileNotFoundError:
            return back("import_one", id=id)
        except BadMapping as error:
            return page(session, it, meanings, error), 422
        except BadFile:
            return back("import_one", id=id)
    with transaction() as session:
        it = one_or_404(session, Import, id, lock=True)
        try:
            it.choose_columns(now(), meanings)
        except NotNow as error:
            return back("import_one", in_words(error), "info", id=id)
        it.headings_hash = hashed
    return back("import_one", id=id)


def _typed(seen: Glance) -> list[Meaning]:
    known = {code for code, _ in NOTHING} | KNOWN.keys() | {f"{NEW}{kind.value}" for kind in FieldKind}
    known |= {f"{FIELD}{field.key}" for field in seen.columns.fields}
    found = []
    for place in range(len(seen.columns.headings)):
        what = request.form.get(f"what-{place}", LEFT_OUT)
        found.append(Meaning(what if what in known else LEFT_OUT, request.form.get(f"label-{place}", "")[:200]))
    return found


@door.post("/subscribers/imports/<row:id>/headings", endpoint="import_headings")
def choose_headings(id: int) -> Any:
    """Store whether the first row holds headings."""
    with transaction() as session:
        it = one_or_404(session, Import, id, lock=True)
        try:
            it.choose_headings(now(), headed=request.form.get("headed") == "yes")
        except NotNow as error:
            return back("import_one", in_words(error), "info", id=id)
    return back("import_one", id=id)


@door.post("/subscribers/imports/<row:id>/sheet", endpoint="import_sheet")
def choose_sheet(id: int) -> Any:
    """Store which sheet of the workbook to read, and whether to include hidden rows."""
    wanted = request.form.get("sheet", "")
    with transaction() as session:
        it = one_or_404(session, Import, id, lock=True)
        if wanted not in {one["name"] for one in it.sheets}:
            return back("import_one", _("There is no such sheet."), "info", id=id)
        if not Upload(runtime().uploads, it.token or "").book.is_file():
            return back(
                "import_one", _("The workbook is not here any more. Please choose the file again."), "info", id=id
            )
        try:
            it.choose_sheet(now(), wanted, visible_only=request.form.get("visible") == "yes")
        except NotNow as error:
            return back("import_one", in_words(error), "info", id=id)
    return back("import_one", id=id)
