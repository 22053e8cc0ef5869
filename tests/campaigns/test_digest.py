"""One mail a week: what a claim enters for it, when it goes, and what stands in it."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from newsletter import brand, campaigns, journey, sequences
from newsletter.brand import Brand
from newsletter.campaigns import Campaign, CampaignState
from newsletter.mail.ledger import Message, Reason, State
from newsletter.mail.ledger.digest import count
from newsletter.mail_words import MailWords, OwnMail
from newsletter.runtime import Runtime
from newsletter.sequences import Sequence
from newsletter.sequences.pacing import other_mail
from newsletter.subscribers import Mailing, Segment, Subscriber
from tests.campaigns.week import BOB, FRIDAY, JANE, Week, body


def test_a_week_s_campaigns_come_in_one_mail_on_friday_at_nine(week: Week) -> None:
    golf, knee = week.campaign("Golf"), week.campaign("Knee")
    assert week.got() == [] and week.got(BOB) == ["Golf", "Knee"]
    held = week.message(golf)
    assert (held.state, held.reason, week.state(knee)) == (State.CANCELLED, Reason.DIGEST, CampaignState.SENT)
    week.at(FRIDAY - timedelta(seconds=1))
    assert week.got() == []
    week.at(FRIDAY)
    assert week.got() == ["This week from Human Movement: Golf and 1 more"]
    week.at(FRIDAY + timedelta(days=7))
    assert len(week.got()) == 1 and len(week.got(BOB)) == 2, "no campaign in the week, no mail"


def test_its_mail_is_bulk_mail_and_each_article_opens_filled_in(week: Week, runtime: Runtime) -> None:
    golf = week.campaign("Golf, {{ first_name | default('friend') }}", "{{ greeting }},\n\nTurn **both** ways.")
    week.campaign("Knee", preheader="Bend & stretch")
    week.at(FRIDAY)
    mail = week.mail()
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click" and "/unsubscribe/" in mail["List-Unsubscribe"]
    assert mail["List-Id"].startswith("<newsletter.") and mail["Feedback-ID"].startswith("digest:newsletter:")
    text, html = body(mail), body(mail, "html")
    assert "Golf, friend\nTurn both ways." in text and "Knee\nBend & stretch" in text and "Bend &amp; stretch" in html
    link = runtime.renderer.urls.view(week.message(golf).id)
    assert link in text and link in html and "/preferences/" in text and "/unsubscribe/" in text
    assert brand_address(runtime) in text


def test_it_goes_out_in_the_owners_words(week: Week, runtime: Runtime) -> None:
    with runtime.database.transaction() as session:
        words = MailWords("Mine: {{ digest.title }}", "Dear {{ first_name|default('reader') }},", "Bye")
        brand.current(session).reword(OwnMail.DIGEST, words)
    week.campaign("Golf")
    week.at(FRIDAY)
    text = body(week.mail())
    assert week.got() == ["Mine: Golf"] and text.startswith("Dear reader,\n\nGolf\n") and "\nBye\n" in text
    assert "/unsubscribe/" in text and brand_address(runtime) in text


def brand_address(runtime: Runtime) -> str:
    with runtime.database.reading() as session:
        return brand.current(session).address_line


def test_it_comes_by_the_clock_of_its_reader_or_the_owner(week: Week, runtime: Runtime) -> None:
    with runtime.database.transaction() as session:
        session.get_one(Subscriber, JANE).zone = "America/New_York"
    week.campaign("Golf")
    week.at(FRIDAY)
    assert week.got() == []
    week.at(FRIDAY + timedelta(hours=5))
    assert len(week.got()) == 1


def test_another_day_or_zone_is_worked_out_anew(week: Week, runtime: Runtime) -> None:
    week.campaign("Golf")
    week.tick()
    with runtime.database.transaction() as session:
        brand.current(session).digest_weekday = 1
        campaigns.digest_times_changed(session, week.clock.now())
    week.at(FRIDAY - timedelta(days=3))
    assert len(week.got()) == 1
    week.campaign("Knee")
    week.tick()
    with runtime.database.transaction() as session:
        journey.live_in(session, session.get_one(Subscriber, JANE), "Asia/Tokyo", week.clock.now())
    week.at(FRIDAY + timedelta(days=4, hours=-8))
    assert len(week.got()) == 2


def test_switching_in_the_middle_of_a_campaign_and_back(week: Week) -> None:
    week.jane(journey.take_singles)
    golf = week.launched("Golf")
    week.jane(journey.take_digest)
    week.deliver()
    assert week.got() == [] and week.message(golf).reason is Reason.DIGEST
    week.jane(journey.take_singles)
    week.campaign("Knee")
    assert week.got() == ["Knee"], "singly again"
    week.at(FRIDAY)
    assert week.got() == ["Knee", "This week from Human Movement: Golf"], "what waited comes once more together"


def test_a_second_try_goes_into_it_too(week: Week, runtime: Runtime) -> None:
    week.jane(journey.take_singles)
    golf = week.launched("Golf")
    with runtime.database.transaction() as session:
        message = session.get_one(Message, week.message(golf).id)
        message.state, message.due_at, message.attempts = State.DEFERRED, week.clock.now(), 1
        message.troubled_at = week.clock.now()
    week.jane(journey.take_digest)
    week.deliver()
    held = week.message(golf)
    assert (held.state, held.reason, held.due_at, held.troubled_at) == (State.CANCELLED, Reason.DIGEST, None, None)
    week.at(FRIDAY)
    assert week.got() == ["This week from Human Movement: Golf"]


def test_after_an_outage_it_comes_late_and_once(week: Week) -> None:
    week.campaign("Golf")
    week.at(FRIDAY + timedelta(days=9))
    assert len(week.got()) == 1
    week.at(FRIDAY + timedelta(days=14))
    assert len(week.got()) == 1


def test_a_text_that_cannot_be_put_together_is_missing_and_the_owner_knows(week: Week, runtime: Runtime) -> None:
    golf = week.campaign("Golf")
    week.campaign("Knee")
    with runtime.database.transaction() as session:
        session.get_one(Campaign, golf).dispatch.revision.body = "{{ nobody }}"  # type: ignore[union-attr]
    week.at(FRIDAY)
    assert week.got() == ["This week from Human Movement: Knee"]
    assert week.entry(golf).reason is Reason.UNFIT


def test_the_rule_is_the_next_such_hour_there_also_where_clocks_change(runtime: Runtime) -> None:
    house = Brand(id=1, name="", author="", email="", zone="Europe/London", digest_weekday=6, digest_hour=1)
    spring = house.next_digest(datetime(2026, 3, 25, tzinfo=UTC), None)
    assert spring == datetime(2026, 3, 29, 1, 0, tzinfo=UTC), "01:00 does not exist on that Sunday: the first that does"
    autumn = house.next_digest(datetime(2026, 10, 24, tzinfo=UTC), None)
    assert autumn == datetime(2026, 10, 25, 0, 0, tzinfo=UTC), "of two the first"
    assert house.next_digest(autumn, None) == datetime(2026, 11, 1, 1, 0, tzinfo=UTC), "never the same again"


def test_the_numbers_say_how_many(week: Week, runtime: Runtime) -> None:
    golf = week.campaign("Golf")
    with runtime.database.reading() as session:
        dispatch = session.get_one(Campaign, golf).dispatch_id or 0
        assert count(session, [dispatch]) == {dispatch: 1}


def test_a_series_is_no_matter_of_one_mail_a_week(week: Week, runtime: Runtime) -> None:
    with runtime.database.transaction() as session:
        series = session.scalars(select(Sequence).order_by(Sequence.id)).first()
        assert series is not None
        sequences.enroll(session, session.get_one(Subscriber, JANE), series, "Europe/London", week.clock.now())
    week.clock.forward(timedelta(days=2))
    with runtime.database.transaction() as session:
        sequences.advance_due(session, week.clock.now(), "Europe/London")
    week.deliver()
    assert len(week.got()) == 1 and not week.got()[0].startswith("This week")


def test_a_series_gives_way_to_the_weekly_mail_and_not_to_single_campaigns(week: Week, runtime: Runtime) -> None:
    week.campaign("Golf")
    zone = {JANE: "Europe/London", BOB: "Europe/London"}
    planned = [Mailing(week.clock.now() + timedelta(days=1), Segment())]
    with runtime.database.reading() as session:
        busy = other_mail(session, zone, week.clock.now(), planned)
    assert busy[JANE] == {FRIDAY.date()}
    assert busy[BOB] == {week.clock.now().date(), week.clock.now().date() + timedelta(days=1)}
    week.at(FRIDAY)
    with runtime.database.reading() as session:
        assert other_mail(session, zone, week.clock.now(), [])[JANE] == {FRIDAY.date()}, "it counts as other mail does"
