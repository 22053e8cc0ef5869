"""Blocks of an owner's text: in the mail, in its text twin, on a page; and what is made to break them."""

import re

import pytest

from newsletter.brand import Brand
from newsletter.mail.render import BadArticle, Content, Reader, Renderer
from newsletter.mail.render.article import compiled
from newsletter.mail.render.draft import STRANGERS, alike
from newsletter.preflight import left_over
from newsletter.subscribers import FIRST_NAME, Stream
from tests.conftest import NOON
from tests.mail.render.conftest import claimed
from tests.mail.render.test_markdown import SITE

PICTURE = "![A hill](/media/" + "a" * 20 + "-500x400.png)"
BUTTON = '[Book a talk](https://example.com/book?who={{ first_name }} "button")'
CARD = f'::: card\n{PICTURE}\n\n**Nine principles**\n\nRead it on the train.\n\n[Get it](/guides/nine "button")\n:::'
COLUMNS = f"::: columns\n{PICTURE}\n\nleft\n|||\n- right\n- **bold**\n:::"
HOSTILE = '"><script>alert(1)</script></td></tr></table><table class="card">{{7*7}} [x](javascript:1) ::: |||'


def made(body: str, name: str = "Jane") -> tuple[str, str]:
    """HTML and plain text, filled in for somebody of this name."""
    _, _, html, text = compiled("s", "", body, SITE).fill({FIRST_NAME: name, "greeting": f"Hello {name}"})
    return html, text


def tags(html: str) -> list[str]:
    return re.findall(r"<(/?[a-z0-9]+)", html)


def test_a_button_is_a_link_in_a_table_and_in_plain_text_a_line_with_its_address() -> None:
    html, text = made(f"Before.\n\n{BUTTON}\n\nBehind.")
    assert html.count('<table class="button" role="presentation"') == 1
    assert '<td><a href="https://example.com/book?who=Jane" rel="noopener">Book a talk</a></td>' in html
    assert "title=" not in html
    assert "<p>Book" not in html
    assert "Book a talk: https://example.com/book?who=Jane\n" in text


@pytest.mark.parametrize(
    "typed",
    [
        'See [here](https://example.com "button") for more.',
        '[one](https://example.com "button") [two](https://example.com "button")',
        f'[{PICTURE}](https://example.com "button")',
        '- [in a list](https://example.com "button")',
        '# [in a heading](https://example.com "button")',
        '[](https://example.com "button")',
    ],
)
def test_a_link_that_is_no_paragraph_of_its_own_stays_a_link_without_that_title(typed: str) -> None:
    html, _ = made(typed)
    assert "<table" not in html or "- [" in typed
    assert 'title="button"' not in html


def test_another_title_stays() -> None:
    assert 'title="Our book"' in made('[x](https://example.com "Our book")')[0]


def test_a_card_has_its_picture_beside_its_words() -> None:
    html, text = made(f"Before.\n{CARD}\nBehind.")
    _, picture, words = re.split(r'<td class="(?:picture|words)"', html)
    assert 'width="112"' in picture
    assert "<strong>Nine principles</strong>" in words
    assert f'href="{SITE}/guides/nine"' in html
    assert text.split("\n\n") == [
        "Before.", "A hill", "Nine principles", "Read it on the train.", f"Get it: {SITE}/guides/nine", "Behind.\n",
    ]  # fmt: skip


def test_a_card_without_a_picture_is_one_cell() -> None:
    html, _ = made("::: card\nWords.\n:::")
    assert re.findall(r'<td class="(\w+)"', html) == ["words"]


def test_two_columns_hold_their_pictures_and_read_one_behind_the_other() -> None:
    html, text = made(COLUMNS)
    assert re.findall(r'<td class="(\w+)" width="50%"', html) == ["half", "half"]
    assert 'width="252"' in html
    assert text == "A hill\n\nleft\n\n- right\n\n- bold\n"


def test_a_picture_outside_of_blocks_is_as_wide_as_before() -> None:
    assert 'width="500"' in made(PICTURE)[0]


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("a\n\n::: card\nx", "in line 3: its end is missing; write ::: on a line of its own"),
        ("::: card\n::: columns\na\n|||\nb\n:::\n:::", "no card or column can stand in another"),
        ("::: columns\na\n:::", "two columns need one line with ||| between them, not 0"),
        ("::: columns\na\n|||\nb\n|||\nc\n:::", "not 2"),
        ("::: card\n{% if first_name %}\n:::\n{% endif %}", "has to end in it"),
        ("{% if first_name %}\n\n::: card\nx {% endif %}\n:::", "stands outside this card or column"),
        ("::: columns\n{% if first_name %}a\n|||\nb{% endif %}\n:::", "has to end in it"),
        ("::: card\n{% else %}\n:::", "stands outside this card or column"),
    ],
)
def test_a_block_that_is_not_whole_is_named_with_what_to_write(typed: str, told: str) -> None:
    with pytest.raises(BadArticle, match=re.escape(told)):
        compiled("s", "", typed, SITE)


