"""The owner's page of the words of mails that go out by themselves."""

import pytest
from sqlalchemy import select

from newsletter import brand
from newsletter.accounts import AuditEntry
from newsletter.mail_words import OURS, MailWords, OwnMail
from newsletter.runtime import Runtime
from tests.web.owner.conftest import Desk, readable

LIST, PATH = "/owner/texts", "/owner/texts/confirm"
TYPED = {
    "subject": "One press, please",
    "body": "Dear reader,\n\nwelcome to {{ brand.name }}.",
    "closing": "Warmly\nPaul",
}


def _words(runtime: Runtime, mail: OwnMail = OwnMail.CONFIRM) -> MailWords:
    with runtime.database.reading() as session:
        return brand.current(session).words_in(mail)


def _log(runtime: Runtime) -> list[tuple[str, str]]:
    with runtime.database.reading() as session:
        rows = session.execute(select(AuditEntry.action, AuditEntry.detail).order_by(AuditEntry.id))
        return [(action, detail) for action, detail in rows if "words of a mail" in action]


def test_the_list_names_each_mail_and_whose_words_it_says(desk: Desk) -> None:
    page = desk.get(LIST)
    for mail in OwnMail:
        assert f'href="/owner/texts/{mail}"' in page
        assert desk.client.get(f"/owner/texts/{mail}").status_code == 200
    assert "yours" not in readable(page)
    desk.post(PATH, base="0", **TYPED)
    assert "One press, please yours" in desk.read(LIST)
    assert 'href="/owner/texts"' in desk.get("/owner/settings") and "Words of our mails" in desk.get(
        "/owner/search?q=signature"
    )


def test_words_are_saved_and_the_gallery_shows_them(desk: Desk, runtime: Runtime) -> None:
    before = desk.read(PATH)
    assert "Your guide is ready: please confirm" in before and "Hello," in before and "{{ brand.author }}" in before
    assert "The next mail says it" in desk.told(PATH, base="0", **TYPED)
    assert _words(runtime) == MailWords(TYPED["subject"], TYPED["body"], TYPED["closing"])
    assert "welcome to Human Movement." in desk.get("/owner/mails/confirm.html")
    assert "welcome to Human Movement." in desk.get("/owner/mails")
    assert "Confirm and get the guide" in desk.get("/owner/mails/confirm.html")
    page = desk.get(PATH)
    assert 'value="One press, please"' in page and "Warmly\nPaul</textarea>" in page
    assert "Your guide is ready: please confirm" in page, "ours stands beside"
    assert [action for action, _ in _log(runtime)] == ["words of a mail saved"]
    assert _log(runtime)[0][1] == (
        "confirm: subject – → “One press, please”, opening – → “Dear reader, welcome to {{ brand.name }}.”, "
        "closing – → “Warmly Paul”"
    )
    assert "Nothing was different." in desk.told(PATH, base="1", **TYPED) and len(_log(runtime)) == 1


def test_it_goes_back_to_ours(desk: Desk, runtime: Runtime) -> None:
    first = desk.get("/owner/mails/confirm.html")
    assert "Reset to our words" not in desk.read(PATH)
    desk.post(PATH, base="0", **TYPED)
    assert "tick the box" in desk.told(f"{PATH}/ours") and _words(runtime) != OURS
    assert "our words again" in desk.told(f"{PATH}/ours", sure="yes")
    assert _words(runtime) == OURS and desk.get("/owner/mails/confirm.html") == first
    assert _log(runtime)[1] == (
        "words of a mail taken back",
        "confirm: subject “One press, please” → –, opening “Dear reader, welcome to {{ brand.name }}.” → –, "
        "closing “Warmly Paul” → –",
    )
    assert desk.post(PATH, base="1", **TYPED).status_code == 409, "a tab that was open before is told"


def test_an_empty_form_is_ours_as_well(desk: Desk, runtime: Runtime) -> None:
    desk.post(PATH, base="0", **TYPED)
    assert "our words again" in desk.told(PATH, base="1", subject=" ", body="\n\n", closing="")
    assert _words(runtime) == OURS


@pytest.mark.both_databases
def test_of_two_tabs_the_second_is_told_and_loses_nothing(desk: Desk, runtime: Runtime) -> None:
    desk.post(PATH, base="0", **TYPED)
    answer = desk.post(PATH, base="0", subject="Mine", body="Mine too", closing="")
    assert answer.status_code == 409 and _words(runtime).subject == "One press, please"
    told = readable(answer.text)
    assert "Somebody has saved other words" in told and "welcome to {{ brand.name }}." in told
    assert 'value="Mine"' in answer.text and "Mine too</textarea>" in answer.text
    assert 'name="base" type="hidden" value="1"' in answer.text
    desk.post(PATH, base="1", subject="Mine", body="Mine too", closing="")
    assert _words(runtime) == MailWords("Mine", "Mine too", "")


@pytest.mark.parametrize(
    ("field", "typed", "told"),
    [
        ("body", "Dear {{ first_name }}", "there is no variable “first_name”"),
        ("subject", "{{ nobody }}", "there is no variable “nobody”"),
        ("closing", "{{ brand.name() }}", "a text cannot call anything"),
        ("body", "a" * 3001, "3,000 are the most"),
    ],
)
def test_what_cannot_be_said_is_told_beside_its_field(field: str, typed: str, told: str, desk: Desk,
                                                      runtime: Runtime) -> None:  # fmt: skip
    answer = desk.post(PATH, **{"base": "0", **TYPED, field: typed})
    assert answer.status_code == 422 and _words(runtime) == OURS
    assert told in readable(answer.text) and typed in readable(answer.text) and f'id="{field}-error"' in answer.text
    seen = desk.post(f"{PATH}/preview", **{**TYPED, field: typed})
    assert seen.status_code == 422 and told in seen.text


def test_the_preview_is_the_whole_mail_in_what_is_typed(desk: Desk, runtime: Runtime) -> None:
    seen = desk.post(f"{PATH}/preview", **TYPED)
    assert "welcome to Human Movement." in seen.text and "Confirm and get the guide" in seen.text
    assert "sandbox" in seen.headers["Content-Security-Policy"]
    text = desk.post(f"{PATH}/preview", show="text", **TYPED)
    assert text.mimetype == "text/plain" and text.text.startswith("One press, please\n\nDear reader,\n")
    assert _words(runtime) == OURS


def test_markup_of_the_owners_stays_words(desk: Desk) -> None:
    evil = '<script>alert(1)</script> [x](javascript:alert(1)) "><img src=x>'
    desk.post(PATH, base="0", subject=evil, body=evil, closing=evil)
    for page in (desk.get("/owner/mails/confirm.html"), desk.get(PATH), desk.get(LIST)):
        assert "<script>alert" not in page and "<img src=x" not in page and 'href="javascript' not in page


def test_a_proof_has_no_subject_to_change(desk: Desk, runtime: Runtime) -> None:
    assert 'name="subject"' not in desk.get("/owner/texts/prove")
    assert desk.post("/owner/texts/prove", base="0", subject="Mine", body="", closing="").status_code == 422
    assert "The next mail" in desk.told("/owner/texts/prove", base="0", body="Dear reader,", closing="")
    assert "Dear reader," in desk.get("/owner/mails/prove.html")


def test_the_theme_is_shown_in_these_words(desk: Desk) -> None:
    desk.post(PATH, base="0", **TYPED)
    shown = desk.get("/owner/theme/mail?mail=confirm&scheme=light&accent=%230f5f63&ground=%23f4f0e8")
    assert "welcome to Human Movement." in shown
