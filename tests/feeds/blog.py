"""A blog on loopback whose feed a test writes, and the row of a feed."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from sqlalchemy import func, select

from newsletter.accounts import Owner
from newsletter.feeds import Feed, Makes, Rhythm
from newsletter.runtime import Runtime
from tests.fetch.hostile import Hostile, Say, page, serving

WORDS = "Walk a little every day, and a little more each week, until the stairs are no work. "


def rss(posts: Sequence[str], title: str = "Paul’s blog") -> bytes:
    """RSS 2.0 with these posts, the newest last here and first in it; each is whole in the feed."""
    items = "".join(
        f"<item><title>{name}</title><link>/{name}</link><guid isPermaLink='false'>{name}</guid>"
        f"<description>How {name} begins.</description>"
        f"<content:encoded><![CDATA[<p>{name} {WORDS * 9}</p>]]></content:encoded></item>"
        for name in reversed(posts)
    )
    return (
        "<?xml version='1.0' encoding='UTF-8'?><rss version='2.0' "
        "xmlns:content='http://purl.org/rss/1.0/modules/content/'><channel>"
        f"<title>{title}</title>{items}</channel></rss>"
    ).encode()


@dataclass
class Blog:
    """What it shows, and its server."""

    site: Hostile
    says: dict[str, bytes | Say] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Of its feed."""
        return self.site.url("/feed")

    def posts(self, *names: str) -> None:
        """Let its feed hold these, the newest last."""
        self.says["/feed"] = page(rss(names), "application/rss+xml")


@contextmanager
def blogging(*names: str) -> Iterator[Blog]:
    """A blog with these posts."""
    says: dict[str, bytes | Say] = {}
    with serving(says) as site:
        blog = Blog(site, says)
        blog.posts(*names)
        yield blog


def add_feed(runtime: Runtime, url: str, *, makes: Makes = Makes.ARTICLES, takes_old: bool = False) -> int:
    """A feed that is looked at each Monday at 18:00 in London, and for the first time now."""
    now = runtime.clock.now()
    with runtime.database.transaction() as session:
        owner_id = session.scalar(select(func.min(Owner.id)))
        made = Feed(
            url=url, title="Paul’s blog", owner_id=owner_id, rhythm=Rhythm.WEEKLY, weekday=0, hour=18, makes=makes,
            takes_old=takes_old, created_at=now, due_at=now,
        )  # fmt: skip
        session.add(made)
        session.flush()
        return made.id
