"""Languages of forms and readers as an owner sees and sets them; where there is only English, nowhere."""

import csv
import io
import re
from collections.abc import Callable
from email.message import EmailMessage

from sqlalchemy import select, update

from newsletter.forms import Form
from newsletter.languages import Languages
from newsletter.runtime import Runtime
from newsletter.subscribers import Field, Subscriber, segments
from newsletter.subscribers.segments import Rules
from newsletter.subscribers.segments import rules as r
from tests import pseudo
from tests.conftest import NOON
from tests.web.owner.clerk import Clerk, clerk
from tests.web.owner.conftest import EMAIL, Desk, readable
from tests.web.owner.test_sign_up_forms import ROW

__all__ = ["clerk"]
JANE = "jane@example.com"
Inbox = Callable[[str], list[EmailMessage]]
People = Callable[..., int]


def _form(runtime: Runtime) -> str | None:
    with runtime.database.reading() as session:
        return session.get_one(Form, 1).language


def _person(runtime: Runtime, email: str = JANE) -> str | None:
    with runtime.database.reading() as session:
        return session.scalars(select(Subscriber.language).where(Subscriber.email == email)).one()


def test_a_form_is_given_a_language_and_loses_it_again(spoken: Runtime, desk: Desk) -> None:
    page = desk.get("/owner/forms/1")
    assert '<option selected value="">As the newsletter (English' in page
    assert re.search(r'<select [^>]*class="form-select"[^>]* name="language"', page)
    assert "Saved." in desk.told("/owner/forms/1", **ROW, language="eo")
    assert _form(spoken) == "eo" and '<option selected value="eo">' in desk.get("/owner/forms/1")
    assert "⟦Your e-mail address⟧" in desk.post("/owner/forms/1/preview", **ROW, language="eo").text
    assert "⟦Your e-mail address⟧" not in desk.post("/owner/forms/1/preview", **ROW, language="").text
    code = desk.get("/owner/forms/1/code")
    assert "⟦Your e-mail address⟧" in code and "Put it on a site" in code
    desk.post("/owner/forms/1/copy")
    with spoken.database.reading() as session:
        assert session.scalars(select(Form.language).order_by(Form.id.desc())).first() == "eo"
    assert "Saved." in desk.told("/owner/forms/1", **ROW, language="")
    assert _form(spoken) is None


def test_a_form_takes_no_language_without_a_catalogue_and_loses_nothing_that_was_typed(
    spoken: Runtime, desk: Desk
) -> None:
    answer = desk.post("/owner/forms/1", **ROW, language="de")
    assert answer.status_code == 422 and "Please choose a language from the list." in answer.text
    assert "Two sentences. Of mine." in answer.text and _form(spoken) is None


def test_a_catalogue_that_is_gone_takes_nobody_their_choice(spoken: Runtime, desk: Desk, person: People) -> None:
    jane = person(JANE)
    with spoken.database.transaction() as session:
        session.execute(update(Form).values(language="de"))
        session.execute(update(Subscriber).values(language="de"))
    assert "Saved." in desk.told("/owner/forms/1", **ROW, language="de")
    assert "Saved." in desk.told(f"/owner/subscribers/{jane}/edit", language="de")
    spoken.languages = Languages(spoken.settings.data_dir / "none")
    assert "Saved." in desk.told("/owner/forms/1", **ROW)
    assert "Saved." in desk.told(f"/owner/subscribers/{jane}/edit", first_name="J")
    assert (_form(spoken), _person(spoken)) == ("de", "de")


def test_a_persons_page_says_and_changes_their_language(spoken: Runtime, desk: Desk, person: People) -> None:
    jane = person(JANE, "Jane")
    assert "reads in" not in desk.read(f"/owner/subscribers/{jane}")
    assert "Saved." in desk.told(f"/owner/subscribers/{jane}/edit", first_name="Jane", language="he")
    assert _person(spoken) == "he" and "reads in עברית" in desk.read(f"/owner/subscribers/{jane}")
    answer = desk.post(f"/owner/subscribers/{jane}/edit", first_name="Jane", language="de")
    assert answer.status_code == 422 and _person(spoken) == "he"


def test_where_there_is_only_english_nothing_is_asked_and_nothing_is_taken(
    runtime: Runtime, desk: Desk, person: People
) -> None:
    jane = person(JANE)
    for path in ("forms/1", f"subscribers/{jane}/edit"):
        assert 'name="language"' not in desk.get(f"/owner/{path}")
    assert '<option value="language">' not in desk.get("/owner/segments/new")
    assert 'name="language"' not in desk.get("/owner/subscribers")
    assert "Saved." in desk.told("/owner/forms/1", **ROW, language="eo")
    assert "Saved." in desk.told(f"/owner/subscribers/{jane}/edit", language="eo")
    assert (_form(runtime), _person(runtime)) == (None, None)
    assert "language" not in desk.get("/owner/subscribers/export.csv").splitlines()[0]


