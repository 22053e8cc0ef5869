"""What else knows of a test: the send lock, once more, "had it already", series that give way, fields, erasure."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select

from newsletter import brand, campaigns, held, installation, journey, sequences
from newsletter.campaigns import Campaign, CampaignState, Compares, Judge, NotNow, Part, Phase, Waits
from newsletter.clicks import Click
from newsletter.held import HeldKind
from newsletter.installation import LockReason
from newsletter.mail.render import Content
from newsletter.preflight import field_uses
from newsletter.preflight.had_it import count
from newsletter.resend import readers, resend, why_not
from newsletter.runtime import Runtime
from newsletter.sequences import Sequence
from newsletter.subscribers import Field, FieldKind, Segment, Subscriber
from tests.campaigns.conftest import Stage, people, state_of
from tests.clicking import BODY


def _lock(runtime: Runtime, locked: bool = True) -> None:
    now = runtime.clock.now()
    with runtime.database.transaction() as session:
        here = installation.current(session)
        here.lock(LockReason.RESTORED, 10**6, now, now) if locked else here.unlock()


def _unlock(runtime: Runtime, sends: bool) -> list[tuple[HeldKind, int, int]]:
    """Decide the same about everything; what there was."""
    with runtime.database.transaction() as session:
        now = runtime.clock.now()
        listed = held.held(session, now)
        held.unlock(session, {one.key: sends for one in listed}, "Europe/London", now)
        return [(one.kind, one.people, one.gone) for one in listed]


def test_locked_a_test_that_is_due_is_one_thing(stage: Callable[..., Stage], runtime: Runtime) -> None:
    it = stage()
    it.schedule()
    _lock(runtime)
    kind, people, gone = _unlock(runtime, sends=False)[0]
    assert (kind, gone) == (HeldKind.CAMPAIGN, 0) and 60 < people < 100
    assert {one.state for one in it.test().both} == {CampaignState.DRAFT}


def test_locked_what_won_is_asked_about_and_let_be_waits(stage: Callable[..., Stage], runtime: Runtime) -> None:
    it = stage()
    it.go()
    it.click(it.test().b_id, 25)
    it.clock.forward(timedelta(hours=4))
    _lock(runtime)
    it.beat()
    assert [kind for kind, _, _ in _unlock(runtime, sends=False)] == [HeldKind.AB_TEST]
    it.beat()
    assert it.test().waits is Waits.LET_BE and len(it.sent.envelopes) < 200
    it.choose(Part.B)
    it.beat()
    assert len(it.sent.envelopes) == 200


def test_locked_and_sent_it_goes(stage: Callable[..., Stage], runtime: Runtime) -> None:
    it = stage()
    it.go()
    it.click(it.test().b_id, 25)
    it.clock.forward(timedelta(hours=4))
    _lock(runtime)
    assert _unlock(runtime, sends=True)[0][0] is HeldKind.AB_TEST
    it.beat()
    assert it.test().winner is Part.B and len(it.sent.envelopes) == 200


def test_locked_in_the_middle_of_a_test_by_hand_nothing_is_asked(stage: Callable[..., Stage], runtime: Runtime) -> None:
    it = stage(judge=Judge.HAND)
    it.go()
    it.clock.forward(timedelta(hours=4))
    _lock(runtime)
    assert _unlock(runtime, sends=False) == []


def test_once_more_all_parts_are_one_mailing(stage: Callable[..., Stage], runtime: Runtime) -> None:
    it = stage()
    it.go()
    test = it.test()

    def told(campaign: int) -> str:
        with runtime.database.reading() as session:
            return why_not(session, session.get_one(Campaign, campaign), it.clock.now())

    it.clock.forward(timedelta(days=1))
    assert "Its A/B test has not ended" in told(test.a_id)
    rest = it.choose(Part.B)
    it.beat()
    it.clock.forward(timedelta(days=1))
    assert "less than two days ago" in told(test.a_id)
    it.clock.forward(timedelta(days=1))
    assert told(test.a_id) == "" and all("from the page of A" in told(id) for id in (test.b_id, rest))
    for campaign, clicked in ((test.a_id, 3), (test.b_id, 4), (rest, 5)):
        it.click(campaign, clicked)
    with runtime.database.transaction() as session:
        original = session.get_one(Campaign, test.a_id)
        assert readers(session, original, it.clock.now()).size(session) == 200 - 12
        with pytest.raises(NotNow, match="another subject"):
            resend(session, original, "the OTHER", it.clock.now())
        again = resend(session, original, "A fourth", it.clock.now())
        assert again.part is None and again.article.current.body == BODY
        again.schedule(it.clock.now(), brand.current(session))
    it.beat()
    assert len(it.sent.envelopes) == 200 + 188


def test_once_more_after_a_test_that_was_stopped(stage: Callable[..., Stage], runtime: Runtime) -> None:
    it = stage()
    it.go()
    with runtime.database.transaction() as session:
        test = campaigns.ab_test_of(session, session.get_one(Campaign, it.a), lock=True)
        assert test is not None
        campaigns.stop(session, test, it.clock.now())
    it.clock.forward(timedelta(days=3))
    got = len(it.sent.envelopes)
    with runtime.database.reading() as session:
        original = session.get_one(Campaign, it.a)
        assert why_not(session, original, it.clock.now()) == ""
        assert readers(session, original, it.clock.now()).size(session) == got < 200


@pytest.mark.parametrize("compares", [Compares.SUBJECT, Compares.ARTICLE])
def test_who_had_b_has_had_a(stage: Callable[..., Stage], runtime: Runtime, compares: Compares) -> None:
    it = stage(compares=compares, other={"title": "Tennis", "subject": "Tennis", "body": "Serve."})
    it.go()
    article = it.test().a.article_id
    with runtime.database.reading() as session:
        assert count(session, Segment(), Content("Golf", "", BODY), article) == len(it.sent.envelopes)


def test_series_give_way_to_the_part_that_is_for_them(stage: Callable[..., Stage], runtime: Runtime) -> None:
    it = stage(hours=48)
    it.schedule()
    test = it.test()
    now = it.clock.now()
    with runtime.database.reading() as session:
        coming = campaigns.planned(session)
        days = [(one.at - now).days for one in coming]
        assert days == [0, 0, 2] and sum(one.segment.size(session) for one in coming) == 200
        tested = test.a.slice
        reader = next(id for id in range(1_001, 1_201) if tested and tested.holds(id))
        other = next(id for id in range(1_001, 1_201) if coming[2].segment.slice and coming[2].segment.slice.holds(id))
        for id, at in ((reader, 0), (other, 2)):
            found = campaigns.coming_to(session, session.get_one(Subscriber, id))
            assert [((one.at - now).days, one.part) for one in found] == [(at, Part.A if id == reader else Part.REST)]
        series = session.scalars(select(Sequence).order_by(Sequence.id)).first()
        assert series is not None
        first = sequences.simulate(series, now, "Europe/London", 2, coming)[0]
        assert first.waits  # its mail was due in two days, when what wins goes to everybody else


def test_who_joined_since_has_nothing_of_it_to_come(stage: Callable[..., Stage], runtime: Runtime) -> None:
    it = stage()
    it.go()
    people(runtime, 10, first=2_001)
    with runtime.database.reading() as session:
        for id in range(2_001, 2_011):
            assert campaigns.coming_to(session, session.get_one(Subscriber, id)) == []


def test_a_field_that_a_test_names_is_used(stage: Callable[..., Stage], runtime: Runtime) -> None:
    now = runtime.clock.now()
    with runtime.database.transaction() as session:
        session.add(Field(key="city", label="City", kind=FieldKind.TEXT, fallback="town", created_at=now))
    it = stage(subject="Golf in {{ fields.city }}", judge=Judge.HAND)

    def used() -> list[int]:
        with runtime.database.reading() as session:
            field = session.scalars(select(Field).where(Field.key == "city")).one()
            return [one.id for one in field_uses(session, field).campaigns]

    assert used() == [it.a]
    it.go()
    assert used() == [it.test().b_id]  # it may still go to the rest
    it.choose(Part.A)
    it.beat()
    assert used() == []


def test_somebody_who_is_erased_in_the_middle_is_gone_everywhere(stage: Callable[..., Stage], runtime: Runtime) -> None:
    it = stage()
    it.go()
    test = it.test()
    it.click(test.b_id, 25)
    tested = sorted(it.got(test.b_id))[0]
    other = next(id for id in range(1_001, 1_201) if id not in it.got(test.a_id) | it.got(test.b_id))
    with runtime.database.transaction() as session:
        for id in (tested, other):
            journey.erase(session, runtime, session.get_one(Subscriber, id), it.clock.now())
    it.end()
    test = it.test()
    assert test.kept and test.kept[1].part == 24 and test.winner is Part.B
    assert len(it.sent.envelopes) == 199
    with runtime.database.reading() as session:
        assert session.scalars(select(Click).where(Click.subscriber_id == tested)).all() == []


def test_a_draft_that_is_thrown_away_takes_its_b_along(stage: Callable[..., Stage], runtime: Runtime) -> None:
    it = stage()
    with runtime.database.transaction() as session:
        campaigns.together.cancel(session, session.get_one(Campaign, it.a), it.clock.now())
    assert it.test().phase is Phase.STOPPED and state_of(runtime, it.test().b_id) is CampaignState.CANCELLED
