"""The page of sending: the sender's domain, the relays and limits."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from sqlalchemy import select

from newsletter import brand, sending
from newsletter.accounts import AuditEntry
from newsletter.mail import alarms, signing
from newsletter.mail.render import RSA_NAME, Dkim, DkimKey, key_place, read_key
from newsletter.runtime import Runtime, build
from newsletter.sending import LookKind, SendingLook
from newsletter.settings import load
from newsletter.smtp import RelayRefusal, Trouble
from newsletter.throttle.rules import listed
from tests.dns_server import DnsServer, serving
from tests.fault_smtp import Fault, FaultServer
from tests.web.owner.conftest import PASSWORD, Desk, readable

PATH = "/owner/sending"
HOSTILE = "<script>alert(1)</script>{{ 7*7 }}"


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer() as one:
        yield one


@pytest.fixture
def dns() -> Iterator[DnsServer]:
    with serving(DnsServer({"human-movement.com. MX": ["10 mx.example."]})) as one:
        yield one


@pytest.fixture
def worker(runtime: Runtime, server: FaultServer, dns: DnsServer) -> Runtime:
    """What looks, with that relay."""
    return _house(runtime, server, dns)


def _house(runtime: Runtime, server: FaultServer, dns: DnsServer) -> Runtime:
    """The house on a public site, its relay and its DNS on loopback; the web knows the same relay."""
    relay = f"smtp://127.0.0.1:{server.port}?tls=none"
    told = {"DATA_DIR": str(runtime.settings.data_dir), "SECRET_KEY": "k" * 40, "SMTP_URL": relay}
    runtime.settings = load({**told, "PUBLIC_URL": "http://localhost:8000"})
    public = load({**told, "PUBLIC_URL": "https://news.human-movement.com", "CHECK_DOMAINS": "on"})
    return replace(runtime, settings=public, renderer=build(public).renderer, resolver=dns.resolver)


def _log(runtime: Runtime) -> list[tuple[str, str]]:
    with runtime.database.reading() as session:
        rows = session.execute(select(AuditEntry.action, AuditEntry.detail).order_by(AuditEntry.id))
        return [(action, detail) for action, detail in rows if action not in ("signed in", "password typed again")]


def _waiting(runtime: Runtime) -> list[LookKind]:
    with runtime.database.reading() as session:
        return [one.kind for one in sending.every(session) if one.waits]


def test_the_domain_is_looked_up_at_a_press(desk: Desk, worker: Runtime, dns: DnsServer, server: FaultServer) -> None:
    before = desk.read(PATH)
    assert "Nothing has been looked up yet." in before and "It has not been tested yet." in before
    assert dns.asked == [] and server.connections == 0
    dns.zone = {**dns.zone, "_dmarc.human-movement.com. TXT": ['"v=DMARC1; p=reject"']}
    assert "It is being looked at." in desk.told(f"{PATH}/check")
    assert "A worker is looking" in desk.read(PATH) and sending.go_on(worker) == 2
    page, words = desk.get(PATH), desk.read(PATH)
    assert "A worker is looking" not in words and "Last looked up just now" in words
    assert re.search(r"SPF: who may send missing .*v=spf1 a mx ~all", words)
    assert re.search(r"DMARC: what others do without good .*v=DMARC1; p=reject", words)
    assert "DKIM: the signature not known Mail is not signed here." in words
    assert "data-copy>v=spf1 a mx ~all</textarea>" in page
    assert "The relay is on this machine" in words
    assert _log(worker) == [("sender and relays checked", "")]


def test_without_dns_the_page_says_so(desk: Desk, worker: Runtime, dns: DnsServer) -> None:
    dns.fails = {"human-movement.com.", "_dmarc.human-movement.com.", "news.human-movement.com."}
    desk.told(f"{PATH}/check")
    sending.go_on(worker)
    assert "DNS gave no answer in time." in desk.read(PATH)
    at_home = replace(worker, settings=load({"DATA_DIR": str(worker.settings.data_dir)}))
    worker.clock.forward(timedelta(minutes=1))  # type: ignore[attr-defined]
    desk.told(f"{PATH}/check")
    dns.asked.clear()
    sending.go_on(at_home)
    assert "It was not looked up: mail of this installation stays" in desk.read(PATH) and dns.asked == []


def test_a_relay_is_tested_and_told_in_its_own_words(desk: Desk, worker: Runtime, server: FaultServer) -> None:
    relay = f"127.0.0.1:{server.port}"
    assert relay in desk.read(PATH) and "Nothing has kept it from taking mail lately." in desk.read(PATH)
    assert "It is being looked at." in desk.told(f"{PATH}/relay", relay=relay)
    assert "asked a few seconds ago" in desk.told(f"{PATH}/relay", relay=relay)
    assert sending.go_on(worker) == 1 and server.connections == 1 and server.received == {}
    words = desk.read(PATH)
    assert "It is ready to take mail." in words and "→ EHLO news.human-movement.com" in words and "← 221 " in words
    assert _log(worker) == [("relay tested", relay)]


def test_a_relay_that_refuses_is_told_with_what_to_do(desk: Desk, runtime: Runtime, dns: DnsServer) -> None:
    with FaultServer([Fault("banner", "reply-close", text=f"554 5.7.1 {HOSTILE}")]) as server:
        worker = _house(runtime, server, dns)
        desk.told(f"{PATH}/relay", relay=f"127.0.0.1:{server.port}")
        sending.go_on(worker)
    page, words = desk.get(PATH), desk.read(PATH)
    assert "the relay refuses everything from here. Look at what it said." in words
    assert "<script>alert" not in page and f"← 554 5.7.1 {HOSTILE}" in words


@pytest.mark.parametrize(
    "name", ["", "evil.example:25", "127.0.0.1:1", "169.254.169.254:80", "\0", "a" * 9000, HOSTILE]
)
def test_no_other_relay_is_ever_tested(name: str, desk: Desk, worker: Runtime) -> None:
    assert "There is no such relay any more." in desk.told(f"{PATH}/relay", relay=name)
    assert _waiting(worker) == [] and _log(worker) == []


def test_a_relay_that_is_gone_meanwhile(desk: Desk, worker: Runtime, server: FaultServer) -> None:
    desk.told(f"{PATH}/relay", relay=f"127.0.0.1:{server.port}")
    elsewhere = load({"DATA_DIR": str(worker.settings.data_dir), "SMTP_URL": "smtp://127.0.0.1:9"})
    sending.go_on(replace(worker, settings=elsewhere))
    assert "started with different settings" in desk.read(PATH) and server.connections == 0


def test_a_page_that_is_told_no_relay_learns_it_from_the_worker(
    desk: Desk, worker: Runtime, runtime: Runtime, server: FaultServer
) -> None:
    runtime.settings = load({"DATA_DIR": str(runtime.settings.data_dir), "PUBLIC_URL": "http://localhost:8000"})
    desk.told(f"{PATH}/check")
    sending.go_on(worker)
    assert "There is no such relay any more." in desk.told(f"{PATH}/relay", relay="127.0.0.1:2525")
    assert f"127.0.0.1:{server.port} The relay is on this machine" in desk.read(PATH)


def test_what_deliveries_know_of_a_relay_stands_beside_it(desk: Desk, worker: Runtime, server: FaultServer) -> None:
    refusal = RelayRefusal(relay=f"127.0.0.1:{server.port}", trouble=Trouble.QUOTA, words=f"452 {HOSTILE}")
    with worker.database.transaction() as session:
        alarms.relays_refuse(session, [refusal], worker.clock.now())
    page, words = desk.get(PATH), desk.read(PATH)
    assert "takes no mail" in words and "the account's quota is used up" in words and "452 <script>" in words
    assert "<script>alert" not in page


def test_a_key_is_made_by_a_worker_and_never_shown(desk: Desk, worker: Runtime, dns: DnsServer) -> None:
    desk.told(f"{PATH}/check")
    sending.go_on(worker)
    assert "Make a key" in desk.read(PATH)
    worker.clock.forward(timedelta(minutes=20))  # type: ignore[attr-defined]
    assert desk.post(f"{PATH}/key").status_code == 403 and _waiting(worker) == []
    assert "It is being looked at." in desk.told(f"{PATH}/key", password_again=PASSWORD)
    file = key_place(worker.settings.data_dir, RSA_NAME)
    assert sending.go_on(worker) == 3 and file.stat().st_mode & 0o777 == 0o600
    page, words, key = desk.get(PATH), desk.read(PATH), read_key(RSA_NAME, file)
    assert key.record in page and "news._domainkey.human-movement.com" in page and "Make a key" not in words
    assert "With workers on several hosts, or in several containers, copy the key’s file to each" in words
    assert f"DKIM_DOMAIN=human-movement.com DKIM_SELECTOR=news DKIM_KEY_FILE={file}" in words
    with worker.database.reading() as session:
        kept = json.dumps([one.found for one in sending.every(session)])
    assert "PRIVATE" not in page + kept and file.read_text().splitlines()[1] not in page + kept
    assert ("DKIM key asked for", "") in _log(worker)
    before = file.read_bytes()
    worker.clock.forward(timedelta(minutes=1))  # type: ignore[attr-defined]
    assert "There is a key already" in desk.told(f"{PATH}/key") and file.read_bytes() == before


def test_a_key_in_use_is_compared_with_its_record(desk: Desk, worker: Runtime, dns: DnsServer) -> None:
    file = key_place(worker.settings.data_dir, RSA_NAME)
    told = {"dkim_domain": "human-movement.com", "dkim_selector": RSA_NAME, "dkim_key_file": file}
    with worker.database.transaction() as session:
        for kind in (LookKind.DOMAIN, LookKind.KEY):
            sending.ask(session, kind, "", worker.clock.now())
    sending.go_on(worker)
    assert "There is a key, and nothing is signed with it yet." in desk.read(PATH), "looked at anew behind the key"
    signs = worker.settings.model_copy(update=told)
    worker = replace(worker, settings=signs, renderer=build(signs).renderer)
    record = read_key(RSA_NAME, file).record
    dns.zone = {**dns.zone, "news._domainkey.human-movement.com. TXT": [f'"{record[:200]}" "{record[200:]}"']}
    worker.clock.forward(timedelta(minutes=1))  # type: ignore[attr-defined]
    desk.told(f"{PATH}/check")
    sending.go_on(worker)
    assert "DKIM: the signature good The record is there, and belongs to the key" in desk.read(PATH)


def test_a_second_host_makes_no_second_key(desk: Desk, worker: Runtime, dns: DnsServer) -> None:
    name = "news._domainkey.human-movement.com"
    with worker.database.transaction() as session:
        sending.ask(session, LookKind.KEY, "", worker.clock.now())
    sending.go_on(worker)
    file = key_place(worker.settings.data_dir, RSA_NAME)
    assert f"Keys that sign here {name} since" in desk.read(PATH)
    file.unlink()  # as on a host that has none
    worker.clock.forward(timedelta(minutes=1))  # type: ignore[attr-defined]
    with worker.database.transaction() as session:
        sending.ask(session, LookKind.KEY, "", worker.clock.now())
    sending.go_on(worker)
    assert f"another host has a key for {name} already. Copy its file to {file} here" in desk.read(PATH)
    assert not file.exists()


def test_a_host_with_another_key_is_told_of_here_and_at_home(desk: Desk, worker: Runtime) -> None:
    key = DkimKey("news", ed25519.Ed25519PrivateKey.generate())
    with worker.database.transaction() as session:
        signing.note_first(session, {"news._domainkey.example.org": "0" * 64}, worker.clock.now())
        renderer = replace(worker.renderer, dkim=Dkim("example.org", (key,)))
        assert not alarms.Keys().may_send(session, brand.current(session), renderer, worker.clock.now())
    for page in (PATH, "/owner/"):
        words = desk.read(page)
        assert f"{signing.HOST}: this host has another DKIM key, and sends nothing (since" in words
        assert "Copy the key file from there" in words and "newsletter dkim adopt" in words
        assert "The key’s name in DNS: news._domainkey.example.org" in words


def test_a_look_is_done_once_and_again_where_its_worker_died(worker: Runtime) -> None:
    now = worker.clock.now()
    with worker.database.transaction() as session:
        assert sending.ask(session, LookKind.DOMAIN, "", now) and not sending.ask(session, LookKind.DOMAIN, "", now)
        session.scalars(select(SendingLook)).one().leased_until = now + timedelta(seconds=30)
    assert sending.go_on(worker) == 0
    worker.clock.forward(timedelta(seconds=31))  # type: ignore[attr-defined]
    assert sending.go_on(worker) == 2 and sending.go_on(worker) == 0


def test_the_script_is_told_when_something_was_found(desk: Desk, worker: Runtime) -> None:
    desk.told(f"{PATH}/check")
    before = json.loads(desk.get(f"{PATH}/state"))
    assert before["state"].startswith("waiting") and f'data-state="{before["state"]}"' in desk.get(PATH)
    sending.go_on(worker)
    assert json.loads(desk.get(f"{PATH}/state")) != before


def test_limits_are_set_in_plain_words_and_lifted(desk: Desk, worker: Runtime, server: FaultServer) -> None:
    assert "Nothing is limited" in desk.read(PATH)
    for form, told in (
        ({"count": "200", "span": "hour", "whom": "all"}, "At most 200 mails an hour to everybody"),
        ({"count": "1,000", "span": "day", "whom": "domain", "domain": "GMail.com"},
         "At most 1,000 mails a day to gmail.com"),
        ({"count": "5", "span": "minute", "whom": "domain", "domain": "bücher.example"}, "to xn--bcher-kva.example"),
        ({"count": "5", "span": "minute", "whom": "each"}, "to each domain that has no limit of its own"),
        ({"count": "9", "span": "second", "whom": f"relay 127.0.0.1:{server.port}"},
         f"At most 9 mails a second through the relay 127.0.0.1:{server.port}"),
    ):  # fmt: skip
        assert told in desk.told(f"{PATH}/limits", **form) and told in desk.read(PATH)
    assert "The limit is lifted." in desk.told(f"{PATH}/limits/remove", scope="domain", name="gmail.com")
    assert "gmail.com" not in desk.read(PATH).replace("for example gmail.com", "")
    assert "no such limit any more" in desk.told(f"{PATH}/limits/remove", scope="domain", name="gmail.com")
    assert "no such limit any more" in desk.told(f"{PATH}/limits/remove", scope="x", name="\0")
    with worker.database.reading() as session:
        assert len(listed(session)) == 4
    assert _log(worker)[0] == ("limit of sending set", "all  200/hour")


@pytest.mark.parametrize(
    ("form", "told"),
    [
        ({"count": "many"}, "Please type a whole number"),
        ({"count": "0"}, "Please type a whole number"),
        ({"count": "9" * 40}, "Please type a whole number"),
        ({"count": "9" * 5000}, "Please type a whole number"),
        ({"count": "²"}, "Please type a whole number"),
        ({"whom": "domain", "domain": "not a domain"}, "Please type a domain"),
        ({"whom": "domain", "domain": ""}, "Please type a domain"),
        ({"whom": "domain", "domain": HOSTILE}, "Please type a domain"),
        ({"whom": "domain", "domain": "a." * 5000}, "Please type a domain"),
        ({"whom": "relay evil.example:25"}, "Not a valid choice"),
        ({"span": "year"}, "Not a valid choice"),
    ],
)
def test_a_limit_that_cannot_be_is_told_beside_what_was_typed(
    form: dict[str, str], told: str, desk: Desk, worker: Runtime
) -> None:
    answer = desk.post(f"{PATH}/limits", **{"count": "77", "span": "hour", "whom": "all", **form})
    assert answer.status_code == 422 and told in readable(answer.text)
    assert "<script>alert" not in answer.text and ('value="77"' in answer.text or "count" in form)
    with worker.database.reading() as session:
        assert listed(session) == []


def test_a_new_sender_is_warmed_up(desk: Desk, worker: Runtime) -> None:
    assert "50, 100, 200, 400" in desk.get(PATH)
    assert "today is its first day" in desk.told(f"{PATH}/warm-up", counts="50, 100,200")
    assert "At most 50 mails on day 1 At most 100 mails on day 2 At most 200 mails on day 3" in desk.read(PATH)
    for wrong in ("", "9,5", "5,x", "1," * 400 + "1", "9" * 30, "²"):
        answer = desk.post(f"{PATH}/warm-up", counts=wrong)
        assert answer.status_code == 422 and "Please type a number for each day" in readable(answer.text)
    assert "The limit is lifted." in desk.told(f"{PATH}/limits/remove", scope="warmup", name="")
    assert "Nothing is limited" in desk.read(PATH)


def test_it_is_found_by_search_and_in_the_menu(desk: Desk) -> None:
    assert "Sender and domain" in desk.read("/owner/search?q=dkim")
    assert f'href="{PATH}"' in desk.get("/owner/settings")
