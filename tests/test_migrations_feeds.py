"""Migrations 0290 and on: articles stay, and know of no source; feeds begin with none."""

from sqlalchemy import inspect, select
from sqlalchemy.orm import Session

from newsletter import accounts, articles, drafts, schema
from newsletter.articles import Article
from newsletter.drafts import Draft, Place
from newsletter.feeds import Feed, FeedPost, Mailing, Makes, Rhythm, Sending
from newsletter.runtime import Runtime
from tests.conftest import NOON
from tests.feeds.blog import add_feed
from tests.test_migrations import back_to

BEFORE = "0282"


def test_articles_keep_their_words_and_lose_their_source(runtime: Runtime) -> None:
    database = runtime.database
    with database.transaction() as session:
        id = articles.write(session, NOON, title="A", subject="B", body="C", source_url="https://blog.example/a").id
    back_to(BEFORE, database)
    assert "source_url" not in {one["name"] for one in inspect(database.engine).get_columns("articles")}
    schema.upgrade(database)
    with database.reading() as session:
        article = session.scalars(select(Article).where(Article.id == id)).one()
        assert (article.title, article.current.body, article.source_url) == ("A", "C", "")


def test_feeds_go_down_and_up_again_beside_drafts(runtime: Runtime) -> None:
    database = runtime.database
    with database.transaction() as session:
        owner = accounts.create(session, "paula@example.org", "a long enough password", NOON)
        session.flush()
        drafts.keep(session, Place(owner_id=owner.id, sitting="a" * 16), {"title": "A"}, NOON)
    add_feed(runtime, "https://blog.example/feed")
    back_to("0290", database)
    assert not {"feeds", "feed_posts"} & set(inspect(database.engine).get_table_names())
    schema.upgrade(database)
    with database.reading() as session:
        assert session.scalars(select(Feed)).all() == []
        assert session.scalars(select(Draft)).one().typed == {"title": "A"}


def test_a_feed_that_sends_makes_drafts_again_after_going_down(runtime: Runtime) -> None:
    database = runtime.database
    with database.transaction() as session:
        owner = accounts.create(session, "paula@example.org", "a long enough password", NOON)
        session.flush()
        article = articles.write(session, NOON, title="A", subject="B", body="C")
        id = add_feed_row(session, owner)
        session.add(FeedPost(feed_id=id, key="k", title="A", url="", seen_at=NOON, taken=True, article_id=article.id,
                             mailing=Mailing.WAITING))  # fmt: skip
    back_to("0320", database)
    schema.upgrade(database)
    with database.reading() as session:
        feed, post = session.scalars(select(Feed)).one(), session.scalars(select(FeedPost)).one()
        assert (feed.sending, feed.known_at, feed.etag, post.mailing) == (Sending.OFF, None, "", None)
        assert session.scalars(select(Article).where(Article.title == "A")).one()


def add_feed_row(session: Session, owner: accounts.Owner) -> int:
    feed = Feed(url="https://blog.example/feed", title="A", owner_id=owner.id, rhythm=Rhythm.WEEKLY, weekday=0, hour=7,
                makes=Makes.ARTICLES, created_at=NOON, due_at=NOON)  # fmt: skip
    feed.send_to(Sending.EVERYBODY, None, None, owner, NOON)
    session.add(feed)
    session.flush()
    return feed.id
