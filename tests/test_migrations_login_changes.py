"""Migration 0373: with data, down and up again."""

import pytest
from sqlalchemy import inspect, select, text
from sqlalchemy.exc import IntegrityError

from newsletter import accounts, brand, login_address, schema
from newsletter.accounts import LoginChange
from newsletter.mail.ledger import Message
from newsletter.mail.signing import SigningKey
from newsletter.mail_words import MailWords, OwnMail
from newsletter.runtime import Runtime
from newsletter.subscribers import Stream, read_address
from tests.conftest import NOON
from tests.test_migrations import back_to

BEFORE = "0370"
PASSWORD = "quite unlikely green teapots"


def test_it_goes_down_and_up_with_data(runtime: Runtime) -> None:
    database = runtime.database
    with database.transaction() as session:
        house = brand.current(session)
        house.reword(OwnMail.DIGEST, MailWords("Weekly"))
        house.reword(OwnMail.GUIDE, MailWords("Guide"))
        session.add(SigningKey(name="news._domainkey.example.org", key_print="0" * 64, since=NOON))
        owner = accounts.create(session, "olga@example.org", PASSWORD, NOON).id
        login_address.ask(session, owner, read_address("olga@new.example.org"), NOON, keys=runtime.secrets)
    back_to(BEFORE, database)
    assert not {"login_changes", "signing_keys"} & set(inspect(database.engine).get_table_names())
    with database.engine.connect() as connection:
        assert connection.execute(text("SELECT mail FROM mail_texts")).all() == [("guide",)]
        assert connection.execute(text("SELECT count(*) FROM messages")).scalar() == 0
        assert connection.execute(text("SELECT email FROM owners")).all() == [("olga@example.org",)]
    with pytest.raises(IntegrityError), database.engine.begin() as connection:
        connection.execute(text("INSERT INTO mail_texts VALUES (1, 'digest', '', '', '', 1)"))
    schema.upgrade(database)
    with database.transaction() as session:
        assert session.scalars(select(LoginChange)).all() == []
        assert brand.current(session).words_in(OwnMail.GUIDE).subject == "Guide"
        brand.current(session).reword(OwnMail.DIGEST, MailWords("Weekly"))
        assert session.scalars(select(Message).where(Message.stream == Stream.LOGIN)).all() == []
