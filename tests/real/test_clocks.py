"""Two hosts whose clocks differ by minutes, with one PostgreSQL and one Redis: everybody gets one copy, in time."""

import http.cookiejar
import os
import signal
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import psycopg
import pytest
from celery import Celery

from newsletter.settings import ROOT
from tests import postgres
from tests.fault_smtp import FaultServer
from tests.real.conftest import Product, free_port, link_in, until
from tests.redis_server import RedisServer
from tests.wrong_clock import NoWrongClock, wrong_clock

pytestmark = [pytest.mark.real, pytest.mark.timeout(600), pytest.mark.xdist_group("clocks")]
MINUTES = 7
PEOPLE, LIMIT = 900, 200
"""So many people; so many mails a second are allowed, of which as many may come at once."""
EARLY = timedelta(seconds=1.5)
"""Clocks that differ by less than a second are called right."""


@dataclass
class SecondHost(Product):
    """A host that has none of the first one's files: each process is started by itself, as `docs/scaling.md` says."""

    started: list["subprocess.Popen[bytes]"] = field(default_factory=list)

    def start(self) -> "SecondHost":
        """Web, workers and beat, until the site answers."""
        (self.data / "log").mkdir(parents=True, exist_ok=True)
        queues = (("worker", "--queue", queue) for queue in ("transactional", "bulk", "beat"))
        for words in (("web",), *queues):
            with (self.data / "log" / f"{words[-1]}.log").open("ab") as log:
                self.started.append(subprocess.Popen(
                    [sys.executable, "-m", "newsletter.cli", *words], cwd=ROOT, env=self.env, start_new_session=True,
                    stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                ))  # fmt: skip
        until(self._answers, 60, self.logs())
        return self

    def _answers(self) -> bool:
        try:
            return '"ok":true' in self.get("/healthz")
        except OSError:
            return False

    def end(self) -> None:
        """The power is gone."""
        for one in self.started:
            os.killpg(one.pid, signal.SIGKILL)
            one.wait(60)
        print(self.logs())


@dataclass
class Hosts:
    """What both share, and the first, whose clock is right."""

    database: str
    relay: FaultServer
    shared: dict[str, str]
    first: Product
    folder: Path
    broker: str

    def rows(self, statement: str, *values: object) -> list[tuple[object, ...]]:
        """What the database answers."""
        with psycopg.connect(self.database, autocommit=True) as connection:
            done = connection.execute(statement, values)
            return done.fetchall() if done.description else []

    def mails(self, email: str) -> list[EmailMessage]:
        """What the relay took for an address."""
        came = (one.data for one in list(self.relay.messages) if email in one.recipients)
        return [m for m in (message_from_bytes(one, policy=policy.default) for one in came)
                if isinstance(m, EmailMessage)]  # fmt: skip

    def mail(self, email: str, words: str) -> EmailMessage:
        """The mail to an address whose subject holds these words; waits for it."""
        found: list[EmailMessage] = until(
            lambda: [m for m in self.mails(email) if words.lower() in m["subject"].lower()],
            why=f"no “{words}” to {email}; there: {[m['subject'] for m in self.mails(email)]}",
        )
        return found[0]


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hosts]:
    """One PostgreSQL, one Redis, one relay, and the host whose clock is right."""
    folder = tmp_path_factory.mktemp("clocks")
    redis_port, site_port = free_port(), free_port()
    redis = RedisServer(folder, "127.0.0.1", redis_port)
    try:
        with postgres.cluster(postgres.QUICK) as cluster, FaultServer() as relay:
            cluster.start()
            redis.start()
            with psycopg.connect(cluster.url, autocommit=True) as admin:
                admin.execute("CREATE DATABASE news")
            url = cluster.url.replace("/postgres?", "/news?")
            shared = {
                "DATABASE_URL": url, "REDIS_URL": redis.public_url, "SECRET_KEY": "k" * 40,
                "SMTP_URL": f"smtp://127.0.0.1:{relay.port}?tls=none", "PUBLIC_URL": f"http://127.0.0.1:{site_port}",
            }  # fmt: skip
            first = Product(folder / "first", shared, port=site_port).start()
            try:
                first.recruit(PEOPLE)
                first.command("limit", "set", "--all", f"{LIMIT}/second")
                yield Hosts(url, relay, shared, first, folder, redis.public_url)
            finally:
                first.stop()
                print(first.logs())
    except postgres.NoPostgres as error:
        pytest.skip(f"several hosts cannot be played here: {error}")
    finally:
        redis.kill()


@pytest.fixture(params=[MINUTES, -MINUTES], ids=["ahead", "behind"])
def second(request: pytest.FixtureRequest, hosts: Hosts) -> Iterator[SecondHost]:
    """A host whose clock is wrong."""
    folder = hosts.folder / str(request.param)
    folder.mkdir()
    try:
        wrong = wrong_clock(60 * request.param, folder)
    except NoWrongClock as error:
        pytest.skip(str(error))
    made = SecondHost(folder / "var", {**hosts.shared, **wrong})
    try:
        yield made.start()
    finally:
        made.end()


