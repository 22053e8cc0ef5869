"""The owner's pages with a large, old list."""

import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

from flask.testing import FlaskClient
from pydantic import SecretStr
from sqlalchemy import event, select

from bench import years
from bench.folders import temporary
from bench.installation import Broken
from bench.parts.ledger import empty
from bench.report import Table, ms, whole
from bench.run_size import Size
from newsletter.accounts import Owner, OwnerSession
from newsletter.app import create_app
from newsletter.campaigns import Campaign, CampaignState
from newsletter.db import Database
from newsletter.guides import Guide
from newsletter.runtime import build
from newsletter.settings import Settings

LOOKS = 25
"""Requests per page; the first is not counted."""
TOKEN = "looks-at-the-numbers-of-the-benchmark"
HEADS = ("page", "p50 ms", "p95 ms", "dearest statement ms", "statements")


def owner(size: Size) -> list[Table]:
    """Time the owner's pages in this process, without a network, on both databases."""
    return [_table(name, size.growth[-1]) for name in ("PostgreSQL", "SQLite")]


def _table(name: str, people: int) -> Table:
    table = Table(f"The owner's pages, {name}: {whole(people)} people, {whole(5 * people)} messages", HEADS)
    with ExitStack() as stack:
        database, url = stack.enter_context(empty(name))
        years.fill(database, url, people, datetime.now(UTC))
        client = signed_in(database, str(stack.enter_context(temporary("owner"))))
        for page, path in pages(database, people).items():
            table.rows.append(_row(client, database, page, path))
    return table


def pages(database: Database, people: int) -> dict[str, str]:
    """URLs by a descriptive name."""
    with database.reading() as session:
        ours = {one.state: one for one in session.scalars(select(Campaign).order_by(Campaign.id))}
        sent, draft = ours[CampaignState.SENT], ours[CampaignState.DRAFT]
        return {
            "home": "/owner/",
            **_of_people(people),
            **_filters(sent.id, session.scalars(select(Guide.slug).order_by(Guide.id)).first() or ""),
            "write": "/owner/write",
            "write: what was sent": "/owner/write?state=sent",
            "write: words": "/owner/write?q=letter",
            "a campaign": f"/owner/campaigns/{sent.id}",
            "its recipients": f"/owner/campaigns/{sent.id}/recipients",
            "those that failed": f"/owner/campaigns/{sent.id}/recipients?state=failed",
            "a new campaign": "/owner/campaigns/new",
            "a campaign's draft": f"/owner/campaigns/{draft.id}",
            "an article": f"/owner/articles/{sent.article_id}",
            "series": "/owner/series",
            "a series": "/owner/series/3",
            "results": "/owner/results",
            "results of an article": f"/owner/results/articles/{sent.article_id}",
            "guides": "/owner/guides",
            "forms": "/owner/forms",
            "messages": "/owner/messages",
            "settings": "/owner/settings",
            "audit log": "/owner/audit",
            "/metrics": "/metrics",
        }


def _of_people(people: int) -> dict[str, str]:
    return {
        "people": "/owner/subscribers",
        "people: an address": f"/owner/subscribers?q=reader{people // 2}@example",
        "people: part of an address": f"/owner/subscribers?q={people // 2}",
        "people: a name": "/owner/subscribers?q=Chlo%C3%AB",
        "people: nobody": "/owner/subscribers?q=zzzz",
        "people: a tag": "/owner/subscribers?tag=runners",
        "people: who left": "/owner/subscribers?status=unsubscribed",
        "a person": f"/owner/subscribers/{people // 2}",
    }


def _filters(campaign: int, guide: str) -> dict[str, str]:
    """Requests of the live count beside the filter for common rules; each varies the filter, so that nothing is
    cached."""
    asked = {
        "a topic": "topic=1", "asked for a guide": f"asked={guide}", "opened it": f"fetched={guide}",
        "a form": "form=1",
        "joined this year": f"joined_after={datetime.now(UTC):%Y}-01-01", "a time zone": "zone=Europe/London",
        "in a series": "in_series=3&stage=in", "got a campaign": f"sent={campaign}",
        "followed its links": f"clicked={campaign}", "a tag and a topic": "tag=runners&topic=1",
        "a topic, not in a series": "topic=1&in_series=3&stage=never",
    }  # fmt: skip
    never = "joined_before=21{look:02}-01-01"
    return {f"count: {what}": f"/owner/subscribers/count.json?{query}&{never}" for what, query in asked.items()}


def signed_in(database: Database, folder: str) -> FlaskClient:
    """A test client with a signed-in owner, and its own application."""
    settings = Settings.model_validate({
        "data_dir": folder, "secret_key": SecretStr("k" * 40), "metrics_token": SecretStr(TOKEN),
        "redis_url": "redis://127.0.0.1:1/0",
    })  # fmt: skip
    app = create_app(runtime=build(settings, database=database))
    with database.transaction() as session:
        made = Owner(email="owner@example.org", password_hash="-", zone="Europe/London", created_at=datetime.now(UTC))
        session.add(made)
        _, token = OwnerSession.start(session, made, datetime.now(UTC) + timedelta(minutes=1))
    client = app.test_client()
    with client.session_transaction() as cookie:
        cookie["_user_id"], cookie["_fresh"] = token, True
    return client


def _row(client: FlaskClient, database: Database, page: str, path: str) -> list[str]:
    seconds: list[float] = []
    statements: list[float] = []
    begun = [0.0]

    def before(*_: object) -> None:
        begun[0] = time.perf_counter()

    def after(*_: object) -> None:
        statements.append(time.perf_counter() - begun[0])

    event.listen(database.engine, "before_cursor_execute", before)
    event.listen(database.engine, "after_cursor_execute", after)
    try:
        for look in range(LOOKS):
            client.application.extensions["newsletter"].figures.wait()
            statements.clear()
            at = time.perf_counter()
            answer = client.get(path.format(look=look), headers={"Authorization": f"Bearer {TOKEN}"})
            seconds.append(time.perf_counter() - at)
            if answer.status_code != 200:
                raise Broken(f"{path} answered {answer.status_code}")
    finally:
        event.remove(database.engine, "before_cursor_execute", before)
        event.remove(database.engine, "after_cursor_execute", after)
    counted = seconds[1:]
    return [page, ms(counted, 50), ms(counted, 95), f"{max(statements) * 1000:.1f}", str(len(statements))]
