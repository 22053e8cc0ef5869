"""The key is changed while mail is out: nothing that was sent, promised or forgotten under the old one is lost."""

import io
import re
from collections.abc import Callable
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from urllib.parse import urlsplit

import pytest

from newsletter import articles, journey, web
from newsletter.imports import import_csv
from newsletter.imports.fate import Fate
from newsletter.links import BadLink
from newsletter.mail import ledger
from newsletter.mail.ledger import Lane, Message, State
from newsletter.runtime import Runtime, build
from newsletter.settings import Settings, load
from newsletter.smtp import SentList, SmtpResult, Stage
from newsletter.smtp.memory import accepted
from newsletter.subscribers import Status, Stream, Subscriber
from newsletter.supervisor.prepare import prepare
from tests.conftest import InlineTrigger

JANE, BOB = "jane@example.com", "bob@example.com"


@pytest.fixture
def changed(runtime: Runtime, database_url: str) -> Callable[[], Runtime]:
    """Starts the product once under the old key; calling it starts it again under a new one."""

    def settings(key: str, old: str = "") -> Settings:
        data, site = str(runtime.settings.data_dir), runtime.settings.site
        keys = {"SECRET_KEY": key * 40, "SECRET_KEY_OLD": old * 40}
        return load({"DATA_DIR": data, "DATABASE_URL": database_url, "PUBLIC_URL": site, **keys})

    def restarted() -> Runtime:
        prepare(settings("n", "k"))
        parts = {"database": runtime.database, "clock": runtime.clock, "transport": runtime.transport}
        return build(settings("n", "k"), **parts)  # type: ignore[arg-type]

    prepare(settings("k"))
    return restarted


def _mail(sent: SentList) -> tuple[str, EmailMessage]:
    parsed = message_from_bytes(sent.envelopes[-1].data, policy=policy.default)
    assert isinstance(parsed, EmailMessage)
    return sent.envelopes[-1].sender, parsed


@pytest.fixture
def article_to(runtime: Runtime) -> Callable[[int], int]:
    """Queues an article of a series to a subscriber; the message's number."""

    def queued(subscriber: int) -> int:
        with runtime.database.transaction() as session:
            now = runtime.clock.now()
            words = articles.write(session, now, title="Golf", subject="Golf", body="{{ greeting }}").current
            jane = session.get_one(Subscriber, subscriber)
            return ledger.queue(session, jane, Stream.STEP, f"step:{words.id}", now, revision=words)[0].id

    return queued


def test_links_bounces_and_suppressions_outlive_the_key(
    runtime: Runtime,
    changed: Callable[[], Runtime],
    person: Callable[..., int],
    sent: SentList,
    article_to: Callable[[int], int],
) -> None:
    jane, bob = person(JANE, "Jane"), person(BOB, "Bob")
    with runtime.database.transaction() as session:
        journey.erase(session, runtime, session.get_one(Subscriber, bob), runtime.clock.now())
    message = article_to(jane)
    runtime.delivery.run(Lane.BULK)
    sender, mail = _mail(sent)

    fresh = changed()
    found = re.search(r"<(\S+?)>", mail["List-Unsubscribe"])
    assert found is not None
    client = web.create(fresh, InlineTrigger(fresh)).test_client()
    answer = client.post(urlsplit(found[1]).path, data={"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 200
    with fresh.database.reading() as session:
        assert session.get_one(Subscriber, jane).status is Status.UNSUBSCRIBED

    tag = sender.split("@")[0].removeprefix("b+")
    assert fresh.signer.returned_number(tag) == message
    with pytest.raises(BadLink):
        fresh.signer.returned_number(tag[:-1] + ("0" if tag[-1] != "0" else "1"))

    report = import_csv(
        fresh.database, io.BytesIO(f"email\n{BOB}\n".encode()), "a list", fresh.secrets, fresh.clock.now()
    )
    assert report.fates == {Fate.SUPPRESSED: 1}


def test_a_mail_that_is_tried_again_after_the_change_keeps_its_names(
    runtime: Runtime,
    changed: Callable[[], Runtime],
    person: Callable[..., int],
    sent: SentList,
    article_to: Callable[[int], int],
) -> None:
    jane = person(JANE, "Jane")
    first = article_to(jane)
    sent._answer = lambda envelope: SmtpResult(
        envelope.key, Stage.REJECTED, 451, "4.3.0", "later", "mx.example:25", "."
    )
    runtime.delivery.run(Lane.BULK)
    before = sent.envelopes[-1].sender, _mail(sent)[1]["Message-ID"]
    with runtime.database.reading() as session:
        assert session.get_one(Message, first).state is State.DEFERRED

    fresh = changed()
    runtime.clock.forward(timedelta(hours=8))  # type: ignore[attr-defined]
    fresh.delivery.run(Lane.BULK)
    assert (sent.envelopes[-1].sender, _mail(sent)[1]["Message-ID"]) == before
    assert len(sent.envelopes) == 2
    sent._answer = accepted
    second = article_to(jane)
    fresh.delivery.run(Lane.BULK)
    assert _mail(sent)[1]["Message-ID"] == fresh.renderer.message_id(second)
    assert fresh.signer.tags(second) != runtime.signer.tags(second)


def test_a_worker_that_still_has_the_old_key_sends_nothing(
    runtime: Runtime,
    changed: Callable[[], Runtime],
    person: Callable[..., int],
    sent: SentList,
    article_to: Callable[[int], int],
) -> None:
    changed()
    article_to(person(JANE))
    assert runtime.delivery.run(Lane.BULK) == 0
    assert sent.envelopes == []
