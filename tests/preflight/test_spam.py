"""Spam points: exactly the mail that would go, scored beside the page, and kept for these words alone."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes, policy

import pytest
from sqlalchemy import select

from newsletter import articles, brand, campaigns, preflight
from newsletter.articles import Article
from newsletter.asked import LEASE, take
from newsletter.campaigns import Campaign, Judge
from newsletter.clock import FixedClock
from newsletter.guides import Guide
from newsletter.mail.render import Dkim, make_key, read_key
from newsletter.preflight import Check, Level, Mend, spam
from newsletter.preflight.spam import Scores
from newsletter.preflight.spam.record import SpamScore
from newsletter.runtime import Runtime, build
from newsletter.sequences import Sequence
from newsletter.settings import load
from newsletter.subscribers import Field
from tests.campaigns.conftest import WISH
from tests.spamd_server import SpamdServer, answered, spamd

BODY = "{{ greeting }},\n\nwalk **more**: [how](https://example.org/walk).\n"


@pytest.fixture
def server() -> Iterator[SpamdServer]:
    with spamd() as one:
        yield one


@pytest.fixture
def worker(runtime: Runtime, server: SpamdServer) -> Runtime:
    """What scores: it knows where, and the key that signs, which no page does."""
    settings = runtime.settings
    file = settings.data_dir / "dkim" / "news.pem"
    file.parent.mkdir(parents=True)
    make_key("news", file, 2048)
    told = {"DATA_DIR": str(settings.data_dir), "SECRET_KEY": "k" * 40, "PUBLIC_URL": "http://localhost:8000"}
    knowing = load({**told, "SPAMD": server.place})
    renderer = replace(build(knowing).renderer, dkim=Dkim("human-movement.com", (read_key("news", file),)))
    return replace(runtime, settings=knowing, renderer=renderer)


@pytest.fixture
def campaign(runtime: Runtime) -> int:
    """A draft."""
    with runtime.database.transaction() as session:
        now = runtime.clock.now()
        made = Campaign(zone="Europe/London", created_at=now)
        made.article = articles.write(session, now, title="Walk", subject="A word on walking", body=BODY)
        session.add(made)
        session.flush()
        return made.id


def ask(runtime: Runtime, kind: Scores, about: int) -> bool:
    with runtime.database.transaction() as session:
        return spam.ask(session, kind, about, runtime.clock.now())


def found(runtime: Runtime, kind: Scores, about: int) -> SpamScore:
    with runtime.database.reading() as session:
        row = spam.score_of(session, kind, about)
        assert row is not None
        return row


def checks(runtime: Runtime, campaign: int) -> list[Check]:
    """What the preflight says of it besides the rest."""
    with runtime.database.reading() as session:
        house, one = brand.current(session), session.get_one(Campaign, campaign)
        report = preflight.check_campaign(session, runtime.renderer, house, one, runtime.clock.now())
        return [one for one in report.checks if "Spam points" in one.name]


def test_what_is_scored_is_the_signed_mail_to_a_reader_without_a_name(
    worker: Runtime, campaign: int, server: SpamdServer
) -> None:
    assert ask(worker, Scores.CAMPAIGN, campaign) and spam.go_on(worker) == 1
    mail = message_from_bytes(server.mails[0], policy=policy.default)
    assert mail["DKIM-Signature"].startswith("v=1; a=rsa-sha256") and mail["List-Unsubscribe-Post"]
    assert mail["Subject"] == "A word on walking" and mail["To"] == "reader@example.org"
    with worker.database.reading() as session:
        house, now = brand.current(session), worker.clock.now()
        one = spam.mails_of(session, worker.renderer, worker.guides, Scores.CAMPAIGN, campaign)[0]
        would_go = worker.renderer.compile(one.claimed, house, one.words)
        assert would_go is not None and would_go.splice(one.claimed, now).data == server.mails[0]


def test_points_are_a_check_of_these_words_alone(
    worker: Runtime, runtime: Runtime, campaign: int, server: SpamdServer
) -> None:
    assert checks(runtime, campaign) == []
    ask(worker, Scores.CAMPAIGN, campaign)
    assert checks(runtime, campaign) == []
    spam.go_on(worker)
    assert checks(runtime, campaign) == [
        Check(
            "Spam points",
            Level.GOOD,
            "SpamAssassin gives it 1.7 points; from 5.0 on it calls a mail spam.",
            mend=Mend.SPAM,
        )
    ]
    with runtime.database.transaction() as session:
        session.get_one(Campaign, campaign).article.revise(
            runtime.clock.now(), subject="Another", preheader="", body=BODY
        )
    assert checks(runtime, campaign) == []


def test_what_else_is_in_the_mail_counts_too(worker: Runtime, runtime: Runtime, campaign: int) -> None:
    ask(worker, Scores.CAMPAIGN, campaign)
    spam.go_on(worker)
    with runtime.database.transaction() as session:
        brand.current(session).name = "Somebody else"
    assert checks(runtime, campaign) == []


@pytest.mark.parametrize(("points", "level", "words"), [
    ("2.9", Level.GOOD, "gives it 2.9 points; from 5.0"), ("3.0", Level.WARNING, "3.0 points of the 5.0"),
    ("4.9", Level.WARNING, "others are stricter"), ("5.0", Level.WARNING, "from 5.0 on it calls a mail spam: its"),
    ("12.0", Level.WARNING, "its spam points say what for"), ("-1.0", Level.GOOD, "-1.0 points"),
])  # fmt: skip
def test_near_the_threshold_it_is_a_warning(
    worker: Runtime, campaign: int, server: SpamdServer, points: str, level: Level, words: str
) -> None:
    server.answer = answered(points)
    ask(worker, Scores.CAMPAIGN, campaign)
    spam.go_on(worker)
    assert [one.level for one in checks(worker, campaign)] == [level]
    assert words in checks(worker, campaign)[0].found


def test_both_of_a_test_are_scored(worker: Runtime, campaign: int, server: SpamdServer) -> None:
    with worker.database.transaction() as session:
        house, now = brand.current(session), worker.clock.now()
        a = session.get_one(Campaign, campaign)
        campaigns.make_ab_test(session, a, replace(WISH, judge=Judge.HAND), house, now)
    ask(worker, Scores.CAMPAIGN, campaign)
    spam.go_on(worker)
    subjects = [message_from_bytes(one, policy=policy.default)["Subject"] for one in server.mails]
    assert subjects == ["A word on walking", "The other"]
    assert [one.name for one in checks(worker, campaign)] == ["A: Spam points", "B: Spam points"]


def test_an_article_of_a_series_is_scored_as_a_step_of_it(worker: Runtime, server: SpamdServer) -> None:
    with worker.database.reading() as session:
        series = session.scalars(select(Sequence).order_by(Sequence.id)).first()
        assert series is not None
        article = series.current_steps[0].article_id
        slug = series.guide_slug
    ask(worker, Scores.ARTICLE, article)
    spam.go_on(worker)
    mail = message_from_bytes(server.mails[0], policy=policy.default)
    text = mail.get_body(("plain",))
    assert mail["List-Id"] == "<series.localhost>" and text is not None and f"/{slug}" in text.get_content()


def test_one_of_no_series_is_scored_as_a_campaign(worker: Runtime, campaign: int, server: SpamdServer) -> None:
    with worker.database.reading() as session:
        article = session.get_one(Campaign, campaign).article_id
    ask(worker, Scores.ARTICLE, article)
    spam.go_on(worker)
    assert message_from_bytes(server.mails[0], policy=policy.default)["List-Id"] == "<newsletter.localhost>"


def test_a_guides_mail_is_scored_with_its_pdf(worker: Runtime, server: SpamdServer) -> None:
    with worker.database.transaction() as session:
        guide = session.scalars(select(Guide).order_by(Guide.position).limit(1)).one()
        guide.attach = True
        id = guide.id
    ask(worker, Scores.GUIDE, id)
    spam.go_on(worker)
    row = found(worker, Scores.GUIDE, id)
    parts = [one.get_content_type() for one in message_from_bytes(server.mails[0]).walk()] if server.mails else []
    assert "application/pdf" in parts or row.found["trouble"] == "too_large"


def test_a_reader_of_whom_nothing_is_known_reads_the_fall_back(
    worker: Runtime, campaign: int, server: SpamdServer
) -> None:
    with worker.database.transaction() as session:
        now = worker.clock.now()
        session.add(Field(key="city", label="Town", fallback="your town", created_at=now))
        session.get_one(Campaign, campaign).article.revise(now, subject="In {{ fields.city }}", preheader="", body=BODY)
    ask(worker, Scores.CAMPAIGN, campaign)
    spam.go_on(worker)
    assert message_from_bytes(server.mails[0], policy=policy.default)["Subject"] == "In your town"


@pytest.mark.parametrize(("answer", "trouble", "said"), [
    (b"", "broken", ""), (b"SPAMD/1.0 75 Too busy\r\n", "refused", "Too busy"),
])  # fmt: skip
def test_why_there_are_none_is_kept(
    worker: Runtime, campaign: int, server: SpamdServer, answer: bytes, trouble: str, said: str
) -> None:
    server.answer = answer
    ask(worker, Scores.CAMPAIGN, campaign)
    spam.go_on(worker)
    assert found(worker, Scores.CAMPAIGN, campaign).found == {"trouble": trouble, "said": said, "mails": []}
    assert checks(worker, campaign) == []


def test_a_worker_without_spamassassin_says_so(runtime: Runtime, campaign: int, server: SpamdServer) -> None:
    ask(runtime, Scores.CAMPAIGN, campaign)
    assert spam.go_on(runtime) == 1 and server.asked == []
    assert found(runtime, Scores.CAMPAIGN, campaign).found["trouble"] == spam.UNSET


def test_what_is_gone_or_cannot_be_a_mail_asks_nobody(worker: Runtime, campaign: int, server: SpamdServer) -> None:
    with worker.database.transaction() as session:
        session.scalars(select(Article).order_by(Article.id.desc())).first().revise(  # type: ignore[union-attr]
            worker.clock.now(), subject="S", preheader="", body="{{ nonsense }}"
        )
    ask(worker, Scores.CAMPAIGN, campaign)
    ask(worker, Scores.CAMPAIGN, 4711)
    assert spam.go_on(worker) == 2 and server.asked == []
    assert found(worker, Scores.CAMPAIGN, campaign).found["trouble"] == spam.UNFIT
    assert found(worker, Scores.CAMPAIGN, 4711).found["trouble"] == spam.GONE


def test_a_press_while_it_waits_or_right_behind_asks_for_nothing_more(
    worker: Runtime, campaign: int, server: SpamdServer, clock: FixedClock
) -> None:
    assert ask(worker, Scores.CAMPAIGN, campaign) and not ask(worker, Scores.CAMPAIGN, campaign)
    spam.go_on(worker)
    assert not ask(worker, Scores.CAMPAIGN, campaign)
    clock.forward(timedelta(seconds=6))
    assert ask(worker, Scores.CAMPAIGN, campaign)
    assert spam.go_on(worker) == 1 and spam.go_on(worker) == 0 and len(server.asked) == 2


def test_one_worker_scores_it_and_another_only_when_that_one_is_lost(
    worker: Runtime, campaign: int, clock: FixedClock
) -> None:
    ask(worker, Scores.CAMPAIGN, campaign)
    with worker.database.transaction() as session:
        assert take(session, SpamScore, clock.now()) is not None
    assert spam.go_on(worker) == 0
    clock.forward(LEASE + timedelta(seconds=1))
    assert spam.go_on(worker) == 1


def test_nothing_is_queued_or_sent_by_it(worker: Runtime, campaign: int) -> None:
    ask(worker, Scores.CAMPAIGN, campaign)
    spam.go_on(worker)
    assert worker.transport.envelopes == []  # type: ignore[attr-defined]
