"""A/B tests on the command line: options of `campaign send`; commands `campaign test`, `choose` and `stop-test`."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import click
from sqlalchemy.orm import Session

from newsletter import campaigns
from newsletter.campaigns import (
    WAITS,
    ABTest,
    Campaign,
    Compares,
    IfClose,
    Judge,
    NotNow,
    Part,
    Proportion,
    Wish,
    ab_test_of,
    named,
    verdict,
)
from newsletter.cli.opened import opened

_OPTIONS = (
    click.option("--subject-b", default="", help="Test this subject against --subject first (A/B)."),
    click.option("--preheader-b", default="", help="B's; as A's without it."),
    click.option("--share", default=20, show_default=True, help="Percent of the audience that A and B go to."),
    click.option("--hours", default=4, show_default=True, help="How long the test takes."),
    click.option("--winner", type=click.Choice([one.value for one in Judge]), default=Judge.HAND.value,
                 show_default=True, help="What clearly more people click goes to the others, or what you choose."),
    click.option("--if-close", type=click.Choice([one.value for one in IfClose]), default=IfClose.WAIT.value,
                 show_default=True, help="If the clicks are too few to tell: send A, or wait for you."),
)  # fmt: skip


def options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Decorator: adds the A/B test options to `campaign send`."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def wish(subject_b: str, preheader_b: str, share: int, hours: int, winner: str, if_close: str) -> Wish | None:
    """The test these options describe, or None."""
    if not subject_b:
        return None
    return Wish(
        compares=Compares.SUBJECT, subject=subject_b, preheader=preheader_b, share=share, hours=hours,
        judge=Judge(winner), if_close=IfClose(if_close),
    )  # fmt: skip


def _found(session: Session, id: int, lock: bool = False) -> ABTest:
    campaign = session.get(Campaign, id)
    found = ab_test_of(session, campaign, lock) if campaign else None
    if found is None:
        raise click.ClickException(f"There is no A/B test with a campaign {id}.")
    return found


@click.command()
@click.argument("id", type=int)
def test(id: int) -> None:
    """What an A/B test has come to."""
    with opened() as rt, rt.database.reading() as session:
        found = _found(session, id)
        numbers = found.kept or campaigns.results(session, found)
        click.echo(f"It is {found.phase}.{f' {WAITS[found.waits]}' if found.waits else ''}")
        for part, campaign, one in zip((Part.A, Part.B), found.both, numbers, strict=True):
            click.echo(f"{named(part)}  campaign {campaign.id}, {campaign.state}{_shares(campaign, one)}")
        if all(one.counted_clicks for one in found.both):
            click.echo(verdict(*numbers))
        if found.rest:
            click.echo(f"{named(found.winner)} goes to the rest: campaign {found.rest_id}, {found.rest.state}")


def _shares(campaign: Campaign, one: Proportion) -> str:
    if not campaign.counted_clicks:
        return f": {one.whole} reached"
    low, high = one.interval.low, one.interval.high
    return f": {one.part} of {one.whole} clicked, {one.rate:.1%} (between {low:.1%} and {high:.1%})"


def _act(id: int, do: Callable[[Session, ABTest, datetime], str], lock: bool = False) -> None:
    with opened() as rt, rt.database.transaction() as session:
        try:
            told = do(session, _found(session, id, lock), rt.clock.now())
        except NotNow as error:
            raise click.ClickException(str(error)) from None
    click.echo(told)


@click.command()
@click.argument("id", type=int)
@click.argument("part", type=click.Choice(["a", "b"], case_sensitive=False))
def choose(id: int, part: str) -> None:
    """Send A or B of a test to the rest, now."""

    def do(session: Session, found: ABTest, now: datetime) -> str:
        rest = campaigns.choose(session, found, Part(part.lower()), now, now)
        return f"{named(found.winner)} goes to the rest: campaign {rest.id}"

    _act(id, do, lock=True)


@click.command()
@click.argument("id", type=int)
def stop_test(id: int) -> None:
    """Stop a test: nothing goes to the rest."""

    def do(session: Session, found: ABTest, now: datetime) -> str:
        campaigns.stop(session, found, now)
        return "The test is stopped. What was sent stays sent."

    _act(id, do)
