"""The owner's page about bounces and complaints: an address for each service, when it was used, and another one."""

import re
from html import unescape

from newsletter.mail.incoming import Service
from newsletter.mail.ledger import Lane
from newsletter.runtime import Runtime
from newsletter.smtp import SentList
from tests.web.owner.conftest import Desk

ADDRESS = re.compile(r"https?://[^<\s]+(/reports/(\w+)/[\w-]+)")


def _addresses(desk: Desk) -> dict[str, str]:
    return {service: path for path, service in ADDRESS.findall(unescape(desk.get("/owner/reports")))}


def test_every_service_has_an_address_and_the_page_says_when_it_was_used(desk: Desk) -> None:
    there = _addresses(desk)
    assert there.keys() == set(Service)
    assert desk.read("/owner/reports").count("Nothing has come yet.") == len(Service)
    assert desk.client.post(there["postmark"], json={"RecordType": "Delivery"}).status_code == 204
    page = desk.read("/owner/reports")
    assert page.count("Nothing has come yet.") == len(Service) - 1
    assert "Last heard of" in page
    assert desk.client.get("/owner/reports").headers["Cache-Control"] == "private, no-store"


def test_a_new_address_ends_the_old_one_of_that_service_alone(desk: Desk) -> None:
    before = _addresses(desk)
    assert "Postmark has a new address." in desk.told("/owner/reports/postmark/renew")
    after = _addresses(desk)
    assert {name for name in before if before[name] != after[name]} == {"postmark"}
    assert desk.client.post(before["postmark"], json={}).status_code == 404
    assert desk.client.post(after["postmark"], json={}).status_code == 204
    desk.post("/owner/reports/postmark/renew")
    assert len({before["postmark"], after["postmark"], _addresses(desk)["postmark"]}) == 3
    assert desk.post("/owner/reports/nobody/renew").status_code == 404


def test_amazons_question_reaches_the_owner_once(desk: Desk, runtime: Runtime, sent: SentList) -> None:
    link = "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription"
    asked = {"Type": "SubscriptionConfirmation", "SubscribeURL": link}
    there = _addresses(desk)["ses"]
    for _ in range(2):
        assert desk.client.post(there, json=asked).status_code == 204
    runtime.delivery.run(Lane.TRANSACTIONAL)
    told = [one.data for one in sent.envelopes if b"Amazon asks" in one.data]
    assert len(told) == 1
    assert b"sns.eu-west-1.amazonaws.com" in told[0]
