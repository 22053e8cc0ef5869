"""A week of campaigns: Jane takes one mail a week, Bob does not."""

from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage

from sqlalchemy import select

from newsletter import articles, brand, campaigns, jobs
from newsletter.campaigns import Campaign, CampaignState
from newsletter.clock import FixedClock
from newsletter.events import By, Press
from newsletter.mail.ledger import Lane, Message
from newsletter.mail.ledger.digest import DigestEntry
from newsletter.runtime import Runtime
from newsletter.smtp import SentList
from newsletter.subscribers import Subscriber

PRESS = Press(By.PAGE, "Fewer mails.", "/preferences")
FRIDAY = datetime(2026, 6, 5, 8, 0, tzinfo=UTC)
"""Nine in London; the stage's noon is the Monday before."""
JANE, BOB = 1_001, 1_002


class Week:
    """Two readers, of whom Jane takes one mail a week, and what happens in it."""

    def __init__(self, runtime: Runtime, clock: FixedClock, sent: SentList) -> None:
        self.runtime, self.clock, self.sent = runtime, clock, sent

    def jane(self, verb: object, *args: object) -> object:
        with self.runtime.database.transaction() as session:
            found = session.get_one(Subscriber, JANE)
            return verb(session, found, *args, PRESS, self.clock.now())  # type: ignore[operator]

    def campaign(self, title: str, body: str = "{{ greeting }},\n\nTurn both ways.", **more: object) -> int:
        """A campaign goes out; its number."""
        made = self.launched(title, body, **more)
        self.deliver()
        return made

    def launched(self, title: str, body: str = "Turn.", **more: object) -> int:
        """The same, with nothing claimed yet."""
        now = self.clock.now()
        with self.runtime.database.transaction() as session:
            article = articles.write(session, now, title=title, subject=title, body=body, **more)  # type: ignore[arg-type]
            made = Campaign(article=article, created_at=now)
            session.add(made)
            made.schedule(now, brand.current(session))
            session.flush()
            id = made.id
            campaigns.launch_due(session, now)
            while campaigns.fill_next(session, now):
                pass
        return id

    def deliver(self) -> None:
        while self.runtime.delivery.run(Lane.BULK):
            pass
        with self.runtime.database.transaction() as session:
            campaigns.finish_done(session, self.clock.now())

    def at(self, moment: datetime) -> None:
        """The beat turns at this moment."""
        self.clock.forward(moment - self.clock.now())
        self.tick()
        self.deliver()

    def tick(self) -> None:
        jobs.send_digests(self.runtime, lambda: False)

    def got(self, person: int = JANE) -> list[str]:
        """The subjects that somebody has had, oldest first."""
        ours = [one for one in self.sent.envelopes if one.recipient == f"p{person}@example.com"]
        return [str(parsed(one.data)["Subject"]) for one in ours]

    def mail(self) -> EmailMessage:
        """Jane's newest."""
        return parsed([one for one in self.sent.envelopes if one.recipient == f"p{JANE}@example.com"][-1].data)

    def message(self, campaign: int, person: int = JANE) -> Message:
        with self.runtime.database.reading() as session:
            dispatch = session.get_one(Campaign, campaign).dispatch_id
            its = (Message.dispatch_id == dispatch, Message.subscriber_id == person)
            return session.scalars(select(Message).where(*its)).one()

    def entry(self, campaign: int) -> DigestEntry:
        with self.runtime.database.reading() as session:
            return session.get_one(DigestEntry, self.message(campaign).id)

    def entry_count(self) -> tuple[int, int]:
        """How many campaigns wait for weekly mails, and how many stand in one."""
        with self.runtime.database.reading() as session:
            entries = session.scalars(select(DigestEntry).where(DigestEntry.reason.is_(None))).all()
        return sum(one.digest_id is None for one in entries), sum(one.digest_id is not None for one in entries)

    def state(self, campaign: int) -> CampaignState:
        with self.runtime.database.reading() as session:
            return session.get_one(Campaign, campaign).state


def parsed(data: bytes) -> EmailMessage:
    return message_from_bytes(data, policy=policy.default)  # type: ignore[return-value]


def body(mail: EmailMessage, kind: str = "plain") -> str:
    part = mail.get_body((kind,))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")
