"""A form's own language, and a reader's: who takes it over, who chooses it, and where it is no question at all."""

import re
from collections.abc import Callable
from datetime import timedelta
from email.message import EmailMessage

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import OperationalError

from newsletter import brand, data_export
from newsletter.clock import FixedClock
from newsletter.forms import Form
from newsletter.languages import Languages
from newsletter.runtime import Runtime
from newsletter.subscribers import Consent, Subscriber
from newsletter.wordings import Wording
from tests import pseudo
from tests.web.conftest import FIFTY, PAIN, Visitor, forms

JANE = "jane@example.com"
Link = Callable[..., str]
Inbox = Callable[[str], list[EmailMessage]]


@pytest.fixture
def spoken(spoken: Runtime) -> Runtime:
    """The same; its second guide's form is in Esperanto."""
    with spoken.database.transaction() as session:
        session.execute(update(Form).where(Form.guide_slug == FIFTY).values(language=pseudo.LTR))
    return spoken


def _language(runtime: Runtime) -> str | None:
    with runtime.database.reading() as session:
        return session.scalars(select(Subscriber.language).where(Subscriber.email == JANE)).one()


def _choose(runtime: Runtime, code: str | None) -> None:
    with runtime.database.transaction() as session:
        session.execute(update(Subscriber).values(language=code))


def _is_foreign(mail: EmailMessage) -> bool:
    part = mail.get_body(("plain",))
    assert part is not None
    return pseudo.OPEN in str(part.get_content())


def _lang(mail: EmailMessage) -> str:
    part = mail.get_body(("html",))
    assert part is not None
    found = re.search(r'<html lang="([^"]+)"', str(part.get_content()))
    assert found
    return found[1]


def test_who_is_new_is_asked_and_written_to_in_the_forms_language(
    spoken: Runtime, visitor: Visitor, link: Link, inbox: Inbox
) -> None:
    sent = visitor.subscribe(newsletter="y")
    assert '<html lang="eo"' in visitor.get(sent.location).text
    assert _language(spoken) == "eo" and _is_foreign(inbox(JANE)[-1])
    visitor.press(link("confirm"))
    assert _is_foreign(inbox(JANE)[-1])
    for page in ("library", "preferences", "unsubscribe"):
        assert '<html lang="eo"' in visitor.get(link(page)).text
    visitor.press(link("unsubscribe"))
    assert _is_foreign(inbox(JANE)[-1])
    with spoken.database.reading() as session:
        told = session.scalars(select(Wording.words).join(Consent)).all()
    assert told and all(one.startswith(pseudo.OPEN) for one in told)


@pytest.mark.parametrize("own", ["he", None])
def test_a_strangers_sign_up_changes_no_readers_language(
    spoken: Runtime, visitor: Visitor, link: Link, inbox: Inbox, clock: FixedClock, own: str | None
) -> None:
    visitor.subscribe(guide=PAIN)
    visitor.press(link("confirm"))
    _choose(spoken, own)
    clock.forward(timedelta(hours=2))
    before = len(inbox(JANE))
    visitor.subscribe(guide=FIFTY)
    assert _language(spoken) == own
    (mail,) = inbox(JANE)[before:]
    assert _lang(mail) == (own or "en-GB")
    assert 'lang="eo"' not in visitor.get(link("confirm")).text
    assert _language(spoken) == own
    visitor.press(link("confirm"))
    assert _language(spoken) == "eo"


def test_who_waits_for_their_press_keeps_the_language_that_they_were_asked_in(
    spoken: Runtime, visitor: Visitor, link: Link, inbox: Inbox, clock: FixedClock
) -> None:
    visitor.subscribe(guide=PAIN)
    first = link("confirm")
    clock.forward(timedelta(hours=2))
    visitor.subscribe(guide=FIFTY)
    assert _language(spoken) is None and not any(map(_is_foreign, inbox(JANE)))
    visitor.press(first)
    assert _language(spoken) is None, "that sign-up was not in Esperanto"


def test_a_form_without_a_language_takes_nobody_theirs(spoken: Runtime, visitor: Visitor, link: Link) -> None:
    visitor.subscribe(guide=FIFTY)
    visitor.press(link("confirm"))
    visitor.subscribe(guide=PAIN)
    visitor.press(link("confirm"))
    assert _language(spoken) == "eo"


