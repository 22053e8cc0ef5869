"""A domain that takes no mail is told at every door, before anything of it is stored or known."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from newsletter.app import create_app
from newsletter.mail_domains import AskedDomains, DomainFault
from newsletter.runtime import Runtime
from newsletter.settings import load
from newsletter.smtp import SentList
from newsletter.subscribers import FormMail, Suppression, SuppressionReason, address_hash, read_address
from newsletter.subscribers.address_change import AddressChange
from newsletter.web.state import WebState
from tests.web.conftest import PAIN, Visitor, forms

NOWHERE, NULL = "jane@münchén.example", "jane@example.net"


@dataclass
class Told:
    """DNS as it is in these tests. While it is asked, somebody else writes to the database."""

    runtime: Runtime
    asked: list[str] = field(default_factory=list)

    def fault(self, domain: str) -> DomainFault | None:
        """No transaction is open meanwhile: on SQLite this one would wait for it."""
        with self.runtime.database.transaction() as session:
            session.execute(select(func.count(FormMail.id)))
        self.asked.append(domain)
        faults = {"xn--mnchn-esa3k.example": DomainFault.NO_DOMAIN, "example.net": DomainFault.TAKES_NO_MAIL}
        return faults.get(domain)


@pytest.fixture
def told(runtime: Runtime) -> Told:
    """The look-up of this product."""
    runtime.domains = made = Told(runtime)
    return made


def by_box(visitor: Visitor, email: str) -> TestResponse:
    return visitor.subscribe(email, first_name="Jane")


def by_own_page(visitor: Visitor, email: str) -> TestResponse:
    return visitor.press(f"/f/{PAIN}", email=email, first_name="Jane")


def by_plain_form(visitor: Visitor, email: str) -> TestResponse:
    return visitor.browser.post(f"/f/{PAIN}", data={"email": email, "first_name": "Jane"})


def by_frame(visitor: Visitor, email: str) -> TestResponse:
    form = forms(visitor.get(f"/embed/{PAIN}"))[0]
    return visitor.send(form, email=email, first_name="Jane")


def by_script(visitor: Visitor, email: str) -> TestResponse:
    proof = visitor.proof(f"/embed/{PAIN}.json")
    return visitor.browser.post(f"/embed/{PAIN}", json={"email": email, "first_name": "Jane", "proof": proof})


DOORS = [by_box, by_own_page, by_plain_form, by_frame, by_script]
Door = Callable[[Visitor, str], TestResponse]


@pytest.mark.both_databases
@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(
    ("email", "says"),
    [
        (NOWHERE, "There is no münchén.example. Please look at the part behind the @, and send it again."),
        (NULL, "example.net takes no mail. Please look at the part behind the @, or type another address."),
    ],
)
def test_a_domain_without_mail_is_told_and_nothing_typed_is_lost(
    door: Door, email: str, says: str, visitor: Visitor, told: Told, sent: SentList
) -> None:
    answer = door(visitor, email)
    assert answer.status_code == 422
    if answer.is_json:
        assert answer.json["errors"] == {"email": says}
    else:
        assert says in answer.text and f'value="{email}"' in answer.text and 'value="Jane"' in answer.text
    assert sent.envelopes == []
    assert told.asked == [read_address(email).domain]
    with told.runtime.database.reading() as session:
        assert session.scalar(select(func.count(FormMail.id))) == 0


@pytest.mark.parametrize("door", DOORS)
def test_who_is_known_and_who_is_not_are_looked_up_alike(
    door: Door, visitor: Visitor, told: Told, person: Callable[..., int]
) -> None:
    """B4: one question, about the domain that was typed, for a stranger, a reader and somebody who is blocked."""
    person("reader@example.org")
    with told.runtime.database.transaction() as session:
        hashed = address_hash(told.runtime.secrets[0], "blocked@example.org")
        Suppression.add(session, hashed, SuppressionReason.COMPLAINED, told.runtime.clock.now())
    answers = [door(visitor, f"{name}@example.org") for name in ("new", "reader", "blocked")]
    assert told.asked == ["example.org"] * 3
    assert {answer.status_code for answer in answers} == {answers[0].status_code}


def test_a_readers_new_address_is_looked_up_too(jane: Visitor, told: Told, link: Callable[..., str]) -> None:
    page = link("preferences")
    answer = jane.press(page, address=NULL, move="y")
    assert answer.status_code == 422 and "example.net takes no mail" in answer.text and f'value="{NULL}"' in answer.text
    assert told.asked == ["example.net"]
    with told.runtime.database.reading() as session:
        assert session.scalar(select(func.count(AddressChange.id))) == 0
    assert jane.press(page, address=NULL, first_name="Janet").status_code == 303, "nobody pressed the button for it"
    assert told.asked == ["example.net"]


@pytest.mark.parametrize(
    ("settings", "asks"),
    [
        ({}, False),
        ({"PUBLIC_URL": "https://a.example", "SMTP_URL": "smtp://mail.example"}, True),
        ({"PUBLIC_URL": "https://news.example.org", "MAILBOX": "on"}, False),
        ({"SMTP_URL": "smtp://mail.example.org"}, False),
        ({"SMTP_URL": "smtp://mail.example.org", "CHECK_DOMAINS": "on"}, True),
        ({"PUBLIC_URL": "https://a.example", "SMTP_URL": "smtp://mail.example", "CHECK_DOMAINS": "off"}, False),
    ],
)  # fmt: skip
def test_dns_is_asked_where_mail_leaves_the_machine(settings: dict[str, str], asks: bool) -> None:
    made = create_app(load({"DATA_DIR": "unused", "SECRET_KEY": "k" * 40, **settings}))
    state = made.extensions["newsletter"]
    assert isinstance(state, WebState)
    assert isinstance(state.runtime.domains, AskedDomains) == asks
