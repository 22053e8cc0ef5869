"""The story of a sign-in address: asked for, pressed at the new one, called off, taken back; and races."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from email import message_from_bytes, policy
from threading import Barrier

import pytest
from sqlalchemy import select

from newsletter import accounts, credentials, login_address, team
from newsletter.accounts import AuditEntry, LoginChange, Owner, OwnerSession, PasswordReset, Role
from newsletter.credentials import Way
from newsletter.login_address import LinkOver, NotChanged, Stayed, Step
from newsletter.mail.ledger import Lane, Message
from newsletter.runtime import Runtime
from newsletter.smtp import SentList
from newsletter.subscribers import Stream, Suppression, SuppressionReason, address_hash, read_address
from tests.conftest import NOON

PASSWORD = "quite unlikely green teapots"
OLD, NEW, OTHER = "olga@example.org", "olga@new.example.org", "ed@example.org"
DAY = timedelta(days=1)


@pytest.fixture
def olga(runtime: Runtime) -> int:
    """The owner."""
    with runtime.database.transaction() as session:
        return accounts.create(session, OLD, PASSWORD, NOON).id


@pytest.fixture
def ed(runtime: Runtime, olga: int) -> int:
    """Another owner."""
    with runtime.database.transaction() as session:
        return accounts.create(session, OTHER, PASSWORD, NOON).id


def _ask(runtime: Runtime, who: int, to: str = NEW, after: timedelta = timedelta()) -> tuple[int, ...]:
    """The numbers of both links."""
    with runtime.database.transaction() as session:
        login_address.ask(session, who, read_address(to), NOON + after, keys=runtime.secrets)
    return tuple(_mails(runtime)[-1]["login"])


def _mails(runtime: Runtime) -> list[dict[str, object]]:
    with runtime.database.reading() as session:
        look = select(Message.context).where(Message.stream == Stream.LOGIN).order_by(Message.id)
        return [one or {} for one in session.scalars(look)]


def _press(runtime: Runtime, link: tuple[int, ...], after: timedelta = timedelta(), but: int | None = None) -> str:
    with runtime.database.transaction() as session:
        return login_address.press(session, link, NOON + after, but=but).email


def _call_off(runtime: Runtime, link: tuple[int, ...], after: timedelta = timedelta()) -> Stayed:
    with runtime.database.transaction() as session:
        return login_address.call_off(session, link, NOON + after)


def _address(runtime: Runtime, who: int) -> str:
    with runtime.database.reading() as session:
        return session.get_one(Owner, who).email


def _session(runtime: Runtime, who: int) -> int:
    with runtime.database.transaction() as session:
        return OwnerSession.start(session, session.get_one(Owner, who), NOON)[0].id


def test_the_link_goes_to_the_new_address_and_a_word_to_the_present_one(
    runtime: Runtime, olga: int, sent: SentList
) -> None:
    link = _ask(runtime, olga, NEW.upper())
    runtime.delivery.run(Lane.TRANSACTIONAL)
    there, here = sent.envelopes
    assert (there.recipient, here.recipient) == (NEW, OLD)
    texts = [
        body.get_content()
        for one in (there, here)
        if (body := message_from_bytes(one.data, policy=policy.default).get_body(("plain",)))
    ]
    assert runtime.renderer.urls.login(*link) in texts[0] and "/owner/address/not-me/" not in texts[0]
    assert runtime.renderer.urls.not_me(*link) in texts[1] and runtime.renderer.urls.login(*link) not in texts[1]
    assert NEW in texts[1] and _address(runtime, olga) == OLD


def test_the_press_changes_it_and_ends_what_the_earlier_one_opened(runtime: Runtime, olga: int, sent: SentList) -> None:
    here, _elsewhere = _session(runtime, olga), _session(runtime, olga)
    with runtime.database.transaction() as session:
        reset = PasswordReset.start(session, session.get_one(Owner, olga), NOON)
    link = _ask(runtime, olga)
    assert _press(runtime, link, but=here) == NEW and _press(runtime, link) == NEW, "pressed twice is as good as once"
    with runtime.database.reading() as session:
        assert [one.id for one in OwnerSession.every(session, olga, NOON)] == [here]
        assert PasswordReset.of(session, reset or (), NOON) is None
        assert accounts.sign_in(session, NEW, PASSWORD) is not None and accounts.sign_in(session, OLD, PASSWORD) is None
        entries = session.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()
        assert [one.action for one in entries] == ["other sign-in address asked for", "sign-in address changed"]
        assert entries[1].detail == f"{OLD} → {NEW}, by the link in a mail"
    assert [(one["step"], one["to"]) for one in _mails(runtime)] == [
        (Step.PRESS, NEW), (Step.ASKED, OLD), (Step.DONE, OLD)
    ]  # fmt: skip
    runtime.delivery.run(Lane.TRANSACTIONAL)
    assert sent.envelopes[-1].recipient == OLD, "also by a worker that comes after the change"


def test_a_link_is_good_for_a_day_and_not_when_it_is_another_one(runtime: Runtime, olga: int) -> None:
    link = _ask(runtime, olga)
    for wrong in ((link[0], link[1], link[2] ^ 1), (link[0] + 1, *link[1:]), link[:2], (), (2**63, 1, 1)):
        with pytest.raises(LinkOver):
            _press(runtime, wrong)
    with pytest.raises(LinkOver):
        _press(runtime, link, DAY + timedelta(seconds=1))
    assert _press(runtime, link, DAY) == NEW


def test_of_two_that_were_asked_for_the_later_one_counts(runtime: Runtime, olga: int) -> None:
    first, second = _ask(runtime, olga), _ask(runtime, olga, "olga@third.example.org")
    with pytest.raises(LinkOver):
        _press(runtime, first)
    assert _press(runtime, second) == "olga@third.example.org"


def test_a_taken_address_does_not_reveal_itself_and_gets_no_mail(runtime: Runtime, olga: int, ed: int) -> None:
    link = _ask(runtime, olga, OTHER)
    assert [one["step"] for one in _mails(runtime)] == [Step.ASKED]
    with pytest.raises(LinkOver):
        _press(runtime, link)
    assert _address(runtime, olga) == OLD


def test_an_address_that_was_taken_meanwhile_stays_with_who_has_it(runtime: Runtime, olga: int) -> None:
    link = _ask(runtime, olga)
    with runtime.database.transaction() as session:
        accounts.create(session, NEW, PASSWORD, NOON, role=Role.VIEWER)
    with pytest.raises(LinkOver):
        _press(runtime, link)
    assert _address(runtime, olga) == OLD


def test_the_address_of_somebody_who_was_removed_is_free(runtime: Runtime, olga: int, ed: int) -> None:
    with runtime.database.transaction() as session:
        team.remove(session, olga, ed, NOON)
    assert _press(runtime, _ask(runtime, olga, OTHER)) == OTHER
    assert _address(runtime, ed) == f"{OTHER} (removed {ed})"


@pytest.mark.parametrize("what", ["removed", "password"])
def test_a_link_ends_with_its_owner_and_with_the_password(what: str, runtime: Runtime, olga: int, ed: int) -> None:
    link = _ask(runtime, ed)
    with runtime.database.transaction() as session:
        if what == "removed":
            team.remove(session, olga, ed, NOON)
        else:
            fresh = "yellow unlikely teapots sing"
            credentials.change_password(session, session.get_one(Owner, ed), fresh, NOON, way=Way.PAGE)
    for press in (_press, _call_off):
        with pytest.raises(LinkOver):
            press(runtime, link)
    assert _address(runtime, ed) == OTHER


def test_what_cannot_be_asked_for_says_so(runtime: Runtime, olga: int) -> None:
    with runtime.database.transaction() as session:
        hashed = address_hash(runtime.secrets[0], "never@example.org")
        Suppression.add(session, hashed, SuppressionReason.COMPLAINED, NOON)
    for email, why in ((OLD.upper(), "your address already"), ("never@example.org", "must not be written to")):
        with pytest.raises(NotChanged, match=why):
            _ask(runtime, olga, email)
    for number in range(5):
        _ask(runtime, olga, f"olga{number}@example.org")
    with pytest.raises(NotChanged, match="5 times within a day"):
        _ask(runtime, olga)
    _ask(runtime, olga, after=DAY)


def test_called_off_before_it_is_done_it_does_not_happen(runtime: Runtime, olga: int) -> None:
    _session(runtime, olga)
    link = _ask(runtime, olga)
    assert _call_off(runtime, link) is Stayed.STOPPED
    for press in (_press, _call_off):
        with pytest.raises(LinkOver):
            press(runtime, link)
    with runtime.database.reading() as session:
        assert OwnerSession.every(session, olga, NOON) == [], "who asked knew the password"
        assert accounts.sign_in(session, OLD, PASSWORD) is not None


def test_taken_back_the_password_is_void_and_a_link_comes(runtime: Runtime, olga: int) -> None:
    link = _ask(runtime, olga)
    _press(runtime, link, DAY)
    _session(runtime, olga)
    assert _call_off(runtime, link, 2 * DAY) is Stayed.TAKEN_BACK and _address(runtime, olga) == OLD
    with runtime.database.reading() as session:
        assert OwnerSession.every(session, olga, NOON) == [] and accounts.sign_in(session, OLD, PASSWORD) is None
        assert session.scalars(select(Message.owner_id).where(Message.stream == Stream.RESET)).one() == olga
    for press in (_press, _call_off):
        with pytest.raises(LinkOver):
            press(runtime, link, 2 * DAY)


def test_a_day_after_it_was_done_it_stays(runtime: Runtime, olga: int) -> None:
    link = _ask(runtime, olga)
    _press(runtime, link)
    with pytest.raises(LinkOver):
        _call_off(runtime, link, DAY + timedelta(seconds=1))


def test_whoever_moved_it_twice_does_not_keep_it(runtime: Runtime, olga: int) -> None:
    first = _ask(runtime, olga)
    _press(runtime, first)
    second = _ask(runtime, olga, "olga@third.example.org")
    _press(runtime, second)
    assert _call_off(runtime, first) is Stayed.TAKEN_BACK and _address(runtime, olga) == OLD
    with pytest.raises(LinkOver):
        _call_off(runtime, second)


def test_taking_back_gives_nobody_the_address_of_somebody_else(runtime: Runtime, olga: int) -> None:
    link = _ask(runtime, olga)
    _press(runtime, link)
    with runtime.database.transaction() as session:
        accounts.create(session, OLD, PASSWORD, NOON)
    with pytest.raises(LinkOver):
        _call_off(runtime, link)
    with runtime.database.reading() as session:
        assert accounts.sign_in(session, NEW, PASSWORD) is not None, "nothing of it was done"


def test_rows_go_when_their_links_do_nothing_any_more(runtime: Runtime, olga: int) -> None:
    _press(runtime, _ask(runtime, olga), DAY)
    for after, left in ((2 * DAY, 1), (2 * DAY + timedelta(seconds=1), 0)):
        with runtime.database.transaction() as session:
            accounts.sweep(session, NOON + after)
            assert len(session.scalars(select(LoginChange)).all()) == left


def test_by_the_command_it_is_done_at_once_and_both_mailboxes_are_right(runtime: Runtime, olga: int, ed: int) -> None:
    _session(runtime, olga)
    link = _ask(runtime, olga)
    with runtime.database.transaction() as session:
        login_address.set_by_command(session, session.get_one(Owner, olga), read_address(NEW), NOON)
    assert _address(runtime, olga) == NEW and _mails(runtime)[-1]["to"] == OLD
    with pytest.raises(LinkOver):
        _press(runtime, link)
    with runtime.database.reading() as session:
        assert OwnerSession.every(session, olga, NOON) == []
    for email, why in ((NEW, "already"), (OTHER, "in the team already")):
        with pytest.raises(NotChanged, match=why), runtime.database.transaction() as session:
            login_address.set_by_command(session, session.get_one(Owner, olga), read_address(email), NOON)


def _at_once(*acts: Callable[[], object]) -> list[str]:
    together = Barrier(len(acts))

    def act(one: Callable[[], object]) -> str:
        together.wait()
        try:
            return str(one())
        except LinkOver:
            return "over"

    with ThreadPoolExecutor(len(acts)) as pool:
        return [done.result() for done in [pool.submit(act, one) for one in acts]]


def test_of_two_who_want_the_same_address_at_once_one_gets_it(runtime: Runtime, olga: int, ed: int) -> None:
    links = [_ask(runtime, olga), _ask(runtime, ed)]
    told = _at_once(*(lambda link=link: _press(runtime, link) for link in links))  # type: ignore[misc]
    assert sorted(told) == [NEW, "over"]


def test_two_presses_at_once_are_one(runtime: Runtime, olga: int) -> None:
    link = _ask(runtime, olga)
    assert _at_once(lambda: _press(runtime, link), lambda: _press(runtime, link)) == [NEW, NEW]
    assert [one["step"] for one in _mails(runtime)] == [Step.PRESS, Step.ASKED, Step.DONE]


def test_a_press_and_a_removal_at_once_leave_nobody_in(runtime: Runtime, olga: int, ed: int) -> None:
    link = _ask(runtime, ed)

    def remove() -> None:
        with runtime.database.transaction() as session:
            team.remove(session, olga, ed, NOON)

    _at_once(lambda: _press(runtime, link), remove)
    with runtime.database.reading() as session:
        assert session.get_one(Owner, ed).removed_at == NOON
        assert accounts.find(session, OTHER) is None and accounts.find(session, NEW) is None
