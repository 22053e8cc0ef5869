"""Segments put together by clicking, without JavaScript; used by the list of subscribers and by campaigns."""

import re
from collections.abc import Callable
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import update

from newsletter.runtime import Runtime
from newsletter.subscribers import FieldKind, add_field, segments, tags_of
from newsletter.subscribers.segments import Group, How, Rules, SavedSegment
from newsletter.subscribers.segments import rules as r
from newsletter.web.owner import segments as page
from tests.conftest import NOON
from tests.web.owner.conftest import Desk, readable

People = Callable[..., int]
RUNNERS = Rules(Group(How.ALL, (r.HasTag("runners"),)), "Europe/London")


def saved(runtime: Runtime, rules: Rules = RUNNERS, name: str = "Runners") -> int:
    with runtime.database.transaction() as session:
        made = segments.save(session, name, rules, NOON)
        session.flush()
        return made.id


def _rules(runtime: Runtime, name: str) -> Rules | None:
    with runtime.database.reading() as session:
        found = segments.named(session, name)
        return found.rules if found else None


def _fields(html: str) -> dict[str, str]:
    """What a browser would send of the page's form, as it stands."""
    form = html[html.index('<form method="post" action="/owner/segments') :]
    form = form[: form.index("</form>")]
    found = {}
    for tag in re.findall(r"<input [^>]*>", form):
        name, value = re.search(r'name="([^"]*)"', tag), re.search(r'value="([^"]*)"', tag)
        if name:
            found[name[1]] = value[1] if value else ""
    for name, inner in re.findall(r'<select [^>]*name="([^"]*)"[^>]*>(.*?)</select>', form, re.S):
        chosen = re.search(r'value="([^"]*)" selected', inner) or re.search(r'value="([^"]*)"', inner)
        found[name] = chosen[1] if chosen else ""
    return found


def _press(desk: Desk, path: str, html: str, do: str, **changed: str) -> tuple[int, str]:
    form = {**_fields(html), **{name.replace("__", "."): value for name, value in changed.items()}, "do": do}
    form.pop("csrf_token", None)
    answer = desk.post(path, **form)
    return answer.status_code, answer.text


def test_rules_are_put_together_by_clicking_and_saved(desk: Desk, runners: tuple[int, ...], runtime: Runtime) -> None:
    path = "/owner/segments/new"
    html = desk.get(path)
    _, html = _press(desk, path, html, "add:", add__="tag")
    assert "The rules are not finished" in html
    assert "Type or choose a tag." in html
    _, html = _press(desk, path, html, "look", r__0__tag="runners")
    assert "Everybody who has the tag “runners”." in readable(html)
    assert "3 people now; 1 of them take the newsletter" in readable(html)
    _, html = _press(desk, path, html, "add:", add__="group")
    _, html = _press(desk, path, html, "add:1", **{"add.1": "status", "r__1__kind": "none"})
    _, html = _press(desk, path, html, "look", r__1__0__status="pending")
    assert "has the tag “runners”, but has confirmed the address, or ended it." in readable(html)
    assert "2 people now" in readable(html)
    assert _rules(runtime, "Runners") is None  # nothing is saved before "Save"
    status, html = _press(desk, path, html, "save", name=" ")
    assert (status, "Please give it a name" in html) == (422, True)
    _, html = _press(desk, path, html, "save", name="Runners")
    assert "“Runners” is saved." in readable(html)
    expected = Group(How.ALL, (r.HasTag("runners"), Group(How.NONE, (r.HasStatus(r.Status.PENDING),))))
    assert _rules(runtime, "Runners") == Rules(expected, "Europe/London")


def test_a_zone_says_whom_it_leaves_out(desk: Desk) -> None:
    path = "/owner/segments/new"
    _, html = _press(desk, path, desk.get(path), "add:", add__="zone")
    assert "All others have none, not even yours." in readable(html)


def test_a_rule_and_a_group_are_taken_away(desk: Desk, runtime: Runtime) -> None:
    rule = Group(How.ALL, (r.TakesNewsletter(True), Group(How.ANY, (r.TakesNewsletter(False), r.JoinedLately(3)))))
    path = f"/owner/segments/{saved(runtime, Rules(rule, 'Europe/London'))}"
    _, html = _press(desk, path, desk.get(path), "remove:1.0")
    assert "joined in the last 3 days" in readable(html)
    assert "does not take" not in readable(html)
    _, html = _press(desk, path, html, "remove:1")
    _, html = _press(desk, path, html, "remove:7.1")
    assert "Everybody who takes the newsletter." in readable(html)
    _, html = _press(desk, path, html, "remove:0")
    assert "This group is empty, which would mean everybody." in html
    assert _press(desk, path, html, "save")[0] == 422
    assert _rules(runtime, "Runners") == Rules(rule, "Europe/London")


