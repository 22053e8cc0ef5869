"""The `campaign` commands."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from sqlalchemy.orm import Session

from newsletter import articles, brand, campaigns, characters, preflight, topics
from newsletter.articles import Article
from newsletter.campaigns import BadTest, Campaign, NotNow, Wish, together
from newsletter.cli import ab_test, left_out, own_times, spam_points
from newsletter.cli.opened import opened
from newsletter.mail.contents import content
from newsletter.mail.ledger import State
from newsletter.mail.ledger.contents import RevisionImpact
from newsletter.mail.render import BadArticle, Content, Reader
from newsletter.preflight import Level, NotFit
from newsletter.runtime import Runtime
from newsletter.subscribers import Stream
from newsletter.topics import Topic
from newsletter.zones import NoSuchTime, instant, zone_named

LARGEST = 2_000_000
"""Octets; larger files are refused unread."""


@click.group()
def campaign() -> None:
    """One article to many people."""


campaign.add_command(ab_test.test)
campaign.add_command(ab_test.choose)
campaign.add_command(ab_test.stop_test)
campaign.add_command(left_out.rest)


@campaign.command()
@click.option("--subject", required=True)
@click.option("--preheader", default="", help="The line that inboxes show behind the subject.")
@click.option("--body", "body_file", required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path),
              help="A Markdown file.")  # fmt: skip
@click.option("--guide", default=None, help="Only those who asked for this guide (its slug).")
@click.option("--tag", default=None, help="Only those who have this tag.")
@click.option("--segment", default=None, help="Only those of this saved segment (its name), who take the newsletter.")
@left_out.options
@click.option("--topic", default=None, help="Its topic (the last part of the topic's address): only those who take it.")
@click.option(
    "--at", default=None, help="ISO 8601, e.g. 2026-12-01T09:00 (your zone) or …T09:00:00+00:00; now without it."
)
@click.option("--own-time", is_flag=True, help="Send it when it is --at (without a zone) on each reader's own clock.")
@ab_test.options
@click.option("--force", is_flag=True, help="Send it in spite of warnings; what is wrong stops it all the same.")
def send(subject: str, preheader: str, body_file: Path, guide: str | None, tag: str | None, segment: str | None,
         topic: str | None, at: str | None, own_time: bool, force: bool, without: tuple[str, ...], one_a_day: bool,
         **test: Any) -> None:  # fmt: skip
    """Send an article to everybody who agreed to the newsletter. The last word printed is the campaign's id.

    With --subject-b it is an A/B test: the id is that of A, and `campaign test` shows what comes of it.
    """
    subject, preheader, body = characters.line(subject), characters.line(preheader), _text(body_file)
    with (
        opened() as rt,
        spam_points.asked(rt, subject, preheader, body, test) as points,
        rt.database.transaction() as session,
    ):
        now, house = rt.clock.now(), brand.current(session)
        when = None if own_time else _moment(at, house.zone, now)
        words = content(session, subject, preheader, body)
        about = _topic(session, topic) if topic else None
        made = Campaign(segment_guide=guide, segment_tag=tag, zone=house.zone, created_at=now,
                        saved_segment=left_out.segment(session, segment) if segment else None)  # fmt: skip
        made.left_out = left_out.named(session, without)
        audience = replace(made.audience(now), topic=about.id if about else None)
        _insist(preflight.check(session, rt.renderer, house, words, audience).and_also(points.checks), force)
        try:
            made.article = _written(rt, session, words, about)
            session.add(made)
            if wish := ab_test.wish(**test):
                _tested(rt, session, made, wish, force)
            told = _scheduled(session, made, house, now, when=when or now, own_time=(at or "") if own_time else None,
                              one_a_day=one_a_day)  # fmt: skip
        except (NotNow, BadArticle, BadTest) as error:
            raise click.ClickException(str(error)) from None
        points.keep(rt, session, made)
        size = replace(made.audience(now), slice=None).size(session)
    click.echo(f"Scheduled for {told} to {size} people: campaign {made.id}")


def _scheduled(session: Session, made: Campaign, house: brand.Brand, now: datetime, *, when: datetime,
               own_time: str | None, one_a_day: bool) -> str:  # fmt: skip
    if own_time is not None:
        return own_times.schedule(session, made, own_time, house, now, one_a_day)
    together.schedule(session, made, when, house, one_a_day)
    return f"{when.astimezone(zone_named(house.zone)):%a %d %b %Y %H:%M %Z}"


def _written(rt: Runtime, session: Session, words: Content, about: Topic | None) -> Article:
    """Create an article with this content, titled by its rendered subject."""
    seen = rt.renderer.rendered(Stream.CAMPAIGN, brand.current(session), Reader(0), words, {})
    return articles.write(
        session, rt.clock.now(), title=seen.subject[:200] or words.subject[:200], subject=words.subject,
        preheader=words.preheader, body=words.body, topic=about,
    )  # fmt: skip


def _tested(rt: Runtime, session: Session, a: Campaign, wish: Wish, force: bool) -> None:
    house, now = brand.current(session), rt.clock.now()
    made = campaigns.make_ab_test(session, a, wish, house, now)
    _insist(preflight.check_ab_test(session, rt.renderer, house, made, now), force)
    click.echo(campaigns.plan(made))


def _topic(session: Session, slug: str) -> Topic:
    found = topics.by_slug(session, slug)
    if found is None:
        known = ", ".join(one.slug for one in topics.open_ones(session)) or "none"
        raise click.ClickException(f"There is no topic “{slug}”. Topics that exist: {known}.")
    return found


def _text(file: Path) -> str:
    if file.stat().st_size > LARGEST:
        raise click.ClickException(f"{file.name} is larger than {LARGEST // 1_000_000} MB; that is no text for a mail.")
    try:
        return characters.decode(file.read_bytes())
    except characters.NotText as error:
        raise click.ClickException(f"{file.name}: {error}") from None


def _insist(report: preflight.Report, accepted: bool) -> None:
    """Print notes and warnings, and fail where the page would refuse."""
    for level, mark in ((Level.TOLD, "Note"), (Level.WARNING, "Warning")):
        for one in report.of(level):
            click.echo(f"{mark}: {one.name}: {one.found}", err=True)
    try:
        report.insist(accepted)
    except NotFit as error:
        more = " If it is meant so, say it again with --force." if report.fit else ""
        raise click.ClickException(f"{error}{more}") from None


def _moment(at: str | None, zone: str, now: datetime) -> datetime | None:
    if at is None:
        return None
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        raise click.BadParameter(
            "should be ISO 8601, for example 2026-12-01T09:00:00+00:00", param_hint="--at"
        ) from None
    try:
        moment = moment.astimezone(UTC) if moment.tzinfo else instant(moment, zone)
        preflight.check_time(moment, now)
    except (NotFit, NoSuchTime, OverflowError) as error:
        told = "Is the year right?" if isinstance(error, OverflowError) else str(error)
        raise click.BadParameter(f"{at}: {told} It is {now:%Y-%m-%d %H:%M} UTC.", param_hint="--at") from None
    return moment


@campaign.command()
@click.argument("id", type=int)
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def status(id: int, as_json: bool) -> None:
    """Where a campaign stands."""
    with opened() as rt, rt.database.reading() as session:
        found = _found(session, id)
        seen, more = _status(session, found), own_times.status(session, found, rt.clock.now())
    if as_json:
        click.echo(json.dumps(seen | more))
    else:
        for name, value in (seen | own_times.in_lines(more)).items():
            click.echo(f"{name:<11}{value}")


def _status(session: Session, found: Campaign) -> dict[str, Any]:
    counts = found.counts(session)
    arrived = counts[State.SENT] + counts[State.DELIVERED] + counts[State.BOUNCED] + counts[State.COMPLAINED]
    return {
        "state": found.state.value,
        "recipients": sum(counts.values()),
        "sent": arrived,
        "deferred": counts[State.DEFERRED],
        "failed": counts[State.FAILED],
        "uncertain": counts[State.UNCERTAIN],
        "cancelled": counts[State.CANCELLED],
    }


def _found(session: Session, id: int, *, to_act: bool = False) -> Campaign:
    found = session.get(Campaign, id, with_for_update=to_act or None)
    if found is None:
        raise click.ClickException(f"There is no campaign {id}.")
    return found


def _act(id: int, verb: str) -> None:
    with opened() as rt, rt.database.transaction() as session:
        found = _found(session, id, to_act=True)
        try:
            _do(rt, session, found, verb)
        except NotNow as error:
            raise click.ClickException(str(error)) from None
        state = found.state
    click.echo(f"Campaign {id} is {state}.")


def _do(rt: Runtime, session: Session, found: Campaign, verb: str) -> None:
    if verb == "pause":
        together.pause(session, found, "From the command line.")
    elif verb == "resume":
        together.resume(session, found)
    else:
        together.cancel(session, found, rt.clock.now())


@campaign.command()
@click.argument("id", type=int)
def pause(id: int) -> None:
    """Hold what has not left."""
    _act(id, "pause")


@campaign.command()
@click.argument("id", type=int)
def resume(id: int) -> None:
    """Go on with a paused campaign."""
    _act(id, "resume")


@campaign.command()
@click.argument("id", type=int)
def cancel(id: int) -> None:
    """Call off what has not left."""
    _act(id, "cancel")


@campaign.command()
@click.argument("id", type=int)
@click.option("--body", "body_file", required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path),
              help="A Markdown file.")  # fmt: skip
@click.option("--subject", default=None, help="As it is, without this.")
@click.option("--preheader", default=None, help="As it is, without this.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def revise(id: int, body_file: Path, subject: str | None, preheader: str | None, yes: bool) -> None:
    """Give a paused campaign other words, for everybody who has not had their turn. It stays paused."""
    body = _text(body_file)
    with opened() as rt:
        with rt.database.reading() as session:
            found = _found(session, id)
            before = found.dispatch.revision if found.dispatch else found.article.current
            words = content(session, _or(subject, before.subject), _or(preheader, before.preheader), body)
            _insist(preflight.check_words(session, rt.renderer, brand.current(session), words), accepted=True)
            for line in _looked_at(session, found, words).told:
                click.echo(line)
        if not yes:
            click.confirm("Set these words?", abort=True)
        with rt.database.transaction() as session:
            found = _found(session, id)
            if found.dispatch and found.dispatch.revision_id != before.id:
                raise click.ClickException("Its words were changed meanwhile; nothing was done. Please look again.")
            turn = _revised(session, found, words, rt.clock.now())
    click.echo(
        f"{turn.to_come:,} of campaign {id} get the new words. Let it go on with: newsletter campaign resume {id}"
    )


def _or(given: str | None, known: str) -> str:
    return known if given is None else characters.line(given)


def _looked_at(session: Session, found: Campaign, words: Content) -> RevisionImpact:
    try:
        return found.revisable(session, words)
    except NotNow as error:
        raise click.ClickException(str(error)) from None


def _revised(session: Session, found: Campaign, words: Content, now: datetime) -> RevisionImpact:
    try:
        return found.revise(session, words, now)
    except NotNow as error:
        raise click.ClickException(str(error)) from None
