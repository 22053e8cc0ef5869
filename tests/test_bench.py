"""The bench asks the ledger what delivery asks it: it must not fall behind unnoticed."""

import pytest
from sqlalchemy import func, select

from bench import people
from bench.parts import importing
from bench.parts.ledger import CLAIMS, HEADS, _row
from newsletter.db import Database
from newsletter.imports import Import, ImportState
from newsletter.imports.mapping import Meaning
from newsletter.mail.ledger.queue import BATCH_SIZE
from newsletter.subscribers import Subscriber


def test_the_costs_of_the_ledger_are_measured(database: Database, database_url: str) -> None:
    number = 2 * CLAIMS * BATCH_SIZE
    people.add(database_url.replace("+psycopg", ""), 1, number + 1)
    row = _row("The ledger", database, number)
    assert all(float(cell.replace(",", "")) > 0 for cell in row[1:])
    assert len(row) == len(HEADS)


@pytest.mark.parametrize("meanings", [importing.PLAIN, importing.RICH])
def test_an_import_is_measured_from_its_file_until_it_is_taken_back(
    database: Database, meanings: list[Meaning]
) -> None:
    row = importing.row("rows", database, meanings, 100)
    assert len(row) == len(importing.HEADS)
    with database.reading() as session:
        it = session.scalars(select(Import)).one()
        assert (it.state, it.told and it.told.read) == (ImportState.UNDONE, 100)
        assert session.scalar(select(func.count(Subscriber.id))) == 0
