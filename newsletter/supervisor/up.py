"""The order of things: checks, Redis, migration, seeds, owner, processes, health, the banner, the watch, the end."""

import json
import signal
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter import accounts, backup, brand, installation, schema, seeds
from newsletter.db import Database
from newsletter.mail.ledger.queue import newest
from newsletter.runtime import build
from newsletter.settings import ROOT, Settings
from newsletter.subscribers import Subscriber
from newsletter.supervisor import programs, redis
from newsletter.supervisor.alone import StartError, alone
from newsletter.supervisor.first_owner import FirstOwner, ensure_owner
from newsletter.supervisor.service import Service

HEALTHY_WITHIN = 60.0  # seconds
WORKERS_TRANSACTIONAL = 2


OTHER_KEY = (
    "SECRET_KEY (or the file DATA_DIR/secret_key) is not the key that the links in this installation's mails are "
    "signed with: unsubscribing by them would not work. Put the old key back, or, if it was changed on purpose, put "
    "the old one into SECRET_KEY_OLD (several, separated by commas). If it is lost: `newsletter up --new-key` goes on "
    "with this one; links in mails that were sent before then stop working, and who was erased can be signed up again."
)


def up(settings: Settings, say: Callable[[str], None], new_key: bool = False) -> None:
    """Run the product until Ctrl-C or SIGTERM. Raises StartError. `new_key`: make this key the installation's."""
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    programs.allow_many_files()
    with alone(settings):
        backup.sweep(settings)
        _check_ports(settings)
        blog = _has_blog(settings)
        services: list[Service] = []
        with _told_to_stop() as asked:
            try:
                url = settings.redis_url or _start_redis(settings, services)
                owner = prepare(settings, new_key)
                for service in _services(settings.model_copy(update={"redis_url": url})):
                    service.start()
                    services.append(service)
                _wait_until_healthy(settings, services, asked)
                if not asked():
                    say(_banner(settings, owner, blog))
                while not asked():
                    for service in services:
                        service.watch(say)
                        service.keep_log_small()
                    time.sleep(0.1)
            finally:
                say("Stopping: what is being sent is finished first.")
                _stop(services, asked)
    say("Stopped. Everything is kept; `make run` goes on where it was.")


def prepare(settings: Settings, new_key: bool = False) -> FirstOwner:
    """Bring the database up to date, plant the seeds in a new one, see that there is an owner. Raises StartError."""
    backup.finish(settings)
    settings.secret  # noqa: B018 - made now, before several processes would each want to make it
    database = Database(settings.database)
    rt = build(settings, database=database)
    try:
        schema.upgrade(database)
        with database.transaction() as session:
            seeds.plant(session, ROOT, rt.clock.now())
            keys = (rt.signer.key_prints, newest(session), rt.clock.now())
            if new_key:
                brand.current(session).forget_keys(session, *keys)
            elif brand.current(session).adopt(session, *keys):
                accounts.note(session, None, rt.clock.now(), "key changed")
            _settle(session, settings, database, rt.clock.now())
            return ensure_owner(session, settings, rt.clock.now())
    except brand.LostKey:
        raise StartError(OTHER_KEY) from None
    finally:
        rt.close()


def _settle(session: Session, settings: Settings, database: Database, now: datetime) -> None:
    """Lock sending where this is not the place, or not the state, in which the database was left."""
    here, folder = installation.current(session), settings.data_dir
    home = installation.home_of(session, folder, is_sqlite=database.is_sqlite)
    reason = here.settle(home, installation.kept_witnesses(folder) if database.is_sqlite else ())
    if reason is not None and session.scalar(select(Subscriber.id).limit(1)):  # else there is nobody to write to
        here.lock(reason, newest(session), here.witnessed_at, now)
    if database.is_sqlite:
        here.witness, here.witnessed_at = installation.keep_witness(folder, here.witness), now


def _start_redis(settings: Settings, services: list[Service]) -> str:
    try:
        service, url = redis.service(settings.data_dir / "redis", settings.data_dir / "log" / "redis.log")
    except redis.NoRedis as error:
        raise StartError(str(error)) from None
    service.start()
    services.append(service)
    return url


def _services(settings: Settings) -> Iterator[Service]:
    python, logs = sys.executable, settings.data_dir / "log"

    def service(name: str, argv: list[str], needs: Collection[str], patience: float) -> Service:
        env = programs.environment(settings, needs)
        return Service(name, [python, "-m", *argv], env, ROOT, logs / f"{name}.log", patience=patience)

    def worker(name: str, concurrency: int) -> Service:
        return service(f"worker-{name}", programs.worker(name, concurrency), programs.WORKER, 60.0)

    if settings.runs_mailbox:
        yield service("mailbox", ["newsletter.cli", "mailbox"], programs.MAILBOX, 5.0)
    yield service("web", programs.web(settings), programs.WEB, 15.0)
    yield worker("transactional", WORKERS_TRANSACTIONAL)
    yield worker("bulk", settings.bulk_workers)
    yield service("beat", programs.beat(), programs.BEAT, 10.0)


