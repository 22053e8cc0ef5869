"""Topics of the newsletter: asked for in a form, widened by the reader's own press alone, left on their page."""

from collections.abc import Callable

import pytest
from sqlalchemy import select

from newsletter import articles, brand, campaigns, journey
from newsletter.campaigns import Campaign
from newsletter.events import By, Event, EventKind
from newsletter.mail.ledger import Message, Reason, State
from newsletter.runtime import Runtime
from newsletter.smtp import SentList
from newsletter.subscribers import EVERY_TOPIC, Consent, Subscriber, TopicChoice, consent_topics
from newsletter.topics import Topic, add
from tests.conftest import NOON, InlineTrigger
from tests.journey.conftest import JANE, Street

REHAB, TRAINING = 1, 2
ONE, OTHER, BOTH, NONE = (TopicChoice.of(ids) for ids in ({REHAB}, {TRAINING}, {REHAB, TRAINING}, ()))


def _choose(runtime: Runtime, topics: TopicChoice | None, newsletter: bool = True) -> None:
    with runtime.database.transaction() as session:
        jane = session.scalars(select(Subscriber).where(Subscriber.email == JANE)).one()
        journey.choose(session, jane, newsletter, "", "The words beside the boxes.", NOON, topics=topics)


def _noted(runtime: Runtime) -> list[tuple[EventKind, int | None]]:
    with runtime.database.reading() as session:
        return list(session.execute(select(Event.kind, Event.topic_id).order_by(Event.id)))


def test_the_topics_of_a_sign_up_wait_for_the_press(street: Street) -> None:
    street.sign_up(newsletter=True, topics=ONE)
    assert street.topics() is None
    street.press_newest()
    assert street.topics() == ONE


@pytest.mark.parametrize(
    ("first", "second", "asked"),
    [(ONE, OTHER, BOTH), (ONE, EVERY_TOPIC, EVERY_TOPIC), (EVERY_TOPIC, ONE, EVERY_TOPIC), (ONE, ONE, ONE)],
)
def test_two_sign_ups_that_wait_ask_for_what_either_asks(
    first: TopicChoice, second: TopicChoice, asked: TopicChoice, street: Street
) -> None:
    street.sign_up(guide=None, newsletter=True, topics=first)
    street.sign_up(guide=None, newsletter=True, topics=second, name="Jane")
    street.press_newest()
    assert street.topics() == asked


@pytest.mark.parametrize("typed", [EVERY_TOPIC, OTHER])
def test_what_a_stranger_types_widens_nothing(typed: TopicChoice, street: Street, runtime: Runtime) -> None:
    street.sign_up(newsletter=True, topics=ONE)
    street.press_newest()
    before = _noted(runtime)
    street.sign_up(newsletter=True, topics=typed)
    assert (street.topics(), _noted(runtime)) == (ONE, before)
    street.press_newest(newsletter=False)
    assert street.topics() == ONE, "that has a button of its own"


def test_the_press_in_their_own_mail_adds_to_what_a_reader_takes(street: Street) -> None:
    street.sign_up(guide=None, newsletter=True, topics=ONE)
    street.press_newest()
    street.sign_up(guide=None, newsletter=True, topics=OTHER)
    street.press_newest()
    assert street.topics() == BOTH
    street.sign_up(guide=None, newsletter=True)
    street.press_newest()
    assert street.topics() == EVERY_TOPIC


def test_a_sign_up_for_less_than_a_reader_takes_asks_for_nothing(street: Street, runtime: Runtime) -> None:
    street.sign_up(guide=None, newsletter=True)
    street.press_newest()
    street.sign_up(guide=None, newsletter=True, topics=ONE)
    with runtime.database.transaction() as session:
        asked = journey.open_link(session, street.consents()[-1].id, NOON)
        assert asked is not None and not asked.newsletter
    street.press_newest()
    assert street.topics() == EVERY_TOPIC, "a form takes nothing from anybody either"


def test_coming_back_takes_what_was_agreed_to_then(street: Street) -> None:
    street.sign_up(guide=None, newsletter=True, topics=ONE)
    street.press_newest()
    street.leave()
    assert street.topics() is None
    street.sign_up(guide=None, newsletter=True, topics=OTHER)
    street.press_newest()
    assert street.topics() == OTHER


def test_a_consent_keeps_its_topics(street: Street, runtime: Runtime) -> None:
    for topics in (ONE, EVERY_TOPIC):
        street.sign_up(guide=None, newsletter=True, topics=topics, name=str(topics.every))
    street.sign_up()
    with runtime.database.reading() as session:
        kept = [consent_topics(session, [one]) for one in session.scalars(select(Consent).order_by(Consent.id))]
    assert kept == [ONE, EVERY_TOPIC, None]


