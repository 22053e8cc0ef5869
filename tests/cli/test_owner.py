"""`newsletter owner`: who may sign in, and as what."""

from newsletter import accounts
from newsletter.accounts import Role
from newsletter.db import Database
from tests.cli.conftest import Command


def test_somebody_is_made_as_an_owner_or_with_another_role(command: Command, house: Database) -> None:
    assert command("owner", "create", "olga@example.org").exit_code == 0
    assert command("owner", "create", "wim@example.org", "--role", "writer").exit_code == 0
    assert "may sign in already" in command("owner", "create", "wim@example.org").output
    assert "emperor" in command("owner", "create", "nero@example.org", "--role", "emperor").output
    with house.reading() as session:
        olga, wim = accounts.find(session, "olga@example.org"), accounts.find(session, "wim@example.org")
        assert olga is not None and olga.role is Role.OWNER and wim is not None and wim.role is Role.WRITER
        assert accounts.find(session, "nero@example.org") is None
