"""Commands about the installation: migrate, fast-forward, doctor."""

import re
import shutil
import sys
import time
from collections.abc import Callable
from datetime import timedelta

import click
from redis import Redis
from sqlalchemy import func, select, text

from newsletter import brand, schema
from newsletter.cli.opened import opened
from newsletter.clock import MovableClock
from newsletter.guides import Guide, inspect
from newsletter.mail.outbox import Message, State
from newsletter.mail.render import Dkim
from newsletter.runtime import Runtime
from newsletter.settings import load
from newsletter.supervisor.up import prepare

UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
LEAST_DISK = 200 * 1024 * 1024


@click.command()
def migrate() -> None:
    """Bring the database up to date, and fill a new one with its seeds."""
    settings = load()
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    owner = prepare(settings)
    click.echo(f"The database is up to date. Owner: {owner.words}")


@click.command("fast-forward")
@click.argument("span")
def fast_forward(span: str) -> None:
    """Move the product's clock on by SPAN (30m, 12h, 3d, 2w), to see days pass. Only on this machine."""
    match = re.fullmatch(r"(\d{1,5})([mhdw])", span.strip())
    if not match:
        raise click.BadParameter("should read like 30m, 12h, 3d or 2w", param_hint="SPAN")
    with opened() as rt:
        if not isinstance(rt.clock, MovableClock):
            raise click.ClickException(
                f"Refused: {rt.settings.site} is not on this machine alone, and real subscribers live in real time."
            )
        _wait_until_quiet(rt)
        rt.clock.forward(timedelta(**{UNITS[match[2]]: int(match[1])}))
        click.echo(f"It is now {rt.clock.now():%A %d %B %Y %H:%M} UTC for the product.")


def _wait_until_quiet(rt: Runtime) -> None:
    """Leases are told by the same clock: what is on the wire should land before its lease is over."""
    for _ in range(100):
        with rt.database.reading() as session:
            busy = session.scalar(select(func.count()).where(Message.state.in_((State.CLAIMED, State.HANDED_OVER))))
        if not busy:
            return
        time.sleep(0.1)


@click.command()
def doctor() -> None:
    """Check everything the product needs, and say what to do about what is missing."""
    settings = load()
    failed = 0
    with opened(check=False) as rt:
        for name, check in _checks(rt).items():
            try:
                told = check()
                click.echo(f"ok    {name}: {told}")
            except Exception as error:  # noqa: BLE001 - a doctor names every illness and goes on
                failed += 1
                click.echo(f"FAIL  {name}: {_first_line(error)}")
    click.echo(f"Data folder: {settings.data_dir}")
    sys.exit(1 if failed else 0)


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__


class _Ill(Exception):
    """A check failed; the message says what to do."""


def _checks(rt: Runtime) -> dict[str, Callable[[], str]]:
    def database() -> str:
        with rt.database.reading() as session:
            session.execute(text("SELECT 1"))
        if not schema.is_current(rt.database):
            raise _Ill("not up to date; run `newsletter migrate`")
        return "answers and is up to date"

    def redis() -> str:
        url = rt.settings.broker.replace("redis+socket://", "unix://", 1)
        with Redis.from_url(url, socket_connect_timeout=2, socket_timeout=2) as client:
            return f"version {client.info('server')['redis_version']}"

    def mail() -> str:
        return rt.transport.probe() if hasattr(rt.transport, "probe") else rt.settings.mail_domain

    def house() -> str:
        with rt.database.reading() as session:
            found = brand.current(session)
        if not found.address_lines:
            raise _Ill("no postal address: campaigns refuse to go; add it under Settings in the owner's area")
        return f"{found.name}, {found.email}"

    def dkim() -> str:
        with rt.database.reading() as session:
            return _signs(rt.renderer.dkim, brand.current(session).email)

    def guides() -> str:
        with rt.database.reading() as session:
            every = session.scalars(select(Guide)).all()
        return ", ".join(f"{one.slug} {inspect(one.file(rt.guides)).pages} pages" for one in every)

    def disk() -> str:
        free = shutil.disk_usage(rt.settings.data_dir).free
        if free < LEAST_DISK:
            raise _Ill(f"only {free // 2**20} MB free; make room for at least {LEAST_DISK // 2**20} MB")
        return f"{free // 2**30} GB free"

    checks = {"database": database, "redis": redis, "brand": house, "dkim": dkim, "guides": guides, "disk": disk}
    return checks if not hasattr(rt.transport, "probe") else {**checks, "mail": mail}


def _signs(dkim: Dkim | None, sender: str) -> str:
    if dkim is None:
        return "mail is not signed here (DKIM_DOMAIN is not set); see that your relay signs it"
    if not dkim.is_aligned(sender):
        raise _Ill(f"mail is signed by {dkim.domain}, which says nothing about {sender}; set DKIM_DOMAIN to its domain")
    return ", ".join(f"{key.algorithm} {key.selector}._domainkey.{dkim.domain}" for key in dkim.keys)


commands = (migrate, fast_forward, doctor)
