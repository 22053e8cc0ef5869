"""One mail a week, chosen and taken back on a reader's own page, and what that page and their data say of it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from urllib.parse import urlsplit

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from newsletter import articles, brand, campaigns, data_export, jobs, journey
from newsletter.campaigns import Campaign
from newsletter.events import By, Event, EventKind
from newsletter.mail.ledger import Lane
from newsletter.runtime import Runtime
from newsletter.smtp import SentList
from newsletter.subscribers import Subscriber
from newsletter.web.wording import SINGLES, SINGLES_BRING, WEEKLY
from tests.clicking import count_clicks, held
from tests.conftest import FixedClock
from tests.web.conftest import Form, Visitor, forms
from tests.web.owner.conftest import readable

Link = Callable[..., str]
Inbox = Callable[[str], list[EmailMessage]]
MEANS = (
    "One mail a week: Fewer mails: one a week with all of it, in place of single mails. It comes on Friday at 09:00 "
    "where you live, with the first words of each article and a link to read on; in a week without an article none "
    "comes. Articles that follow a guide come as before."
)


def _with(visitor: Visitor, page: str, name: str) -> list[Form]:
    return [form for form in forms(visitor.get(page)) if name in form.fields]


def _press(visitor: Visitor, page: str, name: str) -> None:
    (form,) = _with(visitor, page, name)
    assert visitor.browser.post(page, data=form.fields).status_code == 303


def _words(visitor: Visitor, page: str) -> str:
    return readable(visitor.get(page).text).replace(" ,", ",").replace(" ;", ";")


def _events(runtime: Runtime) -> list[Event]:
    with runtime.database.reading() as session:
        kinds = (EventKind.DIGEST_ON, EventKind.DIGEST_OFF)
        look = select(Event).where(Event.kind.in_(kinds)).options(joinedload(Event.wording)).order_by(Event.id)
        return list(session.scalars(look))


def _campaign(runtime: Runtime, title: str, body: str = "Turn.") -> None:
    now = runtime.clock.now()
    with runtime.database.transaction() as session:
        made = Campaign(article=articles.write(session, now, title=title, subject=title, body=body), created_at=now)
        session.add(made)
        made.schedule(now, brand.current(session))
        session.flush()
        campaigns.launch_due(session, now)
        while campaigns.fill_next(session, now):
            pass
    while runtime.delivery.run(Lane.BULK):
        pass


def test_it_begins_and_ends_with_one_press_each(jane: Visitor, link: Link, runtime: Runtime) -> None:
    page = link("preferences")
    _press(jane, page, "weekly")
    words = _words(jane, page)
    assert "One mail a week, in place of single ones. The next one comes on Friday" in words
    assert "The next one comes on Friday, 5 June 2026, 09:00, if there is an article by then." in words
    _campaign(runtime, "Golf")
    assert "The next one comes on Friday, 5 June 2026, 09:00; 1 article waits for it." in _words(jane, page)
    _press(jane, page, "singles")
    words = _words(jane, page)
    assert "The last weekly mail comes on Friday, 5 June 2026, 09:00, with the 1 article that waits for it." in words
    on, off = _events(runtime)
    assert (on.by, on.page, on.words) == (By.PAGE, "/preferences", MEANS)
    assert (off.kind, off.words) == (EventKind.DIGEST_OFF, f"{SINGLES}: {SINGLES_BRING}.")
    assert str(WEEKLY) in words


def test_opening_the_page_or_a_forged_press_changes_nothing(jane: Visitor, link: Link, runtime: Runtime) -> None:
    page = link("preferences")
    for method in (jane.browser.get, jane.browser.head):
        assert method(f"{page}?weekly=y").status_code == 200
    assert jane.browser.post(page, data={"weekly": "y"}).status_code == 400
    assert _events(runtime) == []


def test_pressed_twice_or_on_an_old_page_it_is_one_change(jane: Visitor, link: Link, runtime: Runtime) -> None:
    page = link("preferences")
    (form,) = _with(jane, page, "weekly")
    for _ in range(2):
        assert jane.browser.post(page, data=form.fields).status_code == 303
    assert len(_events(runtime)) == 1
    shown = forms(jane.get(page))[0].fields
    jane.browser.post(page, data={name: value for name, value in shown.items() if name != "newsletter"})
    assert not _with(jane, page, "weekly") and not _with(jane, page, "singles")
    assert jane.browser.post(page, data=form.fields | {"singles": "y"}).status_code == 303


def test_it_outlives_leaving_that_is_taken_back(jane: Visitor, link: Link, runtime: Runtime) -> None:
    page = link("preferences")
    _press(jane, page, "weekly")
    (leaves,) = [one for one in forms(jane.get(page)) if one.action.startswith("/unsubscribe/")]
    jane.browser.post(leaves.action, data=leaves.fields)
    (back,) = _with(jane, leaves.action, "left")
    jane.browser.post(back.action, data=back.fields)
    assert "One mail a week, in place of single ones. The next one comes on Friday" in _words(jane, page)


def test_their_data_tells_it(jane: Visitor, link: Link, runtime: Runtime, clock: FixedClock) -> None:
    page = link("preferences")
    _press(jane, page, "weekly")
    _campaign(runtime, "Golf")
    with runtime.database.reading() as session:
        person = session.scalars(select(Subscriber)).one()
        held, proof = data_export.of(session, person), data_export.consent_of(session, person)
    assert held["subscriber"]["digest"] is True and proof["subscriber"]["digest"] is True
    assert [one["kind"] for one in proof["events"]][-1] == "digest-on"
    (waiting,) = held["weekly_mails"]
    assert waiting["digest_id"] is None and waiting["reason"] is None


def test_read_on_shows_what_the_mail_told_of_though_it_is_in_no_archive(
    jane: Visitor, link: Link, runtime: Runtime, clock: FixedClock
) -> None:
    _press(jane, link("preferences"), "weekly")
    _campaign(runtime, "Golf")
    clock.forward(datetime(2026, 6, 5, 8, 0, tzinfo=UTC) - clock.now())
    jobs.send_digests(runtime, lambda: False)
    while runtime.delivery.run(Lane.BULK):
        pass
    with runtime.database.transaction() as session:
        written = session.scalars(select(Campaign).order_by(Campaign.id.desc())).first()
        assert written is not None
        written.article.revise(clock.now(), subject="Another", preheader="", body="Other words.")
        written.dispatch.revision = written.article.current  # type: ignore[union-attr]
    mail = jane.get(link("view"))
    assert mail.status_code == 200 and "This week" in mail.text
    (reads_on,) = {one for one in _links(mail.text) if "/view/" in one and one not in link("view")}
    page = jane.get(reads_on)
    assert page.status_code == 200 and "Turn." in page.text and "Other words." not in page.text
    clock.forward(timedelta(days=1))
    with runtime.database.transaction() as session:
        journey.erase(session, runtime, session.scalars(select(Subscriber)).one(), clock.now())
    assert jane.get(reads_on).status_code == 410


def _links(html: str) -> list[str]:
    return [part.split('"')[0].replace("http://localhost:8000", "") for part in html.split('href="')[1:]]


def test_nothing_in_a_weekly_mail_is_counted(
    jane: Visitor, link: Link, runtime: Runtime, clock: FixedClock, sent: SentList, inbox: Inbox
) -> None:
    """Where clicks are counted too: each of its links is a page of the reader's own, and no page of the web counts."""
    count_clicks(runtime)
    _press(jane, link("preferences"), "weekly")
    _campaign(runtime, "Golf", "[Read it](https://golf.example/why) and turn.")
    clock.forward(timedelta(days=8))
    jobs.send_digests(runtime, lambda: False)
    while runtime.delivery.run(Lane.BULK):
        pass
    part = inbox("jane@example.com")[-1].get_body(("plain",))
    assert part is not None
    text, data = part.get_content(), sent.envelopes[-1].data
    assert "Golf" in text and "/c/" not in text and b"/c/" not in data
    read_on = text.partition("Read on: ")[2].split()[0]
    page = jane.get(urlsplit(read_on).path).text
    assert "https://golf.example/why" in page and "/c/" not in page and held(runtime) == set()