def test_a_part_only_for_some_may_hold_blocks_and_stand_in_them() -> None:
    around = "{% if first_name %}\n\n" + CARD + "\n\n{% endif %}"
    inside = "::: card\nAll.\n\n{% if first_name %}\n\nOnly {{ first_name }}.\n\n{% endif %}\n:::"
    for body, only in ((around, "Nine"), (inside, "Only Jane")):
        assert only in made(body)[0] and only in made(body)[1]
        html, text = made(body, "")
        assert only not in html + text
        assert "<p>\n</p>" not in html


QUOTED = ("> ::: card\n> x\n> :::", "- ::: card\n  x\n  :::", "    ::: card\n    :::", "```\n::: card\n```")


@pytest.mark.parametrize("quoted", QUOTED)
def test_in_quotations_lists_and_code_it_is_text(quoted: str) -> None:
    html, _ = made(quoted)
    assert "<table" not in html
    assert "::: card" in html


NAMED = (BUTTON, f"::: card\n{{{{ first_name }}}}\n\n{BUTTON}\n:::", COLUMNS.replace("left", "{{ first_name }}"))


@pytest.mark.parametrize("body", NAMED)
def test_no_value_breaks_out_of_a_block(body: str) -> None:
    html, text = made(body, HOSTILE)
    plain, _ = made(body)
    assert tags(html) == tags(plain)
    assert "<script" not in html
    assert "49" not in html + text
    assert not re.search(r'href="(?!https?:)', html)


@pytest.mark.parametrize(
    "typed",
    [
        '<table class="card"><tr><td onclick=x>raw</td></tr></table>',
        '[x](javascript:alert(1) "button")',
        '[x](data:text/html,x "button")',
        '<td width="100%" style="position:fixed">',
        "::: card onclick=alert(1)\nx\n:::",
        '::: card" onmouseover="x\nx\n:::',
    ],
)
def test_an_owner_writes_no_tag_and_no_attribute_by_a_block(typed: str) -> None:
    html, _ = made(typed)
    assert not re.search(r"<[^>]*(?:onclick|onmouseover|style|javascript:|data:)", html)
    assert not re.search(r"<td|<table", html)


def test_what_is_left_over_of_a_block_is_told() -> None:
    assert left_over.found("Words :::") == [":::"]
    assert left_over.found("||| and ::: aside") == ["|||", "::: aside"]
    assert left_over.found("a:::b ||x|| C++::x") == []


MANY = ("::: card\n\n:::\n\n" * 13_000, "::: columns\n|||\n:::\n" * 9_000, ":::\n" * 49_000, "::: card\n" * 20_000)


@pytest.mark.parametrize("body", MANY)
def test_two_hundred_thousand_characters_of_blocks_come_to_an_end(body: str) -> None:
    told = ""
    try:
        html, _ = made(body)
    except BadArticle as error:
        told = str(error)
    assert html.count("<table") == body.count("::: c") if not told else ":::" in told or "longer than" in told


def test_a_whole_mail_carries_them_with_their_style_inlined(renderer: Renderer, house: Brand) -> None:
    words = Content("Hello", "", f"{BUTTON}\n\n{CARD}\n\n{COLUMNS}")
    seen = renderer.rendered(Stream.CAMPAIGN, house, Reader(0, {FIRST_NAME: "Jane"}), words, {})
    button = re.search(r'<table class="button".*?</table>', seen.html, re.DOTALL)
    assert button
    assert "background-color:#0f5f63" in button[0]
    assert "color:#ffffff" in button[0]
    assert "mso-padding-alt:14px 26px" in button[0]  # Outlook for Windows pads no link, but a cell by this
    assert re.search(r'<td class="half"[^>]*style="[^"]*padding:0 12px 0 0', seen.html)
    page = renderer.article_page(words, house, f"{SITE}/guides/nine")
    assert '<table class="button"' in page.html
    assert "style=" not in page.html


def test_they_are_spliced_for_every_reader_as_they_are_composed(renderer: Renderer, house: Brand) -> None:
    words = Content("Hello", "", f"{BUTTON}\n\n{CARD}\n\n::: columns\n{{{{ first_name }}}}\n|||\nb\n:::")
    skeleton = renderer.compile(claimed(Stream.CAMPAIGN), house, words)
    assert skeleton is not None
    for name in (*STRANGERS, HOSTILE):
        one = claimed(Stream.CAMPAIGN, name)
        assert alike(skeleton.splice(one, NOON), renderer.compose(one, house, words, NOON))
