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


def test_an_address_is_changed_at_once(command: Command, house: Database) -> None:
    for email in ("olga@example.org", "wim@example.org"):
        assert command("owner", "create", email).exit_code == 0
    for old, new, told in (
        ("nobody@example.org", "a@example.org", "No owner has the address"), ("olga@example.org", "x", "@"),
        ("olga@example.org", "wim@example.org", "is in the team already"),
        ("olga@example.org", "Olga@Example.org", "your address already"),
    ):  # fmt: skip
        refused = command("owner", "change-address", old, new)
        assert refused.exit_code != 0 and told in refused.output
    done = command("owner", "change-address", "olga@example.org", "Olga@new.example.org")
    assert done.exit_code == 0 and "olga@new.example.org signs in with the same password" in done.output
    with house.reading() as session:
        assert accounts.find(session, "olga@example.org") is None
        assert accounts.find(session, "olga@new.example.org") is not None
