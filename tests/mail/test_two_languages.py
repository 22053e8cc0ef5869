"""One campaign, one list, three languages: each reader gets it once, in theirs, by both ways of building a mail."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from email.message import EmailMessage

import pytest
from babel import Locale
from flask.testing import FlaskClient
from sqlalchemy import event, select, update

from newsletter import articles, brand, campaigns
from newsletter.articles import Article
from newsletter.campaigns import Campaign
from newsletter.clock import FixedClock
from newsletter.languages import Languages
from newsletter.mail import ledger
from newsletter.mail.builder import Builder
from newsletter.mail.ledger import Lane, Message, State
from newsletter.mail_words import MailWords, OwnMail
from newsletter.runtime import Runtime
from newsletter.subscribers import Stream, Subscriber
from tests import pseudo
from tests.conftest import NOON

People = Callable[..., int]
Inbox = Callable[[str], list[EmailMessage]]
DATED = '{{ "2026-12-24"|date("weekday") }}'
BODIES = pytest.mark.parametrize(
    "body", [f"{{{{ greeting }}}}, {DATED}.", f"{{% if first_name %}}{{{{ greeting }}}}, {DATED}.{{% endif %}}"],
    ids=["skeleton", "slow"],
)  # fmt: skip
WEEK = timedelta(days=7)
READERS = {"jane@example.com": None, "joan@example.com": "eo", "yael@example.com": "he", "gone@example.com": "de"}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Languages:
    """English, Esperanto and Hebrew."""
    return pseudo.languages(tmp_path_factory.mktemp("locale"))


@pytest.fixture
def readers(runtime: Runtime, made: Languages, person: People) -> dict[str, int]:
    """Their numbers by their addresses. The fourth reads a language whose catalogue is gone."""
    runtime.languages = made
    runtime.renderer = replace(runtime.renderer, languages=made)
    ids = {email: person(email, "Ann") for email in READERS}
    with runtime.database.transaction() as session:
        for email, code in READERS.items():
            session.execute(update(Subscriber).where(Subscriber.email == email).values(language=code))
    return ids


def _article(runtime: Runtime, body: str) -> int:
    with runtime.database.transaction() as session:
        made = articles.write(session, NOON, title="Golf", subject="Golf", body=body)
        session.flush()
        return made.id


def _launched(runtime: Runtime, body: str) -> None:
    """A campaign in one batch, which nobody has claimed."""
    article = _article(runtime, body)
    with runtime.database.transaction() as session:
        campaign = Campaign(article=session.get_one(Article, article), created_at=NOON)
        session.add(campaign)
        campaign.schedule(NOON, brand.current(session))
        session.flush()
        campaigns.launch_due(session, NOON)
        while campaigns.fill_next(session, NOON):
            pass


def _campaign(runtime: Runtime, body: str) -> None:
    """It goes out."""
    _launched(runtime, body)
    while runtime.delivery.run(Lane.BULK):
        pass


def _text(mail: EmailMessage) -> str:
    part = mail.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


def _lang(mail: EmailMessage) -> str:
    part = mail.get_body(("html",))
    assert part is not None
    found = re.search(r'<html lang="([^"]+)"', str(part.get_content()))
    assert found
    return found[1]


@BODIES
def test_each_gets_it_once_with_the_foot_and_the_way_out_that_are_theirs(
    runtime: Runtime, readers: dict[str, int], inbox: Inbox, made: Languages, body: str
) -> None:
    _campaign(runtime, body)
    urls = runtime.renderer.urls
    with runtime.database.reading() as session:
        rows = {one.subscriber_id: one for one in session.scalars(select(Message))}
    for email, code in READERS.items():
        (mail,) = inbox(email)
        one, used = rows[readers[email]], made.spoken(code or "en-GB")
        assert one.state is State.SENT and mail["To"] == f"Ann <{email}>" and _lang(mail) == used.code
        leave = urls.unsubscribe(readers[email], one.id)
        assert f"<{leave}>" in mail["List-Unsubscribe"] and mail["List-Unsubscribe-Post"]
        assert mail["List-Id"] == "<newsletter.localhost>" and mail["Message-ID"] == runtime.renderer.message_id(one.id)
        text, why = _text(mail), "You get this because you subscribed to the Human Movement newsletter."
        assert leave in text and urls.preferences(readers[email]) in text
        assert used.day(date(2026, 12, 24), "weekday") in text
        assert why in text and (f"⟦{why}⟧" in text) is not used.is_english


def test_a_second_language_costs_no_statement(runtime: Runtime, readers: dict[str, int]) -> None:
    """The claim reads it with the rest of its rows."""
    said, found = [], []

    def note(*it: str) -> None:
        said.append(it[2])

    for second in (None, "eo"):
        with runtime.database.transaction() as session:
            session.execute(update(Subscriber).values(language=None))
            session.execute(update(Subscriber).where(Subscriber.id > 1).values(language=second))
        _launched(runtime, "{{ greeting }}")
        event.listen(runtime.database.engine, "before_cursor_execute", note)
        try:
            with runtime.database.transaction() as session:
                claim = ledger.claim(session, Lane.BULK, f"token {second}", NOON, 10)
        finally:
            event.remove(runtime.database.engine, "before_cursor_execute", note)
        assert claim is not None
        found.append(({one.language for one in claim.messages}, list(said)))
        said.clear()
    (one, in_one), (two, in_two) = found
    assert (one, two) == ({None}, {None, "eo"}) and in_one == in_two != []


def test_each_language_has_one_skeleton(runtime: Runtime, readers: dict[str, int]) -> None:
    article = _article(runtime, "{{ greeting }}")
    with runtime.database.transaction() as session:
        revision = session.get_one(Article, article).current
        for id in readers.values():
            to = session.get_one(Subscriber, id)
            ledger.queue(session, to, Stream.STEP, "step:1:1", NOON, revision=revision, context={"guide": "g"})
        claim = ledger.claim(session, Lane.BULK, "token", NOON, 10)
        assert claim is not None
        contents = runtime.delivery.contents.of(session, {revision.id})
        builder = Builder(runtime.renderer, brand.current(session))
        for one in claim.messages:
            builder.mail(one, contents[revision.id], NOON)
    assert len(builder.skeletons) == len(READERS) and all(builder.skeletons.values())
    # English stands in for the fourth's language: one with the first's.
    assert len({one.template for one in builder.skeletons.values() if one}) == 3


@pytest.mark.parametrize("stream", [Stream.GOODBYE, Stream.CONFIRM, Stream.PROVE])
def test_own_words_are_for_who_reads_the_brands_language(
    runtime: Runtime, readers: dict[str, int], inbox: Inbox, stream: Stream
) -> None:
    context = {"what": "data", "prove": [0, 1, 2], "hours": 24} if stream is Stream.PROVE else {}
    if stream is Stream.CONFIRM:
        context = {"consent": 1, "until": 2, "days": 30, "guide": None, "newsletter": True, "articles": 0}
    with runtime.database.transaction() as session:
        brand.current(session).reword(OwnMail(stream.value), MailWords(opening="My own words."))
        for id in readers.values():
            to = session.get_one(Subscriber, id)
            if stream is Stream.GOODBYE:
                to.unsubscribe(NOON)
            ledger.queue(session, to, stream, "x", NOON, context=context)
    while runtime.delivery.run(Lane.TRANSACTIONAL):
        pass
    own = {email: "My own words." in _text(inbox(email)[0]) for email in READERS}
    # English stands in for the fourth's language, and that is the brand's.
    assert own == {email: code not in ("eo", "he") for email, code in READERS.items()}


def test_own_words_of_another_country_are_understood(made: Languages) -> None:
    german, swiss, english = (
        replace(made.named("eo"), code=one, locale=Locale.parse(one, sep="-")) for one in ("de", "de-CH", "en")
    )
    assert german.reads(swiss) and swiss.reads(german) and not german.reads(english)
    assert made.named("en").reads(made.named("en-GB"))


def test_a_mail_in_the_browser_and_the_weekly_one_are_in_it_too(
    runtime: Runtime, readers: dict[str, int], inbox: Inbox, client: FlaskClient, clock: FixedClock
) -> None:
    with runtime.database.transaction() as session:
        session.get_one(Subscriber, readers["joan@example.com"]).digest = True
    _campaign(runtime, f"Golf on {DATED}, said in more words than forty so that it is no heading.")
    assert inbox("joan@example.com") == []
    with runtime.database.transaction() as session:
        campaigns.send_digests(session, runtime.renderer, clock.now() + WEEK)
    clock.forward(WEEK)
    while runtime.delivery.run(Lane.BULK):
        pass
    (mail,) = inbox("joan@example.com")
    day = runtime.languages.named("eo").day(date(2026, 12, 24), "weekday")
    assert _lang(mail) == "eo" and f"Golf on {day}" in _text(mail)
    seen = client.get(runtime.renderer.urls.view(_message(runtime, readers["joan@example.com"])))
    assert '<html lang="eo"' in seen.text and day in seen.text


def _message(runtime: Runtime, reader: int) -> int:
    with runtime.database.reading() as session:
        look = select(Message.id).where(Message.subscriber_id == reader, Message.stream == Stream.CAMPAIGN)
        return session.scalars(look).one()
