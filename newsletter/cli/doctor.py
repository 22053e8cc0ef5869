"""The `doctor` command: checks everything the program needs, with advice on what is missing."""

import shutil
import socket
import sys
import urllib.request
from urllib.error import HTTPError

import click
from kombu.exceptions import OperationalError
from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy import select, text

from newsletter import brand, installation, versions
from newsletter.cli.opened import opened
from newsletter.guides import Guide, inspect
from newsletter.inbound.imap import InboxError
from newsletter.inbound.imap import opened as inbox_opened
from newsletter.inbound.look import ADVICE
from newsletter.mail import signing
from newsletter.mail_settings import parse_inboxes
from newsletter.runtime import Runtime
from newsletter.settings import load
from newsletter.smtp import parse_relays
from newsletter.workers import make_celery

LEAST_DISK = 200 * 1024 * 1024  # octets


@click.command()
def doctor() -> None:
    """Check everything the product needs, and say what to do about what is missing."""
    settings = load()
    failed: set[str] = set()
    with opened(check=False) as rt:
        for name, check in CHECKS.items():
            if name in IN_THE_DATABASE and "database" in failed:
                click.echo(f"-     {name}: not looked at; the database comes first")
                continue
            try:
                told = check(rt)
                click.echo(f"ok    {name}: {told}")
            except Exception as error:  # noqa: BLE001 - report every failure and continue
                failed.add(name)
                click.echo(f"FAIL  {name}: {_first_line(error)}")
    click.echo(f"Data folder: {settings.data_dir}")
    sys.exit(1 if failed else 0)


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__


class _Failed(Exception):
    """A failed check; the message says what to do."""


def _database(rt: Runtime) -> str:
    with rt.database.reading() as session:
        session.execute(text("SELECT 1"))
    if versions.version(rt.database) is None:
        raise _Failed("holds nothing yet; start the product with `make run`, or run `newsletter migrate`")
    if not versions.is_current(rt.database):
        raise _Failed("not up to date; run `newsletter migrate`")
    return "answers and is up to date"


def _redis(rt: Runtime) -> str:
    try:
        with Redis.from_url(rt.settings.redis, socket_connect_timeout=2, socket_timeout=2) as client:
            return f"version {client.info('server')['redis_version']}"
    except (RedisError, OSError):
        raise _Failed(
            "does not answer; start the product with `make run`, or set REDIS_URL to a server that runs"
        ) from None


def _mail(rt: Runtime) -> str:
    for relay in parse_relays(rt.settings.relays):
        try:
            with socket.create_connection((relay.host, relay.port), timeout=5):
                pass
        except OSError as error:
            what = "see SMTP_URL, and the firewall" if rt.settings.smtp_url else "start the product with `make run`"
            raise _Failed(f"{relay.host}:{relay.port} does not answer ({_first_line(error)}); {what}") from None
    return f"{rt.settings.relays.count(',') + 1} reachable" if rt.settings.smtp_url else "the local mailbox answers"


def _inbox(rt: Runtime) -> str:
    every = parse_inboxes(rt.settings.inbox_url)
    for one in every:
        try:
            with inbox_opened(one):
                pass
        except InboxError as error:
            raise _Failed(f"{one.name} cannot be read ({error}). {ADVICE[error.trouble]}") from None
    if every:
        return ", ".join(one.name for one in every)
    return (
        "none is read (INBOX_URL is not set): bounces that come as a mail, and unsubscribing by mail, are yours to do"
    )


def _web(rt: Runtime) -> str:
    host = "127.0.0.1" if rt.settings.host in ("0.0.0.0", "::") else rt.settings.host  # noqa: S104 - compared
    url = f"http://{host}:{rt.settings.port}/healthz"
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return f"answers with {answer.status}"
    except HTTPError as error:
        raise _Failed(f"{url} answers with {error.code}; its log says why") from None
    except OSError:
        raise _Failed(f"{url} does not answer; start the product with `make run`") from None


def _workers(rt: Runtime) -> str:
    try:
        answers = make_celery(rt.settings, patient=False).control.ping(timeout=1.5)
    except (OperationalError, RedisError, OSError):
        raise _Failed("cannot be asked, because Redis does not answer") from None
    found = sorted(name for one in answers for name in one)
    queues = {name.split("@")[0] for name in found}
    if missing := {"transactional", "bulk"} - queues:
        raise _Failed(f"no worker for {' and '.join(sorted(missing))}: mail waits; start the product with `make run`")
    return ", ".join(found)


def _house(rt: Runtime) -> str:
    with rt.database.reading() as session:
        found = brand.current(session)
    if not found.address_lines:
        raise _Failed("no postal address: campaigns refuse to go; add it under Settings in the owner's area")
    if used := rt.languages.stand_in(found.language):
        raise _Failed(
            f"no catalogue for its language “{found.language}”, so pages are in {used.code}; choose one in Settings"
        )
    return f"{found.name}, {found.email}"


def _key(rt: Runtime) -> str:
    with rt.database.reading() as session:
        if not brand.current(session).is_signed_with(rt.signer.key_print):
            raise _Failed("SECRET_KEY is not the installation's: no worker with it sends; copy the first host's")
        ours, theirs = rt.signer.key_prints, {name for _, name in brand.retired_keys(session)}
    if theirs - set(ours):
        raise _Failed("an old key is not in SECRET_KEY_OLD: links in mails that were sent under it do not work")
    return "links are signed with the installation's key" + (f", {len(ours) - 1} old" if len(ours) > 1 else "")


def _sending(rt: Runtime) -> str:
    with rt.database.reading() as session:
        here = installation.current(session)
    if here.is_locked:
        raise _Failed(f"locked, for it was {here.lock_reason}; see {rt.settings.site}/owner/held for what would go")
    return "not locked: this database is where it was left"


def _guides(rt: Runtime) -> str:
    with rt.database.reading() as session:
        every = session.scalars(select(Guide)).all()
    return ", ".join(f"{one.slug} {inspect(one.file(rt.guides)).pages} pages" for one in every)


def _disk(rt: Runtime) -> str:
    free = shutil.disk_usage(rt.settings.data_dir).free
    if free < LEAST_DISK:
        raise _Failed(f"only {free // 2**20} MB free; make room for at least {LEAST_DISK // 2**20} MB")
    return f"{free // 2**30} GB free"


def _dkim(rt: Runtime) -> str:
    dkim = rt.renderer.dkim
    with rt.database.reading() as session:
        sender, others = brand.current(session).email, signing.other_keys(session, dkim)
    if others:
        raise _Failed(
            f"the key of {', '.join(others)} is not the one that other hosts sign with, so nothing is sent from here; "
            "copy their key file, or run `newsletter dkim adopt` if this key is the right one"
        )
    if dkim is None:
        return "mail is not signed here (DKIM_DOMAIN is not set); see that your relay signs it"
    if not dkim.is_aligned(sender):
        raise _Failed(
            f"mail is signed by {dkim.domain}, which says nothing about {sender}; set DKIM_DOMAIN to its domain"
        )
    return ", ".join(f"{key.algorithm} {key.selector}._domainkey.{dkim.domain}" for key in dkim.keys)


CHECKS = {
    "database": _database,
    "redis": _redis,
    "mail": _mail,
    "inbox": _inbox,
    "web": _web,
    "workers": _workers,
    "brand": _house,
    "key": _key,
    "sending": _sending,
    "dkim": _dkim,
    "guides": _guides,
    "disk": _disk,
}
IN_THE_DATABASE = ("brand", "key", "sending", "dkim", "guides")
