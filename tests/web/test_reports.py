"""The door for reports of sending services: what they change, and that nobody else changes anything."""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from newsletter import articles, feedback
from newsletter.links import Purpose, Signer
from newsletter.mail.incoming import Service
from newsletter.mail.ledger import Lane, Message, State, queue
from newsletter.runtime import Runtime
from newsletter.subscribers import Status, Stream, Subscriber

JANE = "jane@example.com"
DEAD = {"RecordType": "Bounce", "Type": "HardBounce", "Email": JANE, "Details": "550 5.1.1 user unknown"}


@pytest.fixture
def jane(person: Callable[..., int]) -> int:
    return person(JANE)


def mailed(runtime: Runtime, jane: int, occasion: str = "one", *, sent: bool = True) -> int:
    with runtime.database.transaction() as session:
        words = articles.write(session, runtime.clock.now(), title="Golf", subject="Golf", body="x").current
        person, now = session.get_one(Subscriber, jane), runtime.clock.now()
        message, _ = queue(session, person, Stream.STEP, occasion, now, revision=words)
        session.flush()
        id = message.id
    if sent:
        runtime.delivery.run(Lane.BULK)
    return id


def at(runtime: Runtime, service: Service) -> str:
    with runtime.database.reading() as session:
        address = feedback.report_addresses(session)[service]
        return f"/reports/{service}/{feedback.report_token(runtime.signer, address)}"


def stand(runtime: Runtime, jane: int, message: int) -> tuple[Status, State]:
    with runtime.database.reading() as session:
        return session.get_one(Subscriber, jane).status, session.get_one(Message, message).state


def test_a_dead_address_ends_all_mail_and_the_same_report_again_changes_nothing(
    runtime: Runtime, jane: int, client: FlaskClient
) -> None:
    message, there = mailed(runtime, jane), at(runtime, Service.POSTMARK)
    assert client.post(there, json=DEAD).status_code == 204
    assert stand(runtime, jane, message) == (Status.BOUNCED, State.BOUNCED)
    with runtime.database.reading() as session:
        reply = session.get_one(Message, message).reply
    assert reply == "550 5.1.1 user unknown"
    assert client.post(there, json=DEAD).status_code == 204
    assert stand(runtime, jane, message) == (Status.BOUNCED, State.BOUNCED)


def test_the_message_is_told_by_its_id_where_the_service_keeps_it(
    runtime: Runtime, jane: int, client: FlaskClient
) -> None:
    first, second = mailed(runtime, jane, "one"), mailed(runtime, jane, "two")
    told = [{"event": "spamreport", "email": JANE, "smtp-id": runtime.renderer.message_id(first)}]
    assert client.post(at(runtime, Service.SENDGRID), json=told).status_code == 204
    assert stand(runtime, jane, first) == (Status.COMPLAINED, State.COMPLAINED)
    assert stand(runtime, jane, second)[1] is State.SENT


def test_a_report_that_is_quicker_than_our_record_is_asked_for_again(
    runtime: Runtime, jane: int, client: FlaskClient
) -> None:
    message = mailed(runtime, jane, sent=False)
    told = {"event": "hard_bounce", "email": JANE, "message-id": runtime.renderer.message_id(message)}
    answer = client.post(at(runtime, Service.BREVO), json=told)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30")
    runtime.delivery.run(Lane.BULK)
    assert client.post(at(runtime, Service.BREVO), json=told).status_code == 204
    assert stand(runtime, jane, message) == (Status.BOUNCED, State.BOUNCED)


def test_whoever_does_not_have_the_address_changes_nothing(runtime: Runtime, jane: int, client: FlaskClient) -> None:
    message = mailed(runtime, jane)
    number = int.from_bytes(Service.POSTMARK.encode())
    with runtime.database.reading() as session:
        ours = feedback.report_token(runtime.signer, feedback.report_addresses(session)[Service.SES])
    wrong = (
        "x", ours, runtime.signer.token(Purpose.REPORTS, number, 1), runtime.signer.token(Purpose.OWN, number, 0),
        Signer(b"somebody else's secret" * 3).token(Purpose.REPORTS, number, 0),
    )  # fmt: skip
    for token in wrong:
        assert client.post(f"/reports/postmark/{token}", json=DEAD).status_code == 404
    assert client.post(at(runtime, Service.POSTMARK).replace("postmark", "nobody"), json=DEAD).status_code == 404
    assert client.get(at(runtime, Service.POSTMARK)).status_code == 405
    assert stand(runtime, jane, message) == (Status.CONFIRMED, State.SENT)


def test_a_report_about_somebody_unknown_is_taken_and_changes_nothing(
    runtime: Runtime, jane: int, client: FlaskClient
) -> None:
    message = mailed(runtime, jane)
    for who in ("joe@example.com", "no address", ""):
        assert client.post(at(runtime, Service.POSTMARK), json={**DEAD, "Email": who}).status_code == 204
    assert stand(runtime, jane, message) == (Status.CONFIRMED, State.SENT)


def test_what_is_no_json_is_refused_in_words(runtime: Runtime, client: FlaskClient) -> None:
    there = at(runtime, Service.MAILGUN)
    sends = (
        lambda: client.post(there, data=b"{"),
        lambda: client.post(there, data={"event": "failed"}),
        lambda: client.post(there, json=[1]),
    )
    for send in sends:
        answer = send()
        assert answer.status_code == 400
        assert answer.text == "This is not what Mailgun sends. The address takes JSON.\n"
    assert client.post(there, data=b" " * 3_000_000, content_type="application/json").status_code == 413


ODD = "550 5.1.1 \x00 no \ud800 user"
ODD_REPORTS = {
    Service.BREVO: {"event": "hard_bounce", "email": JANE, "reason": ODD},
    Service.MAILGUN: {"event-data": {"event": "failed", "severity": "permanent", "reason": "bounce", "recipient": JANE,
                                     "delivery-status": {"message": ODD, "enhanced-code": "\ud800"}}},
    Service.MAILJET: {"event": "bounce", "email": JANE, "hard_bounce": True, "error": ODD},
    Service.POSTMARK: {**DEAD, "Details": ODD},
    Service.SENDGRID: {"event": "bounce", "email": JANE, "reason": ODD, "status": "\x00"},
    Service.SES: {"notificationType": "Bounce", "bounce": {"bounceType": "Permanent", "bouncedRecipients": [
        {"emailAddress": JANE, "diagnosticCode": ODD, "status": "\ud800"}]}},
}  # fmt: skip


@pytest.mark.parametrize("service", ODD_REPORTS)
def test_words_that_no_database_takes_are_cleaned(
    runtime: Runtime, jane: int, client: FlaskClient, service: Service
) -> None:
    message = mailed(runtime, jane)
    assert client.post(at(runtime, service), json=ODD_REPORTS[service]).status_code == 204
    assert stand(runtime, jane, message) == (Status.BOUNCED, State.BOUNCED)


@pytest.mark.parametrize("who", ["\ud800@example.com", "\x00@example.com", "x" * 5000 + "@example.com"])
def test_an_address_that_is_none_changes_nothing(runtime: Runtime, client: FlaskClient, who: str) -> None:
    assert client.post(at(runtime, Service.POSTMARK), json={**DEAD, "Email": who}).status_code == 204


def test_the_link_of_amazon_is_cleaned_too(runtime: Runtime, client: FlaskClient) -> None:
    asks = {"Type": "SubscriptionConfirmation", "SubscribeURL": "https://sns.example/\x00\ud800"}
    assert client.post(at(runtime, Service.SES), json=asks).status_code == 204