def test_a_segment_of_who_reads_in_a_language(spoken: Runtime, desk: Desk, person: People) -> None:
    for email, code in ((JANE, "eo"), ("bo@example.com", None), ("al@example.com", "he"), ("ed@example.com", "en-GB")):
        person(email)
        with spoken.database.transaction() as session:
            session.execute(update(Subscriber).where(Subscriber.email == email).values(language=code))
    page = desk.post("/owner/segments/new", **{"do": "add:", "add.": "language", "r.kind": "all"}).text
    assert 'name="r.0.language"' in page and '<option value="eo">' in page
    told = {}
    for code in ("eo", "en-GB"):
        rules = {"r.kind": "all", "r.0.kind": "language", "r.0.language": code}
        assert "is saved" in desk.told("/owner/segments/new", do="save", name=code, **rules)
        with spoken.database.reading() as session:
            saved = segments.named(session, code)
            assert saved is not None and saved.rules == Rules(r.Group(r.How.ALL, (r.ReadsIn(code),)), saved.rules.zone)
            told[code] = desk.read(f"/owner/subscribers?segment={saved.id}")
    assert JANE in told["eo"] and "bo@example.com" not in told["eo"] and "reads in Esperanto" in told["eo"]
    # Whoever has none of their own reads in the newsletter's.
    assert "bo@example.com" in told["en-GB"] and "ed@example.com" in told["en-GB"] and JANE not in told["en-GB"]
    bar = desk.get("/owner/subscribers?language=eo")
    assert JANE in bar and "bo@example.com" not in bar and '<option value="eo" selected>' in bar
    wrong = desk.post("/owner/segments/new", do="save", name="x",
                      **{"r.kind": "all", "r.0.kind": "language", "r.0.language": ""})  # fmt: skip
    assert wrong.status_code == 422 and "Choose a language from the list." in wrong.text


def test_a_test_mail_is_in_the_language_of_the_reader_like_whom_it_is_filled_in(
    spoken: Runtime, desk: Desk, person: People, article: int, inbox: Inbox
) -> None:
    jane = person(JANE)
    with spoken.database.transaction() as session:
        session.execute(update(Subscriber).values(language="eo"))
    for like, number in (("", "1"), (str(jane), "2")):
        desk.post(f"/owner/articles/{article}/test", to=EMAIL, subscriber=like, number=number)
    parts = [mail.get_body(("plain",)) for mail in inbox(EMAIL)]
    assert [part is not None and pseudo.OPEN in str(part.get_content()) for part in parts] == [False, True]
    assert 'lang="eo"' in desk.get(f"/owner/articles/{article}/preview?subscriber={jane}")


def test_the_page_of_a_mails_words_says_for_whom_they_are(
    runtime: Runtime, desk: Desk, several_languages: Languages
) -> None:
    assert "whatever language is set" in desk.get("/owner/texts/goodbye")
    runtime.languages = several_languages
    assert "Readers of another one get ours, in theirs." in desk.get("/owner/texts/goodbye")


LIST = "email,Locale\nann@example.com,eo\nbo@example.com,he_IL\ncy@example.com,tlh\ndi@example.com,\n"
COLUMNS = {"what-0": "email", "what-1": "language"}


def test_a_file_names_languages_and_an_export_brings_them_back(spoken: Runtime, desk: Desk, clerk: Clerk) -> None:
    clerk.send(LIST)
    assert "Language, by its code (such as de)" in desk.get(clerk.path)
    clerk.to_the_check(LIST, COLUMNS)
    assert "Languages that there is no catalogue for, left out" in readable(clerk.say("start"))
    found = [_person(spoken, f"{name}@example.com") for name in ("ann", "bo", "cy", "di")]
    assert found == ["eo", "he", None, None]
    rows = list(csv.DictReader(io.StringIO(desk.get("/owner/subscribers/export.csv"))))
    assert {one["email"]: one["language"] for one in rows} == {
        "ann@example.com": "eo", "bo@example.com": "he", "cy@example.com": "", "di@example.com": "",
    }  # fmt: skip


def test_a_field_of_the_owners_that_is_called_so_was_there_first(spoken: Runtime, desk: Desk, clerk: Clerk) -> None:
    with spoken.database.transaction() as session:
        session.add(Field(key="tongue", label="Locale", created_at=NOON))
    clerk.send(LIST)
    page = desk.get(clerk.path)
    chosen = re.findall(r'name="what-(\d)".*?selected>([^<]*)<', page, re.S)
    assert [words for _, words in chosen] == ["E-mail address", "Locale"]
