"""What visitors and readers do in the stories, each in a transaction of its own."""

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from newsletter import journey
from newsletter.journey import Confirmed, SignUp
from newsletter.runtime import Runtime
from newsletter.subscribers import Consent, Subscriber, read_address

JANE = "jane@example.com"


def sign_up(runtime: Runtime, email: str = JANE, guide: str = "exercise-at-50", newsletter: bool = False) -> None:
    """Somebody sends the form."""
    with runtime.database.transaction() as session:
        form = SignUp(read_address(email), guide, newsletter, "Yes, please.", "Jane", "/", "box", "192.0.2.1")
        journey.subscribe(session, runtime, form, runtime.clock.now())


def consents(runtime: Runtime) -> list[Consent]:
    """Everything that was typed or agreed to, oldest first."""
    with runtime.database.reading() as session:
        return list(session.scalars(select(Consent).options(joinedload(Consent.wording)).order_by(Consent.id)))


def confirm(runtime: Runtime, consent: int = -1) -> Confirmed | None:
    """The button behind the link of one of them."""
    id = consents(runtime)[consent].id
    with runtime.database.transaction() as session:
        asked = journey.open_link(session, id, runtime.clock.now())
        return asked and journey.confirm(session, runtime, asked, runtime.clock.now())


def jane(runtime: Runtime) -> Subscriber:
    """Jane, as she stands now."""
    with runtime.database.reading() as session:
        return session.scalars(select(Subscriber).where(Subscriber.email_key == JANE)).one()
