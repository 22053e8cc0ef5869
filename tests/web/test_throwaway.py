"""An address at a throw-away domain is refused at every door, alike for everybody, and nobody is mailed."""

from collections.abc import Callable

import pytest
from sqlalchemy import func, select

from newsletter import brand
from newsletter.runtime import Runtime
from newsletter.smtp import SentList
from newsletter.subscribers import FormMail, Subscriber, Suppression, SuppressionReason, address_hash
from newsletter.subscribers.address_change import AddressChange
from tests.web.conftest import Visitor
from tests.web.test_address import DOORS, Door

SAYS = (
    "Addresses at {} are made to be thrown away, so we do not write there. Please type another address of yours, and "
    "send it again."
)


@pytest.mark.both_databases
@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("domain", ["mailinator.com", "a.MAILINATOR.com", "wegwerf.bücher.example"])
def test_it_is_refused_with_what_to_do_and_nothing_typed_is_lost(
    door: Door, domain: str, visitor: Visitor, runtime: Runtime, sent: SentList
) -> None:
    with runtime.database.transaction() as session:
        brand.current(session).list_throwaway("mailinator.com\nxn--bcher-kva.example")
    answer = door(visitor, f"jane@{domain}")
    says = SAYS.format(domain.lower())
    assert answer.status_code == 422
    if answer.is_json:
        assert answer.json["errors"] == {"email": says}
    else:
        assert says in answer.text and f'value="jane@{domain}"' in answer.text and 'value="Jane"' in answer.text
    with runtime.database.reading() as session:
        assert [session.scalar(select(func.count(kind.id))) for kind in (FormMail, Subscriber)] == [0, 0]
    assert sent.envelopes == []


@pytest.mark.parametrize("door", DOORS)
def test_who_is_known_and_who_is_not_are_refused_alike(
    door: Door, visitor: Visitor, runtime: Runtime, person: Callable[..., int], sent: SentList
) -> None:
    person("reader@yopmail.com")
    with runtime.database.transaction() as session:
        hashed = address_hash(runtime.secrets[0], "blocked@yopmail.com")
        Suppression.add(session, hashed, SuppressionReason.COMPLAINED, runtime.clock.now())
    answers = [door(visitor, f"{name}@yopmail.com") for name in ("new", "reader", "blocked")]
    assert [one.status_code for one in answers] == [422] * 3 and sent.envelopes == []
    assert all(SAYS.format("yopmail.com") in (one.json["errors"]["email"] if one.is_json else one.text)
               for one in answers)  # fmt: skip


@pytest.mark.parametrize("door", DOORS)
def test_it_is_taken_where_the_owner_takes_every_domain(door: Door, visitor: Visitor, runtime: Runtime) -> None:
    with runtime.database.transaction() as session:
        brand.current(session).refuses_throwaway = False
    assert door(visitor, "jane@mailinator.com").status_code < 400


def test_a_reader_is_not_moved_there(jane: Visitor, runtime: Runtime, link: Callable[..., str]) -> None:
    page, thrown = link("preferences"), "jane@mailinator.com"
    answer = jane.press(page, address=thrown, move="y")
    assert answer.status_code == 422 and SAYS.format("mailinator.com") in answer.text
    assert f'value="{thrown}"' in answer.text
    with runtime.database.reading() as session:
        assert session.scalar(select(func.count(AddressChange.id))) == 0
    assert jane.press(page, address=thrown, first_name="Janet").status_code == 303, "nobody pressed the button for it"


def test_who_is_there_already_is_not_touched(
    visitor: Visitor, runtime: Runtime, link: Callable[..., str], sent: SentList
) -> None:
    """Signed up before the domain was listed: the link in their mail works, and so does their page."""
    with runtime.database.transaction() as session:
        brand.current(session).refuses_throwaway = False
    visitor.subscribe("jane@mailinator.com", newsletter="y")
    with runtime.database.transaction() as session:
        brand.current(session).refuses_throwaway = True
    assert visitor.press(link("confirm", "jane@mailinator.com")).status_code == 303
    page = link("preferences", "jane@mailinator.com")
    assert visitor.press(page, first_name="Janet").status_code == 303
    with runtime.database.reading() as session:
        assert session.scalars(select(Subscriber)).one().first_name == "Janet"
    assert len(sent.envelopes) == 2
