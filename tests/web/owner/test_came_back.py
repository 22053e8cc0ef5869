"""What the owner sees of a mail that came back."""

from collections.abc import Callable

from newsletter import articles
from newsletter.inbound.take import Taken, take
from newsletter.mail.ledger import Lane, queue
from newsletter.runtime import Runtime
from newsletter.subscribers import Stream, Subscriber
from tests.conftest import NOON
from tests.reports import JANE, complaint, dsn
from tests.web.owner.conftest import Desk


def _sent(runtime: Runtime, jane: int) -> int:
    with runtime.database.transaction() as session:
        words = articles.write(session, NOON, title="Golf", subject="Golf", body="x").current
        message, _ = queue(session, session.get_one(Subscriber, jane), Stream.STEP, "one", NOON, revision=words)
        session.flush()
        id = message.id
    runtime.delivery.run(Lane.BULK)
    return id


def test_the_timeline_shows_a_bounce_with_the_servers_words(
    runtime: Runtime, person: Callable[..., int], desk: Desk
) -> None:
    jane = person(JANE)
    assert take(runtime, dsn(runtime.renderer.return_path(_sent(runtime, jane)))) is Taken.DONE
    page = desk.read(f"/owner/subscribers/{jane}")
    assert "Series article: Golf bounced" in page
    assert "550 5.1.1 <jane@example.com> no such user" in page
    assert "Stopped: the address bounced" in page
    assert "By the receiving server's answer" in page


def test_the_timeline_shows_a_complaint(runtime: Runtime, person: Callable[..., int], desk: Desk) -> None:
    jane = person(JANE)
    returned = f"Message-ID: {runtime.renderer.message_id(_sent(runtime, jane))}\n"
    assert take(runtime, complaint("loop@example.org", returned)) is Taken.DONE
    page = desk.read(f"/owner/subscribers/{jane}")
    assert "Series article: Golf complained" in page
    assert "Stopped: reported our mail as spam" in page
