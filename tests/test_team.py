"""The team's story: invited, come in, given another role, gone; and two owners at the same moment."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from email import message_from_bytes, policy
from threading import Barrier

import pytest
from sqlalchemy import func, select

from newsletter import accounts, team
from newsletter.accounts import AuditEntry, Invitation, Owner, OwnerSession, Passkey, Role, WeakPassword
from newsletter.accounts.permissions import Permission
from newsletter.mail.ledger import Lane, Message
from newsletter.runtime import Runtime
from newsletter.smtp import SentList
from newsletter.subscribers import Stream, Suppression, SuppressionReason, address_hash, read_address
from newsletter.team import NotChanged
from tests.conftest import NOON

PASSWORD = "quite unlikely green teapots"
OLGA, ED = "olga@example.org", "ed@example.org"


@pytest.fixture
def olga(runtime: Runtime) -> int:
    """The owner."""
    with runtime.database.transaction() as session:
        return accounts.create(session, OLGA, PASSWORD, NOON).id


@pytest.fixture
def ed(runtime: Runtime, olga: int) -> int:
    """Another owner."""
    with runtime.database.transaction() as session:
        return accounts.create(session, ED, PASSWORD, NOON).id


def _invite(runtime: Runtime, by: int, email: str = "wim@example.org", role: Role = Role.WRITER) -> tuple[int, ...]:
    """The numbers of the link that goes out."""
    with runtime.database.transaction() as session:
        team.invite(session, by, read_address(email), role, NOON, keys=runtime.secrets)
    return _link(runtime)


def _link(runtime: Runtime) -> tuple[int, ...]:
    with runtime.database.reading() as session:
        look = select(Message.context).where(Message.stream == Stream.INVITATION).order_by(Message.id.desc())
        return tuple((session.scalars(look).first() or {})["invitation"])


def _accept(runtime: Runtime, link: tuple[int, ...], after: timedelta = timedelta(0)) -> Owner | None:
    with runtime.database.transaction() as session:
        return team.accept(session, link, PASSWORD, NOON + after)


def test_an_invitation_goes_to_its_address_and_lets_in_once(runtime: Runtime, olga: int, sent: SentList) -> None:
    link = _invite(runtime, olga, "Wim@Example.org")
    runtime.delivery.run(Lane.TRANSACTIONAL)
    (mail,) = sent.envelopes
    assert mail.recipient == "wim@example.org"
    text = message_from_bytes(mail.data, policy=policy.default).get_body(("plain",))
    assert text is not None and "You come in as a writer" in text.get_content()
    joined = _accept(runtime, link)
    assert joined is not None and (joined.email, joined.role) == ("wim@example.org", Role.WRITER)
    assert _accept(runtime, link) is None
    with runtime.database.reading() as session:
        assert accounts.sign_in(session, "wim@example.org", PASSWORD) is not None
        actions = session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)).all()
        assert actions == ["invited into the team", "joined the team"]
        told = session.scalars(select(Message).where(Message.stream == Stream.NOTICE)).one()
        assert told.owner_id == olga and "wim@example.org has joined" in (told.context or {})["title"]


def test_a_link_is_good_for_seven_days_and_not_when_it_is_another_one(runtime: Runtime, olga: int) -> None:
    link = _invite(runtime, olga)
    assert _accept(runtime, (link[0], link[1], link[2] ^ 1)) is None
    assert _accept(runtime, (link[0] + 1, *link[1:])) is None and _accept(runtime, link[:2]) is None
    assert _accept(runtime, (2**63, 1, 1)) is None
    assert _accept(runtime, link, timedelta(days=7, seconds=1)) is None
    assert _accept(runtime, link, timedelta(days=7)) is not None


def test_one_that_is_sent_again_or_withdrawn_opens_nothing_by_the_old_link(runtime: Runtime, olga: int) -> None:
    first = _invite(runtime, olga)
    with runtime.database.transaction() as session:
        team.invite_again(session, olga, first[0], NOON + timedelta(days=8))
    second = _link(runtime)
    assert _accept(runtime, first, timedelta(days=8)) is None
    with runtime.database.transaction() as session:
        assert team.withdraw(session, olga, first[0], NOON) == "wim@example.org"
    assert _accept(runtime, second, timedelta(days=8)) is None
    with pytest.raises(NotChanged, match="not there any more"), runtime.database.transaction() as session:
        team.invite_again(session, olga, first[0], NOON)


def test_a_weak_password_uses_nothing_up(runtime: Runtime, olga: int) -> None:
    link = _invite(runtime, olga)
    with pytest.raises(WeakPassword), runtime.database.transaction() as session:
        team.accept(session, link, "password123", NOON)
    assert _accept(runtime, link) is not None


def test_who_is_in_or_invited_or_must_not_be_written_to_is_not_invited(runtime: Runtime, olga: int) -> None:
    _invite(runtime, olga)
    with runtime.database.transaction() as session:
        hashed = address_hash(runtime.secrets[0], "never@example.org")
        Suppression.add(session, hashed, SuppressionReason.COMPLAINED, NOON)
    for email, why in ((OLGA.upper(), "in the team"), ("wim@example.org", "invited already"),
                       ("never@example.org", "must not be written to")):  # fmt: skip
        with pytest.raises(NotChanged, match=why):
            _invite(runtime, olga, email)
    with runtime.database.reading() as session:
        assert session.scalar(select(func.count(Invitation.id))) == 1


def test_an_invitation_of_somebody_who_came_in_by_another_way_opens_nothing(runtime: Runtime, olga: int) -> None:
    link = _invite(runtime, olga)
    with runtime.database.transaction() as session:
        accounts.create(session, "wim@example.org", PASSWORD, NOON, role=Role.VIEWER)
    assert _accept(runtime, link) is None
    with runtime.database.reading() as session:
        found = accounts.find(session, "wim@example.org")
        assert found is not None and found.role is Role.VIEWER


def test_who_is_removed_is_out_at_once_and_may_come_back(runtime: Runtime, olga: int, ed: int) -> None:
    with runtime.database.transaction() as session:
        them = session.get_one(Owner, ed)
        OwnerSession.start(session, them, NOON)
        reset = accounts.PasswordReset.start(session, them, NOON)
        accounts.second_factor.switch_on(session, them, accounts.second_factor.new_secret(), 1, runtime.secrets)
        them.passkeys.append(
            Passkey(credential_id="a", public_key="b", sign_count=0, rp_id="localhost", name="Laptop", created_at=NOON)
        )
    _invite(runtime, ed)
    with runtime.database.transaction() as session:
        team.remove(session, olga, ed, NOON)
    with runtime.database.transaction() as session:
        assert OwnerSession.every(session, ed, NOON) == [] and accounts.find(session, ED) is None
        assert accounts.sign_in(session, ED, PASSWORD) is None
        assert accounts.PasswordReset.of(session, reset or (), NOON) is None
        assert session.scalars(select(Invitation)).all() == []
        assert not session.get_one(Owner, ed).may(Permission.OWN)
        assert [one.email for one in team.everybody(session)] == [OLGA]
        told = session.scalars(select(Message).where(Message.stream == Stream.NOTICE)).one()
        assert told.owner_id == ed and (told.context or {})["title"].startswith("You are no longer in the team")
    back = _accept(runtime, _invite(runtime, olga, ED, Role.VIEWER))
    assert back is not None and (back.id, back.role, back.has_app) == (ed, Role.VIEWER, False)
    with runtime.database.reading() as session:
        assert not session.get_one(Owner, ed).passkeys


def test_a_role_is_changed_and_told(runtime: Runtime, olga: int, ed: int) -> None:
    with runtime.database.transaction() as session:
        team.change_role(session, olga, ed, Role.EDITOR, NOON)
    with runtime.database.reading() as session:
        assert session.get_one(Owner, ed).role is Role.EDITOR
        told = session.scalars(select(Message).where(Message.stream == Stream.NOTICE)).one()
        assert told.owner_id == ed and "You are an editor now" in (told.context or {})["lines"][0]
        entry = session.scalars(select(AuditEntry)).one()
        assert (entry.owner_id, entry.detail) == (olga, f"{ED}: owner to editor")
    with pytest.raises(NotChanged, match="has that role already"), runtime.database.transaction() as session:
        team.change_role(session, olga, ed, Role.EDITOR, NOON)


def test_one_owner_remains(runtime: Runtime, olga: int) -> None:
    with pytest.raises(NotChanged, match="One owner must remain"), runtime.database.transaction() as session:
        team.change_role(session, olga, olga, Role.VIEWER, NOON)
    with pytest.raises(NotChanged, match="One owner must remain"), runtime.database.transaction() as session:
        team.remove(session, olga, olga, NOON)


def test_only_an_owner_changes_the_team(runtime: Runtime, olga: int, ed: int) -> None:
    with runtime.database.transaction() as session:
        team.change_role(session, olga, ed, Role.EDITOR, NOON)
    with pytest.raises(NotChanged, match="none any more"), runtime.database.transaction() as session:
        team.remove(session, ed, olga, NOON)
    with pytest.raises(NotChanged, match="none any more"):
        _invite(runtime, ed)
    with pytest.raises(NotChanged, match="not in the team"), runtime.database.transaction() as session:
        team.remove(session, olga, 99, NOON)


def test_what_nobody_followed_is_forgotten_after_a_month(runtime: Runtime, olga: int) -> None:
    _invite(runtime, olga)
    for after, left in ((timedelta(days=29), 1), (timedelta(days=31), 0)):
        with runtime.database.transaction() as session:
            accounts.sweep(session, NOON + after)
            assert len(team.invited(session)) == left


@pytest.mark.parametrize("verb", ["demote", "remove"])
def test_of_two_owners_who_put_each_other_out_at_once_one_remains(
    verb: str, runtime: Runtime, olga: int, ed: int
) -> None:
    together = Barrier(2)

    def act(by: int, whom: int) -> str:
        together.wait()
        try:
            with runtime.database.transaction() as session:
                if verb == "demote":
                    team.change_role(session, by, whom, Role.VIEWER, NOON)
                else:
                    team.remove(session, by, whom, NOON)
        except NotChanged as error:
            return str(error)
        return "done"

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(act, (olga, ed), (ed, olga)))
    assert sorted(answers) == ["Only an owner can change the team, and you are none any more.", "done"]
    with runtime.database.reading() as session:
        assert [one.role for one in team.everybody(session)].count(Role.OWNER) == 1


def test_a_link_that_is_followed_twice_at_once_lets_in_once(runtime: Runtime, olga: int) -> None:
    link, together = _invite(runtime, olga), Barrier(2)

    def act(_number: int) -> bool:
        together.wait()
        return _accept(runtime, link) is not None

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(act, range(2))) == [False, True]


def test_an_invitation_that_is_pressed_twice_at_once_goes_out_once(runtime: Runtime, olga: int) -> None:
    together = Barrier(2)

    def act(_number: int) -> bool:
        together.wait()
        try:
            return bool(_invite(runtime, olga))
        except NotChanged:
            return False

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(act, range(2))) == [False, True]
