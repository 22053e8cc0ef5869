"""A street: Jane at her form and her mails, without pages."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from newsletter import journey, sequences
from newsletter.events import By, Event, EventKind, Press
from newsletter.guides import Guide
from newsletter.journey import Confirmed, SignUp
from newsletter.mail.ledger import Message, State
from newsletter.runtime import Runtime
from newsletter.sequences import Enrollment, EnrollmentStatus
from newsletter.subscribers import (
    EVERY_TOPIC,
    Consent,
    Status,
    Stream,
    Subscriber,
    TopicChoice,
    read_address,
    topic_choice,
)

JANE, FIFTY, PAIN = "jane@example.com", "exercise-at-50", "recover-from-pain"
PAGE = Press(By.PAGE, "Start again: Exercise at 50.", "/preferences")


@dataclass
class Street:
    """What visitors and readers do, each in a transaction of its own."""

    runtime: Runtime

    def sign_up(self, email: str = JANE, guide: str | None = FIFTY, *, newsletter: bool = False,
                name: str = "", topics: TopicChoice = EVERY_TOPIC) -> None:  # fmt: skip
        """Anybody types this address into a form."""
        with self.runtime.database.transaction() as session:
            form = SignUp(
                read_address(email), guide, newsletter, "Yes, please.", name, "/", "box", "192.0.2.1", topics=topics
            )
            journey.subscribe(session, self.runtime, form, self.runtime.clock.now())

    def consents(self, email: str = JANE) -> list[Consent]:
        """Everything typed or agreed to at an address, oldest first."""
        with self.runtime.database.reading() as session:
            look = select(Consent).join(Subscriber).where(Subscriber.email_key == read_address(email).key)
            return list(session.scalars(look.options(joinedload(Consent.wording)).order_by(Consent.id)))

    def press(self, consent: int, *, newsletter: bool = True, upto: int | None = None) -> Confirmed | None:
        """The button behind the link of this sign-up."""
        with self.runtime.database.transaction() as session:
            now = self.runtime.clock.now()
            asked = journey.open_link(session, consent, now, upto)
            return asked and journey.confirm(session, self.runtime, asked, now, newsletter=newsletter)

    def press_newest(self, email: str = JANE, *, newsletter: bool = True) -> Confirmed | None:
        """The button behind the newest link."""
        return self.press(self.consents(email)[-1].id, newsletter=newsletter)

    def person(self, email: str = JANE) -> Subscriber:
        """Who is at this address."""
        with self.runtime.database.reading() as session:
            key = read_address(email).key
            return session.scalars(select(Subscriber).where(Subscriber.email_key == key)).one()

    def topics(self, email: str = JANE) -> TopicChoice | None:
        """Which topics of the newsletter somebody gets; None: none of it."""
        person = self.person(email)
        with self.runtime.database.reading() as session:
            return topic_choice(session, person) if person.newsletter else None

    def leave(self, email: str = JANE) -> None:
        """Unsubscribe."""
        with self.runtime.database.transaction() as session:
            person = session.get_one(Subscriber, self.person(email).id)
            journey.unsubscribe(session, person, self.runtime.clock.now(), goodbye=False)

    def bounce(self, email: str = JANE) -> None:
        """A receiving server says that there is no such address."""
        with self.runtime.database.transaction() as session:
            person = session.get_one(Subscriber, self.person(email).id)
            before = {"before": person.status, "newsletter_before": person.newsletter}
            session.add(
                Event(
                    subscriber_id=person.id, at=self.runtime.clock.now(), kind=EventKind.BOUNCED, by=By.SERVER, **before
                )
            )
            person.stop_mail(Status.BOUNCED, self.runtime.clock.now())

    def stop(self, again: bool = False) -> bool:
        """Jane stops her newest series on her preferences page, or starts it again."""
        with self.runtime.database.transaction() as session:
            person = session.get_one(Subscriber, self.person().id)
            look = select(Enrollment.id).where(Enrollment.subscriber_id == person.id).order_by(Enrollment.id.desc())
            newest = session.scalars(look).first() or 0
            verb = journey.start_again if again else journey.stop_series
            return verb(session, person, newest, PAGE, self.runtime.clock.now())

    def request(self, guide: str, *, series: bool) -> bool:
        """Jane asks for a guide in her library."""
        with self.runtime.database.transaction() as session:
            found = session.scalars(select(Guide).where(Guide.slug == guide)).one()
            press = Press(By.PAGE, "Send me both.", "/library")
            person = session.get_one(Subscriber, self.person().id)
            return journey.request_guide(
                session, self.runtime, person, found, press, self.runtime.clock.now(), series=series
            )

    def mails(self, email: str = JANE) -> list[Stream]:
        """The kinds of what was queued and not held back, oldest first."""
        with self.runtime.database.reading() as session:
            look = select(Message.stream).join(Subscriber, Subscriber.id == Message.subscriber_id)
            going = look.where(Subscriber.email_key == read_address(email).key, Message.state != State.CANCELLED)
            return list(session.scalars(going.order_by(Message.id)))

    def statuses(self) -> list[tuple[str, EnrollmentStatus]]:
        """Every way through every series, oldest first."""
        with self.runtime.database.reading() as session:
            every = session.scalars(select(Enrollment).order_by(Enrollment.id))
            return [(one.sequence.slug, one.status) for one in every]

    def events(self) -> list[EventKind]:
        """What was noted, oldest first."""
        with self.runtime.database.reading() as session:
            return list(session.scalars(select(Event.kind).order_by(Event.id)))

    def send_articles(self, days: int, turn: Callable[[], None]) -> None:
        """Let days go by, with everything due sent."""
        for _ in range(days):
            self.runtime.clock.forward(timedelta(days=1))  # type: ignore[attr-defined]
            with self.runtime.database.transaction() as session:
                sequences.advance_due(session, self.runtime.clock.now(), "Europe/London")
            turn()
            with self.runtime.database.transaction() as session:
                sequences.advance_due(session, self.runtime.clock.now(), "Europe/London")

    def articles(self) -> list[str]:
        """The articles of series that went out, oldest first."""
        with self.runtime.database.reading() as session:
            sent = select(Message).where(Message.stream == Stream.STEP, Message.state == State.SENT)
            return [one.revision.article.title for one in session.scalars(sent.order_by(Message.id)) if one.revision]


@pytest.fixture
def street(runtime: Runtime) -> Street:
    """Jane's street."""
    return Street(runtime)
