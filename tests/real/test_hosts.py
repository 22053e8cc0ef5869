"""More workers on more hosts: the same PostgreSQL and Redis, and nothing else in common. One of them is cut off."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from newsletter.db import Database
from newsletter.mail.ledger.row_claims import LEASE
from newsletter.settings import ROOT
from tests import postgres
from tests.fault_smtp import Fault, FaultServer
from tests.networks import CENTRE, SUBNET, Network, NoNetworks
from tests.real.conftest import until
from tests.redis_server import RedisServer

pytestmark = [pytest.mark.real, pytest.mark.timeout(600), pytest.mark.xdist_group("networks")]
PEOPLE = 8000  # eight batches
LATE = 0.05  # seconds the relay takes for each message on each connection
CONNECTIONS = 5
UNCERTAIN_OF_A_HOST = 2 * (200 + int(CONNECTIONS / LATE) + 100)
"""For each of two processes: what is marked in one commit, what goes in the second between two writes, and some."""
ON_THE_WIRES = 2 * CONNECTIONS
"""Of a host: one mail on each connection of its two processes. (`pipeline=1`: else a relay that has answered well for a
while is trusted with several.)"""


@dataclass
class Host:
    """A machine with some of the product's processes and a data folder of its own."""

    name: str
    network: Network
    shared: dict[str, str]
    data: Path
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def env(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"], "HOME": str(self.data.parent), "DATA_DIR": str(self.data),
            "PYTHONUNBUFFERED": "1", **self.shared,
        }  # fmt: skip

    def run(self, *queues: str) -> None:
        """`newsletter worker --queue …` for each of these."""
        (self.data / "log").mkdir(parents=True, exist_ok=True)
        for queue in queues:
            with self.network.inside(self.name), (self.data / "log" / f"{queue}.log").open("ab") as log:
                self.processes[queue] = subprocess.Popen(
                    [sys.executable, "-m", "newsletter.cli", "worker", "--queue", queue], cwd=ROOT, env=self.env,
                    stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                )  # fmt: skip

    def command(self, *words: str) -> str:
        with self.network.inside(self.name):
            done = subprocess.run(
                [sys.executable, "-m", "newsletter.cli", *words],
                cwd=ROOT, env=self.env, text=True, capture_output=True, timeout=120,
            )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    @property
    def is_up(self) -> bool:
        """Whether its workers have the processes that deliver."""
        pids = [process.pid for queue, process in self.processes.items() if queue != "beat"]
        return all(Path(f"/proc/{pid}/task/{pid}/children").read_text() for pid in pids)

    @property
    def journals(self) -> list[Path]:
        return sorted((self.data / "journal").glob("*.journal"))

    def stop(self, how: signal.Signals = signal.SIGKILL) -> None:
        """End all of it; every process has a group of its own."""
        for process in self.processes.values():
            if process.poll() is None:
                os.killpg(process.pid, how)
        for process in self.processes.values():
            process.wait(60)
        self.processes = {}

    def logs(self) -> str:
        found = (self.data / "log").glob("*.log")
        return "\n".join(f"== {self.name} {log.name}\n{log.read_text(errors='replace')[-3000:]}" for log in found)


@dataclass
class Stage:
    """All that there is: a network, three servers at its centre, and hosts."""

    network: Network
    database: postgres.Cluster
    relay: FaultServer
    shared: dict[str, str]
    folder: Path
    hosts: dict[str, Host] = field(default_factory=dict)

    def host(self, name: str) -> Host:
        if name not in self.hosts:
            self.hosts[name] = Host(name, self.network, self.shared, self.folder / name)
        return self.hosts[name]

    def ledger(self) -> dict[str, str]:
        """What it says of everybody."""
        with psycopg.connect(self.database.url.replace("/postgres?", "/news?")) as connection:
            return dict(connection.execute(
                "SELECT s.email, m.state FROM messages m JOIN subscribers s ON s.id = m.subscriber_id "
                "WHERE m.stream = 'campaign'"
            ).fetchall())  # fmt: skip

    def is_sent(self, campaign: str) -> bool:
        """Whether a campaign has ended."""
        with psycopg.connect(self.database.url.replace("/postgres?", "/news?")) as connection:
            found = connection.execute("SELECT state FROM campaigns WHERE id = %s", [int(campaign)]).fetchone()
        return found == ("sent",)

    def counts(self) -> Counter[str]:
        return Counter(self.ledger().values())

    def doubts(self) -> list[tuple[object, ...]]:
        """What is known of those that are uncertain: what was said last, how often, between which moments."""
        with psycopg.connect(self.database.url.replace("/postgres?", "/news?")) as connection:
            return connection.execute(
                "SELECT reply_code, reason, reply, count(*), min(settled_at), max(settled_at) FROM messages "
                "WHERE state = 'uncertain' GROUP BY 1, 2, 3"
            ).fetchall()


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """Servers that run, a database with people in it, no worker yet."""
    try:
        with Network(["one", "two", "three"]) as network:
            here = network.address()
            options = [*(one for one in postgres.DURABLE if "listen" not in one), f"listen_addresses={here}"]
            relay = None
            redis = RedisServer(tmp_path, here)
            with postgres.cluster(options) as database:
                made = None
                try:
                    with (database.folder / "data" / "pg_hba.conf").open("a") as rules:
                        rules.write(f"host all all {SUBNET}.0/24 trust\n")
                    with network.inside(CENTRE):
                        database.start()
                        redis.start()
                        relay = FaultServer([Fault("dot", "late", nth=0, seconds=LATE)], host=here)
                    with relay:
                        made = _stage(network, database, redis, relay, tmp_path)
                        yield made
                finally:
                    for host in made.hosts.values() if made else ():
                        host.stop()
                        print(host.logs())
                    redis.kill()
    except (NoNetworks, postgres.NoPostgres) as error:
        pytest.skip(f"several hosts cannot be played here: {error}")


