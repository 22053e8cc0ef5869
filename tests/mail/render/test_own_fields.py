"""Fields of the owner's own in a mail: spliced as composed, in every place, and read as their kind says."""

from dataclasses import replace
from quopri import decodestring

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from newsletter.brand import Brand
from newsletter.mail.render import BadArticle, Content, Reader, Renderer
from newsletter.subscribers import FieldKind, MergeField, Stream
from tests.conftest import NOON
from tests.mail.render.conftest import claimed
from tests.mail.render.test_skeleton import NAMES, RELAXED, assert_well_formed, parts

CITY = MergeField("fields.city", "Town", FieldKind.TEXT, "your <town> & mine", 1)
PLAN = MergeField("fields.plan", "Plan", FieldKind.CHOICE, "", 2)
AGE = MergeField("fields.age", "Age", FieldKind.NUMBER, "", 3)
BORN = MergeField("fields.born", "Born", FieldKind.DATE, "some day", 4)
MEMBER = MergeField("fields.member", "Member", FieldKind.YES_NO, "", 5)
OWN = (CITY, PLAN, AGE, BORN, MEMBER)
EVERYWHERE = Content(
    "{{ fields.city }} for {{ first_name }}: 100% {{ fields.plan }}",
    "{{ greeting }} in {{ fields.city }}",
    "{{ greeting }} of {{ fields.city }},\n\n{{ fields.plan }}{{ fields.city }}{{ fields.city|upper }} %s%%\n\n"
    '.{{ fields.age }}. From {{ fields.born }} {{ fields.born|date("short") }}\n\n> **{{ fields.member }}**\n\n'
    '[{{ fields.plan }}]({{ library_url }}#{{ fields.city }} "in {{ fields.city }}") ![{{ fields.plan }}](https://x.org/a.png)\n'
    "<https://x.org/?c={{ fields.city|default('A&B') }}&p={{ fields.plan }}> `{{ fields.city }}` {{ first_name }}\n",
    OWN,
)
VALUES = st.fixed_dictionaries({}, optional={one.name: NAMES for one in OWN})


@RELAXED
@given(name=NAMES, own=VALUES, stream=st.sampled_from([Stream.STEP, Stream.CAMPAIGN]))
@example(name="", own={}, stream=Stream.STEP)
@example(name="Jane", own={CITY.name: "\r\nBcc: a@b.c"}, stream=Stream.STEP)
@example(name="Jane", own={CITY.name: "x", PLAN.name: "\0"}, stream=Stream.CAMPAIGN)
@example(name="x\r", own={CITY.name: 'zqs0"sqz', PLAN.name: "{{ first_name }}"}, stream=Stream.CAMPAIGN)
def test_several_fields_are_spliced_as_they_are_composed(
    renderer: Renderer, house: Brand, name: str, own: dict[str, str], stream: Stream
) -> None:
    one = claimed(stream, name, own=own)
    skeleton = renderer.compile(one, house, EVERYWHERE)
    assert skeleton is not None
    assert skeleton.fields == {"first_name", *(field.name for field in OWN)}
    spliced = skeleton.splice(one, NOON)
    assert parts(spliced) == parts(renderer.compose(one, house, EVERYWHERE, NOON))
    assert_well_formed(spliced.data)


@RELAXED
@given(pairs=st.lists(st.tuples(NAMES, NAMES), min_size=2, max_size=5))
def test_what_is_kept_of_one_reader_is_never_another_s(
    renderer: Renderer, house: Brand, pairs: list[tuple[str, str]]
) -> None:
    """Values change places from one reader to the next: each mail has its own reader's."""
    words = Content("{{ fields.city }}", "", "{{ first_name }} {{ fields.city }} {{ fields.plan }}", OWN)
    turned = [(city, name) for name, city in pairs]
    for name, city in (*pairs, *turned):
        one = claimed(Stream.STEP, name, own={CITY.name: city, PLAN.name: name})
        skeleton = renderer.compile(one, house, words)
        assert skeleton is not None
        assert parts(skeleton.splice(one, NOON)) == parts(renderer.compose(one, house, words, NOON))


def test_a_hostile_value_stays_a_value(renderer: Renderer, house: Brand) -> None:
    words = Content("{{ fields.city }}", "", "In {{ fields.city }} [x](https://x.org/{{ fields.city }})", OWN)
    value = "<script>alert(1)</script> [a](http://evil.example) {{ first_name }} \"'\r\nBcc: b@c.d"
    mail = renderer.rendered(Stream.CAMPAIGN, house, Reader(0, {CITY.name: value}), words, {})
    assert "<script" not in mail.html and 'href="http://evil' not in mail.html and "{{ first_name }}" in mail.text
    assert "\n" not in mail.subject and "\r" not in mail.subject


