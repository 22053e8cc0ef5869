"""Finding somebody, and what is known of them."""

import json
from collections.abc import Callable
from datetime import timedelta
from email.message import EmailMessage

from sqlalchemy import select

from newsletter import feedback, guides, journey
from newsletter.articles import Article
from newsletter.clock import FixedClock
from newsletter.guides import Guide
from newsletter.journey import SignUp, confirm, open_link, subscribe
from newsletter.mail.ledger import Lane, queue
from newsletter.runtime import Runtime
from newsletter.sequences import Enrollment, EnrollmentStatus
from newsletter.smtp import Envelope, SentList, SmtpResult, Stage
from newsletter.smtp.memory import accepted
from newsletter.subscribers import Consent, Status, Stream, Subscriber, read_address
from tests.web.owner.conftest import Desk, answering

HOSTILE = ("<script>alert(1)</script>", "{{7*7}}", '"><img src=x onerror=alert(1)>', "{% raw %}")


def signed_up(runtime: Runtime, email: str, trigger: Callable[[], None]) -> int:
    """Jane's whole way in: the box, the mail, the button."""
    with runtime.database.transaction() as session:
        sign_up = SignUp(
            read_address(email),
            "recover-from-pain",
            True,
            "Yes, I want <b>both</b>.",
            "Jane",
            "/guides/x",
            "box",
            "192.0.2.1",
        )
        subscribe(session, runtime, sign_up, runtime.clock.now())
    trigger()
    with runtime.database.transaction() as session:
        consent = session.scalars(select(Consent).order_by(Consent.id.desc())).first()
        assert consent is not None
        asked = open_link(session, consent.id, runtime.clock.now())
        assert asked is not None
        id = confirm(session, runtime, asked, runtime.clock.now()).subscriber.id
    trigger()
    return id


def test_search_finds_by_address_and_by_name_whatever_the_case(desk: Desk, person: Callable[..., int]) -> None:
    person("jane@example.com", "Jane")
    person("joe@example.org", "Joseph")
    assert "joe@example.org" in desk.read("/owner/subscribers?q=SEPH")
    assert "jane@example.com" not in desk.read("/owner/subscribers?q=SEPH")
    assert "jane@example.com" in desk.read("/owner/subscribers?q=Jane@Ex")
    assert "Nobody found" in desk.read("/owner/subscribers?q=%25")
    assert "Nobody found" in desk.read("/owner/subscribers?q=_")


def test_the_status_filter_and_its_numbers(desk: Desk, person: Callable[..., int]) -> None:
    person("jane@example.com")
    person("waits@example.com", confirmed=False)
    words = desk.read("/owner/subscribers?status=pending")
    assert "pending 1 confirmed 1" in words
    assert "waits@example.com" in words
    assert "jane@example.com" not in words


def test_lists_go_on_by_number(desk: Desk, person: Callable[..., int]) -> None:
    ids = [person(f"p{number:02}@example.com") for number in range(51)]
    page = desk.get("/owner/subscribers")
    assert "p01@example.com" in page
    assert "p00@example.com" not in page
    assert "p00@example.com" in desk.get(f"/owner/subscribers?before={ids[1]}")


def test_a_hostile_name_is_only_ever_text(desk: Desk, runtime: Runtime, person: Callable[..., int]) -> None:
    for number, name in enumerate(HOSTILE):
        id = person(f"eve{number}@example.com")
        with runtime.database.transaction() as session:
            session.get_one(Subscriber, id).first_name = name  # as no form of ours would let it in
        for path in ("/owner/subscribers", f"/owner/subscribers/{id}"):
            page = desk.get(path)
            assert name in desk.read(path) or "<" in name
            assert name.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&#34;") in page
            assert "<script>alert" not in page
            assert "<img src=x" not in page


def test_the_page_answers_whether_jane_got_the_guide(
    desk: Desk, runtime: Runtime, trigger: Callable[[], None], clock: FixedClock, sent: SentList
) -> None:
    answering(sent, Stage.ACCEPTED, 250, "2.0.0", "2.0.0 Ok: queued as 4F00BA")
    id = signed_up(runtime, "jane@example.com", trigger.wake)
    words = desk.read(f"/owner/subscribers/{id}")
    assert "Requested just now . Its mail: sent just now ." in words
    assert "The server took it. The server’s own words 250 2.0.0 Ok: queued as 4F00BA Not downloaded yet." in words
    page = desk.get(f"/owner/subscribers/{id}")
    assert '<summary>The server’s own words</summary><span class="reply">250 2.0.0 Ok' in page, "folded away"
    clock.forward(timedelta(minutes=5))
    with runtime.database.transaction() as session:
        guide = session.scalars(select(Guide).where(Guide.slug == "recover-from-pain")).one()
        guides.fetch(session, session.get_one(Subscriber, id), guide, clock.now())
    assert "Downloaded just now ." in desk.read(f"/owner/subscribers/{id}")


def test_the_timeline_holds_consent_mails_and_what_comes_next(
    desk: Desk, runtime: Runtime, trigger: Callable[[], None]
) -> None:
    id = signed_up(runtime, "jane@example.com", trigger.wake)
    words = desk.read(f"/owner/subscribers/{id}")
    assert "“Yes, I want <b>both</b>.” Newsletter: yes page /guides/x · form box · from 192.0.2.1" in words
    assert "Confirmed by the button in their own mail" in words
    assert "Confirmation mail: 9 key principles" in words
    assert (
        "Next: Over 40 and suffering with unresolved muscle or joint pain? Start here , Wed 3 Jun 2026, 12:00 BST."
        in words
    )
    order = [
        words.index(part)
        for part in ("Guide mail", "Series started", "Said yes to", "Guide requested", "Confirmed by", "Signed up for")
    ]
    assert order == sorted(order)