def _check_ports(settings: Settings) -> None:
    wanted = [("PORT", settings.host, settings.port)]
    if settings.runs_mailbox:
        wanted += [("MAILBOX_PORT", "127.0.0.1", settings.mailbox_port)]
        wanted += [("MAILBOX_SMTP_PORT", "127.0.0.1", settings.mailbox_smtp_port)]
    for position, (name, _, port) in enumerate(wanted):
        for other, _, same in wanted[position + 1 :]:
            if port == same:
                raise StartError(f"{name} and {other} are both {port}: give each a port of its own.")
    taken = [f"{name} {port}" for name, host, port in wanted if _is_taken(host, port)]
    if taken:
        one = taken[0].split()[0]
        raise StartError(
            f"In use by another program: {', '.join(taken)}. Stop that program, or choose another port, "
            f"for example: {one}={int(taken[0].split()[1]) + 1000} make run"
        )


def _has_blog(settings: Settings) -> bool | None:
    """Whether the mailbox's process can serve the example blog, which no start fails for; None: it is not wanted."""
    if not settings.is_local or not settings.runs_mailbox:
        return None
    return not _is_taken("127.0.0.1", settings.blog_port)


def _is_taken(host: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except PermissionError:
            raise StartError(f"Port {port} needs the rights of root; choose one above 1023.") from None
        except OSError:
            return True
    return False


@contextmanager
def _told_to_stop() -> Iterator[Callable[[], int]]:
    """Counts SIGINT, SIGTERM and SIGHUP: the first stops in order, the second at once."""
    times = [0]

    def told(_signal: int, _frame: Any) -> None:
        times[0] += 1

    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {one: signal.signal(one, told) for one in signals}
    try:
        yield lambda: times[0]
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def _wait_until_healthy(settings: Settings, services: list[Service], asked: Callable[[], int]) -> None:
    until = time.monotonic() + HEALTHY_WITHIN
    while time.monotonic() < until and not asked():
        for service in services:
            if not service.is_running:
                raise StartError(f"{service.name} did not start. The end of its log:\n{service.last_words()}")
        if _is_healthy(settings):
            return
        time.sleep(0.2)
    if not asked():
        web = next(service for service in services if service.name == "web")
        raise StartError(f"The site did not get healthy within a minute. The end of its log:\n{web.last_words()}")


def _is_healthy(settings: Settings) -> bool:
    host = "127.0.0.1" if settings.host in ("0.0.0.0", "::") else settings.host  # noqa: S104 - compared, not bound
    try:
        with urllib.request.urlopen(f"http://{host}:{settings.port}/healthz", timeout=2) as answer:
            health = json.load(answer)
        mailbox = not settings.runs_mailbox or _is_taken("127.0.0.1", settings.mailbox_smtp_port)
        return bool(health["ok"] and health["redis"] == "ok" and mailbox)
    except (OSError, ValueError, urllib.error.URLError):
        return False


def _stop(services: list[Service], asked: Callable[[], int]) -> None:
    """Doors and workers together; then, one by one, what they need to finish: the mailbox and Redis."""
    first = asked()
    needed = [service for service in services if service.name in ("mailbox", "redis")]
    others = [service for service in services if service not in needed]
    for service in others:
        service.ask_to_stop()
    for service in [*others, *reversed(needed)]:
        service.ask_to_stop()
        service.wait_stopped(hurry=lambda: asked() > max(first, 1))


def _banner(settings: Settings, owner: FirstOwner, blog: bool | None) -> str:
    lines = [
        "",
        "  newsletter is running",
        "",
        f"  Site           {settings.site}/",
        f"  Owner's area   {settings.site}/owner/",
        f"                 {owner.words}",
    ]
    if settings.runs_mailbox:
        lines.append(f"  Mailbox        http://127.0.0.1:{settings.mailbox_port}/   (every mail lands here)")
    if blog is not None:
        where = f"http://127.0.0.1:{settings.blog_port}/   (your forms in somebody's site)"
        taken = f"not served: port {settings.blog_port} is taken (BLOG_PORT chooses another)"
        lines.append(f"  Example blog   {where if blog else taken}")
    logs: Path = settings.data_dir / "log"
    return "\n".join([*lines, f"  Logs           {logs}", "", "  Ctrl-C stops all of it and keeps everything.", ""])