def test_an_own_field_is_compared_by_its_kind(desk: Desk, runtime: Runtime) -> None:
    with runtime.database.transaction() as session:
        for key, kind, choices in (("age", FieldKind.NUMBER, []), ("size", FieldKind.CHOICE, ["S", "M"])):
            add_field(session, key=key, label=key.title(), kind=kind, choices=choices, fallback="", now=NOON)
    path = "/owner/segments/new"
    _, html = _press(desk, path, desk.get(path), "add:", add__="field:age")
    _, html = _press(desk, path, html, "look", r__0__how="more", r__0__value="many")
    assert "please type a number" in html
    _, html = _press(desk, path, html, "look", r__0__value="49,5")
    assert "has a field “Age” that is more than “49.5”" in readable(html)
    _, html = _press(desk, path, html, "look", r__0__how="contains")
    assert "cannot be compared so" in html


def test_two_windows_do_not_overwrite_each_other_unseen(desk: Desk, runtime: Runtime) -> None:
    path = f"/owner/segments/{saved(runtime)}"
    html = desk.get(path)
    with runtime.database.transaction() as session:
        known = segments.named(session, "runners")
        segments.save(session, "Runners", Rules(r.TakesNewsletter(True)), NOON.replace(hour=12), known)
    status, html = _press(desk, path, html, "save")
    assert (status, "saved in another window" in html) == (422, True)
    assert _press(desk, path, html, "save")[0] == 200
    assert _rules(runtime, "Runners") == RUNNERS


def test_the_list_shows_copies_and_deletes_them(desk: Desk, runners: tuple[int, ...], runtime: Runtime) -> None:
    id = saved(runtime)
    assert "Runners has the tag “runners” 3 people 1 take the newsletter" in desk.read("/owner/segments")
    assert "This is the copy." in desk.told(f"/owner/segments/{id}/copy")
    assert _rules(runtime, "Runners (copy)") == RUNNERS
    assert "Only the rules go" in desk.read(f"/owner/segments/{id}/delete")
    assert "“Runners” is deleted." in desk.told(f"/owner/segments/{id}/delete")
    assert _rules(runtime, "Runners") is None
    assert desk.client.get(f"/owner/segments/{id}").status_code == 404


def test_names_are_their_own(desk: Desk, runtime: Runtime) -> None:
    saved(runtime)
    html = desk.get("/owner/segments/new?status=confirmed")
    status, html = _press(desk, "/owner/segments/new", html, "save", name="RUNNERS")
    assert (status, "There is a segment “Runners” already." in html) == (422, True)


def test_the_list_of_subscribers_is_filtered_exported_and_tagged_by_it(
    desk: Desk, runners: tuple[int, ...], runtime: Runtime
) -> None:
    id = saved(runtime)
    shown = desk.read(f"/owner/subscribers?segment={id}&status=confirmed")
    assert "jane@example.com" in shown
    assert "ann@example.com" not in shown
    assert "bob@example.com" not in shown
    assert "Everybody who is confirmed and has the tag “runners”." in shown
    assert desk.client.get(f"/owner/subscribers/export.csv?segment={id}").text.count("@example.com") == 3
    assert "3 more people" in desk.told("/owner/subscribers/tag", segment=str(id), name="seen", verb="tag")
    with runtime.database.reading() as session:
        assert [tags_of(session, one) for one in runners] == [["runners", "seen"]] * 3


@pytest.mark.parametrize("asked", ["999", "x", "-1", "9" * 30, "%00%27"])
def test_a_segment_that_is_not_there_is_nobody(asked: str, desk: Desk, runners: tuple[int, ...]) -> None:
    assert "There is no such segment any more" in desk.read(f"/owner/subscribers?segment={asked}")
    assert "@" not in desk.client.get(f"/owner/subscribers/export.csv?segment={asked}").text
    told = desk.told("/owner/subscribers/tag", segment="999", name="x", verb="tag")
    assert "0 more people" in told
    assert "is not part of this" in desk.get(f"/owner/segments/new?segment={asked}")


