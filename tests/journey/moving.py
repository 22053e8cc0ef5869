"""A reader moves to another address: each act in a transaction of its own."""

from sqlalchemy import select

from newsletter import journey
from newsletter.events import By, Press
from newsletter.journey import Stayed
from newsletter.runtime import Runtime
from newsletter.subscribers import AddressChange, Subscriber, read_address
from tests.journey.conftest import JANE

NEW = "jane@new.example.com"
PRESS = Press(By.PAGE, "Write to this address instead.", "/preferences")
THERE = Press(By.MAIL, "Yes, write to me here.", "/own")


def ask(runtime: Runtime, to: str = NEW, email: str = JANE) -> bool:
    """A reader asks on their page to be written to elsewhere."""
    with runtime.database.transaction() as session:
        jane = session.scalars(select(Subscriber).where(Subscriber.email == email)).one()
        return journey.ask_move(session, runtime, jane, read_address(to), PRESS, runtime.clock.now())


def newest(runtime: Runtime) -> int:
    """The number of the newest change."""
    with runtime.database.reading() as session:
        return session.scalars(select(AddressChange.id).order_by(AddressChange.id.desc())).all()[0]


def press(runtime: Runtime, change: int | None = None) -> int:
    """The button at the new address; who is there then."""
    with runtime.database.transaction() as session:
        return journey.move(session, runtime, change or newest(runtime), THERE, runtime.clock.now()).id


def stay(runtime: Runtime, change: int | None = None) -> Stayed:
    """The button at the earlier one."""
    with runtime.database.transaction() as session:
        return journey.stay(session, runtime, change or newest(runtime), runtime.clock.now())