def _stage(network: Network, database: postgres.Cluster, redis: RedisServer, relay: FaultServer, folder: Path) -> Stage:
    here = network.address()
    shared = {
        "DATABASE_URL": f"postgresql://postgres@{here}:5432/news", "REDIS_URL": redis.public_url,
        "SMTP_URL": f"smtp://{here}:{relay.port}?tls=none&connections={CONNECTIONS}&pipeline=1",
        "PUBLIC_URL": "https://news.example.org", "SECRET_KEY": "k" * 40, "OWNER_EMAIL": "owner@example.org",
        "CHECK_DOMAINS": "off",
    }  # fmt: skip
    with psycopg.connect(database.url, autocommit=True) as admin:
        admin.execute("CREATE DATABASE news")
    made = Stage(network, database, relay, shared, folder)
    centre = made.host(CENTRE)
    centre.data.mkdir()
    centre.command("migrate")
    people = folder / "people.csv"
    people.write_text("email,first_name\n" + "".join(f"reader{n}@example.com,Reader\n" for n in range(PEOPLE)))
    centre.command("subscribers", "import", str(people), "--consent-basis", "asked at the desk")
    return made


def _send(host: Host, folder: Path) -> str:
    body = folder / "news.md"
    body.write_text("{{ greeting }},\n\nnews.\n")
    return host.command("campaign", "send", "--subject", "News", "--body", str(body)).split()[-1]


def _check(stage: Stage) -> Counter[str]:
    """Nobody has two, who is `sent` has one, and nobody is lost without a word; how many stand where."""
    ledger, copies = stage.ledger(), stage.relay.received
    assert len(ledger) == PEOPLE
    assert max(copies.values()) == 1
    assert [one for one, state in ledger.items() if state == "sent" and not copies[one]] == []
    assert [one for one in copies if ledger[one] not in ("sent", "uncertain")] == []
    return Counter(ledger.values())


def _begin(stage: Stage, senders: Sequence[Host], count: int) -> tuple[str, Sequence[Host]]:
    """Start a campaign, and wait until so many hosts are in the middle of it: its id, and these hosts."""
    until(lambda: all(host.is_up for host in senders), 60, "the workers do not start")
    campaign = _send(stage.host(CENTRE), stage.folder)

    def busy() -> Sequence[Host]:
        found = [host for host in senders if host.journals][:count]
        return found if len(found) == count and sum(stage.relay.received.values()) > PEOPLE // 8 else []

    return campaign, until(busy, 60, "too few hosts take part")


def _end(stage: Stage, campaign: str, cut: Sequence[Host]) -> None:
    """The others finish: nobody has two, and those that the lost hosts had marked are uncertain."""
    until(lambda: stage.is_sent(campaign), 150, "the others do not finish")
    counts = _check(stage)
    print("while they are cut off:", dict(counts))
    assert counts["sent"] + counts["uncertain"] == PEOPLE
    assert 0 < counts["uncertain"] <= len(cut) * UNCERTAIN_OF_A_HOST


def _come_back(stage: Stage, cut: Sequence[Host]) -> None:
    """What they know is brought in: only what was on their wires stays uncertain."""
    until(lambda: not any(host.journals for host in cut), 120, "their journals are not brought in")
    until(lambda: stage.counts().keys() <= {"sent", "uncertain"}, 30, "what had never left is not sent")
    counts = _check(stage)
    print("when they are back:", dict(counts), stage.doubts())
    assert counts["sent"] + counts["uncertain"] == PEOPLE
    assert counts["uncertain"] <= len(cut) * ON_THE_WIRES


def test_hosts_that_are_cut_off_lose_nobody_and_send_nobody_two(stage: Stage) -> None:
    senders = [stage.host("one"), stage.host("two"), stage.host("three")]
    stage.host(CENTRE).run("transactional", "beat")
    for host in senders:
        host.run("bulk")
    campaign, cut = _begin(stage, senders, 2)
    for host in cut:
        stage.network.cut(host.name)
    cut[1].stop()  # the power is gone too; what it knew is on its disk
    _end(stage, campaign, cut)
    for host in cut:
        stage.network.mend(host.name)
    cut[1].run("bulk")
    _come_back(stage, cut)


def test_no_host_is_special(stage: Stage) -> None:
    """The first one has beat and all; so has the second, and two beats do no harm."""
    hosts = [stage.host("one"), stage.host("two")]
    for host in hosts:
        host.run("bulk", "transactional", "beat")
    campaign, cut = _begin(stage, hosts, 1)
    stage.network.cut(cut[0].name)
    _end(stage, campaign, cut)
    stage.network.mend(cut[0].name)
    _come_back(stage, cut)


def test_a_host_that_is_cut_off_holds_no_lock_and_does_not_wait_for_ever(stage: Stage) -> None:
    locked = text("SELECT id FROM brand FOR UPDATE SKIP LOCKED")
    there, here = Database(stage.shared["DATABASE_URL"]), Database(stage.database.url.replace("/postgres?", "/news?"))

    def is_free() -> bool:
        with here.transaction() as session:
            return bool(session.execute(locked).all())

    try:
        with stage.network.inside("one"):
            holder = there.engine.connect()
        assert holder.execute(locked).all()
        assert not is_free()
        stage.network.cut("one")
        until(is_free, LEASE.total_seconds(), "the lock outlives the lease")
        began = time.monotonic()
        with pytest.raises(OperationalError):
            holder.execute(text("SELECT 1"))
        assert time.monotonic() - began < LEASE.total_seconds()
    finally:
        there.dispose()
        here.dispose()
