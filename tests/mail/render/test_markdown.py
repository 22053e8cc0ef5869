"""What owners paste: bare addresses, relative ones, wide pictures, texts of other programs."""

import re

import pytest

from newsletter.brand import Brand
from newsletter.mail.render import BadArticle, Content, Reader, Renderer
from newsletter.mail.render.article import compiled
from newsletter.subscribers import Stream

SITE = "https://news.example.org"


def _made(body: str, **values: str) -> tuple[str, str]:
    _, _, html, text = compiled("s", "", body, SITE).fill(values)
    return html, text


def _hrefs(html: str) -> list[str]:
    return re.findall(r'href="([^"]*)"', html)


@pytest.mark.parametrize(
    ("typed", "links"),
    [
        ("See https://example.com/a?x=1&y=2.", ["https://example.com/a?x=1&amp;y=2"]),
        ("(http://example.com/a_(b))", ["http://example.com/a_(b)"]),
        ("www.example.com/plan, and more", ["http://www.example.com/plan"]),
        ("ann@example.org or +44", ["mailto:ann@example.org"]),
        ("<https://example.com> <ann@example.org>", ["https://example.com", "mailto:ann@example.org"]),
        ("`https://example.com` is code", []),
        ("this.It is no address, nor is ftp://example.com/x or 10.0.0.1 or //x.org/y", []),
        ("**https://example.com/bold**", ["https://example.com/bold"]),
        ("[https://example.com/shown](https://example.com/real)", ["https://example.com/real"]),
        ("https://example.com/?n={{ first_name }}", ["https://example.com/?n=A%26B%20C"]),
        ("javascript:alert(1) data:text/html,x", []),
    ],
)
def test_a_bare_address_is_a_link(typed: str, links: list[str]) -> None:
    assert _hrefs(_made(typed, first_name="A&B C")[0]) == links


def test_in_plain_text_it_is_written_once_and_works() -> None:
    typed = "www.example.org/a, https://example.org/?n={{ first_name }}, ann@example.org, [x](mailto:b@example.org)"
    assert _made(typed, first_name="A&B C")[1].strip() == (
        "http://www.example.org/a, https://example.org/?n=A%26B%20C, ann@example.org, x\nb@example.org"
    )


def test_an_address_that_a_variable_stands_for_is_a_link_too() -> None:
    html, text = _made("Your page: {{ library_url }}.", library_url="https://x.org/l/abc")
    assert html == '<p>Your page: <a href="https://x.org/l/abc" rel="noopener">https://x.org/l/abc</a>.</p>\n'
    assert text == "Your page: https://x.org/l/abc.\n"
    assert _hrefs(_made("`{{ library_url }}`", library_url="https://x.org/l")[0]) == []


@pytest.mark.parametrize(
    ("written", "leads"),
    [
        ("/archive", f"{SITE}/archive"),
        ("archive?a=1#b", f"{SITE}/archive?a=1#b"),
        ("../guides/x", f"{SITE}/guides/x"),
        ("?page=2", f"{SITE}/?page=2"),
        ("//cdn.example.com/x", "https://cdn.example.com/x"),
        ("https://example.com", "https://example.com"),
        ("mailto:a@example.com", "mailto:a@example.com"),
        ("tel:+441234", "tel:+441234"),
    ],
)
def test_a_relative_address_is_completed_in_both_parts(written: str, leads: str) -> None:
    html, text = _made(f"[a]({written}) ![b]({written})")
    assert _hrefs(html) == [leads]
    assert leads.startswith(("mailto", "tel")) or f'src="{leads}"' in html
    assert text == f"a b\na: {leads.removeprefix('mailto:')}\n"


def test_the_mail_and_the_archive_show_them_completed(renderer: Renderer, house: Brand) -> None:
    words = Content("s", "", "[a](/archive)")
    mail = renderer.rendered(Stream.CAMPAIGN, house, Reader(0), words, {})
    assert f'href="{renderer.site}/archive"' in mail.html and f"a\n{renderer.site}/archive\n" in mail.text
    assert f'href="{renderer.site}/archive"' in renderer.article_page(words, house, SITE).html


def test_a_picture_has_a_width_that_every_program_heeds(renderer: Renderer, house: Brand) -> None:
    mail = renderer.rendered(Stream.CAMPAIGN, house, Reader(0), Content("s", "", "![c](https://x.org/3000.jpg)"), {})
    (picture,) = re.findall(r"<img [^>]*>", mail.html)
    width = re.search(r' width="(\d+)"', picture)
    assert width is not None and 0 < int(width[1]) <= 544
    assert "width:auto" in picture, "a small one is not blown up where CSS is known"


def test_texts_of_other_programs() -> None:
    assert _made("\ufeff# Hello\r\n\r\nText\r\n")[0] == "<h1>Hello</h1>\n<p>Text</p>\n"
    assert _made("one\vtwo\x00\x07")[0] == "<p>one\ntwo</p>\n"


def test_somebody_without_a_name_is_greeted_in_preview_and_mail(renderer: Renderer, house: Brand) -> None:
    words = Content('For {{ first_name|default("you") }}', "", 'Hi {{ first_name|default("friend") }},')
    nobody = renderer.rendered(Stream.CAMPAIGN, house, Reader(0), words, {})
    assert nobody.subject == "For you" and "Hi friend," in nobody.html and "Hi friend," in nobody.text


def test_a_condition_on_a_line_of_its_own_leaves_no_empty_paragraph() -> None:
    body = "{% if first_name %}\n\n- a\n\n{% else %}\n\nb\n\n{% endif %}\n\nend"
    assert _made(body, first_name="")[0] == "<p>b</p>\n<p>end</p>\n"
    assert _made(body, first_name="x")[0] == "<ul>\n<li>a</li>\n</ul>\n<p>end</p>\n"


@pytest.mark.parametrize("address", ["https://a.example/ ", "ftp://a ", "www.a. ", "http://", "HTTP:x "])
def test_more_addresses_than_anybody_reads_are_refused(address: str) -> None:
    with pytest.raises(BadArticle, match="addresses; please shorten"):
        _made(address * 4_500)


def test_a_book_of_a_paragraph_keeps_its_addresses_as_text() -> None:
    short = "https://example.org/a " + "word " * 100
    assert len(_hrefs(_made(short)[0])) == 1
    assert _hrefs(_made("word " * 2_000 + short)[0]) == []
    assert len(_hrefs(_made("word " * 1_000 + f"\n\n{short}" * 3)[0])) == 3
