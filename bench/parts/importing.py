"""An import as on the owner's page: survey, dry run, import, and undo."""

import io
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime

from bench.folders import temporary
from bench.installation import Broken
from bench.parts.ledger import empty
from bench.people import first_name
from bench.report import Table, whole
from bench.run_size import Size
from newsletter.db import Database
from newsletter.garbage import collect_rarely
from newsletter.imports import Import, ImportState, Work
from newsletter.imports.fields_made import make_fields
from newsletter.imports.mapping import Meaning
from newsletter.imports.record import begin
from newsletter.imports.uploads import Upload

HEADS = ("the rows hold", "rows", "survey s", "dry run s", "import s", "all three s", "undone s", "rows/s imported")
ALWAYS = 9_999.0
"""Seconds of time slice, so that no step is interrupted."""
PLAIN = [Meaning("email"), Meaning("first_name")]
RICH = [*PLAIN, Meaning("status"), Meaning("joined"), Meaning("tags"), Meaning("new:text", "Town")]


def importing(size: Size) -> list[Table]:
    """Import each file into an empty database, running the worker's steps in this process."""
    collect_rarely()  # as workers do
    return [_table(name, size.people) for name in ("PostgreSQL", "SQLite")]


def _table(name: str, rows: int) -> Table:
    table = Table(f"Importing a list, {name}", HEADS)
    for what, meanings in (("address, name", PLAIN), ("and status, date, three tags, a field", RICH)):
        with empty(name) as (database, _):
            table.rows.append(row(what, database, meanings, rows))
    return table


def row(what: str, database: Database, meanings: list[Meaning], rows: int) -> list[str]:
    """Import so many people and undo it."""
    with ExitStack() as stack:
        work = Work(database=database, uploads=stack.enter_context(temporary("imports")), secrets=[b"k" * 40],
                    clock=lambda: datetime.now(UTC))  # fmt: skip
        steps = list(_steps(work, meanings, rows))
    survey, dry_run, written, undone = steps
    seconds = (survey, dry_run, written, survey + dry_run + written, undone)
    return [what, whole(rows), *(f"{one:.1f}" for one in seconds), whole(rows / written)]


def _steps(work: Work, meanings: list[Meaning], rows: int) -> Iterator[float]:
    """The seconds each step takes, acting as the owner in between."""
    upload = Upload.keep(work.uploads, io.BytesIO(_file(len(meanings), rows)))
    with work.database.transaction() as session:
        it = begin(session, "list.csv", work.clock(), ImportState.MAPPING, token=upload.token, size=upload.size)
        it.choose_columns(work.clock(), meanings)
        id = it.id
    yield _timed(work)
    with work.database.transaction() as session:
        it = session.get_one(Import, id)
        it.answer(
            work.clock(), basis="The benchmark", tags=["all"] if meanings is RICH else [], topics=None, answers={}
        )
    yield _timed(work)
    with work.database.transaction() as session:
        it = session.get_one(Import, id)
        it.start(work.clock())
        made, it.fields_made = make_fields(session, it.columns, work.clock())
        it.meanings = [one.as_json() for one in made]
    yield _timed(work)
    with work.database.transaction() as session:
        it = session.get_one(Import, id)
        if it.state is not ImportState.DONE or it.told is None or it.told.read != rows:
            raise Broken(f"the import is {it.state}: {it.problem}")
        it.undo(work.clock(), forgets_gone=True)
    yield _timed(work)


def _timed(work: Work) -> float:
    begun = time.perf_counter()
    work.go_on(ALWAYS)
    return time.perf_counter() - begun


def _file(columns: int, rows: int) -> bytes:
    """A CSV with varied names; with a status column 1 in 20 has left and 1 in 50 bounced."""
    heads = ("Email", "First name", "Status", "Created at", "Tags", "Town")
    lines = [",".join(heads[:columns])]
    for number in range(1, rows + 1):
        status = "unsubscribed" if number % 20 == 0 else "bounced" if number % 50 == 3 else "active"
        cells = (
            f"reader{number}@example{number % 997}.org", first_name(number), status,
            f"2024-0{number % 9 + 1}-11 10:{number % 60:02}:00", "runners;over 50", f"Town {number % 40}",
        )  # fmt: skip
        lines.append(",".join(cells[:columns]))
    return "\n".join(lines).encode()
