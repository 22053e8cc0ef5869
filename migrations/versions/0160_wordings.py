"""Wordings: each text that people read is one row; consents, events and changes of address point at it

Revision ID: 0160
Revises: 0110
"""

import json
from hashlib import sha256

import sqlalchemy as sa
from alembic import op

revision = "0160"
down_revision = "0110"
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TABLES = ("consents", "events", "address_changes")
TYPED = "kind = 'lifted'"
"""The events whose words an owner has typed; all others have had sentences of ours."""
DIGEST = "encode(sha256(convert_to({}, 'UTF8')), 'hex')"


def upgrade() -> None:
    """Apply. PostgreSQL writes each table once more, in one go and without the texts, which gives their room back; it
    gives up where it cannot have the tables within five seconds."""
    if not _is_sqlite():
        op.execute("SET LOCAL lock_timeout = '5s'")
        op.execute(f"LOCK TABLE {', '.join(TABLES)} IN ACCESS EXCLUSIVE MODE")
    op.create_table(
        "wordings",
        sa.Column("id", ID, nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=True),
        sa.Column("version", sa.String(length=16), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_wordings"),
        sa.UniqueConstraint("digest", "version", name="uq_wordings_digest_version"),
    )
    op.add_column("events", sa.Column("reason", sa.String(length=1000), nullable=False, server_default=""))
    op.execute(f"UPDATE events SET reason = words, words = '' WHERE {TYPED}")
    _fill()
    (_point_on_sqlite if _is_sqlite() else _point_on_postgresql)()


def _fill() -> None:
    """A consent's text keeps its version; a text that no consent has gets its own fingerprint."""
    agreed = _rows("SELECT DISTINCT wording, version FROM consents ORDER BY version, wording")
    read = _rows("SELECT words FROM events WHERE words <> '' UNION SELECT words FROM address_changes WHERE words <> ''")
    found = [(words, version) for words, version in agreed]
    there = {words for words, _ in found}
    found += [(words, _digest(words)[:16]) for words in sorted(one for (one,) in read) if words not in there]
    table = sa.table("wordings", *map(sa.column, ("digest", "version", "words")))
    rows = [{"digest": _digest(words), "version": version, "words": words} for words, version in found]
    if rows:
        op.get_bind().execute(table.insert(), rows)


def _point_on_postgresql() -> None:
    """A type's change is the one statement that writes a table anew and keeps its indexes and what refers to it. It may
    look into no other table, so it is given the numbers."""
    rows = _rows("SELECT id, digest, version FROM wordings ORDER BY id DESC")
    by_version = {f"{version} {digest}": id for id, digest, version in rows}
    any_version = {digest: id for id, digest, _ in rows if digest != _digest("")}  # an event without words has none
    _numbered("consents", "wording", by_version, f"version || ' ' || {DIGEST.format('wording')}")
    op.drop_column("consents", "version")
    for table in ("events", "address_changes"):
        op.execute(f"ALTER TABLE {table} ALTER COLUMN words DROP NOT NULL")
        _numbered(table, "words", any_version, DIGEST.format("words"))


def _numbered(table, column, numbers, key) -> None:  # type: ignore[no-untyped-def]
    """Numbers in place of the words. A text that is in no wording would be lost: NOT NULL refuses it (a consent's), and
    there is none, for nobody else writes."""
    _run(f"ALTER TABLE {table} ALTER COLUMN {column} TYPE BIGINT USING {_found(numbers, key)}::bigint")
    op.alter_column(table, column, new_column_name="wording_id")
    op.create_foreign_key(f"fk_{table}_wording_id", table, "wordings", ["wording_id"], ["id"])


def _point_on_sqlite() -> None:
    op.create_index("by_words", "wordings", ["words", "version"])
    same = {table: f"w.words = {table}.words" for table in TABLES}
    same["consents"] = "w.words = consents.wording AND w.version = consents.version"
    for table in TABLES:
        _refer(table)
        read = "true" if table == "consents" else "words <> ''"  # an event without words has none
        look = f"SELECT min(w.id) FROM wordings w WHERE {same[table]}"
        op.execute(f"UPDATE {table} SET wording_id = ({look}) WHERE {read}")
    op.drop_index("by_words", "wordings")
    for table, column in (("events", "words"), ("address_changes", "words"), ("consents", "wording"),
                          ("consents", "version")):  # fmt: skip
        op.drop_column(table, column)
    _always("consents")


def _refer(table) -> None:  # type: ignore[no-untyped-def]
    """As a column's own reference SQLite adds it without copying the table."""
    op.execute(
        f"ALTER TABLE {table} ADD COLUMN wording_id INTEGER CONSTRAINT fk_{table}_wording_id REFERENCES wordings (id)"
    )


def _always(table) -> None:  # type: ignore[no-untyped-def]
    """No row without a wording. SQLite adds such a rule to a copy of the table only, and dropping the first would delete
    what refers to it; so the rule is written into the schema, as its manual tells (lang_altertable.html, 7)."""
    if _rows(f"SELECT 1 FROM {table} WHERE wording_id IS NULL LIMIT 1"):
        raise RuntimeError(f"a row of {table} has no wording")
    run = op.get_bind().exec_driver_sql
    schema = run("PRAGMA schema_version").scalar()
    run("PRAGMA writable_schema = ON")
    run(
        "UPDATE sqlite_master SET sql = replace(sql, 'wording_id INTEGER CONSTRAINT', "
        "'wording_id INTEGER NOT NULL CONSTRAINT') WHERE type = 'table' AND name = ?", (table,),
    )  # fmt: skip
    run(f"PRAGMA schema_version = {schema + 1}")
    run("PRAGMA writable_schema = RESET")


def downgrade() -> None:
    """Take back: every row has its words again (earlier versions keep the first thousand letters)."""
    (_unfold_on_sqlite if _is_sqlite() else _unfold_on_postgresql)()
    op.drop_column("events", "reason")
    op.drop_table("wordings")


def _unfold_on_postgresql() -> None:
    rows = _rows("SELECT id, version, substr(words, 1, 1000) FROM wordings")
    words, versions = {id: words for id, _, words in rows}, {id: version for id, version, _ in rows}
    key = "wording_id::text"
    for table in TABLES:
        op.drop_constraint(f"fk_{table}_wording_id", table)
    # What is computed is written with the table, and stays when it is no longer computed.
    _run(f"ALTER TABLE consents ADD COLUMN version VARCHAR(16) GENERATED ALWAYS AS ({_found(versions, key)}) STORED")
    _run("ALTER TABLE consents ALTER COLUMN version DROP EXPRESSION, ALTER COLUMN version SET NOT NULL")
    for table, column, otherwise in (("consents", "wording", "NULL"), ("events", "words", "reason"),
                                     ("address_changes", "words", "''")):  # fmt: skip
        text = f"coalesce({_found(words, key)}, {otherwise})"
        _run(f"ALTER TABLE {table} ALTER COLUMN wording_id TYPE VARCHAR(1000) USING {text}")
        op.alter_column(table, "wording_id", new_column_name=column, nullable=False)


def _unfold_on_sqlite() -> None:
    words = "(SELECT substr(words, 1, 1000) FROM wordings WHERE wordings.id = {}.wording_id)"
    _text("consents", "wording", 1000, words.format("consents"))
    _text("consents", "version", 16, "(SELECT version FROM wordings WHERE wordings.id = consents.wording_id)")
    _text("events", "words", 1000, f"coalesce({words.format('events')}, reason)")
    _text("address_changes", "words", 1000, f"coalesce({words.format('address_changes')}, '')")
    for table in TABLES:
        op.drop_column(table, "wording_id")


def _text(table, column, length, value) -> None:  # type: ignore[no-untyped-def]
    op.add_column(table, sa.Column(column, sa.String(length=length), nullable=False, server_default=""))
    op.execute(f"UPDATE {table} SET {column} = {value}")


def _found(values, key) -> str:  # type: ignore[no-untyped-def]
    """What PostgreSQL finds under this key, of what it is told."""
    told = json.dumps(values).replace("'", "''").replace("%", "%%")
    return f"('{told}'::jsonb ->> ({key}))"


def _run(statement) -> None:  # type: ignore[no-untyped-def]
    op.get_bind().exec_driver_sql(statement)


def _is_sqlite() -> bool:
    return op.get_bind().dialect.name == "sqlite"


def _rows(look):  # type: ignore[no-untyped-def]
    return op.get_bind().execute(sa.text(look)).all()


def _digest(words) -> str:  # type: ignore[no-untyped-def]
    return sha256(words.encode()).hexdigest()
