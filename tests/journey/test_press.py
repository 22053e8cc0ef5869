"""Only the reader's own press starts, restarts or widens what they receive (DESIGN.md section 8)."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select

from newsletter import journey
from newsletter.clock import FixedClock
from newsletter.events import By, Event, EventKind
from newsletter.guides import Guide
from newsletter.journey import LinkOver
from newsletter.mail.ledger import Message
from newsletter.sequences import EnrollmentStatus
from newsletter.subscribers import Basis, Status, Stream, Subscriber
from tests.conftest import InlineTrigger
from tests.journey.conftest import FIFTY, JANE, PAGE, PAIN, Street

People = Callable[..., int]


def test_a_stranger_who_types_a_confirmed_address_starts_nothing(street: Street, person: People) -> None:
    person(JANE, newsletter=False)
    street.sign_up(newsletter=True)
    assert street.mails() == [Stream.GUIDE], "the guide may go at once"
    assert (street.statuses(), street.person().newsletter, street.events()) == ([], False, [])
    assert [one.confirmed_at for one in street.consents()] == [None]


def test_the_readers_press_in_that_mail_starts_it(street: Street, person: People, clock: FixedClock) -> None:
    person(JANE, newsletter=False)
    street.sign_up(newsletter=True)
    clock.forward(timedelta(hours=1))
    street.press_newest(newsletter=False)
    assert street.statuses() == [(FIFTY, EnrollmentStatus.ACTIVE)]
    assert not street.person().newsletter, "that has a button of its own"
    (consent,) = street.consents()
    assert (consent.confirmed_at, consent.basis) == (clock.now(), Basis.MAIL)
    assert street.events() == [EventKind.SERIES_STARTED]


def test_the_button_for_the_newsletter_too_brings_both(street: Street, person: People) -> None:
    person(JANE, newsletter=False)
    street.sign_up(newsletter=True)
    street.press_newest(newsletter=True)
    assert (street.statuses(), street.person().newsletter) == ([(FIFTY, EnrollmentStatus.ACTIVE)], True)
    assert street.events() == [EventKind.NEWSLETTER_ON, EventKind.SERIES_STARTED]


def test_a_stranger_does_not_restart_what_the_reader_stopped(street: Street) -> None:
    street.sign_up()
    street.press_newest()
    assert street.stop()
    street.sign_up()
    assert street.statuses() == [(FIFTY, EnrollmentStatus.STOPPED)]


def test_a_stopped_series_goes_on_where_they_were(street: Street, trigger: InlineTrigger, clock: FixedClock) -> None:
    street.sign_up()
    street.press_newest()
    trigger.wake()
    street.send_articles(12, trigger.wake)
    had = street.articles()
    assert len(had) > 1
    street.stop()
    street.send_articles(30, trigger.wake)
    assert street.articles() == had, "stop holds"
    assert street.stop(again=True)
    assert not street.stop(again=True), "once is enough"
    street.send_articles(60, trigger.wake)
    every = street.articles()
    assert every[: len(had)] == had
    assert len(every) == len(set(every)) == 10
    assert street.events()[-1] is EventKind.SERIES_RESUMED
    assert street.consents()[-1].basis is Basis.PAGE


def test_an_article_called_off_by_the_stop_comes_after_the_start(street: Street, trigger: InlineTrigger) -> None:
    street.sign_up()
    street.press_newest()
    trigger.wake()
    street.send_articles(30, lambda: None)  # the first is queued and has not gone
    street.stop()
    street.stop(again=True)
    street.send_articles(70, trigger.wake)
    assert len(set(street.articles())) == 10


def test_nobody_starts_somebody_elses_series_again(street: Street, person: People) -> None:
    street.sign_up()
    street.press_newest()
    street.stop()
    person("bob@example.com")
    with street.runtime.database.transaction() as session:
        bob = session.get_one(Subscriber, street.person("bob@example.com").id)
        assert not journey.start_again(session, bob, 1, PAGE, street.runtime.clock.now())
    assert street.statuses() == [(FIFTY, EnrollmentStatus.STOPPED)]


@pytest.mark.parametrize(("series", "statuses"), [(False, []), (True, [(PAIN, EnrollmentStatus.ACTIVE)])])
def test_the_library_asks_and_writes_down_what_was_said(
    series: bool, statuses: list[object], street: Street, person: People, clock: FixedClock
) -> None:
    person(JANE)
    assert street.request(PAIN, series=series)
    (consent,) = street.consents()
    assert (consent.guide, consent.basis, consent.confirmed_at) == (PAIN, Basis.PAGE, clock.now())
    assert consent.wording.words == "Send me both."
    assert street.statuses() == statuses


def test_what_the_owner_sends_starts_nothing_and_asks(street: Street, person: People) -> None:
    person(JANE)
    with street.runtime.database.transaction() as session:
        guide = session.scalars(select(Guide).where(Guide.slug == FIFTY)).one()
        jane = session.get_one(Subscriber, street.person().id)
        assert journey.offer_guide(session, street.runtime, jane, guide, street.runtime.clock.now())
    (consent,) = street.consents()
    assert (street.statuses(), consent.confirmed_at, consent.form) == ([], None, "owner")
    with street.runtime.database.reading() as session:
        context = session.scalars(select(Message.context)).one()
    assert context is not None and context["articles"] == 10 and context["consent"] == consent.id
    street.press(consent.id)
    assert street.statuses() == [(FIFTY, EnrollmentStatus.ACTIVE)]


@pytest.mark.parametrize("how", ["left", "bounced"])
def test_an_old_link_revives_nobody(how: str, street: Street, clock: FixedClock) -> None:
    street.sign_up()
    street.sign_up(guide=PAIN)
    old, new = street.consents()
    clock.forward(timedelta(minutes=1))
    street.press(new.id)
    clock.forward(timedelta(days=1))
    street.leave() if how == "left" else street.bounce()
    clock.forward(timedelta(days=1))
    with pytest.raises(LinkOver):
        street.press(old.id)
    assert street.person().status is (Status.UNSUBSCRIBED if how == "left" else Status.BOUNCED)


def test_an_old_link_stays_dead_when_its_person_has_come_back(street: Street, clock: FixedClock) -> None:
    street.sign_up()
    (old,) = street.consents()
    street.leave()
    street.sign_up(guide=PAIN)
    street.press_newest()
    with pytest.raises(LinkOver):
        street.press(old.id)
    assert street.statuses() == [(PAIN, EnrollmentStatus.ACTIVE)]
    assert EventKind.RETURNED in street.events()


def test_a_tick_and_a_name_of_a_second_sign_up_are_kept(street: Street, clock: FixedClock) -> None:
    street.sign_up()
    clock.forward(timedelta(seconds=2))
    street.sign_up(newsletter=True, name="Jane")
    first, second = street.consents()
    street.press(first.id, upto=second.id)
    assert (street.person().newsletter, street.person().first_name) == (True, "Jane")


def test_the_confirmation_of_a_second_guide_does_not_lose_the_first_ones_tick(street: Street) -> None:
    street.sign_up(guide=FIFTY, newsletter=True)
    street.sign_up(guide=PAIN)
    with street.runtime.database.reading() as session:
        last = session.scalars(select(Message.context).order_by(Message.id.desc())).first()
    assert last is not None and last["newsletter"], "its mail says so"
    street.press_newest()
    assert street.person().newsletter


def test_what_is_typed_while_the_page_is_open_is_not_agreed_to(street: Street) -> None:
    street.sign_up()
    (shown,) = street.consents()
    street.sign_up(newsletter=True)
    street.press(shown.id, upto=shown.id)
    assert not street.person().newsletter


def test_every_change_of_mind_is_a_row(street: Street, clock: FixedClock) -> None:
    street.sign_up(newsletter=True)
    street.press_newest()
    street.stop()
    with street.runtime.database.transaction() as session:
        jane = session.get_one(Subscriber, street.person().id)
        journey.choose(session, jane, False, "", "No box ticked.", clock.now())
        journey.choose(session, jane, True, "", "Yes, the newsletter.", clock.now())
    street.leave()
    street.sign_up(guide=PAIN)
    street.press_newest()
    assert street.events() == [
        EventKind.NEWSLETTER_ON, EventKind.SERIES_STARTED, EventKind.SERIES_STOPPED, EventKind.NEWSLETTER_OFF,
        EventKind.NEWSLETTER_ON, EventKind.LEFT, EventKind.RETURNED, EventKind.SERIES_STARTED,
    ]  # fmt: skip
    with street.runtime.database.reading() as session:
        off = session.scalars(select(Event).where(Event.kind == EventKind.NEWSLETTER_OFF)).one()
        assert (off.by, off.words, off.page, off.at) == (By.PAGE, "No box ticked.", "/preferences", clock.now())
