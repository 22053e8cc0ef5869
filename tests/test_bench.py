"""The bench asks the ledger what delivery asks it: it must not fall behind unnoticed."""

from bench import people
from bench.parts.ledger import CLAIMS, HEADS, _row
from newsletter.db import Database
from newsletter.mail.ledger.queue import BATCH_SIZE


def test_the_costs_of_the_ledger_are_measured(database: Database, database_url: str) -> None:
    number = 2 * CLAIMS * BATCH_SIZE
    people.add(database_url.replace("+psycopg", ""), 1, number + 1)
    row = _row("The ledger", database, number)
    assert all(float(cell.replace(",", "")) > 0 for cell in row[1:])
    assert len(row) == len(HEADS)