def test_a_filter_becomes_a_segment(desk: Desk, runners: tuple[int, ...], runtime: Runtime) -> None:
    id = saved(runtime)
    query = f"q={quote('J & co')}&status=confirmed&tag=runners&segment={id}"
    assert "Save this filter as a segment" in desk.read(f"/owner/subscribers?{query}")
    html = desk.get(f"/owner/segments/new?{query}")
    _press(desk, "/owner/segments/new", html.replace("J &amp; co", "J & co"), "save", name="Few")
    rules = (r.Called("J & co"), r.HasStatus(r.Status.CONFIRMED), r.HasTag("runners"), RUNNERS.root)
    assert _rules(runtime, "Few") == Rules(Group(How.ALL, rules), "Europe/London")


@pytest.mark.parametrize(
    "stored", [{}, [], "x", {"version": 2}, {"version": 1, "zone": "UTC", "rules": {"kind": "no"}}]
)
def test_stored_rules_of_another_version_are_nobody_and_can_be_replaced(
    stored: object, desk: Desk, runners: tuple[int, ...], runtime: Runtime
) -> None:
    id = saved(runtime)
    with runtime.database.transaction() as session:
        session.execute(update(SavedSegment).values(stored=stored))
    assert "Its rules cannot be read" in desk.read("/owner/segments")
    assert "Its rules cannot be read" in desk.read(f"/owner/subscribers?segment={id}")
    assert "Saving writes new ones." in desk.read(f"/owner/segments/{id}")
    assert "cannot be copied" in desk.told(f"/owner/segments/{id}/copy")
    assert "0 more people" in desk.told("/owner/subscribers/tag", segment=str(id), name="x", verb="tag")
    assert desk.client.get(f"/owner/segments/new?segment={id}").status_code == 200
    assert _press(desk, f"/owner/segments/{id}", desk.get("/owner/segments/new?status=confirmed"), "save",
                  name="Runners", seen=NOON.isoformat())[0] == 200  # fmt: skip
    assert _rules(runtime, "Runners") == Rules(Group(How.ALL, (r.HasStatus(r.Status.CONFIRMED),)), "Europe/London")


_NAMES = st.from_regex(r"\A(r|add)(\.[0-9]{1,2}){0,7}\.?(kind|tag|days|field|how|value|takes|form|day|zone|status)?\Z")
_VALUES = st.one_of(
    st.sampled_from(("all", "any", "none", "field", "form", "lately", "newsletter", "before", "yes", "0", "٣", "")),
    st.text(max_size=20),
)  # fmt: skip


@pytest.mark.sqlite_only
@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    form=st.dictionaries(_NAMES, _VALUES, max_size=12),
    do=st.one_of(
        st.sampled_from(("look", "save", "add:", "add:0.0", "remove:", "remove:0", "remove:0.1.2")), st.text(max_size=9)
    ),
)
def test_whatever_is_sent_is_answered(desk: Desk, form: dict[str, str], do: str) -> None:
    assert desk.post("/owner/segments/new", **{**form, "do": do}).status_code in (200, 422)


def test_rules_nested_too_deep_and_too_many_are_told(desk: Desk) -> None:
    deep = {f"r{'.0' * depth}.kind": "all" for depth in range(9)} | {"r" + ".0" * 9 + ".kind": "newsletter"}
    assert "nested 5 deep" in desk.post("/owner/segments/new", do="look", **deep).text
    many = {
        f"r.{place}.{part}": text for place in range(60) for part, text in (("kind", "newsletter"), ("takes", "yes"))
    }
    assert "more than 50 rules" in desk.post("/owner/segments/new", do="save", **{"r.kind": "any", **many}).text
    thousands = {f"r.{place}.{inner}.kind": "newsletter" for place in range(9) for inner in range(99)}
    assert desk.post("/owner/segments/new", do="save", **thousands).status_code == 422


def test_pages_of_the_list(desk: Desk, runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "LISTED", 2)
    ids = [saved(runtime, name=f"Runners {number}") for number in range(3)]
    assert f'/owner/segments?before={ids[1]}"' in desk.get("/owner/segments")
    assert "Runners 0" in desk.read(f"/owner/segments?before={ids[1]}")
