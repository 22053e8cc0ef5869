"""Everyone's own time on the owner's pages: what is said before and after, and the hour in which readers click most."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from newsletter import campaigns
from newsletter.campaigns import Campaign, CampaignState
from newsletter.clicks import Click, Link
from newsletter.runtime import Runtime
from tests.campaigns.own_time_world import HONOLULU, LONDON, NEW_YORK, TOKYO, World, utc, world
from tests.conftest import NOON
from tests.web.owner.conftest import Desk, readable, sign_in

__all__ = ["world"]
OWN = {"when": "own", "day": "2026-06-02", "clock": "09:00"}


def _schedule(desk: Desk, it: World, **form: object) -> str:
    return desk.told(f"/owner/campaigns/{it.id}/schedule", **{**OWN, "accept": "y", **form})


def test_i_am_told_before_when_the_first_and_the_last_get_it(desk: Desk, world: World) -> None:
    world.add(TOKYO, 3)
    world.add(HONOLULU)
    world.add(None, 2)
    words = _schedule(desk, world, look="yes")
    assert "the first get it Tue 2 Jun 2026, 01:00 BST , the last Tue 2 Jun 2026, 20:00 BST" in words
    assert "Of 2 people no time zone is known: they get it when it is 09:00 in Europe/London." in words
    assert "Who gets it when: 3 times" in words and "Tue 2 Jun 2026, 01:00 BST Asia/Tokyo 3" in words
    assert world.found().state is CampaignState.DRAFT


def test_people_without_a_zone_are_counted_beside_a_neighbour_of_mine(desk: Desk, world: World) -> None:
    world.add(LONDON)
    world.add(None, 2)
    words = _schedule(desk, world, look="yes")
    assert "Of 2 people no time zone is known: they get it when it is 09:00 in Europe/London." in words


def test_i_schedule_it_and_every_page_tells_when(desk: Desk, world: World) -> None:
    [hana], [kim] = world.add(TOKYO), world.add(HONOLULU)
    assert "It goes out at everyone’s own 09:00 on" in _schedule(desk, world)
    told = "everyone’s own 09:00 of 2 June 2026 : the first get it Tue 2 Jun 2026, 01:00 BST"
    assert told in desk.read(f"/owner/campaigns/{world.id}")
    assert "everyone’s own 09:00" in desk.read("/owner/write?kind=campaign")
    assert "from 01:00, at everyone’s own 09:00" in desk.read("/owner/")
    assert "Tue 2 Jun 2026, 20:00 BST Golf (09:00 on their own clock)" in desk.read(f"/owner/subscribers/{kim}")
    world.pass_to(utc(2, 0))
    sign_in(desk.client)
    words = desk.read(f"/owner/campaigns/{world.id}")
    assert "1 wait for their own 09:00" in words and "the next get it Tue 2 Jun 2026, 20:00 BST" in words
    assert "Tue 2 Jun 2026, 20:00 BST Golf (09:00 on their own clock)" in desk.read(f"/owner/subscribers/{kim}")
    assert "on their own clock" not in desk.read(f"/owner/subscribers/{hana}")
    assert "1 wait for their own 09:00" in desk.read("/owner/") and "from 20:00, at everyone’s own 09:00" in desk.read(
        "/owner/"
    )
    numbers = desk.client.get(f"/owner/campaigns/{world.id}/progress.json").json
    assert numbers is not None and (numbers["for_hour"], numbers["seconds_left"]) == (1, None)
    assert numbers["next_at"] == numbers["last_at"] == utc(2, 19).isoformat()
    desk.token = ""
    desk.post(f"/owner/campaigns/{world.id}/pause")
    assert "Whose hour passes while it is paused" in desk.read(f"/owner/campaigns/{world.id}")
    desk.post(f"/owner/campaigns/{world.id}/resume")
    world.pass_to(utc(2, 19))
    sign_in(desk.client)
    assert "Tue 2 Jun 2026, 20:00 BST 1 1" in desk.read(f"/owner/campaigns/{world.id}")


def test_whose_hour_has_passed_is_said_before_and_ticked(desk: Desk, world: World) -> None:
    world.add(TOKYO, 3)
    world.add(NEW_YORK)
    today = {"day": "2026-06-01", "clock": "10:00"}
    words = _schedule(desk, world, **today)
    assert "For 3 people that time has passed: they get it at once." in words
    assert world.found().state is CampaignState.DRAFT
    _schedule(desk, world, **today, at_once="y")
    assert world.found().scheduled_at == NOON + timedelta(seconds=10)
    words = desk.read(f"/owner/campaigns/{world.id}")
    assert "It goes out in 10 seconds . It goes out at everyone’s own 10:00" in words and "Undo" in words


def test_what_has_passed_everywhere_is_refused(desk: Desk, world: World) -> None:
    world.add(TOKYO)
    assert "That time has passed" in _schedule(desk, world, day="2026-05-30", at_once="y")
    assert world.found().state is CampaignState.DRAFT


@pytest.mark.parametrize(("day", "told"), [("9999-12-31", "is the year right?"), ("", "Choose a date and a time.")])
def test_a_slip_of_the_finger_is_told(desk: Desk, world: World, day: str, told: str) -> None:
    world.add(HONOLULU)
    assert told in _schedule(desk, world, day=day)


def test_where_the_clocks_skip_it_is_said(desk: Desk, world: World) -> None:
    world.add(LONDON)
    words = _schedule(desk, world, look="yes", day="2027-03-28", clock="01:30")
    assert "In Europe/London the clocks go forward over that time" in words and "02:00 BST" in words


def test_nobody_waits_for_an_hour_in_a_campaign_to_all_at_once(desk: Desk, world: World) -> None:
    world.add(TOKYO)
    _schedule(desk, world, when="at")
    assert world.found().own_time is None and world.found().scheduled_at == utc(2, 8)
    assert "own 09:00" not in desk.read("/owner/")


def test_the_piece_for_the_script_tells_the_same(desk: Desk, world: World) -> None:
    world.add(TOKYO)
    world.add(HONOLULU)
    page = f"/owner/campaigns/{world.id}/leavings"

    def piece(**asked: str) -> str:
        answer = desk.client.get(page, query_string=asked).json
        assert answer is not None
        return readable(answer["html"])

    assert "the first get it Tue 2 Jun 2026, 01:00 BST" in piece(**OWN)
    assert piece(**(OWN | {"when": "at"})) == "None of them gets another mail from you that day, as things stand."
    assert piece(**(OWN | {"day": "no", "clock": ""})) == ""


def test_a_change_of_words_says_who_is_still_to_come(world: World) -> None:
    world.add(TOKYO)
    world.add(HONOLULU)
    world.add(LONDON)
    world.schedule()
    world.clock.moment = utc(2, 0)
    with world.runtime.database.transaction() as session:
        campaigns.launch_due(session, utc(2, 0))
        for _ in range(3):
            campaigns.fill_next(session, utc(2, 0), 1)  # as in a large list: in the order of their numbers
    world.beat()
    world.do(campaigns.together.pause)
    with world.runtime.database.reading() as session:
        turn = session.get_one(Campaign, world.id).turn(session)
    assert turn is not None and (turn.have, turn.to_come, turn.email, turn.behind) == (1, 2, "p3@example.com", 0)


def _click(runtime: Runtime, at: datetime, ids: list[int], machine: bool = False) -> None:
    with runtime.database.transaction() as session:
        link = session.scalars(select(Link)).first() or Link(url="https://one.example/")
        session.add(link)
        session.flush()
        newest = max(session.scalars(select(Click.message_id)), default=0)
        for number, id in enumerate(ids, newest + 1):
            session.add(Click(
                subscriber_id=id, message_id=number, dispatch_id=None, link_id=link.id, revision_id=1,
                person_at=None if machine else at, machine_at=at if machine else None,
            ))  # fmt: skip


def click_around_six(runtime: Runtime, japanese: list[int]) -> None:
    """Readers in Tokyo follow a link of two mails, at twenty past six in the evening."""
    for days in (9, 10):
        _click(runtime, utc(1, 9, 20) - timedelta(days=days), japanese)


def test_the_hour_in_which_readers_click_most_is_offered_and_one_press_fills_it_in(
    desk: Desk, world: World, runtime: Runtime
) -> None:
    japanese, british = world.add(TOKYO, 60), world.add(None, 60)
    click_around_six(runtime, japanese)
    _click(runtime, utc(1, 17, 40) - timedelta(days=9), british)  # 18:40 there
    _click(runtime, utc(1, 3) - timedelta(days=9), british, machine=True)
    _click(runtime, utc(1, 3) - timedelta(days=100), british)
    page = f"/owner/campaigns/{world.id}"
    assert "click most between 18:00 and 19:00 on their own clocks (180 of 180 clicks)" in desk.read(page)
    filled = desk.get(f"{page}?when=own&clock=18:00")
    assert f'href="{page}?when=own&amp;clock=18:00#when"' in filled and 'value="18:00"' in filled
    assert "18:00 in Europe/London" in desk.read(f"{page}?when=own&clock=18:00")


@pytest.mark.parametrize("readers", [0, 20])
def test_of_a_few_clicks_it_is_said_that_they_are_too_few(
    desk: Desk, world: World, runtime: Runtime, readers: int
) -> None:
    few = world.add(None, 20)[:readers]
    for day in range(6):
        _click(runtime, utc(1, 9) - timedelta(days=day), few)
    told = f"too few to tell ({6 * readers} clicks in the last 90 days)"
    assert told in desk.read(f"/owner/campaigns/{world.id}")


def test_where_no_hour_stands_out_none_is_named(desk: Desk, world: World, runtime: Runtime) -> None:
    many = world.add(None, 240)
    for hour in range(24):
        _click(runtime, utc(1, hour) - timedelta(days=20), many[hour * 10 : hour * 10 + 10])
    assert "too few to tell (240 clicks" in desk.read(f"/owner/campaigns/{world.id}")
