"""Rules as JSON: there and back; and whatever is no rules is refused by its place."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.subscribers import FieldKind
from newsletter.subscribers.segments import BadRules, Group, How, Named, Rules, as_json, read, read_text, sentence
from newsletter.subscribers.segments import rules as r
from newsletter.subscribers.segments.reading import KINDS
from newsletter.subscribers.segments.saved import stored_rules
from tests.subscribers.segments.crowd import leaves, trees

TREES = trees(leaves(["golf"], [1, 2**63 - 1], [7], [2], [3], [4]))


@given(TREES)
def test_there_and_back(rules: Rules) -> None:
    assert read(json.loads(json.dumps(as_json(rules)))) == rules
    assert hash(rules) == hash(read_text(json.dumps(as_json(rules))))


@given(TREES)
def test_a_sentence_is_one_line_and_never_empty(rules: Rules) -> None:
    told = sentence(rules, Named({}))
    assert told.strip()
    assert "\n" not in told
    assert told.count("(") == told.count(")")


_JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=9), st.sampled_from(KINDS)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(("kind", "rules", "version", "zone", "tag", "days", "form", "how", "type", "value")),
            inner, max_size=5,
        ),
    ),
    max_leaves=20,
)  # fmt: skip


@given(_JSON, _JSON)
def test_whatever_comes_is_read_or_refused(whole: Any, part: Any) -> None:
    for data in (whole, {"version": 1, "zone": "UTC", "rules": part}):
        try:
            rules = read(data)
        except BadRules as error:
            told = str(error)
            rules = None
        assert told if rules is None else read(as_json(rules)) == rules


def _refused(rule: Any, zone: Any = "UTC") -> dict[tuple[int, ...], str]:
    with pytest.raises(BadRules) as caught:
        read({"version": 1, "zone": zone, "rules": rule})
    return caught.value.errors


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ({"kind": "tag"}, "Type or choose a tag."),
        ({"kind": "tag", "tag": " \0 "}, "Type or choose a tag."),
        ({"kind": "tag", "tag": "x" * 81}, "That has 81 characters; 80 are the most."),
        ({"kind": "lately", "days": True}, "Type a number of days, from 1 to 3,650."),
        ({"kind": "lately", "days": 10**30}, "Type a number of days, from 1 to 3,650."),
        ({"kind": "lately", "days": 1.5}, "Type a number of days, from 1 to 3,650."),
        ({"kind": "form", "form": 2**63}, "Choose a form."),
        ({"kind": "before", "day": "0001-01-01"}, "Choose a day between the years 1900 and 2199."),
        ({"kind": "before", "day": 5}, "Choose a day, as year-month-day, such as 2026-05-31."),
        ({"kind": "newsletter", "takes": 1}, "Choose yes or no."),
        ({"kind": "topic", "topic": "training"}, "Choose a topic."),
        ({"kind": "series", "series": 0, "stage": "in"}, "Choose a series."),
        ({"kind": "series", "series": 1, "stage": "waiting"}, "Choose where they stand in the series."),
        ({"kind": "series", "series": 1}, "Choose where they stand in the series."),
        ({"kind": "step", "step": "2"}, "Choose a step of a series."),
        ({"kind": "step", "step": 2**63}, "Choose a step of a series."),
        ({"kind": "zone", "zone": "../etc/passwd"}, "This is no time zone we know."),
        ({"kind": "status", "status": "erased"}, "Choose a status."),
        ({"kind": "sql", "sql": "1=1"}, "There is no such kind of rule."),
        ({"kind": ["tag"]}, "There is no such kind of rule."),
        ({"kind": "field", "field": "age", "type": "number", "how": "contains", "value": "1"}, "cannot be compared so"),
        ({"kind": "field", "field": "age", "type": "number", "how": "is", "value": "NaN"}, "please type a number"),
        ({"kind": "field", "field": "age", "type": "text", "how": "is", "value": ""}, "Type what to compare with."),
        ({"kind": "all", "rules": []}, "This group is empty, which would mean everybody."),
        ({"kind": "none"}, "This group is empty, which would mean everybody."),
    ],
)
def test_what_is_wrong_is_told_where_it_is(rule: Any, told: str) -> None:
    assert told in _refused(rule)[()]
    assert told in _refused({"kind": "any", "rules": [{"kind": "newsletter", "takes": True}, rule]})[(1,)]


def test_how_deep_and_how_many() -> None:
    rule: dict[str, Any] = {"kind": "newsletter", "takes": True}
    for _ in range(5):
        rule = {"kind": "any", "rules": [rule]}
    read({"version": 1, "zone": "UTC", "rules": rule})
    assert "nested 5 deep" in _refused({"kind": "all", "rules": [rule]})[(0,) * 5]
    fifty = [{"kind": "newsletter", "takes": True}] * 50
    read({"version": 1, "zone": "UTC", "rules": {"kind": "any", "rules": fifty}})
    assert "more than 50 rules" in _refused({"kind": "any", "rules": [*fifty, fifty[0]]})[()]
    assert "no time zone" in _refused(rule, "Mars/Olympus")[()]


@pytest.mark.parametrize("text", ["", "nul", "[" * 100_000, '{"a":' * 100_000, "[" * 300_000, '"\ud800"', "1e999"])
def test_a_text_that_is_no_json_is_refused(text: str) -> None:
    with pytest.raises(BadRules):
        read_text(text)


@pytest.mark.parametrize("data", [None, [], "x", 3, {}, {"version": 2}, {"version": True, "zone": "UTC", "rules": {}}])
def test_stored_rules_that_cannot_be_read_are_nobody(data: Any) -> None:
    rules = stored_rules(data)
    assert not rules.is_readable
    with pytest.raises(ValueError, match="cannot be read"):
        as_json(rules)


def test_a_number_is_held_as_its_field_holds_it() -> None:
    rule = {"kind": "field", "field": "age", "type": "number", "how": "is", "value": " 12,50 "}
    assert read({"version": 1, "zone": "UTC", "rules": rule}).root == r.HasField(
        "age", FieldKind.NUMBER, r.Compare.IS, "12.5"
    )


def test_sentences() -> None:
    names = {r.Ref(r.What.GUIDE, "golf"): "Golf at 50"}
    runner, lately = r.HasTag("runners"), r.JoinedLately(30)
    never = Group(How.NONE, (r.AskedFor("golf"), r.HasTag("ill")))
    either = Group(How.ANY, (r.InZone("UTC"), r.JoinedLately(1)))

    def told(*rules: r.Rule, how: How = How.ALL) -> str:
        return sentence(Rules(Group(how, rules)), Named(names))

    assert told(runner, lately, never) == (
        "has the tag “runners” and joined in the last 30 days, "
        "but has not asked for the guide “Golf at 50” and does not have the tag “ill”"
    )
    assert told(runner, either) == ("has the tag “runners” and (lives in the time zone UTC or joined in the last day)")
    assert told(either, how=How.NONE) == "is not somebody who (lives in the time zone UTC or joined in the last day)"
    assert told(never) == "has not asked for the guide “Golf at 50” and does not have the tag “ill”"
