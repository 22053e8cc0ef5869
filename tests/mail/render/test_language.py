"""What an owner may write: an allow-list. Nothing that is accepted reaches anything but the listed values."""

from contextlib import suppress
from html.parser import HTMLParser
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from jinja2 import Environment, nodes

from newsletter.brand import Brand
from newsletter.mail.render import BadArticle, Content, Reader, Renderer
from newsletter.mail.render.article import compiled
from newsletter.mail.render.filters import FILTERS
from newsletter.mail.render.names import NAMES, of_brand
from newsletter.subscribers import Stream

SITE = "https://example.org"
VALUES: dict[str, Any] = {name: f"«{name}»" for name in NAMES} | {"brand.address_lines": ("«one»", "«two»")}

ESCAPES = [
    "{{ brand.registry.mappers }}",
    "{{ brand._sa_instance_state.session.connection() }}",
    "{{ brand.metadata.bind }}",
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ first_name.__init__.__globals__['os'].popen('id').read() }}",
    "{{ self._TemplateReference__context }}",
    "{{ self.__init__.__globals__ }}",
    "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
    "{{ joiner.__init__ }}",
    "{{ lipsum.__globals__.os }}",
    "{{ namespace(a=1).a }}",
    "{{ range(10**9) }}",
    "{{ dict(a=1) }}",
    "{{ config.SECRET_KEY }}",
    "{{ request.application }}",
    "{{ get_flashed_messages.__globals__ }}",
    "{{ first_name|attr('__class__') }}",
    "{{ first_name|map('upper')|list }}",
    "{{ [first_name]|map(attribute='__class__')|first }}",
    "{{ '%s'|format(brand) }}",
    "{{ '{0.__class__}'.format(first_name) }}",
    "{{ first_name|safe }}",
    "{{ '<b>'|safe }}",
    "{{ first_name|string|tojson }}",
    "{{ first_name|default(first_name.__class__) }}",
    "{{ first_name|default(value='x') }}",
    "{{ first_name|truncate(10**9) }}",
    "{{ brand|pprint }}",
    "{{ brand }}",
    "{{ brand['name'] }}",
    "{{ brand.name.__class__ }}",
    "{{ brand.name.upper() }}",
    "{{ first_name[0] }}",
    "{{ first_name * 1000000000 }}",
    "{{ 'a' ~ first_name }}",
    "{{ 2 ** 99999999 }}",
    "{{ -first_name }}",
    "{{ first_name is defined }}",
    "{{ 'a' if first_name else 'b' }}",
    "{{ (first_name, first_name) }}",
    "{{ {'a': first_name} }}",
    "{{ loop }}",
    "{{ caller() }}",
    "{{ true }}",
    "{% for i in first_name %}x{% endfor %}",
    "{% set x = 1 %}",
    "{% macro m() %}{% endmacro %}",
    "{% call m() %}{% endcall %}",
    "{% include '/etc/passwd' %}",
    "{% import 'layout.html' as x %}",
    "{% from '_button.html' import button %}",
    "{% extends 'layout.html' %}",
    "{% block b %}{% endblock %}",
    "{% filter upper %}x{% endfilter %}",
    "{% with a = 1 %}{% endwith %}",
    "{% autoescape false %}{{ first_name }}{% endautoescape %}",
    "{% raw %}{{ <script> }}{% endraw %}",
    "{% do brand %}",
    "{% trans %}{% endtrans %}",
    "{% debug %}",
    "{% if brand.name.__class__ %}{% endif %}",
    "{% if first_name.startswith('J') %}{% endif %}",
    "{% if (range(9)|list)[0] %}{% endif %}",
    "{% if first_name < 1 < 2 %}{% endif %}",
    "{% if a }}{{ first_name.x() }}{% b %}{% endif %}",
    "{% else %}",
    "{% if first_name %}{% for %}{% endif %}",
    "{{ first_name }}{% endif %}",
    "{{ first_name\n.__class__ }}",
    "{{ don't }}",
    "{{ }}",
    "{{ first_name }} {{ first_name | upper | attr }}",
    "{{ " + "(" * 300 + "first_name" + ")" * 20 + " }}",
    "{% if " + "not " * 90 + "first_name.x.y %}{% endif %}",
]  # fmt: skip