def test_hosts_whose_clocks_differ_by_minutes_do_as_one_would(hosts: Hosts, second: SecondHost) -> None:
    who = f"jane{second.port}@example.com"
    _sign_up_here_and_confirm_there(hosts, second, who)
    _sign_in_here_and_look_there(hosts.first, second)
    _sign_in_here_and_look_there(second, hosts.first)
    _a_step_comes_when_it_is_due(hosts, who)
    _a_campaign_comes_when_it_is_due_to_everybody_once(hosts, second)


def _sign_up_here_and_confirm_there(hosts: Hosts, second: SecondHost, who: str) -> None:
    """Every form is read on one host and sent to the other."""
    hosts.first.post("/subscribe", guide="recover-from-pain", email=who, newsletter="y", proof=second.proof())
    link = urllib.parse.urlsplit(link_in(hosts.mail(who, "confirm"), "/confirm/")).path
    token = hosts.first.token(hosts.first.get(link))
    assert "Here is your guide" in second.post(link, csrf_token=token)
    library = urllib.parse.urlsplit(link_in(hosts.mail(who, "principles"), "/library/")).path
    for host in (hosts.first, second):
        assert "9 key principles" in host.get(library)
    assert len(hosts.mails(who)) == 2


def _sign_in_here_and_look_there(here: Product, there: Product) -> None:
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
    with browser.open(f"{here.site}/owner/login", timeout=20) as page:
        token = here.token(page.read().decode())
    fields = {"email": here.env["OWNER_EMAIL"], "password": here.env["OWNER_PASSWORD"], "csrf_token": token}
    browser.open(f"{here.site}/owner/login", urllib.parse.urlencode(fields).encode(), timeout=20).close()
    for host in (here, there):
        with browser.open(f"{host.site}/owner/subscribers", timeout=20) as page:
            assert page.url == f"{host.site}/owner/subscribers", f"signed out on {host.site}"


def _a_step_comes_when_it_is_due(hosts: Hosts, who: str) -> None:
    """By the server's clock: the host that is ahead is not early, the one that is behind keeps nobody waiting."""
    person = hosts.rows("SELECT id FROM subscribers WHERE email = %s", who)[0][0]
    due = datetime.now(UTC) + timedelta(seconds=6)
    anchor = due - timedelta(hours=1)
    hosts.rows("UPDATE steps SET delay_amount = 1, delay_unit = 'hours', weekdays = 127, not_before = NULL")
    hosts.rows("UPDATE enrollments SET due_at = %s, anchor_at = %s WHERE subscriber_id = %s", due, anchor, person)
    _wait_until_nearly(due, lambda: len(hosts.mails(who)), 2)
    until(lambda: len(hosts.mails(who)) == 3, why="the step does not come")


def _wait_until_nearly(due: datetime, count: Callable[[], int], expected: int) -> None:
    """See that nothing comes before its time."""
    while datetime.now(UTC) < due - EARLY:
        assert count() == expected, f"{due - datetime.now(UTC)} early"
        time.sleep(0.1)


def _a_campaign_comes_when_it_is_due_to_everybody_once(hosts: Hosts, second: SecondHost) -> None:
    readers = {str(one) for (one,) in hosts.rows("SELECT email FROM subscribers WHERE newsletter")}
    assert len(readers) > PEOPLE
    hosts.relay.received.clear()
    due = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=10)
    body = hosts.folder / "news.md"
    body.write_text("{{ greeting }},\n\nnews.\n")
    at = due.isoformat().replace("+00:00", "Z")
    second.command("campaign", "send", "--subject", "News", "--body", str(body), "--at", at)
    _wait_until_nearly(due, hosts.relay.received.total, 0)
    with Celery(broker=hosts.broker) as ticks:
        until(lambda: _is_over(hosts, ticks, due, len(readers)), 120, "the campaign does not end")
    assert hosts.relay.received == dict.fromkeys(readers, 1)


def _is_over(hosts: Hosts, ticks: Celery, due: datetime, readers: int) -> bool:
    """Look again, and have both hosts look for what a lost worker holds: nobody is lost."""
    ticks.send_task("recover_messages", queue="transactional", ignore_result=True)
    spent = (datetime.now(UTC) - due + EARLY).total_seconds()
    assert hosts.relay.received.total() <= LIMIT * (spent + 1), "more than the limit allows"
    counts = dict(hosts.rows(
        "SELECT state, count(*) FROM messages WHERE dispatch_id = (SELECT max(id) FROM dispatches) GROUP BY state"
    ))  # fmt: skip
    assert "uncertain" not in counts, counts
    return counts == {"sent": readers}
