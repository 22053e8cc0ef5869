"""At everyone's own time: each reader gets a campaign when their own clock says so, once, whatever happens."""

# ruff: noqa: DTZ001 - a local time as it is typed has no zone

from collections import Counter
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import select

from newsletter import campaigns, journey
from newsletter.campaigns import Campaign, CampaignState, Compares, IfClose, Judge, NotNow, Wish
from newsletter.db import holds
from newsletter.mail.ledger import State
from newsletter.mail.ledger.dispatch import Batch, BatchState
from newsletter.sequences.pacing import other_mail
from newsletter.subscribers import Subscriber
from newsletter.throttle import rules
from tests.campaigns.own_time_world import HONOLULU, LONDON, NEW_YORK, TOKYO, World, utc, world
from tests.conftest import NOON

__all__ = ["world"]


def test_everybody_gets_it_at_nine_on_their_own_clock_and_once(world: World) -> None:
    people = {zone: world.add(zone, 3) for zone in (TOKYO, LONDON, None, NEW_YORK, HONOLULU, "Mars/Olympus")}
    world.schedule()
    got = world.pass_to(utc(3, 0))
    hours = {TOKYO: utc(2, 0), LONDON: utc(2, 8), None: utc(2, 8), NEW_YORK: utc(2, 13), HONOLULU: utc(2, 19),
             "Mars/Olympus": utc(2, 8)}  # fmt: skip
    assert got == {id: hours[zone] for zone, ids in people.items() for id in ids}
    assert max(Counter(one.recipient for one in world.sent.envelopes).values()) == 1
    assert world.found().state is CampaignState.SENT


def test_until_the_last_has_got_it_it_is_going_out(world: World) -> None:
    world.add(TOKYO)
    world.add(HONOLULU)
    world.schedule()
    assert world.found().scheduled_at == utc(2, 0)
    world.pass_to(utc(2, 0))
    assert world.found().state is CampaignState.SENDING
    world.pass_to(utc(2, 18, 59))
    assert world.found().state is CampaignState.SENDING and len(world.got()) == 1
    world.pass_to(utc(2, 19))
    assert world.found().state is CampaignState.SENT and len(world.got()) == 2


def test_whose_hour_has_passed_gets_it_at_once_and_the_others_at_theirs(world: World) -> None:
    [early], [late] = world.add(TOKYO), world.add(NEW_YORK)
    with world.runtime.database.reading() as session:
        plan = campaigns.plan_own_time(
            session, session.get_one(Campaign, world.id), datetime(2026, 6, 1, 10), world.clock.now()
        )
    assert plan.passed(world.clock.now()) == 1
    world.schedule(datetime(2026, 6, 1, 10))
    world.beat()
    assert world.got() == {early: NOON}
    assert world.pass_to(utc(1, 14)) == {early: NOON, late: utc(1, 14)}


def test_who_signs_up_in_an_earlier_zone_before_it_begins_gets_it_at_their_own_hour(world: World) -> None:
    [jane] = world.add(LONDON)
    world.schedule()
    assert world.found().scheduled_at == utc(2, 8)
    [hana] = world.add(TOKYO)
    assert world.pass_to(utc(2, 9)) == {hana: utc(2, 0), jane: utc(2, 8)}


def test_where_the_first_have_left_it_begins_with_those_who_are_there(world: World) -> None:
    [hana], [jane] = world.add(TOKYO), world.add(LONDON)
    world.schedule()
    world.move(hana, NEW_YORK)
    world.pass_to(utc(2, 7))
    assert world.found().state is CampaignState.SCHEDULED and world.found().scheduled_at == utc(2, 8)
    assert world.pass_to(utc(2, 13)) == {jane: utc(2, 8), hana: utc(2, 13)}


def test_who_signs_up_after_it_has_begun_gets_nothing_of_it(world: World) -> None:
    world.add(TOKYO)
    world.schedule()
    world.pass_to(utc(2, 0))
    [late] = world.add(HONOLULU)
    assert late not in world.pass_to(utc(2, 20)) and world.coming(late) == []


def test_who_moves_after_it_has_begun_gets_it_at_the_hour_they_had(world: World) -> None:
    world.add(TOKYO)
    [west], [east] = world.add(NEW_YORK), world.add(NEW_YORK)
    world.schedule()
    world.pass_to(utc(2, 0))
    world.move(west, HONOLULU)
    world.move(east, TOKYO)
    assert world.coming(west) == world.coming(east) == [utc(2, 13)]
    got = world.pass_to(utc(2, 20))
    assert got[west] == got[east] == utc(2, 13) and len(world.sent.envelopes) == 3


def test_who_leaves_before_their_hour_gets_nothing(world: World) -> None:
    world.add(TOKYO)
    [gone] = world.add(HONOLULU)
    world.schedule()
    world.pass_to(utc(2, 0))
    assert world.coming(gone) == [utc(2, 19)]
    with world.runtime.database.transaction() as session:
        journey.unsubscribe(session, session.get_one(Subscriber, gone), world.clock.now(), goodbye=False)
    assert world.coming(gone) == []
    assert gone not in world.pass_to(utc(2, 20)) and world.found().state is CampaignState.SENT


def test_who_pauses_over_their_hour_is_told_of_nothing_and_gets_nothing(world: World) -> None:
    world.add(TOKYO)
    [kim] = world.add(HONOLULU)
    world.schedule()
    world.pass_to(utc(2, 0))
    with world.runtime.database.transaction() as session:
        session.get_one(Subscriber, kim).paused_until = utc(9, 0)
    assert world.coming(kim) == []
    assert kim not in world.pass_to(utc(2, 19))