@pytest.mark.parametrize("code", ESCAPES)
@pytest.mark.parametrize("place", ["subject", "preheader", "body", "link"])
def test_every_known_way_out_is_refused(code: str, place: str) -> None:
    words = {"subject": "s", "preheader": "p", "body": "b"}
    words |= {"body": f"[x](https://example.org/?{code})"} if place == "link" else {place: code}
    if place == "link" and not code.isascii() | ("\n" in code):
        return
    with pytest.raises(BadArticle):
        compiled(words["subject"], words["preheader"], words["body"], SITE).fill(VALUES)


def test_what_is_refused_is_named_with_its_line_and_what_to_write() -> None:
    with pytest.raises(BadArticle) as told:
        compiled("s", "", "one\n\n{{ greeting }}\n\n{{ first_name.upper() }}", SITE)
    assert str(told.value) == (
        "{{ first_name.upper() }} in line 5: a text cannot call anything; write the variable alone, or with a filter: "
        "{{ first_name|upper }}."
    )
    with pytest.raises(BadArticle, match=r"in the subject: there is no variable “name”"):
        compiled("For {{ name }}", "", "x", SITE)


FILTERED = ["safe", "attr('x')", "default('y')", "list", "format(1)", "join('-')"]
PIECES = ["{% else %}", "{% endif %}", "{% for x in y %}", "text", "\n\n", "[a](", ")", "**", "<b>", "`"]
CODE = st.recursive(
    st.sampled_from([*NAMES, "brand", "self", "range", "''", "'a'", "1", "x", "brand.id", "first_name.__class__"]),
    lambda inner: st.one_of(
        inner.map("({})".format),
        st.tuples(inner, st.sampled_from([*FILTERS, *FILTERED])).map("|".join),
        st.tuples(inner, st.sampled_from([".upper()", ".__class__", "[0]", "()", " is defined", ".x"])).map("".join),
        st.tuples(inner, st.sampled_from(["~", "+", "*", "**", " and ", " == ", " in ", ","]), inner).map("".join),
    ),
    max_leaves=5,
)  # fmt: skip
TEXT = st.lists(
    st.one_of(
        CODE.map("{{{{ {} }}}}".format),
        CODE.map("{{% if {} %}}".format),
        st.sampled_from(
            ["{% else %}", "{% endif %}", "{% for x in y %}", "text", "\n\n", "[a](", ")", "**", "<b>", "`"]
        ),
    ),
    max_size=6,
).map("".join)
ALLOWED = (nodes.Output, nodes.TemplateData, nodes.Name, nodes.Getattr, nodes.Filter, nodes.Const, nodes.If,
           nodes.And, nodes.Or, nodes.Not, nodes.Compare, nodes.Operand, nodes.Template)  # fmt: skip


class _Recorded(dict[str, Any]):
    """Values that remember which of them were asked for, and are nothing but plain ones."""

    def __getitem__(self, name: str) -> Any:
        assert name in NAMES
        return super().__getitem__(name)


@settings(max_examples=400)
@given(TEXT)
@example("{{ first_name|default('a') }}{% if brand.name == 'x' %}{{ greeting }}{% endif %}")
def test_no_accepted_text_reaches_anything_but_the_listed_values(body: str) -> None:
    try:
        made = compiled("s", "", body, SITE)
        text = made.fill(_Recorded(VALUES))[3]
    except BadArticle:
        return
    for node in Environment().parse(body).find_all(nodes.Node):  # an independent look at what was let through
        assert isinstance(node, ALLOWED), node
        if isinstance(node, nodes.Getattr):
            assert isinstance(node.node, nodes.Name) and f"{node.node.name}.{node.attr}" in NAMES
        if isinstance(node, nodes.Filter):
            assert node.name in FILTERS
    assert not any(sign in text for sign in ("<class", "object at 0x", "built-in", "<function"))


