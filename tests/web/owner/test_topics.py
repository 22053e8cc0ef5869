"""The owner's page Topics, and what a topic does to a campaign."""

from collections.abc import Callable

import pytest
from sqlalchemy import delete, select, update

from newsletter import articles, topics
from newsletter.articles import Article
from newsletter.campaigns import Campaign
from newsletter.runtime import Runtime
from newsletter.subscribers import Subscriber, TopicChoice, set_topics
from newsletter.topics import Topic
from tests.conftest import NOON
from tests.web.owner.conftest import Desk, readable

PATH = "/owner/topics"


def _topic(runtime: Runtime, slug: str) -> int:
    with runtime.database.reading() as session:
        found = topics.by_slug(session, slug)
        assert found is not None
        return found.id


def _names(runtime: Runtime) -> list[str]:
    with runtime.database.reading() as session:
        return [one.name for one in topics.open_ones(session)]


def _chooses(runtime: Runtime, id: int, *ids: int) -> None:
    with runtime.database.transaction() as session:
        set_topics(session, session.get_one(Subscriber, id), TopicChoice.of(ids))


def test_topics_are_added_renamed_moved_and_archived(desk: Desk, runtime: Runtime) -> None:
    assert "“Food & sleep” is there." in desk.told(PATH, name="  Food &\0 sleep ")
    id = _topic(runtime, "food-sleep")
    desk.post(f"{PATH}/{id}/up")
    assert _names(runtime) == ["Rehabilitation", "Food & sleep", "Training"]
    assert "Saved." in desk.told(f"{PATH}/{id}", name="Food", slug="food")
    assert 'href="/topics/food"' in desk.get(PATH)
    assert "“Food” is offered to nobody any more." in desk.told(f"{PATH}/{id}/archive")
    assert _names(runtime) == ["Rehabilitation", "Training"]
    assert "“Food” is offered again." in desk.told(f"{PATH}/{id}/restore")
    assert _names(runtime) == ["Rehabilitation", "Training", "Food"]
    assert desk.post(f"{PATH}/{id}/down").status_code == 200, "it is the last already"


@pytest.mark.parametrize(("name", "told"), [("", "Give it a name"), ("training", "already"), ("x" * 41, "too long")])
def test_what_cannot_be_is_told_beside_what_was_typed(name: str, told: str, desk: Desk, runtime: Runtime) -> None:
    for path, more in ((PATH, {}), (f"{PATH}/{_topic(runtime, 'rehabilitation')}", {"slug": "rehabilitation"})):
        answer = desk.post(path, name=name, **more)
        assert (answer.status_code, told in answer.text) == (422, True)
        assert not name or f'value="{name}"' in answer.text
    assert _names(runtime) == ["Rehabilitation", "Training"]


def test_an_address_that_is_taken_is_told(desk: Desk, runtime: Runtime) -> None:
    answer = desk.post(f"{PATH}/{_topic(runtime, 'training')}", name="Training", slug="rehabilitation")
    assert (answer.status_code, "Another topic has this address" in answer.text) == (422, True)


def test_the_page_counts_who_takes_each(desk: Desk, runtime: Runtime, person: Callable[..., int]) -> None:
    person("jane@example.com")
    person("ann@example.com", newsletter=False)
    _chooses(runtime, person("joe@example.com"), _topic(runtime, "training"))
    words = desk.read(PATH)
    assert "/topics/rehabilitation 9 articles 1 reader" in words
    assert "/topics/training 10 articles 2 readers" in words
    assert "1 reader takes every topic, those to come too." in words


@pytest.fixture
def campaign(runtime: Runtime, person: Callable[..., int]) -> int:
    """A draft about training; Jane takes every topic, Joe another one, Ann only what has none."""
    person("jane@example.com")
    _chooses(runtime, person("joe@example.com"), _topic(runtime, "rehabilitation"))
    _chooses(runtime, person("ann@example.com"))
    with runtime.database.transaction() as session:
        about = topics.by_slug(session, "training")
        article = articles.write(session, NOON, title="Golf", subject="Golf", body="Turn.", topic=about)
        made = Campaign(article=article, created_at=NOON)
        session.add(made)
        session.flush()
        return made.id


def test_a_campaign_says_who_gets_it_and_why_others_do_not(desk: Desk, campaign: int, runtime: Runtime) -> None:
    words = desk.read(f"/owner/campaigns/{campaign}")
    assert "To people who take the newsletter and its topic “Training” : 1 now" in words.replace("”:", "” :")
    assert "It is about Training, so it goes to those who take that topic. 2 of this audience have not ticked" in words
    with runtime.database.transaction() as session:
        for one in session.scalars(select(Subscriber)):
            one.every_topic = True
    assert "goes to those who take that topic. All of them do." in desk.read(f"/owner/campaigns/{campaign}")
    with runtime.database.transaction() as session:
        session.get_one(Campaign, campaign).article.topic = None
    words = desk.read(f"/owner/campaigns/{campaign}")
    assert "everybody who takes the newsletter: 3 now" in words and "It is about" not in words


def test_an_article_gets_a_topic_and_loses_it(desk: Desk, runtime: Runtime, article: int) -> None:
    path = f"/owner/articles/{article}/edit"
    words = {"title": "On walking", "subject": "Walking", "preheader": "", "body": "Walk.", "base": "1"}
    desk.post(path, **words, topic="training")
    assert "Training" in desk.read(f"/owner/articles/{article}")
    desk.post(f"{PATH}/{_topic(runtime, 'training')}/archive")
    assert "Training (archived)" in desk.get(path), "an article keeps what it is about"
    assert desk.post(path, **{**words, "base": "2"}, topic="nothing").status_code == 422
    desk.post(path, **{**words, "base": "2"}, topic="")
    with runtime.database.reading() as session:
        assert session.get_one(articles.Article, article).topic is None


def test_a_persons_page_tells_topics_and_changes_of_mind(
    desk: Desk, runtime: Runtime, person: Callable[..., int]
) -> None:
    id = person("jane@example.com")
    assert "(topics:" not in desk.read(f"/owner/subscribers/{id}")
    _chooses(runtime, id, _topic(runtime, "training"))
    assert "takes the newsletter (topics: Training)" in desk.read(f"/owner/subscribers/{id}")
    _chooses(runtime, id)
    assert "(topics: none of your topics)" in desk.read(f"/owner/subscribers/{id}")


def test_a_segment_asks_for_a_topic(desk: Desk, runtime: Runtime, campaign: int) -> None:
    with runtime.database.reading() as session:
        id = session.scalars(select(Topic.id).where(Topic.slug == "training")).one()
    form = {"r.kind": "none", "r.0.kind": "topic", "r.0.topic": str(id), "name": "Not training"}
    words = readable(desk.post("/owner/segments/new", **form, do="look").text)
    assert "does not take the newsletter’s articles on “Training”" in words
    assert "2 people now" in words
    assert "“Not training” is saved." in desk.told("/owner/segments/new", **form, do="save")


def test_without_a_topic_i_am_told_what_to_do_first(desk: Desk, runtime: Runtime) -> None:
    assert "No topics yet" not in desk.read(PATH)
    with runtime.database.transaction() as session:
        session.execute(update(Article).values(topic_id=None))
        session.execute(delete(Topic))
    assert "No topics yet Name two or three things that you write about" in desk.read(PATH)
