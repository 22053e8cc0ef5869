"""What pages store as read is about nobody: wordings are shared, and stay when those who read them are erased."""

from collections.abc import Callable

from sqlalchemy import select

from newsletter import journey
from newsletter.events import Event, EventKind
from newsletter.runtime import Runtime
from newsletter.subscribers import Consent, Field, Subscriber
from newsletter.wordings import Wording
from tests.conftest import NOON
from tests.web.conftest import PAIN, Visitor, forms
from tests.web.test_form_page import change

NAME, HERE, THERE, CITY = "Wilhelmina", "wilhelmina.here@example.com", "wilhelmina.there@example.com", "Grimsby"
PRESSED = {
    EventKind.NEWSLETTER_ON, EventKind.NEWSLETTER_OFF, EventKind.EVERY_TOPIC, EventKind.TOPIC_OFF, EventKind.LEFT,
    EventKind.PAUSED, EventKind.WENT_ON, EventKind.SERIES_STARTED, EventKind.SERIES_STOPPED, EventKind.SERIES_RESUMED,
    EventKind.RETURNED, EventKind.SAID_WHY, EventKind.DIGEST_ON, EventKind.DIGEST_OFF,
}  # fmt: skip


def _press(visitor: Visitor, page: str, name: str) -> None:
    """The form that has this field."""
    has = [one for one in forms(visitor.get(page)) if name in one.fields]
    assert has, (page, name)
    answer = visitor.browser.post(has[0].action or page, data=has[0].fields)
    assert answer.status_code in (200, 303), (page, name, answer.status_code)


def _everything(visitor: Visitor, link: Callable[..., str]) -> None:
    """All that a reader can press, with their name, their addresses and an answer typed wherever they can be."""
    typed = {"first_name": NAME, "field_city": CITY}
    assert visitor.subscribe(HERE, newsletter="y", **typed).status_code == 303
    visitor.press(link("confirm", HERE))
    preferences, library = link("preferences", HERE), link("library", HERE)
    for topics in (
        {"newsletter": "y", "topics": "1"},
        {"newsletter": "y", "topics": ["1", "2"]},
        {},
        {"newsletter": "y"},
    ):
        shown = forms(visitor.get(preferences))[0]
        kept = {name: value for name, value in shown.fields.items() if name not in ("newsletter", "topics")}
        visitor.browser.post(preferences, data={**kept, **topics, **typed})
    for name in ("weekly", "singles", "pause", "go_on", "stop", "again"):
        _press(visitor, preferences, name)
    visitor.press(library, guide=PAIN, series="y")
    visitor.press(preferences, address=THERE, move="y")
    visitor.press(link("own", THERE))
    (leaves,) = [one for one in forms(visitor.get(preferences)) if one.action.startswith("/unsubscribe/")]
    visitor.browser.post(leaves.action, data=leaves.fields)
    _press(visitor, leaves.action, "why")
    _press(visitor, leaves.action, "left")


def test_no_wording_says_who_read_it(visitor: Visitor, link: Callable[..., str], runtime: Runtime) -> None:
    with runtime.database.transaction() as session:
        session.add(Field(key="city", label="Town", created_at=NOON))
    change(runtime, "exercise-at-50", asks_fields=["city"], offers_topics=True)
    _everything(visitor, link)
    with runtime.database.reading() as session:
        reader = session.scalars(select(Subscriber)).one()
        assert (reader.email, reader.first_name) == (THERE, NAME)
        kinds = {one.kind for one in session.scalars(select(Event))}
        assert kinds >= PRESSED, PRESSED - kinds
        forms_used = set(session.scalars(select(Consent.form)))
        assert forms_used >= {"exercise-at-50", "preferences", "library", "address", "unsubscribe"}
        words = list(session.scalars(select(Wording.words)))
    assert len(words) == len(set(words)) > 10
    for one in words:
        for personal in (NAME, HERE, THERE, "wilhelmina", "example.com", CITY, "127.0.0.1"):
            assert personal.lower() not in one.lower()
    with runtime.database.transaction() as session:
        journey.erase(session, runtime, session.scalars(select(Subscriber)).one(), NOON)
    with runtime.database.reading() as session:
        assert list(session.scalars(select(Wording.words))) == words, "our own sentences may stay"
        assert session.scalars(select(Event)).all() == session.scalars(select(Consent)).all() == []