def test_the_servers_refusal_is_shown_in_its_own_words(
    desk: Desk, runtime: Runtime, trigger: Callable[[], None], sent: SentList
) -> None:
    answering(sent, Stage.REJECTED, 451, "4.7.1", "4.7.1 Greylisted, come <b>back</b> later")
    id = signed_up(runtime, "jane@example.com", trigger.wake)
    words = desk.read(f"/owner/subscribers/{id}")
    assert "451 4.7.1 Greylisted, come <b>back</b> later" in words
    assert "1 attempt" in words
    assert "next try Mon 1 Jun 2026, 12:00 BST" in words


def test_a_mail_that_was_on_its_way_when_they_left_says_so(
    desk: Desk, runtime: Runtime, person: Callable[..., int], clock: FixedClock, sent: SentList, article: int
) -> None:
    id = person("jane@example.com")

    def leave(one: Envelope) -> SmtpResult:
        with runtime.database.transaction() as session:
            journey.unsubscribe(session, session.get_one(Subscriber, id), clock.now(), goodbye=False)
        clock.forward(timedelta(seconds=1))
        return accepted(one)

    sent._answer = leave
    with runtime.database.transaction() as session:
        jane, words = session.get_one(Subscriber, id), session.get_one(Article, article).current
        queue(session, jane, Stream.STEP, "step:1:1", clock.now(), revision=words, context={"guide": None})
    runtime.delivery.run(Lane.BULK)
    assert "Series article: On walking sent It was on its way already when they left." in desk.read(
        f"/owner/subscribers/{id}"
    )


def test_unsubscribing_ends_series_and_queue_without_a_goodbye(
    desk: Desk, runtime: Runtime, trigger: Callable[[], None], inbox: Callable[[str], list[EmailMessage]]
) -> None:
    id = signed_up(runtime, "jane@example.com", trigger.wake)
    before = len(inbox("jane@example.com"))
    assert "Nothing more is sent" in desk.told(f"/owner/subscribers/{id}/unsubscribe")
    assert "had left before" in desk.told(f"/owner/subscribers/{id}/unsubscribe")
    trigger.wake()
    assert len(inbox("jane@example.com")) == before
    with runtime.database.reading() as session:
        assert session.get_one(Subscriber, id).status is Status.UNSUBSCRIBED
        assert session.scalars(select(Enrollment.status)).all() == [EnrollmentStatus.STOPPED]


def test_who_asks_to_leave_while_their_address_bounces_has_left(
    desk: Desk, runtime: Runtime, person: Callable[..., int], clock: FixedClock
) -> None:
    id = person("jane@example.com")
    with runtime.database.transaction() as session:
        feedback.suppress(session, session.get_one(Subscriber, id), Status.BOUNCED, clock.now())
    assert f'action="/owner/subscribers/{id}/unsubscribe"' in desk.get(f"/owner/subscribers/{id}")
    assert "Nothing more is sent" in desk.told(f"/owner/subscribers/{id}/unsubscribe")
    assert "This person is unsubscribed now" in desk.told(f"/owner/subscribers/{id}/lift", reason="Spoke to her.")


def test_a_guide_is_sent_again_and_a_double_click_sends_one(
    desk: Desk, guide_id: int, person: Callable[..., int], inbox: Callable[[str], list[EmailMessage]]
) -> None:
    id = person("jane@example.com", "Jane")
    path = f"/owner/subscribers/{id}/guide"
    assert "is on its way" in desk.told(path, guide=guide_id)
    assert "Not sent: it went out less than 30 seconds ago" in desk.told(path, guide=guide_id)
    assert len(inbox("jane@example.com")) == 1


def test_nobody_unconfirmed_gets_a_guide_from_the_owner(
    desk: Desk, guide_id: int, person: Callable[..., int], inbox: Callable[[str], list[EmailMessage]]
) -> None:
    id = person("waits@example.com", confirmed=False)
    assert "who is pending gets no guide" in desk.told(f"/owner/subscribers/{id}/guide", guide=guide_id)
    assert inbox("waits@example.com") == []


def test_a_series_is_stopped_by_the_owner_and_started_by_nobody_but_the_reader(
    desk: Desk, runtime: Runtime, trigger: Callable[[], None]
) -> None:
    id = signed_up(runtime, "jane@example.com", trigger.wake)
    path = f"/owner/subscribers/{id}/series"
    assert 'name="add"' not in desk.get(f"/owner/subscribers/{id}")
    with runtime.database.reading() as session:
        enrollment = session.scalars(select(Enrollment.id)).one()
    assert "is stopped for this person" in desk.told(path, stop=enrollment)
    assert "had ended already" in desk.told(path, stop=enrollment)
    assert "stopped" in desk.read(f"/owner/subscribers/{id}")


def test_a_persons_data_is_handed_over_and_erased_only_when_the_owner_is_sure(
    desk: Desk, person: Callable[..., int]
) -> None:
    id = person("jane@example.com", "Jane")
    assert json.loads(desk.get(f"/owner/subscribers/{id}/everything.json"))["subscriber"]["first_name"] == "Jane"
    desk.post(f"/owner/subscribers/{id}/erase")
    assert "jane@example.com" in desk.get(f"/owner/subscribers/{id}")
    desk.post(f"/owner/subscribers/{id}/erase", sure="yes")
    assert desk.client.get(f"/owner/subscribers/{id}").status_code == 404
