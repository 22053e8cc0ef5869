"""What sending services report: of each the shapes that its documentation shows, and anything at all."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.mail.incoming import Kind, Service, Unreadable, asks_to_confirm, reports
from newsletter.mail.replies import BounceClass

WHO = "Jane@Example.com"
TAG = "2a-0123456789abcdef"
ID = f"<{TAG}@news.example.org>"
NO_USER = "550 5.1.1 <jane@example.com>: Recipient address rejected: User unknown"
SPAM = "554 5.7.1 Message blocked: it looks like spam"
FULL = "552 5.2.2 mailbox full"


def ses(kind: str, status: str = "5.1.1", words: str = NO_USER) -> dict[str, Any]:
    return {
        "notificationType": "Bounce",
        "bounce": {
            "bounceType": kind,
            "bouncedRecipients": [{"emailAddress": WHO, "status": status, "diagnosticCode": f"smtp; {words}"}],
        },
        "mail": {"messageId": "0000-1111", "headers": [{"name": "Message-ID", "value": ID}]},
    }


def mailgun(**more: Any) -> dict[str, Any]:
    event = {"event": "failed", "severity": "permanent", "reason": "bounce", "recipient": WHO,
             "message": {"headers": {"message-id": ID.strip("<>")}}}  # fmt: skip
    return {"signature": {"token": "t"}, "event-data": event | more}


HARD = [
    (Service.BREVO, {"event": "hard_bounce", "email": WHO, "message-id": ID, "reason": NO_USER}),
    (Service.BREVO, {"event": "invalid_email", "email": WHO, "message-id": ID}),
    (Service.MAILGUN, mailgun(**{"delivery-status": {"code": 550, "message": NO_USER}})),
    (Service.MAILGUN, mailgun(reason="suppress-bounce", **{"delivery-status": {"code": 605, "description": ""}})),
    (Service.MAILJET, {"event": "bounce", "email": WHO, "hard_bounce": True, "error": "user unknown", "comment": ""}),
    (Service.POSTMARK, {"RecordType": "Bounce", "Type": "HardBounce", "Email": WHO, "Details": NO_USER}),
    (Service.POSTMARK, {"RecordType": "Bounce", "Type": "BadEmailAddress", "Email": WHO, "Description": "Not valid."}),
    (Service.SENDGRID, [{"event": "bounce", "type": "bounce", "email": WHO, "smtp-id": ID, "reason": NO_USER}]),
    (Service.SENDGRID, [{"event": "dropped", "reason": "Bounced Address", "email": WHO, "smtp-id": ID}]),
    (Service.SES, ses("Permanent")),
    (Service.SES, {"Type": "Notification", "Message": json.dumps(ses("Permanent"))}),
    (Service.SES, {**ses("Permanent"), "notificationType": None, "eventType": "Bounce"}),
]  # fmt: skip
MILD = [
    (Service.BREVO, {"event": "blocked", "email": WHO, "reason": "blocked"}, BounceClass.POLICY),
    (Service.BREVO, {"event": "soft_bounce", "email": WHO, "reason": NO_USER}, BounceClass.NONE),
    (Service.BREVO, {"event": "soft_bounce", "email": WHO, "reason": FULL}, BounceClass.SOFT_BOUNCE),
    (Service.MAILGUN, mailgun(**{"delivery-status": {"code": 554, "message": SPAM}}), BounceClass.POLICY),
    (Service.MAILJET, {"event": "blocked", "email": WHO, "error": "spam preblocked"}, BounceClass.POLICY),
    (Service.POSTMARK, {"RecordType": "Bounce", "Type": "SoftBounce", "Details": FULL}, BounceClass.SOFT_BOUNCE),
    (Service.POSTMARK, {"RecordType": "Bounce", "Type": "HardBounce", "Details": SPAM}, BounceClass.POLICY),
    (Service.SENDGRID, [{"event": "bounce", "type": "blocked", "email": WHO, "reason": NO_USER}], BounceClass.NONE),
    (Service.SENDGRID, [{"event": "bounce", "type": "bounce", "email": WHO, "reason": SPAM}], BounceClass.POLICY),
    (Service.SES, ses("Transient", "5.2.2", FULL), BounceClass.SOFT_BOUNCE),
    (Service.SES, ses("Permanent", "5.7.1", SPAM), BounceClass.POLICY),
]  # fmt: skip
COMPLAINTS = [
    (Service.BREVO, {"event": "spam", "email": WHO, "message-id": ID}),
    (Service.MAILGUN, mailgun(event="complained")),
    (Service.MAILJET, {"event": "spam", "email": WHO, "source": "JMRPP"}),
    (Service.POSTMARK, {"RecordType": "SpamComplaint", "Email": WHO}),
    (Service.POSTMARK, {"RecordType": "Bounce", "Type": "SpamComplaint", "Email": WHO}),
    (Service.SENDGRID, [{"event": "spamreport", "email": WHO, "smtp-id": ID}]),
    (Service.SES, {"notificationType": "Complaint", "complaint": {"complainedRecipients": [{"emailAddress": WHO}]}}),
]
NO_REPORT = [
    (Service.BREVO, {"event": "delivered", "email": WHO}), (Service.BREVO, {"event": "deferred", "email": WHO}),
    (Service.MAILGUN, mailgun(event="delivered")), (Service.MAILGUN, mailgun(severity="temporary")),
    (Service.MAILJET, {"event": "open", "email": WHO}), (Service.MAILJET, []),
    (Service.POSTMARK, {"RecordType": "Delivery", "Recipient": WHO}),
    (Service.POSTMARK, {"RecordType": "Bounce", "Type": "AutoResponder", "Email": WHO}),
    (Service.SENDGRID, [{"event": "deferred", "email": WHO}, {"event": "dropped", "reason": "Unsubscribed Address"}]),
    (Service.SES, {"notificationType": "Delivery", "mail": {}}), (Service.SES, ses("Undetermined")),
    (Service.SES, {"Type": "Notification", "Message": "Hello from the console"}),
    (Service.SES, {"notificationType": "Complaint", "complaint": {
        "complaintFeedbackType": "not-spam", "complainedRecipients": [{"emailAddress": WHO}]}}),
]  # fmt: skip


def body(sent: object) -> bytes:
    return json.dumps(sent).encode()


@pytest.mark.parametrize(("service", "sent"), HARD)
def test_a_dead_address_is_told_as_such(service: Service, sent: object) -> None:
    (told,) = reports(service, body(sent))
    assert (told.kind, told.address) == (Kind.BOUNCE, WHO.lower())
    assert [one.bounce for one in told.failures] == [BounceClass.HARD_BOUNCE]
    assert told.failures[0].address == WHO.lower()


@pytest.mark.parametrize(("service", "sent", "meant"), MILD)
def test_of_two_opinions_the_milder_counts(service: Service, sent: object, meant: BounceClass) -> None:
    (told,) = reports(service, body(sent))
    assert [one.bounce for one in told.failures] == [meant]


@pytest.mark.parametrize(("service", "sent"), COMPLAINTS)
def test_a_complaint_is_one(service: Service, sent: object) -> None:
    (told,) = reports(service, body(sent))
    assert (told.kind, told.address) == (Kind.COMPLAINT, WHO.lower())


@pytest.mark.parametrize(("service", "sent"), NO_REPORT)
def test_what_else_services_tell_is_left_out(service: Service, sent: object) -> None:
    assert reports(service, body(sent)) == []


@pytest.mark.parametrize(("service", "sent"), [one for one in (*HARD, *COMPLAINTS) if TAG in json.dumps(one[1])])
def test_the_message_is_known_where_the_service_keeps_its_id(service: Service, sent: object) -> None:
    (told,) = reports(service, body(sent))
    assert TAG in told.claims.tags


def test_one_request_may_hold_many() -> None:
    many = [{"event": "bounce", "email": f"reader{n}@example.com", "reason": NO_USER} for n in range(1000)]
    assert len({one.address for one in reports(Service.SENDGRID, body(many))}) == 1000


def test_amazon_asks_first() -> None:
    asked = {"Type": "SubscriptionConfirmation", "SubscribeURL": "https://sns.eu-west-1.amazonaws.com/?Action=x"}
    assert asks_to_confirm(body(asked)) == asked["SubscribeURL"]
    assert reports(Service.SES, body(asked)) == []
    assert asks_to_confirm(body(ses("Permanent"))) == asks_to_confirm(b"[]") == ""


@pytest.mark.parametrize("raw", [b"", b"{", b"\xff", b"7", b'"x"', b"[1]", b"null", b"[" * 100_000])
def test_what_is_no_report_is_refused(raw: bytes) -> None:
    for service in Service:
        with pytest.raises(Unreadable):
            reports(service, raw)


KEYS = st.sampled_from([
    "event", "email", "reason", "event-data", "delivery-status", "RecordType", "Type", "Email", "bounce", "complaint",
    "bouncedRecipients", "complainedRecipients", "notificationType", "Message", "mail", "code", "hard_bounce",
])  # fmt: skip
WORDS = st.sampled_from(["bounce", "spam", "failed", "Bounce", "Complaint", "Notification", "HardBounce", WHO, NO_USER])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS | st.text(), inner, max_size=6),
    max_leaves=12,
)


@given(st.sampled_from(Service), st.dictionaries(KEYS, JSON, max_size=8))
def test_no_shape_of_it_is_an_error(service: Service, sent: dict[str, Any]) -> None:
    for told in reports(service, body(sent)):
        assert told.kind in (Kind.BOUNCE, Kind.COMPLAINT)