def test_a_form_speaks_its_language_wherever_it_stands(spoken: Runtime, visitor: Visitor) -> None:
    home = visitor.get("/").text
    assert '<html lang="en-GB"' in home and 'lang="eo" dir="ltr" method="post"' in home
    assert home.count('<form class="subscribe"') > home.count('lang="eo"') == 1
    wrong = visitor.subscribe(email="bad address")
    assert wrong.status_code == 422 and '<html lang="eo"' in wrong.text
    in_english = [one for one in wrong.text.split("<form ") if 'id="footer-form"' in one or 'id="foot-form"' in one]
    assert in_english and pseudo.OPEN not in in_english[0].partition("</form>")[0]
    sent = {"email": JANE, "agreed": forms(visitor.get("/"))[1].fields["agreed"], "guide": FIFTY}
    assert visitor.browser.post("/subscribe", data=sent).status_code == 200, "no other words than those that were read"


def test_a_reader_chooses_a_language(spoken: Runtime, jane: Visitor, link: Link, inbox: Inbox) -> None:
    page = link("preferences")
    assert 'name="language"' in jane.get(page).text
    answer = jane.press(page, language="he", newsletter="y")
    assert answer.status_code == 303 and _language(spoken) == "he"
    assert '<html lang="he" dir="rtl">' in jane.get(answer.location).text
    assert jane.press(page, language="de").status_code == 422 and _language(spoken) == "he"
    (form, *_) = forms(jane.get(page))
    jane.browser.post(page, data=form.fields)
    assert _language(spoken) == "he", "a page from before there was a choice"
    jane.press(page, language="")
    assert _language(spoken) is None


def test_a_catalogue_that_is_gone_leaves_english_and_the_choice_as_it_was(
    spoken: Runtime, jane: Visitor, link: Link
) -> None:
    _choose(spoken, "de")
    page = link("preferences")
    shown = jane.get(page).text
    assert '<html lang="en-GB"' in shown and '<option value="de" lang="de" selected>Deutsch</option>' in shown
    jane.press(page, language="de", first_name="Jo")
    assert _language(spoken) == "de"


def test_what_is_held_of_somebody_says_their_language(spoken: Runtime, jane: Visitor) -> None:
    with spoken.database.reading() as session:
        held = data_export.of(session, session.scalars(select(Subscriber)).one())
    assert held["subscriber"]["language"] == held["consents"][0]["language"] == "eo"


def test_leaving_needs_no_language(spoken: Runtime, jane: Visitor, link: Link, monkeypatch: pytest.MonkeyPatch) -> None:
    leave = link("unsubscribe")

    def broken(*_: object) -> None:
        raise RuntimeError("no catalogue")

    monkeypatch.setattr(Languages, "nearest", broken)
    assert '<html lang="en-GB"' in jane.get(leave).text
    assert jane.press(leave).status_code == 200
    with spoken.database.reading() as session:
        assert session.scalars(select(Subscriber.left_at)).one() is not None


def test_where_the_database_does_not_answer_the_page_says_so_in_english(
    spoken: Runtime, jane: Visitor, link: Link, monkeypatch: pytest.MonkeyPatch
) -> None:
    leave = link("unsubscribe")

    def down(*_: object, **__: object) -> None:
        raise OperationalError("SELECT", {}, Exception("gone"))

    monkeypatch.setattr(type(spoken.database), "reading", down)
    page = jane.get(leave)
    assert page.status_code == 503 and "Our database does not answer just now." in page.text


def test_where_there_is_only_english_nothing_is_asked(jane: Visitor, link: Link, runtime: Runtime) -> None:
    page = link("preferences")
    assert 'name="language"' not in jane.get(page).text
    jane.press(page, language="he")
    assert _language(runtime) is None


def test_a_brand_in_another_language_is_the_forms_where_they_have_none(spoken: Runtime, visitor: Visitor) -> None:
    with spoken.database.transaction() as session:
        brand.current(session).speak("he", spoken.languages)
    page = visitor.get("/").text
    assert '<html lang="he"' in page and 'lang="eo" dir="ltr" method="post"' in page
    assert '<html lang="eo"' in visitor.get(f"/f/{FIFTY}").text
    assert '<html lang="he"' in visitor.get("/f/footer").text