def test_the_very_same_sent_twice_is_one_and_with_another_tick_it_is_not(street: Street) -> None:
    for topics in (ONE, ONE, OTHER):
        street.sign_up(guide=None, newsletter=True, topics=topics)
    assert len(street.consents()) == 2


def test_every_change_of_mind_is_a_row(street: Street, runtime: Runtime) -> None:
    street.sign_up(guide=None, newsletter=True)
    street.press_newest()
    for topics in (ONE, ONE, OTHER, EVERY_TOPIC, NONE):
        _choose(runtime, topics)
    assert _noted(runtime) == [
        (EventKind.NEWSLETTER_ON, None),
        (EventKind.TOPIC_OFF, TRAINING),
        (EventKind.TOPIC_OFF, REHAB), (EventKind.TOPIC_ON, TRAINING),
        (EventKind.EVERY_TOPIC, None),
        (EventKind.TOPIC_OFF, REHAB), (EventKind.TOPIC_OFF, TRAINING),
    ]  # fmt: skip
    with runtime.database.reading() as session:
        words = {one.words for one in session.scalars(select(Event).where(Event.by == By.PAGE))}
        agreed = session.scalars(select(Consent).where(Consent.form == "preferences").order_by(Consent.id)).all()
        kept = [consent_topics(session, [one]) for one in agreed]
    assert words == {"The words beside the boxes."}
    assert kept == [OTHER, EVERY_TOPIC], "a consent for what was widened, none for what was left"


def test_the_master_switch_keeps_the_ticks(street: Street, runtime: Runtime) -> None:
    street.sign_up(guide=None, newsletter=True, topics=ONE)
    street.press_newest()
    _choose(runtime, ONE, newsletter=False)
    assert street.topics() is None
    _choose(runtime, ONE)
    assert street.topics() == ONE


def test_a_new_topic_comes_to_who_takes_all_and_to_nobody_else(street: Street, runtime: Runtime) -> None:
    street.sign_up(guide=None, newsletter=True)
    street.press_newest()
    street.sign_up("joe@example.com", guide=None, newsletter=True, topics=BOTH)
    street.press_newest("joe@example.com")
    with runtime.database.transaction() as session:
        new = add(session, "Food", NOON).id
    took = [street.topics(one) for one in (JANE, "joe@example.com")]
    assert [one and one.takes(new) for one in took] == [True, False]


def test_who_may_not_be_written_to_leaves_topics_and_takes_none(street: Street, runtime: Runtime) -> None:
    street.sign_up(guide=None, newsletter=True)
    street.press_newest()
    street.bounce()
    _choose(runtime, ONE, newsletter=False)
    _choose(runtime, BOTH)
    with runtime.database.transaction() as session:
        jane = session.scalars(select(Subscriber)).one()
        journey.lift(session, runtime, jane, "A mistake.", NOON)
        assert (jane.newsletter, jane.every_topic) == (False, False)


@pytest.fixture
def campaign(runtime: Runtime) -> Callable[[int | None], int]:
    """Launches a campaign about a topic, with its recipients written down."""

    def made(topic: int | None) -> int:
        with runtime.database.transaction() as session:
            about = session.get(Topic, topic) if topic else None
            article = articles.write(session, NOON, title="Golf", subject="Golf", body="Turn.", topic=about)
            one = Campaign(article=article, created_at=NOON)
            session.add(one)
            one.schedule(NOON, brand.current(session))
            session.flush()
            campaigns.launch_due(session, NOON)
            while campaigns.fill_next(session, NOON):
                pass
            article.topic = None  # what it is about was settled at the launch
            return one.id

    return made


@pytest.mark.parametrize(("topic", "comes"), [(REHAB, True), (TRAINING, False), (None, True)])
def test_who_unticks_a_topic_before_the_claim_gets_nothing_of_it(
    topic: int | None, comes: bool, street: Street, runtime: Runtime, campaign: Callable[[int | None], int],
    sent: SentList, trigger: InlineTrigger,
) -> None:  # fmt: skip
    street.sign_up(guide=None, newsletter=True)
    street.press_newest()
    trigger.wake()
    sent.envelopes.clear()
    id = campaign(topic)
    _choose(runtime, ONE)
    with runtime.database.reading() as session:
        its = session.scalars(select(Message).where(Message.dispatch_id.is_not(None))).one()
        assert (its.state, its.reason) == ((State.READY, None) if comes else (State.CANCELLED, Reason.TOPIC_LEFT))
    trigger.wake()
    assert [one.recipient for one in sent.envelopes] == ([JANE] if comes else [])
    with runtime.database.reading() as session:
        assert session.get_one(Campaign, id).topic_id == topic


def test_a_series_is_no_matter_of_topics(street: Street, runtime: Runtime, trigger: InlineTrigger) -> None:
    street.sign_up(newsletter=True)
    street.press_newest()
    _choose(runtime, NONE)
    street.send_articles(4, trigger.wake)
    assert "step" in street.mails()
