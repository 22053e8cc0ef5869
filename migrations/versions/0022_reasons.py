"""Reasons as codes, and enhanced status codes in a column of their own

Revision ID: 0022
Revises: 0021
"""

import re

import sqlalchemy as sa
from alembic import op


revision = "0022"
down_revision = "0021"
STOPPED = "The worker stopped while this was being handed over; the server may have it."
SENTENCES = {
    "lost": STOPPED,
    "lost-unwanted": f"{STOPPED} Not wanted any more.",
    "not-eligible": "Not sent: the person may not receive this any more.",
    "campaign-ended": "The campaign was cancelled.",
    "series-off": "The series was switched off.",
    "series-stopped": "The person stopped this series.",
    "stopped-by-owner": "Stopped by the owner.",
    "series-ended": "The person may not receive the series any more.",
    "let-be": "Not sent: the owner let it be after the installation was restored or copied.",
    "confirmed": "Not needed any more: the person has confirmed.",
    "left": "The person unsubscribed.",
    "newsletter-left": "The person left the newsletter.",
    "refused": "Somebody at this address said that it was not them who signed up.",
    "bounced": "Mail to the address bounced.",
    "complained": "The person reported our mail as spam.",
    "mailbox-limit": "Not sent: this mailbox has had as many mails because of our forms as it may.",
    "domain-limit": "Not sent: too many people of this domain were signed up at once.",
    "nothing-open": "Not sent: there is no sign-up of this person to remind of.",
    "suppressed": "Not sent: the address is not to be written to.",
}
DETAILED = {"unbuildable": "The mail could not be built: ", "unfit": "Its text cannot be put together: "}
ENHANCED = re.compile(r"[245]\.[0-9]{1,3}\.[0-9]{1,3}(?=[ ]|$)")
CHUNK = 1_000


def upgrade() -> None:
    """Apply: sentences of ours become codes, servers' words stay; what nobody knows stays as it stands."""
    codes = ", ".join(f"'{code}'" for code in (*SENTENCES, *DETAILED))
    for table, null in (("messages", "NULL"), ("attempts", "NOT NULL DEFAULT ''")):
        check = f"CONSTRAINT ck_{table}_reason CHECK (reason IN ({codes}))"
        op.execute(f"ALTER TABLE {table} ADD COLUMN reason VARCHAR(16) {check}")
        op.execute(f"ALTER TABLE {table} ADD COLUMN enhanced VARCHAR(12) {null}")
    _to_codes("messages", "NULL")
    _to_codes("attempts", "''")
    to_code = " ".join(f"WHEN {_quoted(sentence)} THEN '{code}'" for code, sentence in SENTENCES.items())
    op.execute(sa.text(f"UPDATE enrollments SET reason = CASE reason {to_code} ELSE reason END WHERE reason != ''"))
    _read_enhanced("messages", "reply_code", "troubled_at IS NOT NULL AND ")
    _read_enhanced("attempts", "code", "")


def downgrade() -> None:
    """Take back: the words of this migration, which are those of before."""
    to_words = " ".join(f"WHEN '{code}' THEN {_quoted(sentence)}" for code, sentence in SENTENCES.items())
    op.execute(sa.text(f"UPDATE enrollments SET reason = CASE reason {to_words} ELSE reason END WHERE reason != ''"))
    detailed = " ".join(
        f"WHEN '{code}' THEN substr({_quoted(start)} || coalesce(reply, ''), 1, 500)" for code, start in DETAILED.items()
    )
    for table in ("attempts", "messages"):
        words = f"CASE reason {to_words} {detailed} END"
        op.execute(sa.text(f"UPDATE {table} SET reply = {words} WHERE reason IS NOT NULL"))
        op.drop_column(table, "enhanced")
        op.drop_column(table, "reason")


def _to_codes(table: str, empty: str) -> None:
    codes = " ".join(f"WHEN {_quoted(sentence)} THEN '{code}'" for code, sentence in SENTENCES.items())
    known = ", ".join(_quoted(sentence) for sentence in SENTENCES.values())
    op.execute(sa.text(f"UPDATE {table} SET reason = CASE reply {codes} END, reply = {empty} WHERE reply IN ({known})"))
    for code, start in DETAILED.items():
        op.execute(
            sa.text(
                f"UPDATE {table} SET reason = '{code}', reply = substr(reply, {len(start) + 1}) "
                f"WHERE reply LIKE {_quoted(start + '%')}"
            )
        )


def _read_enhanced(table: str, code: str, few: str) -> None:
    """Servers write the enhanced status in front of their words (RFC 2034)."""
    connection = op.get_bind()
    look = sa.text(
        f"SELECT id, reply FROM {table} WHERE {few}id > :after AND {code} >= 400 AND reply LIKE '_._%' "
        f"ORDER BY id LIMIT {CHUNK}"
    )
    change = sa.text(f"UPDATE {table} SET enhanced = :enhanced WHERE id = :id")
    after = 0
    while rows := connection.execute(look, {"after": after}).all():
        found = [{"id": id, "enhanced": match[0]} for id, reply in rows if (match := ENHANCED.match(reply))]
        if found:
            connection.execute(change, found)
        after = rows[-1][0]


def _quoted(text: str) -> str:
    assert "'" not in text and "\\" not in text
    return "'" + text.replace(":", "\\:") + "'"
