"""The newest edition of a guide goes once to each reader who has an earlier one, and to nobody else."""

from collections.abc import Callable
from datetime import timedelta
from email.message import EmailMessage

from sqlalchemy import select

from newsletter import guides
from newsletter.bulk_actions import ActionKind
from newsletter.guides import Guide, GuideRequest
from newsletter.mail.ledger import Lane
from newsletter.subscribers import Subscriber
from tests.bulk_actions.conftest import ASKED, OTHERS, Crowd

Inbox = Callable[[str], list[EmailMessage]]
WORDS = "There is a new edition of a guide that you have"


def _deliver(crowd: Crowd) -> None:
    while crowd.runtime.delivery.run(Lane.TRANSACTIONAL):
        pass


def _replace(crowd: Crowd) -> None:
    with crowd.runtime.database.transaction() as session:
        session.get_one(Guide, crowd.guide_id).edition += 1


def _fetch(crowd: Crowd, email: str) -> None:
    with crowd.runtime.database.transaction() as session:
        person = session.scalars(select(Subscriber).where(Subscriber.email == email)).one()
        assert guides.fetch(session, person, session.get_one(Guide, crowd.guide_id), crowd.clock.now())


def _by_edition(crowd: Crowd) -> dict[int, int]:
    with crowd.runtime.database.reading() as session:
        return guides.by_edition(session, session.get_one(Guide, crowd.guide_id))


def test_nobody_has_an_earlier_one_before_there_is_a_new_one(crowd: Crowd) -> None:
    assert crowd.reach(ActionKind.EDITION) == (8, 0)
    assert _by_edition(crowd) == {}


def test_who_has_an_earlier_one_gets_the_newest_once_and_who_has_it_or_left_is_left_out(
    crowd: Crowd, inbox: Inbox
) -> None:
    _deliver(crowd)
    _fetch(crowd, ASKED[1])
    _replace(crowd)
    _fetch(crowd, ASKED[0])  # from the library, where the newest one lies
    assert _by_edition(crowd) == {1: 2}
    assert crowd.reach(ActionKind.EDITION) == (8, 2)
    every = (*ASKED, *OTHERS, "lou@example.com", "pip@example.com")
    before = {email: len(inbox(email)) for email in every}
    enrolled = crowd.enrolled()
    first, second = crowd.begin(ActionKind.EDITION), crowd.begin(ActionKind.EDITION)
    crowd.work()
    _deliver(crowd)
    crowd.work(timedelta(minutes=1))
    _deliver(crowd)
    assert {email: len(inbox(email)) - many for email, many in before.items() if len(inbox(email)) != many} == {
        ASKED[1]: 1, ASKED[2]: 1}  # fmt: skip
    assert (crowd.action(first).done, crowd.action(second).done) == (2, 0)
    assert WORDS in str(inbox(ASKED[1])[-1].get_body(("plain",)).get_content())  # type: ignore[union-attr]
    assert crowd.enrolled() == enrolled
    assert crowd.reach(ActionKind.EDITION) == (8, 0)


def test_a_third_edition_is_offered_anew_and_told_by_the_one_they_have(crowd: Crowd) -> None:
    _replace(crowd)
    _fetch(crowd, ASKED[0])
    _replace(crowd)
    assert _by_edition(crowd) == {1: 2, 2: 1}
    assert crowd.reach(ActionKind.EDITION) == (8, 3)
    with crowd.runtime.database.reading() as session:
        assert sorted(session.scalars(select(GuideRequest.edition))) == [1, 1, 1, 2]
