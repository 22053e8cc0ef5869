"""The `limit` commands, for sending rates."""

from collections.abc import Callable
from datetime import datetime

import click
from sqlalchemy.orm import Session

from newsletter.cli.opened import opened
from newsletter.runtime import Runtime
from newsletter.smtp import parse_relays
from newsletter.throttle.rules import (
    EVERY_DOMAIN,
    WARM_UP,
    BadRule,
    Rate,
    Scope,
    current,
    domain_named,
    listed,
    put,
    remove,
    schedule_of,
    warm_up,
)


@click.group("limit")
def limit() -> None:
    """How much is sent in how long. A change holds within a second, for all workers."""


def _targets(command: Callable[..., None]) -> Callable[..., None]:
    for option in (
        click.option("--all", "everything", is_flag=True, help="Everything that is sent."),
        click.option("--relay", metavar="HOST:PORT", help="What goes through this relay."),
        click.option("--domain", help=f"What goes to this domain; '{EVERY_DOMAIN}': to each that has no own limit."),
    ):
        command = option(command)
    return command


@limit.command("set")
@_targets
@click.argument("rate")
def set_limit(rate: str, everything: bool, relay: str | None, domain: str | None) -> None:
    """At most RATE: 5/second, 100/hour, 1000/day. Several with different spans hold together."""
    with opened() as rt, rt.database.transaction() as session:
        scope, name = _target(rt, everything, relay, domain)
        try:
            made = put(session, scope, name or "", Rate.parse(rate), rt.clock.now())
        except BadRule as error:
            raise click.BadParameter(str(error), param_hint="RATE") from None
        click.echo(f"From now on: {_named(made.scope, made.name)} at most {made.rate}")


@limit.command("remove")
@_targets
@click.option("--warmup", is_flag=True, help="The warm-up schedule.")
def remove_limit(everything: bool, relay: str | None, domain: str | None, warmup: bool) -> None:
    """Lift every limit of one thing."""
    if warmup and (everything or relay or domain):
        raise click.UsageError("Name one of --all, --relay, --domain and --warmup.")
    with opened() as rt, rt.database.transaction() as session:
        # A relay that is no longer configured may still have a limit.
        scope, name = (Scope.WARMUP, None) if warmup else _target(None, everything, relay, domain)
        gone = remove(session, scope, rt.clock.now(), name)
    if not gone:
        raise click.ClickException("There is no such limit; `newsletter limit list` shows those there are.")
    click.echo(f"Lifted: {gone}")


@limit.command("warmup")
@click.argument("counts", required=False)
@click.option("--since", default=None, help="When the first day began, ISO 8601; now without it.")
def warmup_limit(counts: str | None, since: str | None) -> None:
    """For a new sender: COUNTS (50,100,200) is the most for each day; without it, a usual fortnight. Then no limit."""
    with opened() as rt, rt.database.transaction() as session:
        try:
            schedule = schedule_of(counts) if counts else WARM_UP
            now = rt.clock.now()
            warm_up(session, schedule, now, _moment(since, now))
        except BadRule as error:
            raise click.BadParameter(str(error), param_hint="COUNTS") from None
    click.echo(f"Warm-up: {', '.join(f'{count:,}' for count in schedule)} on days 1 to {len(schedule)}")


@limit.command("list")
def list_limits() -> None:
    """Every limit, and what of them holds today."""
    with opened() as rt, rt.database.reading() as session:
        rows = listed(session)
        for one in rows:
            click.echo(f"{_named(one.scope, one.name):<40} {one.rate}")
        click.echo(_today(session, rt.clock.now()) if rows else "Nothing is limited.")


def _today(session: Session, now: datetime) -> str:
    holds = current(session, now)
    return f"In all, just now: {', '.join(map(str, holds.everything)) or 'no limit'}"


def _target(rt: Runtime | None, everything: bool, relay: str | None, domain: str | None) -> tuple[Scope, str]:
    if [everything, relay is not None, domain is not None].count(True) != 1:
        raise click.UsageError("Name one of --all, --relay and --domain.")
    if relay is not None:
        known = [one.name for one in parse_relays(rt.settings.relays)] if rt else [relay]
        if relay not in known:
            raise click.BadParameter(f"is no relay of SMTP_URL; there is {', '.join(known)}", param_hint="--relay")
        return Scope.RELAY, relay
    return (Scope.DOMAIN, _domain(domain)) if domain is not None else (Scope.ALL, "")


def _domain(typed: str) -> str:
    try:
        return domain_named(typed)
    except BadRule as error:
        raise click.BadParameter(str(error), param_hint="--domain") from None


def _named(scope: Scope, name: str) -> str:
    words = {
        Scope.ALL: "all mail",
        Scope.RELAY: f"relay {name}",
        Scope.DOMAIN: "each other domain" if name == EVERY_DOMAIN else f"domain {name}",
        Scope.WARMUP: f"warm-up day {name}",
    }
    return words[scope]


def _moment(typed: str | None, now: datetime) -> datetime:
    if typed is None:
        return now
    try:
        moment = datetime.fromisoformat(typed)
    except ValueError:
        raise click.BadParameter("should be ISO 8601, e.g. 2026-12-01T09:00:00+00:00", param_hint="--since") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=now.tzinfo)
