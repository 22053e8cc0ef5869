"""What an owner writes becomes HTML and text, and nothing a reader is called can change it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.mail.render import BadArticle
from newsletter.mail.render.article import compiled

SITE = "https://example.org"


def _filled(body: str, **values: Any) -> tuple[str, str]:
    """(html, text) of a body."""
    _, _, html, text = compiled("Subject", "", body, SITE).fill({"first_name": "Jane", **values})
    return html.strip(), text.strip()


def test_markdown_becomes_both_parts() -> None:
    html, text = _filled("# Begin\n\nOne *light* set, see [the plan](https://example.com/plan).\n\n- squat\n- row\n")
    assert "<h1>Begin</h1>" in html and "<em>light</em>" in html and "<li>squat</li>" in html
    assert 'href="https://example.com/plan"' in html
    assert text == "Begin\n\nOne light set, see the plan.\nhttps://example.com/plan\n\n- squat\n\n- row"


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("See [the plan](https://a.example/p).", "See the plan.\nhttps://a.example/p"),
        ("See ([this](https://a.example/p)).", "See (this).\nhttps://a.example/p"),
        ("[The plan](https://a.example/p) is here.", "The plan is here.\nThe plan: https://a.example/p"),
        (
            "Take [one](https://a.example/1), **[two](https://a.example/2)**!",
            "Take one, two!\none: https://a.example/1\ntwo: https://a.example/2",
        ),
        ("- see [it](https://a.example/p);\n- more", "- see it;\n  https://a.example/p\n\n- more"),
        ("10. [it](https://a.example/p)", "10. it\n    https://a.example/p"),
        ("[![Cover](/media/00-1x1.png)](https://a.example/p)", "Cover\nhttps://a.example/p"),
        ("Write to [me](mailto:paul@a.example).", "Write to me.\npaul@a.example"),
        ("At https://a.example/p and <paul@a.example>", "At https://a.example/p and paul@a.example"),
        ("[{{ first_name }}](https://a.example/p) reads", "Jane reads\nJane: https://a.example/p"),
        ("# See [it](https://a.example/p)", "See it\nhttps://a.example/p"),
        ("{% if first_name %}See [it](https://a.example/p).{% endif %}", "See it (https://a.example/p)."),
    ],
)
def test_in_text_links_stand_below_their_sentences_and_nothing_is_glued_to_them(body: str, told: str) -> None:
    assert _filled(body)[1] == told


def test_a_link_that_only_some_see_leaves_no_address_for_the_others() -> None:
    body = "Hello{% if first_name %}, see [it](https://a.example/p){% endif %}."
    assert _filled(body, first_name="")[1] == "Hello."


def test_numbered_lists_keep_their_numbers_in_text() -> None:
    assert _filled("3. squat\n4. row\n")[1] == "3. squat\n\n4. row"


def test_a_link_that_says_its_own_address_is_written_once() -> None:
    assert _filled("<https://example.com>")[1] == "https://example.com"
    assert _filled("[{{ library_url }}]({{ library_url }})", library_url="https://x.org/l")[1] == "https://x.org/l"


def test_variables_are_filled_in_everywhere() -> None:
    seen = compiled("For {{ first_name }}", "{{ first_name }}!", "Hello {{ first_name }}", SITE).fill(
        {"first_name": "Jane"}
    )
    assert seen == ("For Jane", "Jane!", "<p>Hello Jane</p>\n", "Hello Jane\n")


def test_a_condition_works_in_both_parts() -> None:
    body = "{% if first_name %}Dear {{ first_name }}{% else %}Dear reader{% endif %}"
    assert _filled(body)[1] == "Dear Jane"
    assert _filled(body, first_name="")[0] == "<p>Dear reader</p>"


def test_a_variable_stands_in_a_links_address() -> None:
    html, text = _filled("[library]({{ library_url }})", library_url="https://example.com/library/a?b&c")
    assert 'href="https://example.com/library/a?b&amp;c"' in html
    assert text == "library\nhttps://example.com/library/a?b&c"


@pytest.mark.parametrize(
    "name",
    [
        "<script>alert(1)</script>",
        "[x](http://evil.example)",
        "**bold**",
        "{{ 7*7 }}",
        "{% raw %}",
        "zqv0qz",
        "<b>&amp;",
    ],
)
def test_a_readers_name_stays_a_name(name: str) -> None:
    html, text = _filled("Hello {{ first_name }}, welcome", first_name=name)
    assert text == f"Hello {name}, welcome"
    escaped = name.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    assert html == f"<p>Hello {escaped}, welcome</p>"


@given(st.text(max_size=60))
def test_whatever_somebody_is_called_makes_no_tag(name: str) -> None:
    html, _ = _filled("Hello {{ first_name }}", first_name=name)
    inside = html.removeprefix("<p>").removesuffix("</p>")
    assert "<" not in inside and ">" not in inside


def test_html_of_the_owners_is_shown_not_run() -> None:
    html, _ = _filled("<script>alert(1)</script> <img src=x onerror=alert(1)>")
    assert "<script" not in html and "<img" not in html


@pytest.mark.parametrize("target", ["javascript:alert(1)", "data:text/html,x", "vbscript:x"])
def test_a_link_that_would_run_something_is_no_link(target: str) -> None:
    assert f'href="{target}' not in _filled(f"[press]({target})")[0]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("Hello {{ frist_name }}", "“frist_name”. Did you mean first_name.*library_url"),
        ("{% if first_name %}", "line 1.*endif"),
        ("one\n\ntwo {{ first_name | shout }}", "line 3.*“shout”.*upper"),
        ("{{ ''.__class__.__mro__ }}", "one dot"),
        ("{{ first_name.__class__ }}", "first_name.__class__"),
        ("{{ 1 / 0 }}", "write the result"),
        ('{{ first_name or "friend" }}', "first_name.default"),
        ("{% for i in range(10**9) %}x{% endfor %}", "only if, elif, else"),
        ("{% include 'confirm/html.html' %}", "only if, elif, else"),
        ("{{ guide_pdf }}", "series that follows a guide"),
        ("zqv0qz", "needs for itself"),
    ],
)
def test_a_text_that_cannot_be_filled_in_is_told_in_words(body: str, told: str) -> None:
    with pytest.raises(BadArticle, match=told):
        _filled(body)


def test_what_a_text_becomes_is_bounded() -> None:
    with pytest.raises(BadArticle, match="longer than 1,000,000 characters"):
        _filled("-\n" * 100_000)


def _told(body: str) -> str:
    try:
        _filled(body)
    except BadArticle as error:
        return str(error)
    return ""


@pytest.mark.parametrize(
    "body",
    ["zq&#118;9qz", "zq**v**9qz", "`zq`v`9qz`", "[a](https://x.example/zq&#118;9qz)", "<https://x.example/zq%769qz>",
     "![zq&#118;9qz](https://x.example/a.png)", "zq&#118;0009qz"],
)  # fmt: skip
def test_a_word_that_markdown_makes_stands_for_no_code(body: str) -> None:
    assert "needs for itself" in _told(body)
    assert "needs for itself" in _told(f"{body} {{{{ first_name }}}}")
    assert _told(f"{{% if first_name %}}{body}{{% endif %}}")


def test_a_longer_number_makes_no_such_word() -> None:
    assert _told(f"zq&#118;{'9' * 4400}qz") == ""


def test_braces_that_are_not_closed_are_text() -> None:
    assert _filled("Hello {{ first_name")[1] == "Hello {{ first_name"


def test_braces_in_a_code_sample_can_be_written_as_a_string() -> None:
    assert "{{ greeting }}" in _filled("Write `{{ '{{ greeting }}' }}`")[1]


def test_a_subject_is_one_line_whatever_fills_it() -> None:
    subject, *_ = compiled("For {{ first_name }}", "", "x", SITE).fill({"first_name": "Jane\r\nBcc: bob@example.com"})
    assert subject == "For Jane Bcc: bob@example.com"


def test_no_variable_is_changed_by_a_text() -> None:
    with pytest.raises(BadArticle):
        _filled("{{ brand.update({'name': 'x'}) }}", brand={"name": "Human Movement"})