class _Seen(HTMLParser):
    """What a browser makes of it: the tags, and where its links lead."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, tuple[str, ...]]] = []
        self.links: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, tuple(name for name, _ in attrs)))
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]


ADDRESSES = ["https://x.org/?n={}", "https://x.org/{}/b", "mailto:a@x.org?subject={}", "https://x.org/#{}"]


@settings(max_examples=300)
@given(st.text(max_size=40), st.sampled_from(ADDRESSES))
@example("A&B C", "https://x.org/?n={}")
@example('"><script>alert(1)</script>', "https://x.org/?n={}")
@example("javascript:alert(1)//", "https://x.org/#{}")
def test_a_value_stays_a_value_in_text_attribute_and_address(name: str, address: str) -> None:
    code = "{{ first_name }}"
    body = f'{code} [a]({address.format(code)} "{code}") ![{code}](/a.png)'
    made = compiled("s", "", body, SITE)
    seen, usual = (_Seen(made.fill({"first_name": one})[2]) for one in (name, "x"))
    assert seen.tags == usual.tags
    clean = name.encode("utf-8", "replace").decode()
    assert seen.links[0] == address.format(quote(clean, safe="@"))


@pytest.mark.parametrize("address", ["{{ first_name }}", "https://{{ first_name }}", "https:{{ first_name }}",
                                     "https://x.org{{ first_name }}", "//{{ first_name }}/", "java{{ first_name }}:x",
                                     "https://a@{{ first_name }}/", "{{ brand.website }}{{ first_name }}",
                                     "{% if first_name %}https://a.org{% endif %}"])  # fmt: skip
def test_no_value_says_where_a_link_leads(address: str) -> None:
    with pytest.raises(BadArticle):
        compiled("s", "", f"[a](<{address}>)", SITE)


@pytest.mark.parametrize("evil", ["javascript:alert(1)", "data:text/html,x", "//evil.example", "JaVaScRiPt:x", "x y"])
def test_a_whole_address_that_is_none_leads_nowhere(evil: str) -> None:
    _, _, html, text = compiled("s", "", "[a]({{ brand.website }}) {{ brand.website }}", SITE).fill(
        {"brand.website": evil}
    )
    assert f'href="{evil}' not in html and "javascript:alert" not in text.split(") ")[0]


@pytest.mark.parametrize(
    ("code", "seen"),
    [
        ("{{ first_name|default('friend') }}", "friend"),
        ("{{ first_name|default('friend', true) }}", "friend"),
        ("{{ brand.name|upper }}", "HUMAN MOVEMENT"),
        ("{{ brand.name|lower|title }}", "Human Movement"),
        ("{{ brand.address_lines|join(' / ') }}", "30 Cannon Street / London / EC4M 6XH / United Kingdom"),
        ("{{ brand.name|truncate(8) }}", "Human…"),
        ("{{ '2026-12-24'|date }}, {{ '2026-12-24'|date('weekday') }}", "24 December 2026, Thursday 24 December 2026"),
        ("{% if not first_name and brand.name != 'x' %}a{% elif 1 > 2 %}b{% else %}c{% endif %}", "a"),
        ("{% if first_name == 'Jane' or 'Human' in brand.name %}a{% endif %}", "a"),
        ("{% if guide_pdf %}a{% else %}no guide{% endif %}", "no guide"),
        ("{{ guide_pdf|default('https://example.org/all') }}", "https://example.org/all"),
    ],
)
def test_what_is_allowed_works_and_is_the_same_in_mail_and_archive(
    renderer: Renderer, house: Brand, code: str, seen: str
) -> None:
    words = Content("s", "", f"<{code}>" if "https" in code else code)
    if "guide_pdf" not in code:
        assert seen in renderer.article_page(words, house, SITE).text
    mail = renderer.rendered(Stream.CAMPAIGN, house, Reader(0), words, {})
    assert seen in mail.text


def test_only_plain_frozen_values_are_given(house: Brand) -> None:
    assert {type(one) for one in of_brand(house, SITE).values()} <= {str, tuple}
    assert of_brand(house, SITE).keys() <= NAMES.keys()


@pytest.mark.parametrize(
    "body",
    ["{{ " * 60_000, "{% " * 60_000, "{# " * 60_000, "{{ ' " * 40_000 + "}}", "{{ greeting }}" * 1_001, "[" * 200_000,
     "{{ greeting|upper }}\n" * 9_000, "{% if greeting %}" * 12 + "{% endif %}" * 12, "x" * 200_001, "<" * 100_000,
     "{{ '" + "a" * 5_000 + "' }}", "{{ " + "a|" * 5_000 + " }}"],
)  # fmt: skip
@pytest.mark.timeout(60)
def test_a_hostile_text_costs_little_time_and_makes_no_large_mail(body: str) -> None:
    with suppress(BadArticle):
        assert len(compiled("s", "", body, SITE).fill(VALUES)[2]) < 2_000_000
