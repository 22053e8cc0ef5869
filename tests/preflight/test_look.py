"""The preflight finds what would embarrass, tells it apart from what must not go, and leaves good texts alone."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from newsletter import brand
from newsletter.preflight import Level, NotFit, check_time
from newsletter.runtime import Runtime
from newsletter.settings import ROOT
from tests.conftest import NOON
from tests.preflight.conftest import Look, said

pytestmark = pytest.mark.sqlite_only

GOOD, TOLD, WARNING, BLOCK = Level


@pytest.mark.parametrize(
    "text",
    [
        "Hi {first_name}", "Hi {{first_name", "name}} here", "{% if x", "*|FNAME|*", "Dear %recipient%",
        "%recipient.name%", "%%first_name%%", "Hi [FIRST NAME]", "Hi ##name##", "Hi $first_name,", "Hi [first name],",
        "[[name]]", "[insert link here]", "<b>bold</b>",
        "a <br> b", "</p>", "::name::", "Lorem ipsum dolor", "{unsubscribe}",
    ],
)  # fmt: skip
@pytest.mark.parametrize("place", ["subject", "preheader", "body"])
def test_what_other_programs_would_have_filled_in_is_a_warning(look: Look, text: str, place: str) -> None:
    report = look(**{"body": "Good.", place: text})
    assert report.fit
    assert "Left over" in [one.name for one in report.of(WARNING)]


@pytest.mark.parametrize(
    "address",
    ["*|UNSUB|*", "https://x.example/?id=*|UNIQID|*", "https://x.example/{email}", "%unsubscribe_url%",
     "https://x.example/?e=%%EMAIL%%", "https://x.example/::code::/"],
)  # fmt: skip
def test_what_is_left_over_in_an_address_is_a_warning_too(look: Look, address: str) -> None:
    for body in (f"[press]({address})", f"![walking](<{address}>)"):
        assert "Left over in a link" in [one.name for one in look(body).of(WARNING)]


@pytest.mark.parametrize(
    "body",
    [
        "Write `{name}` or `<b>`.", "```\n{ } <p> *|X|*\n```", "50% of people, and 20% more",
        "[your name page](/archive)", "1 < 2 and 3 > 2", "<https://example.com/%C3%BC%20x>", "[1] and [UPDATE] and (a)",
        "https://example.com/a%20b%20c", "[x](https://example.com/?a[]=1&b=50%25&c={{ first_name }}#d)",
        "[x](https://example.com/b::c)",
        "a * b | c", "{{ greeting }}, {% if first_name %}you{% endif %}", "100%", "I <3 you", "e-mail me",
    ],
)  # fmt: skip
def test_what_belongs_in_a_text_is_none(look: Look, body: str) -> None:
    assert said(look(body), WARNING) == ""


def test_the_texts_of_a_new_install_are_in_order(look: Look, person: Callable[..., int]) -> None:
    person("ann@example.com", "Ann")
    report = look((ROOT / "content" / "welcome.md").read_text().split("---", 2)[2])
    assert [one for one in report.checks if one.level not in (GOOD, TOLD)] == []


@pytest.mark.parametrize(
    ("subject", "reads"),
    [("{{ first_name }}, a word", "“, a word”"), ("For {{ first_name }}", "“For”"), ("Hi {{ first_name }}!", "“Hi !”"),
     ("{% if first_name %}{{ first_name }}{% endif %}, hello", "“, hello”")],
)  # fmt: skip
def test_a_subject_that_reads_badly_without_a_name_is_shown(
    look: Look, person: Callable[..., int], subject: str, reads: str
) -> None:
    person("ann@example.com", "Ann")
    person("ben@example.com")
    told = said(look("x", subject=subject), WARNING)
    assert f"To 1 of 2 people without a name it reads {reads}" in told and "default" in told


@pytest.mark.parametrize(
    "subject",
    ['{{ first_name|default("Friend") }}, a word', "{% if first_name %}{{ first_name }}, a{% else %}A{% endif %} word",
     "{{ greeting }}", "A word"],
)  # fmt: skip
def test_one_that_reads_well_is_none(look: Look, person: Callable[..., int], subject: str) -> None:
    person("ben@example.com")
    assert said(look("x", subject=subject), WARNING) == ""


def test_where_everybody_has_a_name_nothing_is_said_of_those_without(look: Look, person: Callable[..., int]) -> None:
    person("ann@example.com", "Ann")
    report = look("Hi {{ first_name }},", subject="For {{ first_name }}")
    assert said(report, WARNING) + said(report, TOLD) == ""


def test_an_empty_place_in_the_text_is_told(look: Look, person: Callable[..., int]) -> None:
    person("ben@example.com")
    assert "{{ first_name }} is empty for 1 of 1 people" in said(look("Hi {{ first_name }},"), TOLD)
    assert said(look('Hi {{ first_name|default("friend") }},'), TOLD) == ""


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("{{ nickname }}", "no variable “nickname”"),
        ("{{ guide_pdf }}", "series that follows a guide"),
        ("  ", "The article is empty"),
        ("x " * 60_000, "Gmail cuts off"),
        ("![a](/static/img/nowhere.png)", "/static/img/nowhere.png is not there"),
        ("![a](/guides/nothing/pages/1.png)", "is not there"),
        ("![a](data:image/png;base64,AAAA)", "is shown by no mail program"),
    ],
)
def test_what_cannot_go_is_a_block(look: Look, body: str, told: str) -> None:
    report = look(body)
    assert not report.fit and told in said(report, BLOCK)
    with pytest.raises(NotFit, match="Not scheduled"):
        report.insist(accepted=True)


def test_no_subject_no_address_and_no_guide_are_blocks(look: Look, runtime: Runtime) -> None:
    with runtime.database.transaction() as session:
        brand.current(session).address = ""
    told = said(look("x", subject=" ", guide="nothing"), BLOCK)
    assert "There is no guide “nothing”. Guides that exist: recover-from-pain, exercise-at-50" in told
    assert "postal address" in told and "Subject: There is none" in told


def test_a_line_that_no_record_has_room_for_is_a_block(look: Look) -> None:
    told = said(look("x", subject="s" * 201, preheader="p" * 500), BLOCK)
    assert "Subject: It has 201 characters; 200 is the most." in told and "Preheader: It has 500" in told


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("[a](/nowhere)", "is no page of this site"),
        ("[a](/archive/no-such-article)", "is no page of this site"),
        ("[a](/guides/no-such-guide)", "is no page of this site"),
        ("[a](example.com/page)", "is no page of this site"),
        ("[a](#chapter)", "leads to a place in the text"),
        ("[a]()", "has no address"),
        ("[a](/topics/no-such-topic)", "is no page of this site"),
        ("[a](/unsubscribe/AAAA)", "write {{ unsubscribe_url }}"),
        ("[a](/not-me/AAAA)", "write {{ unsubscribe_url }}"),
        ("[a](/own/AAAA)", "write {{ preferences_url }}"),
        ("[a](/c/AAAA.BBBB)", "write the address that it leads to"),
        ("http://localhost:8000/library/AAAA", "write {{ library_url }}"),
        ("[a](/owner/articles)", "only you can open"),
        ("[a](http://127.0.0.1:3000/)", "no address on the internet"),
        ("[a](ftp://example.com/x)", "opened by no mail program"),
    ],
)
def test_a_link_that_leads_nowhere_is_a_warning(look: Look, body: str, why: str) -> None:
    assert why in said(look(body), WARNING)


@pytest.mark.parametrize(
    "body",
    ["[a](/archive)", "[a](/)", "[a](/guides/exercise-at-50)", "[a](/privacy)", "[a](https://example.com/x)", "a@b.org",
     "[a](mailto:a@b.org)", "[a](tel:+44)", "[a]({{ library_url }})", "{{ brand.website }}",
     "![a](/guides/exercise-at-50/pages/1.png)", "[a](/archive?x={{ first_name }})", "[a](/f/any)",
     "[a](/topics/training)", "[a](/topics/training/feed.xml)"],
)  # fmt: skip
def test_a_link_that_leads_somewhere_is_none(look: Look, body: str) -> None:
    report = look(body)
    assert said(report, WARNING) + said(report, BLOCK) == ""


def test_pictures_from_elsewhere_are_named_and_relative_addresses_told(look: Look) -> None:
    told = said(look("![](https://cdn.example.com/a.png) [b](/archive)"), TOLD)
    assert "They lie at cdn.example.com" in told
    assert "Pictures without words" in told
    assert "/archive: completed with http://localhost:8000" in told


def test_warnings_go_when_they_are_accepted(look: Look) -> None:
    report = look("Hi {name}")
    with pytest.raises(NotFit, match=r"Not scheduled yet.*\{name\}"):
        report.insist(accepted=False)
    report.insist(accepted=True)
    look("Good.").insist(accepted=False)


@pytest.mark.parametrize("at", [NOON - timedelta(minutes=2), NOON - timedelta(days=1), datetime(1, 1, 1, tzinfo=UTC),
                                NOON + timedelta(days=731), datetime(9999, 12, 31, tzinfo=UTC)])  # fmt: skip
def test_a_time_that_nobody_means_is_refused(at: datetime) -> None:
    with pytest.raises(NotFit):
        check_time(at, NOON)


def test_a_moment_that_has_just_gone_by_means_now() -> None:
    for at in (NOON - timedelta(seconds=30), NOON, NOON + timedelta(days=700)):
        check_time(at, NOON)
