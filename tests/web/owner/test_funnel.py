"""What became of forms, on a page and as a file."""

import csv
import io

from newsletter import forms
from newsletter.forms import count_views
from newsletter.runtime import Runtime
from tests.web.conftest import FIFTY, PAIN, Visitor
from tests.web.owner.conftest import Desk


def _seen(runtime: Runtime, page: str, times: int) -> int:
    with runtime.database.transaction() as session:
        form = forms.named(session, FIFTY)
        assert form is not None
        count_views(session, {(form.id, page): times}, runtime.clock.now().date())
        return form.id


def test_the_page_says_how_far_people_came(jane: Visitor, desk: Desk, runtime: Runtime) -> None:
    id = _seen(runtime, "/", 8)
    words = desk.read("/owner/results/forms")
    assert " 8 1 12% 1 100% 0 0% 0 0% " in words, words
    assert "/ 8 1 12% 1 100%" in desk.read(f"/owner/results/forms/{id}")


def test_another_time_is_a_link_away_and_a_strange_one_is_the_usual(jane: Visitor, desk: Desk) -> None:
    page = desk.get("/owner/results/forms?days=7")
    assert 'href="/owner/results/forms?days=90"' in page and 'days=7" aria-current="page"' in page.replace("\n", "")
    for days in ("", "8", "-1", "x", "9" * 30):
        assert 'days=30" aria-current="page"' in desk.get(f"/owner/results/forms?days={days}")


def test_the_file_has_every_form_and_its_pages(jane: Visitor, desk: Desk, runtime: Runtime) -> None:
    _seen(runtime, "=1+1", 3)
    rows = list(csv.DictReader(io.StringIO(desk.get("/owner/results/forms.csv?days=0"))))
    of_fifty = [(row["page"], row["seen"], row["confirmed"]) for row in rows if row["form"] == FIFTY]
    assert of_fifty == [("", "3", "1"), ("/", "0", "1"), ("'=1+1", "3", "0")]
    assert [row["submitted"] for row in rows if row["form"] == PAIN] == ["0"]


def test_a_form_that_nobody_used_says_what_to_do(desk: Desk, runtime: Runtime) -> None:
    with runtime.database.reading() as session:
        form = forms.named(session, PAIN)
        assert form is not None
    assert "Nobody has seen or sent this form in this time" in desk.read(f"/owner/results/forms/{form.id}")
    assert desk.client.get("/owner/results/forms/999").status_code == 404