def test_what_is_told_is_what_comes(world: World) -> None:
    people = [*world.add(TOKYO), *world.add(None), *world.add(NEW_YORK), *world.add("Asia/Kathmandu")]
    world.schedule()
    told = {id: world.coming(id) for id in people}
    world.pass_to(utc(2, 4), timedelta(minutes=15))
    told_later = {id: world.coming(id) for id in people if id not in world.got()}
    got = world.pass_to(utc(2, 14), timedelta(minutes=15))
    assert told == {id: [at] for id, at in got.items()}
    assert told_later == {id: told[id] for id in told_later} and len(told_later) == 2


def test_paused_nobodys_hour_is_lost_and_resumed_it_goes_on(world: World) -> None:
    [hana], [jane], [kim] = world.add(TOKYO), world.add(LONDON), world.add(HONOLULU)
    world.schedule()
    world.pass_to(utc(2, 0))
    world.do(campaigns.together.pause)
    assert world.pass_to(utc(2, 10)) == {hana: utc(2, 0)}
    world.do(campaigns.together.resume)
    world.beat()
    assert world.got() == {hana: utc(2, 0), jane: utc(2, 10)}
    assert world.pass_to(utc(2, 19))[kim] == utc(2, 19)


def test_cancelled_nobody_else_gets_it_and_all_are_accounted_for_at_once(world: World) -> None:
    [hana] = world.add(TOKYO)
    world.add(LONDON, 4)
    world.schedule()
    world.pass_to(utc(2, 0))
    world.do(campaigns.together.cancel, world.clock.now())
    world.beat()
    with world.runtime.database.reading() as session:
        counts = session.get_one(Campaign, world.id).counts(session)
        assert set(session.scalars(select(Batch.state))) == {BatchState.DONE}
    assert (counts[State.SENT], counts[State.CANCELLED]) == (1, 4)
    assert world.pass_to(utc(2, 10)) == {hana: utc(2, 0)}


def test_to_the_last_second_it_can_be_changed_to_another_day_or_to_one_moment(world: World) -> None:
    [hana], [jane] = world.add(TOKYO), world.add(LONDON)
    world.schedule()
    world.pass_to(utc(1, 23, 59))
    world.schedule(datetime(2026, 6, 3, 9))
    assert world.pass_to(utc(2, 9)) == {}
    world.do(campaigns.together.schedule, utc(2, 10), world.house())
    assert world.found().own_time is None
    assert world.pass_to(utc(2, 10)) == {hana: utc(2, 10), jane: utc(2, 10)}
    with pytest.raises(NotNow):
        world.schedule()


def test_a_rule_that_is_lifted_opens_nobodys_hour(world: World) -> None:
    world.add(TOKYO)
    [jane] = world.add(LONDON)
    world.schedule()
    world.pass_to(utc(2, 0))
    with world.runtime.database.transaction() as session:
        rules.put(session, rules.Scope.ALL, "", rules.Rate.parse("100/hour"), world.clock.now())
        rules.remove(session, rules.Scope.ALL, world.clock.now())
    assert jane not in world.pass_to(utc(2, 7, 59)) and world.pass_to(utc(2, 8))[jane] == utc(2, 8)


def test_while_it_waits_no_tick_has_anything_to_do(world: World) -> None:
    world.add(TOKYO)
    world.add(HONOLULU)
    world.schedule()
    world.pass_to(utc(2, 0))
    with world.runtime.database.reading() as session:
        assert not holds(session, campaigns.is_under_way(utc(2, 18))) and not holds(
            session, campaigns.is_time(utc(2, 18))
        )
        assert holds(session, campaigns.is_under_way(utc(2, 19)))


def test_a_test_of_two_subjects_goes_out_at_one_moment(world: World) -> None:
    wish = Wish(compares=Compares.SUBJECT, subject="B", share=40, hours=4, judge=Judge.HAND, if_close=IfClose.WAIT)
    world.add(TOKYO)
    world.do(campaigns.make_ab_test, wish, world.house(), world.clock.now())
    with pytest.raises(NotNow, match="goes out at one moment"):
        world.schedule()


def test_series_give_way_on_the_day_of_each_ones_own_hour(world: World) -> None:
    [kiri], [kim] = world.add("Pacific/Kiritimati"), world.add(HONOLULU)
    world.schedule()
    with world.runtime.database.reading() as session:
        [mailing] = campaigns.planned(session)
        assert (mailing.goes_at("Pacific/Kiritimati"), mailing.goes_at(HONOLULU)) == (utc(1, 19), utc(2, 19))
    world.pass_to(utc(2, 0))
    with world.runtime.database.reading() as session:
        busy = other_mail(session, {kiri: "Pacific/Kiritimati", kim: HONOLULU}, world.clock.now(), ())
    assert busy == {kiri: {date(2026, 6, 2)}, kim: {date(2026, 6, 2)}}  # in Honolulu it is still the first
    assert world.pass_to(utc(2, 19)) == {kiri: utc(1, 19), kim: utc(2, 19)}


def test_nobody_in_it_it_is_over_at_the_owners_own_hour(world: World) -> None:
    world.schedule()
    world.pass_to(utc(2, 8))
    assert world.found().state is CampaignState.SENT
