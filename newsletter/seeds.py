"""What a new install starts with, from `site.toml` and `content/`: loaded once, never over the owner's edits."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter import articles, brand, content, topics
from newsletter.articles import Article
from newsletter.brand import Brand
from newsletter.campaigns import Campaign
from newsletter.forms import Form, Gives
from newsletter.guides import Guide
from newsletter.sequences import Delay, Sequence
from newsletter.topics import Topic

NEEDED = ("title", "subject", "preheader", "slug")


def plant(session: Session, root: Path, now: datetime) -> bool:
    """Fill an empty database. False (and nothing changed) when it has a brand already."""
    if session.get(Brand, 1) is not None:
        return False
    site = brand.read_site(root / "site.toml")
    session.add(brand.from_site(site))
    for one in site.get("topics", []):
        topics.add(session, one["name"], now)
    for position, one in enumerate(site["guides"]):
        session.add(_guide(one, position))
        _plant_series(session, root / "content" / "series" / one["slug"], one, now)
    for one in site.get("forms", []):
        session.add(_form(one, now))
    _plant_campaign(session, root / "content" / "welcome.md", site["brand"]["zone"], now)
    return True


def _guide(one: dict[str, Any], position: int) -> Guide:
    return Guide(
        slug=one["slug"],
        title=one["title"],
        box=one["box"],
        accent=one["accent"],
        topic=one["topic"],
        position=position,
        begin=one.get("begin", ""),
        begin_page=one.get("begin_page", 0),
        question=one.get("question", ""),
    )


def _form(one: dict[str, Any], now: datetime) -> Form:
    """A `[[forms]]` table: the columns of a form by their names, and `guide`, without which it gives the newsletter."""
    data = dict(one)
    guide = data.pop("guide", None)
    return Form(gives=Gives.GUIDE if guide else Gives.NEWSLETTER, guide_slug=guide, created_at=now, **data)


def _plant_series(session: Session, folder: Path, guide: dict[str, Any], now: datetime) -> None:
    files = sorted(folder.glob("*.md"))
    if not files:
        return
    sequence = Sequence(
        slug=guide["slug"], name=f"After the guide: {guide['title']}", guide_slug=guide["slug"], created_at=now
    )
    session.add(sequence)
    for path in files:
        head, _ = content.read(path)
        sequence.append(_article(session, path, now), Delay.parse(head.get("delay", "")))


def _plant_campaign(session: Session, path: Path, zone: str, now: datetime) -> None:
    if path.exists():
        session.add(Campaign(article=_article(session, path, now), zone=zone, created_at=now))


def _article(session: Session, path: Path, now: datetime) -> Article:
    head, body = content.read(path)
    if missing := [key for key in NEEDED if not head.get(key)]:
        raise content.BadContent(f"{path.name}: the front matter lacks {', '.join(missing)}")
    known = session.scalar(select(Article).where(Article.slug == head["slug"]))
    if known is not None:
        return known
    article = articles.write(
        session, now, title=head["title"], subject=head["subject"], preheader=head["preheader"], body=body,
        topic=_topic(session, path, head), slug=head["slug"],
    )  # fmt: skip
    if head.get("published"):
        article.publish(datetime.fromisoformat(head["published"]).replace(tzinfo=UTC))
    return article


def _topic(session: Session, path: Path, head: Mapping[str, str]) -> Topic | None:
    """The topic that a text names; it has to be one of `[[topics]]`."""
    name = head.get("topic")
    found = topics.by_name(session, name) if name else None
    if name and found is None:
        raise content.BadContent(f"{path.name}: there is no topic {name!r} among the [[topics]] of site.toml")
    return found
