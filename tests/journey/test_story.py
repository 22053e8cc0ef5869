"""The visitor's story: subscribe, confirm, ask for a guide, choose, leave."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from newsletter import journey
from newsletter.clock import FixedClock
from newsletter.events import By, Press
from newsletter.guides import Guide, GuideRequest
from newsletter.mail.ledger import Message, State
from newsletter.mail.ledger.reasons import Reason
from newsletter.runtime import Runtime
from newsletter.sequences import Enrollment, EnrollmentStatus
from newsletter.subscribers import (
    Status,
    Stream,
    Subscriber,
    Suppression,
    SuppressionReason,
    address_hash,
)
from tests.journey.acts import JANE, confirm, consents, jane, sign_up

People = Callable[..., int]


NOT_SENT = (
    Reason.MAILBOX_LIMIT, Reason.DOMAIN_LIMIT, Reason.NOTHING_OPEN, Reason.SUPPRESSED, Reason.NOT_ELIGIBLE,
    Reason.LET_BE,
)  # fmt: skip


def _streams(runtime: Runtime) -> list[Stream]:
    with runtime.database.reading() as session:
        going = select(Message.stream).where(Message.reason.is_(None) | Message.reason.not_in(NOT_SENT))
        return list(session.scalars(going.order_by(Message.id)))


def _statuses(runtime: Runtime) -> list[tuple[str, EnrollmentStatus]]:
    with runtime.database.reading() as session:
        every = session.scalars(select(Enrollment).order_by(Enrollment.id))
        return [(one.sequence.slug, one.status) for one in every]


def _leave(runtime: Runtime, goodbye: bool = True) -> bool:
    with runtime.database.transaction() as session:
        jane = session.scalars(select(Subscriber).where(Subscriber.email_key == JANE)).one()
        return journey.unsubscribe(session, jane, runtime.clock.now(), goodbye)


def test_signing_up_is_written_down_with_its_wording_and_asks_for_a_yes(runtime: Runtime) -> None:
    sign_up(runtime, newsletter=True)
    (consent,) = consents(runtime)
    assert (consent.guide, consent.newsletter, consent.wording.words) == ("exercise-at-50", True, "Yes, please.")
    assert (consent.given_at, consent.ip, consent.confirmed_at) == (runtime.clock.now(), "192.0.2.1", None)
    assert _streams(runtime) == [Stream.CONFIRM]
    assert (jane(runtime).status, jane(runtime).newsletter) == (Status.PENDING, False)
    assert _statuses(runtime) == []


def test_the_yes_brings_the_guide_its_series_and_what_was_ticked(runtime: Runtime) -> None:
    sign_up(runtime, newsletter=True)
    seen = confirm(runtime)
    assert seen is not None and seen.fresh and seen.guide is not None and seen.guide.slug == "exercise-at-50"
    assert (jane(runtime).status, jane(runtime).newsletter) == (Status.CONFIRMED, True)
    assert _streams(runtime) == [Stream.CONFIRM, Stream.GUIDE]
    assert _statuses(runtime) == [("exercise-at-50", EnrollmentStatus.ACTIVE)]


def test_the_guide_comes_without_the_newsletter_too(runtime: Runtime) -> None:
    sign_up(runtime)
    confirm(runtime)
    assert not jane(runtime).newsletter
    assert _streams(runtime) == [Stream.CONFIRM, Stream.GUIDE]


def test_a_second_press_of_the_button_does_nothing_new(runtime: Runtime) -> None:
    sign_up(runtime)
    first, second = confirm(runtime), confirm(runtime)
    assert first is not None and second is not None
    assert (first.fresh, second.fresh) == (True, False)
    assert _streams(runtime) == [Stream.CONFIRM, Stream.GUIDE]


def test_a_double_click_on_the_form_asks_once(runtime: Runtime, clock: FixedClock) -> None:
    sign_up(runtime)
    clock.forward(timedelta(seconds=2))
    sign_up(runtime)
    assert len(consents(runtime)) == 1
    assert _streams(runtime) == [Stream.CONFIRM]


def test_who_asks_again_later_is_asked_again(runtime: Runtime, clock: FixedClock) -> None:
    sign_up(runtime)
    clock.forward(timedelta(minutes=5))
    sign_up(runtime)
    assert _streams(runtime) == [Stream.CONFIRM, Stream.CONFIRM]


def test_nobodys_inbox_is_filled_with_confirmations(runtime: Runtime, clock: FixedClock) -> None:
    for _ in range(12):
        sign_up(runtime)
        clock.forward(timedelta(minutes=1))
    assert _streams(runtime) == [Stream.CONFIRM] * 3
    clock.forward(timedelta(days=1))
    sign_up(runtime)
    assert _streams(runtime) == [Stream.CONFIRM] * 4


def test_two_confirmations_of_one_wish_bring_one_guide(runtime: Runtime, clock: FixedClock) -> None:
    sign_up(runtime)
    clock.forward(timedelta(minutes=5))
    sign_up(runtime)
    confirm(runtime, 0)
    clock.forward(timedelta(minutes=5))
    confirm(runtime, 1)
    assert _streams(runtime).count(Stream.GUIDE) == 1


def test_two_guides_asked_for_before_the_yes_both_come(runtime: Runtime) -> None:
    sign_up(runtime, guide="exercise-at-50")
    sign_up(runtime, guide="recover-from-pain")
    confirm(runtime, 0)
    confirm(runtime, 1)
    assert _streams(runtime).count(Stream.GUIDE) == 2
    assert _statuses(runtime) == [
        ("exercise-at-50", EnrollmentStatus.ACTIVE),
        ("recover-from-pain", EnrollmentStatus.WAITING),
    ]


def test_somebody_confirmed_gets_the_second_guide_at_once(runtime: Runtime, person: People) -> None:
    person(JANE, newsletter=False)
    sign_up(runtime)
    assert _streams(runtime) == [Stream.GUIDE]
    assert consents(runtime)[0].confirmed_at is None, "nobody has pressed anything"


def test_a_third_party_cannot_subscribe_somebody_to_the_newsletter(runtime: Runtime, person: People) -> None:
    person(JANE, newsletter=False)
    sign_up(runtime, newsletter=True)
    assert not jane(runtime).newsletter
    assert _streams(runtime) == [Stream.GUIDE], "the guide's own mail asks about the newsletter"
    confirm(runtime)
    assert jane(runtime).newsletter


def test_the_yes_to_the_newsletter_brings_no_second_copy_of_the_guide(
    runtime: Runtime, person: People, clock: FixedClock
) -> None:
    person(JANE, newsletter=False)
    sign_up(runtime, newsletter=True)
    clock.forward(timedelta(minutes=5))
    confirm(runtime)
    assert _streams(runtime) == [Stream.GUIDE]


def test_nothing_is_sent_to_who_complained(runtime: Runtime, person: People) -> None:
    id = person(JANE)
    with runtime.database.transaction() as session:
        session.get_one(Subscriber, id).stop_mail(Status.COMPLAINED, runtime.clock.now())
    sign_up(runtime, newsletter=True)
    assert (_streams(runtime), consents(runtime)) == ([], [])
    assert jane(runtime).status is Status.COMPLAINED


@pytest.mark.parametrize("reason", SuppressionReason)
def test_only_who_was_erased_or_bounced_may_come_back_by_themselves(
    reason: SuppressionReason, runtime: Runtime
) -> None:
    with runtime.database.transaction() as session:
        hashed = address_hash(runtime.secrets[0], JANE)
        session.add(Suppression(address_hash=hashed, reason=reason, created_at=runtime.clock.now()))
    sign_up(runtime)
    may = reason in (SuppressionReason.ERASED, SuppressionReason.BOUNCED)
    assert _streams(runtime) == ([Stream.CONFIRM] if may else [])


def test_who_left_can_come_back_by_their_own_click(runtime: Runtime, person: People) -> None:
    person(JANE)
    _leave(runtime, goodbye=False)
    sign_up(runtime)
    assert jane(runtime).status is Status.UNSUBSCRIBED
    confirm(runtime)
    assert (jane(runtime).status, jane(runtime).newsletter) == (Status.CONFIRMED, False)


def test_leaving_ends_the_series_and_calls_off_what_is_queued_in_one_go(runtime: Runtime) -> None:
    sign_up(runtime)
    confirm(runtime)
    assert _leave(runtime, goodbye=False)
    assert _statuses(runtime) == [("exercise-at-50", EnrollmentStatus.STOPPED)]
    with runtime.database.reading() as session:
        assert set(session.scalars(select(Message.state))) == {State.CANCELLED}


def test_leaving_by_the_button_says_goodbye_once(runtime: Runtime, person: People, clock: FixedClock) -> None:
    person(JANE)
    assert _leave(runtime)
    clock.forward(timedelta(seconds=2))
    assert not _leave(runtime)
    assert _streams(runtime) == [Stream.GOODBYE]


def test_coming_back_resumes_no_series(runtime: Runtime, clock: FixedClock) -> None:
    sign_up(runtime)
    confirm(runtime)
    _leave(runtime, goodbye=False)
    clock.forward(timedelta(days=1))
    sign_up(runtime, guide="recover-from-pain")
    confirm(runtime)
    assert _statuses(runtime) == [
        ("exercise-at-50", EnrollmentStatus.STOPPED),
        ("recover-from-pain", EnrollmentStatus.ACTIVE),
    ]


def _request(runtime: Runtime) -> bool:
    with runtime.database.transaction() as session:
        jane = session.scalars(select(Subscriber).where(Subscriber.email_key == JANE)).one()
        guide = session.scalars(select(Guide).where(Guide.slug == "exercise-at-50")).one()
        press = Press(By.PAGE, "Send me this one too.", "/library")
        return journey.request_guide(session, runtime, jane, guide, press, runtime.clock.now())


def test_one_click_in_the_library_sends_and_a_double_click_does_not(
    runtime: Runtime, person: People, clock: FixedClock
) -> None:
    person(JANE)
    assert [_request(runtime), _request(runtime)] == [True, False]
    clock.forward(timedelta(minutes=1))
    assert _request(runtime)
    with runtime.database.reading() as session:
        assert session.scalar(select(func.count(GuideRequest.id))) == 2


def test_who_has_left_requests_nothing(runtime: Runtime, person: People) -> None:
    person(JANE)
    _leave(runtime, goodbye=False)
    assert not _request(runtime)
