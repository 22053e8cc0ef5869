"""Runs the whole product: checks, Redis, preparation, processes, health, banner, watching, and the stop."""

import json
import os
import signal
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from newsletter.settings import ROOT, Settings, SettingsError
from newsletter.supervisor import programs, redis
from newsletter.supervisor.alone import StartError, hold, hold_for_parts
from newsletter.supervisor.forks import ForkedService
from newsletter.supervisor.programs import Program
from newsletter.supervisor.sealed import VARIABLE, Sealed, seal
from newsletter.supervisor.service import Service

HEALTHY_WITHIN = 60.0  # seconds
WATCHED_EVERY = 0.25  # seconds


def up(settings: Settings, say: Callable[[str], None], new_key: bool) -> NoReturn:
    """Check what can be checked, seal each part's settings, and become the supervisor. Raises StartError."""
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    programs.allow_many_files()
    lock = hold(settings)
    parts = hold_for_parts(settings, say)
    _check_ports(settings)
    url = settings.redis_url or _configure_redis(settings)
    complete = settings.model_copy(update={"redis_url": url})
    every = [programs.prepare(), *programs.every(settings)]
    environments = {one.name: seal(programs.environment(complete, one.needs)) for one in every}
    for number in (lock.fileno(), parts):
        os.set_inheritable(number, True)
    sealed = Sealed(lock=lock.fileno(), parts=parts, has_redis=not settings.redis_url, environments=environments)
    ours = {VARIABLE: sealed.as_variable, "SPT_NOENV": "1"}  # setproctitle leaves the environment intact, for `ps e`
    argv = [sys.executable, "-m", "newsletter.cli", "up", *(["--new-key"] if new_key else [])]
    os.execve(sys.executable, argv, programs.environment(settings, programs.SUPERVISOR) | ours)  # noqa: S606 - ourselves


def supervise(settings: Settings, sealed: Sealed, say: Callable[[str], None], new_key: bool) -> None:
    """Run the product until Ctrl-C or SIGTERM. `new_key`: make this key the installation's. Raises StartError."""
    services: list[Service] = []
    blog = _has_blog(settings)
    with _stop_requests() as asked:
        try:
            if sealed.has_redis:
                _start(services, redis.service(settings.data_dir / "redis", settings.data_dir / "log" / "redis.log"))
            owner = _prepare(settings, sealed, new_key, asked)
            for program in programs.every(settings) if not asked() else ():
                _start(services, _service(settings, sealed, program))
            _wait_until_healthy(settings, services, asked)
            if not asked():
                say(_banner(settings, owner, blog))
            while not asked():
                for service in services:
                    service.watch(say)
                    service.keep_log_small()
                time.sleep(WATCHED_EVERY)
        finally:
            say("Stopping: what is being sent is finished first.")
            _stop(services, asked)
    say("Stopped. Everything is kept; `make run` goes on where it was.")


def _start(services: list[Service], service: Service) -> None:
    service.start()
    services.append(service)


def _service(settings: Settings, sealed: Sealed, program: Program) -> ForkedService:
    log = settings.data_dir / "log" / f"{program.name}.log"
    return ForkedService(
        name=program.name, argv=program.argv, env={}, cwd=ROOT, log=log, patience=program.patience, sealed=sealed
    )


def _prepare(settings: Settings, sealed: Sealed, new_key: bool, asked: Callable[[], int]) -> str:
    """Have a fork prepare the database, so that its secrets end with it; return how to sign in. Raises StartError.

    A migration under way is finished, unless stopping is requested twice.
    """
    made = _service(settings, sealed, programs.prepare(new_key))
    made.log.unlink(missing_ok=True)
    try:
        made.start()
        code = made.end(hurry=lambda: asked() > 1)
        words = made.log.read_text(errors="replace").strip()
    finally:
        made.log.unlink(missing_ok=True)  # it may hold the first password
    if code == programs.BAD_SETTING:
        raise SettingsError(words.removeprefix("Bad setting: "))
    if code:
        raise StartError(words.removeprefix("Error: ") or f"The database could not be prepared (exit code {code}).")
    return words.splitlines()[-1]


def _configure_redis(settings: Settings) -> str:
    try:
        return redis.configure(settings.data_dir / "redis")
    except redis.NoRedis as error:
        raise StartError(str(error)) from None


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
    """Whether the mailbox process can serve the example blog (no reason to fail a start); None: not wanted."""
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
def _stop_requests() -> Iterator[Callable[[], int]]:
    """Count SIGINT, SIGTERM and SIGHUP: the first stops in order, the second at once."""
    times = [0]

    def count(_signal: int, _frame: Any) -> None:
        times[0] += 1

    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {one: signal.signal(one, count) for one in signals}
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
    """Stop the site and the workers together, then, one by one, what they need to finish: the mailbox and Redis."""
    first = asked()
    needed = [service for service in services if service.name in ("mailbox", "redis")]
    others = [service for service in services if service not in needed]
    for service in others:
        service.ask_to_stop()
    for service in [*others, *reversed(needed)]:
        service.ask_to_stop()
        service.wait_stopped(hurry=lambda: asked() > max(first, 1))


def _banner(settings: Settings, owner: str, blog: bool | None) -> str:
    lines = [
        "",
        "  newsletter is running",
        "",
        f"  Site           {settings.site}/",
        f"  Owner's area   {settings.site}/owner/",
        f"                 {owner}",
    ]
    if settings.runs_mailbox:
        lines.append(f"  Mailbox        http://127.0.0.1:{settings.mailbox_port}/   (every mail lands here)")
    if blog is not None:
        where = f"http://127.0.0.1:{settings.blog_port}/   (your forms in somebody's site)"
        taken = f"not served: port {settings.blog_port} is taken (BLOG_PORT chooses another)"
        lines.append(f"  Example blog   {where if blog else taken}")
    logs: Path = settings.data_dir / "log"
    return "\n".join([*lines, f"  Logs           {logs}", "", "  Ctrl-C stops all of it and keeps everything.", ""])
