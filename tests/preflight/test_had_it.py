"""The same article to people who had it is told, with their number."""

from collections.abc import Callable

import pytest
from sqlalchemy import select

from newsletter import articles, brand, campaigns, preflight
from newsletter.articles import Article
from newsletter.campaigns import Campaign
from newsletter.mail import ledger
from newsletter.mail.render import Content
from newsletter.preflight import Level
from newsletter.preflight.had_it import count
from newsletter.runtime import Runtime
from newsletter.sequences import Delay, Sequence
from newsletter.smtp import Envelope, SentList, SmtpResult, Stage
from newsletter.subscribers import Segment, Stream, Subscriber
from tests.conftest import InlineTrigger
from tests.preflight.conftest import Look, said

WORDS = Content("On walking", "", "Walk more.")


@pytest.fixture
def sent_to_two(runtime: Runtime, person: Callable[..., int], trigger: InlineTrigger) -> int:
    """An article that two have had as a campaign; Carl came later, and Dora's server refused it. Its id."""
    for name in ("ann", "ben", "dora"):
        person(f"{name}@example.com", name.title())

    def answer(one: Envelope) -> SmtpResult:
        stage = Stage.REJECTED if one.recipient.startswith("dora") else Stage.ACCEPTED
        return SmtpResult(one.key, stage, 550 if stage is Stage.REJECTED else 250, "5.7.1", "no", "mx:25", ".")

    runtime.transport = SentList(answer)
    with runtime.database.transaction() as session:
        now = runtime.clock.now()
        article = articles.write(session, now, title="t", subject=WORDS.subject, body=WORDS.body)
        made = Campaign(article=article, created_at=now)
        session.add(made)
        made.schedule(now, brand.current(session))
        session.flush()
        id = article.id
    for step in (campaigns.launch_due, campaigns.fill_next):
        with runtime.database.transaction() as session:
            step(session, runtime.clock.now())
    trigger.wake()
    person("carl@example.com", "Carl")
    return id


def _count(runtime: Runtime, words: Content, article: int | None = None, guide: str | None = None) -> int:
    with runtime.database.reading() as session:
        return count(session, Segment(guide), words, article)


def test_of_words_that_are_no_article_yet_it_is_told_and_stops_nothing(
    sent_to_two: int, look: Look, runtime: Runtime
) -> None:
    report = look(WORDS.body, subject=WORDS.subject)
    assert "Sent before: 2 of 4 have had this article already" in said(report, Level.TOLD)
    report.insist(accepted=False)


def test_the_same_article_again_waits_for_a_yes(sent_to_two: int, runtime: Runtime) -> None:
    with runtime.database.reading() as session:
        again = Segment()
        report = preflight.check(session, runtime.renderer, brand.current(session), WORDS, again, sent_to_two)
    assert "Sent before: 2 of 4 have had this article already" in said(report, Level.WARNING)
    with pytest.raises(preflight.NotFit, match="Sent before"):
        report.insist(accepted=False)
    report.insist(accepted=True)


def test_other_words_of_the_article_count_and_another_article_does_not(sent_to_two: int, runtime: Runtime) -> None:
    other = Content("Other", "", "Words.")
    assert _count(runtime, other, sent_to_two) == 2
    assert _count(runtime, other) == 0
    assert _count(runtime, WORDS, guide="exercise-at-50") == 0, "nobody of that audience has had it"


def test_what_came_as_a_step_counts(runtime: Runtime, person: Callable[..., int], trigger: InlineTrigger) -> None:
    ann = person("ann@example.com", "Ann")
    with runtime.database.transaction() as session:
        now = runtime.clock.now()
        article = articles.write(session, now, title="t", subject=WORDS.subject, body=WORDS.body)
        session.scalars(select(Sequence).limit(1)).one().append(article, Delay.parse("1 day"))
        session.flush()
        to = session.get_one(Subscriber, ann)
        ledger.queue(session, to, Stream.STEP, "step:1:1", now, revision=article.current, context={"guide": "g"})
    assert _count(runtime, WORDS) == 0, "it has not left"
    trigger.wake()
    assert _count(runtime, WORDS) == 1


def test_articles_in_use_that_cannot_be_put_together_are_found(runtime: Runtime) -> None:
    with runtime.database.transaction() as session:
        now = runtime.clock.now()
        bad, unused = (
            articles.write(session, now, title=title, subject="s", body="{{ brand.metadata }}") for title in "ab"
        )
        bad.publish(now)
        session.flush()
        assert unused.published_at is None
    with runtime.database.reading() as session:
        found = preflight.unfit(session, runtime.renderer)
        assert [one.title for one, _ in found] == ["a"] and "brand.metadata" in found[0][1]
        assert session.get_one(Article, found[0][0].id)
