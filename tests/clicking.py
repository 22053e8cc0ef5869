"""A campaign and a series' mail with links whose clicks are counted, and what their readers got."""

import html
import re
from dataclasses import dataclass
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from urllib.parse import urlsplit

from sqlalchemy import select

from newsletter import articles, brand, campaigns, sequences
from newsletter.campaigns import Campaign, CampaignState
from newsletter.clicks import Click
from newsletter.clock import FixedClock
from newsletter.feedback import Hit, clicked
from newsletter.mail.ledger import Lane, Message
from newsletter.mail.render.counted import Destination
from newsletter.runtime import Runtime
from newsletter.sequences import Sequence
from newsletter.smtp import SentList
from newsletter.subscribers import Stream, Subscriber

ONE, TWO, THREE = "https://one.example/a?b=c&d=%0d%0a#f", "https://two.example/", "https://three.example/x"
BODY = f"{{{{ greeting }}}}, [one]({ONE}) [two]({TWO}) [three]({THREE}) [yours]({{{{ library_url }}}})\n"
LATER = timedelta(hours=1)
_COUNTED = re.compile(r'href="(http://localhost:8000/c/[^"]+)"')


@dataclass(frozen=True)
class Mailed:
    """A mail that somebody got: its number, and the paths of its counted links, in their order."""

    message: int
    subscriber: int
    links: tuple[str, ...]


def count_clicks(runtime: Runtime, on: bool = True) -> None:
    """The owner's switch."""
    with runtime.database.transaction() as session:
        brand.current(session).count_clicks(on)


def send_campaign(runtime: Runtime, body: str = BODY) -> int:
    """A campaign to everybody who takes the newsletter, gone out; its number."""
    now = runtime.clock.now()
    with runtime.database.transaction() as session:
        article = articles.write(session, now, title="Golf", subject="Golf", body=body)
        made = Campaign(article=article, created_at=now)
        session.add(made)
        made.stored_state, made.scheduled_at = CampaignState.SCHEDULED, now
        session.flush()
        campaigns.launch_due(session, now)
        id = made.id
    launch(runtime)
    return id


def launch(runtime: Runtime) -> None:
    """Write recipients down, deliver, and finish."""
    for _ in range(2):
        with runtime.database.transaction() as session:
            campaigns.fill_next(session, runtime.clock.now())
    while runtime.delivery.run(Lane.BULK):
        pass
    with runtime.database.transaction() as session:
        campaigns.finish_done(session, runtime.clock.now())


def send_step(runtime: Runtime, clock: FixedClock, subscriber: int, body: str = BODY) -> None:
    """The first mail of a series to somebody, in these words, three days from now."""
    now = runtime.clock.now()
    with runtime.database.transaction() as session:
        sequence = session.scalars(select(Sequence).order_by(Sequence.id)).first()
        assert sequence is not None
        sequence.current_steps[0].article.revise(now, subject="A step", preheader="", body=body)
        sequences.enroll(session, session.get_one(Subscriber, subscriber), sequence, "Europe/London", now)
    clock.forward(timedelta(days=3))
    with runtime.database.transaction() as session:
        sequences.advance_due(session, runtime.clock.now(), "Europe/London")
    while runtime.delivery.run(Lane.BULK):
        pass


def mailed(runtime: Runtime, sent: SentList, stream: Stream = Stream.CAMPAIGN) -> dict[str, Mailed]:
    """What everybody got of that kind, the newest mail of each, by address."""
    bytes_of = {one.key: one.data for one in sent.envelopes}
    found = {}
    with runtime.database.reading() as session:
        look = select(Message.id, Message.subscriber_id, Subscriber.email).join(Message.subscriber)
        for id, subscriber, email in session.execute(look.where(Message.stream == stream).order_by(Message.id)):
            if id in bytes_of:
                found[email] = Mailed(id, subscriber or 0, _links(bytes_of[id]))
    return found


def _links(data: bytes) -> tuple[str, ...]:
    whole = message_from_bytes(data, policy=policy.default)
    assert isinstance(whole, EmailMessage)
    part = whole.get_body(("html",))
    assert part is not None
    return tuple(urlsplit(html.unescape(one)).path for one in _COUNTED.findall(str(part.get_content())))


def held(runtime: Runtime) -> set[tuple[int, str, bool, bool]]:
    """Every click that is written down: message, address, by a person, by a machine."""
    with runtime.database.reading() as session:
        rows = session.scalars(select(Click)).all()
        return {(one.message_id, one.link.url, one.person_at is not None, one.machine_at is not None) for one in rows}


def click(runtime: Runtime, mail: Mailed, link: int, *, by_machine: bool = False) -> None:
    """Its reader, or a machine, follows one of its links, and that is written down."""
    sealed = mail.links[link].removeprefix("/c/").partition(".")[0]
    to = Destination.read(runtime.signer, sealed)
    hit = Hit(message=mail.message, destination=to, at=runtime.clock.now(), by_machine=by_machine)
    with runtime.database.transaction() as session:
        assert clicked(session, [hit], runtime.clock.now()) == []