def _text(renderer: Renderer, house: Brand, body: str, **own: str) -> str:
    words = Content("s", "", f"[{body}]", OWN)
    fields = {f"fields.{key}": value for key, value in own.items()}
    text = renderer.rendered(Stream.CAMPAIGN, house, Reader(0, fields), words, {}).text
    return text[text.index("[") + 1 : text.index("]")]


@pytest.mark.parametrize(
    ("body", "own", "seen"),
    [
        ("{{ fields.city }}", {"city": "Leeds"}, "Leeds"),
        ("{{ fields.city }}", {}, "your <town> & mine"),
        ("{{ fields.city|upper }}", {}, "YOUR <TOWN> & MINE"),
        ('{{ fields.city|default("town") }}', {}, "town"),
        ('{{ fields.city|upper|default("town") }}', {}, "town"),
        ("{% if fields.city %}{{ fields.city }}{% else %}none{% endif %}", {}, "none"),
        ("{{ fields.plan }}", {}, ""),
        ("{{ fields.born }}", {"born": "1960-05-03"}, "3 May 1960"),
        ("{{ fields.born|upper }}", {"born": "1960-05-03"}, "3 MAY 1960"),
        ('{{ fields.born|date("weekday") }}', {"born": "1960-05-03"}, "Tuesday 3 May 1960"),
        ('{{ fields.born|default("2026-01-02")|date("short") }}', {}, "2 Jan 2026"),
        ("{{ fields.born }}", {}, "some day"),
        ('{% if fields.born < "1970-01-01" %}old{% endif %}', {"born": "1960-05-03"}, "old"),
        ("{% if fields.member %}in{% else %}out{% endif %}", {"member": "no"}, "out"),
        ("{% if not fields.member %}out{% endif %}", {"member": "no"}, "out"),
        ("{% if fields.member %}in{% else %}out{% endif %}", {"member": "yes"}, "in"),
        ('{% if fields.member == "no" %}said no{% endif %}', {"member": "no"}, "said no"),
        ("{% if fields.age > 50 %}over{% else %}not{% endif %}", {"age": "62"}, "over"),
        ("{% if fields.age > 50 %}over{% else %}not{% endif %}", {"age": "9"}, "not"),
        ("{% if fields.age > 50 %}over{% else %}not{% endif %}", {}, "not"),
        ('{% if fields.age >= "9.5" %}over{% endif %}', {"age": "62"}, "over"),
        ("{% if fields.age %}known{% endif %}", {"age": "0"}, "known"),
    ],
)
def test_a_value_reads_as_its_kind_says(
    renderer: Renderer, house: Brand, body: str, own: dict[str, str], seen: str
) -> None:
    assert _text(renderer, house, body, **own) == seen


def test_a_field_that_there_is_not_is_refused_with_those_that_are(renderer: Renderer, house: Brand) -> None:
    for body, hint in (("{{ fields.citty }}", "fields.city"), ("{{ city }}", "fields.city"), ("{{ fields }}", "exist")):
        with pytest.raises(BadArticle, match=hint.replace(".", r"\.")):
            renderer.compiled(Content("s", "", body, OWN))
    for code in ("fields.city.upper()", "fields['city']", "fields.city.__class__", "fields|join", "fields.__class__"):
        with pytest.raises(BadArticle):
            renderer.compiled(Content("s", "", "{{ " + code + " }}", OWN))


def test_no_value_stands_in_a_mail_to_an_address_that_is_not_proven(renderer: Renderer, house: Brand) -> None:
    """Anybody may have typed it (DESIGN.md, Consent, 4)."""
    for stream in (Stream.CONFIRM, Stream.REMINDER):
        one = claimed(stream, "Zebedee", own={CITY.name: "Zanzibar"})
        data = renderer.compose(one, house, None, NOON).data
        assert b"Zebedee" not in data and b"Zanzibar" not in data


def test_another_fall_back_is_another_mail(renderer: Renderer, house: Brand) -> None:
    """A skeleton that was made before the owner changed it is not used again."""
    one, words = claimed(Stream.STEP), Content("s", "", "In {{ fields.city }}.", (CITY,))
    before, after = (renderer.compile(one, house, replace(words, own=(field,))) for field in (
        CITY, replace(CITY, fallback="Rome")
    ))  # fmt: skip
    assert before is not None and after is not None
    seen = [decodestring(skeleton.splice(one, NOON).data) for skeleton in (before, after)]
    assert b"In your <town>" in seen[0] and b"In Rome." in seen[1]


def test_only_the_fields_that_the_words_name_are_asked_for(renderer: Renderer) -> None:
    for body, named in (
        ("{{ greeting }}", []),
        ("{{ fields.city }}", [CITY]),
        ("{% if fields.member %}{{ fields.age }}{% endif %}", [AGE, MEMBER]),
        ("{{ broken", []),
        ("{% if fields.citty %}{% endif %}", []),
    ):
        assert renderer.own_fields(Content("s", "", body, OWN)) == named
