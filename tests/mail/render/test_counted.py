"""Links whose clicks are counted: which they are, where they lead, and that a spliced mail is the composed one."""

import html
import re
from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter import brand
from newsletter.brand import Brand
from newsletter.links import BadLink, Purpose, Signer
from newsletter.mail.render import BadArticle, Content, Dkim, Reader, RenderedMessage, Renderer, make_key
from newsletter.mail.render.counted import LONGEST, Destination, is_safe
from newsletter.settings import ROOT
from newsletter.subscribers import Stream
from tests.conftest import NOON
from tests.mail.render.conftest import claimed
from tests.mail.render.test_skeleton import ADDRESSES, IDS, NAMES, PERSONAL, RELAXED, assert_well_formed, parts

dkim = pytest.importorskip("dkim", reason="dkimpy is not installed")

SITE = "http://localhost:8000"
SIGNER = Signer(b"k" * 40)
ONLY = re.compile(rf"{re.escape(SITE)}/c/([\w-]+)\.([\w-]+)")


@pytest.fixture(scope="module")
def counting() -> Brand:
    """The brand of a house that counts clicks."""
    made = brand.from_site(brand.read_site(ROOT / "site.toml"))
    made.count_clicks(True)
    made.booking = "https://book.example.com/talk?with=paul"
    return made


def _content(body: str) -> Content:
    return Content("Golf", "Strength", body, counts_clicks=True)


def _part(mail: RenderedMessage, subtype: str) -> str:
    whole = message_from_bytes(mail.data, policy=policy.default)
    assert isinstance(whole, EmailMessage)
    part = whole.get_body((subtype,))
    assert part is not None
    return str(part.get_content())


def _hrefs(renderer: Renderer, house: Brand, body: str, stream: Stream = Stream.CAMPAIGN) -> list[str]:
    mail = renderer.compose(claimed(stream), house, _content(body), NOON)
    return [html.unescape(one) for one in re.findall(r'<a href="([^"]*)"', _part(mail, "html"))]


def _leads(address: str) -> str:
    found = ONLY.fullmatch(address)
    return Destination.read(SIGNER, found[1]).address if found else ""


@pytest.mark.parametrize(
    "address",
    [
        "https://example.com/", "http://example.com", "https://example.com/a?b=c&d=%0d%0a#frag", "/archive",
        "https://example.com/?utm_source=x&amp;y='\"", "https://bücher.example/ä?ö", "HTTPS://EXAMPLE.COM/A",
        "https://example.com/%E2%9C%93/(x)", "https://u:p@example.com:8443/;a=b?=",
    ],
)  # fmt: skip
@pytest.mark.parametrize("stream", [Stream.CAMPAIGN, Stream.STEP, Stream.TEST])
def test_a_link_leads_where_it_led_byte_for_byte(
    renderer: Renderer, house: Brand, counting: Brand, address: str, stream: Stream
) -> None:
    body = f"[read on](<{address}>)"
    plain = _hrefs(renderer, house, body, stream)[0]
    counted = _hrefs(renderer, counting, body, stream)[0]
    assert ONLY.fullmatch(counted) and _leads(counted) == plain


NEVER = [
    "[leave]({{ unsubscribe_url }})", "[yours]({{ library_url }})", "[choose]({{ preferences_url }}?x=1)",
    "[see]({{ view_url }})", "[write](mailto:paul@example.com)", "[call](tel:+441234)", "https://example.com/typed",
    "<https://example.com/typed>", "www.example.com", "[example.com](https://example.com)", "{{ brand.website }}",
    "[https://example.com/a](https://evil.example)", "[www.example.com](https://example.com)", "[x](#below)",
    "[**example.com/a**](https://example.com/a)", "[{{ brand.website }}]({{ brand.website }})",
    "[you](https://example.com/?n={{ first_name }})", "[mine](http://localhost:8000/library/abc)",
    "[mine](/unsubscribe/abc)", "[data](/own/abc)", f"[long](https://example.com/{'x' * LONGEST})",
    "[again](http://localhost:8000/c/abc.def)",
]  # fmt: skip


@pytest.mark.parametrize("body", NEVER)
def test_links_that_are_never_counted(renderer: Renderer, house: Brand, counting: Brand, body: str) -> None:
    assert _hrefs(renderer, counting, body) == _hrefs(renderer, house, body)
    text = _part(renderer.compose(claimed(Stream.CAMPAIGN), counting, _content(body), NOON), "plain")
    assert text == _part(renderer.compose(claimed(Stream.CAMPAIGN), house, _content(body), NOON), "plain")


def test_the_foot_of_a_mail_is_never_counted(renderer: Renderer, counting: Brand) -> None:
    for address in _hrefs(renderer, counting, "{{ greeting }}"):
        assert not ONLY.match(address)


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", "data:text/html,x", "https://example.com\r\nSet-Cookie: a=b", "//example.com/x"]
)
def test_an_address_that_is_no_pages_is_never_led_to(renderer: Renderer, counting: Brand, address: str) -> None:
    try:
        found = _hrefs(renderer, counting, f"[x](<{address}>)")
    except BadArticle:
        return
    assert all(_leads(one) in ("", "http://example.com/x") for one in found)


@pytest.mark.parametrize(
    "address",
    ["javascript:alert(1)", "https://example.com/\r\nX: y", "https://example.com/ä", "https://", "ftp://example.com",
     "//example.com", f"https://e.com/{'x' * LONGEST}", "https://example.com/a b", " https://example.com"],
)  # fmt: skip
def test_what_is_not_safe_in_a_header_is_not_read_even_if_it_was_sealed(address: str) -> None:
    assert not is_safe(address)
    with pytest.raises(BadLink):
        Destination.read(SIGNER, Destination(address, 1, 1).sealed(SIGNER))


def test_a_brands_address_is_counted_and_the_text_part_too(renderer: Renderer, counting: Brand) -> None:
    body = "[Book a talk]({{ brand.booking }}) or [read]({{ brand.website }}/blog?x={{ brand.name }})"
    first, second = _hrefs(renderer, counting, body)[:2]
    assert _leads(first) == "https://book.example.com/talk?with=paul"
    assert _leads(second) == "https://human-movement.com/blog?x=Human%20Movement"
    text = _part(renderer.compose(claimed(Stream.CAMPAIGN), counting, _content(body), NOON), "plain")
    assert f"Book a talk: {first}" in text


def test_each_link_says_how_many_there_are_and_whose_words_they_stand_in(renderer: Renderer, counting: Brand) -> None:
    body = "[a](https://a.example) [b](https://b.example) [once more](https://a.example) [c]({{ library_url }})"
    found = [ONLY.fullmatch(one) for one in _hrefs(renderer, counting, body)[:3]]
    seen = [Destination.read(SIGNER, one[1]) for one in found if one]
    assert [(one.links, one.revision) for one in seen] == [(2, 3)] * 3
    assert {SIGNER.numbers(Purpose.CLICK, one[2]) for one in found if one} == {(77,)}


@pytest.mark.parametrize("house_counts", [True, False])
@pytest.mark.parametrize("article_counts", [True, False])
def test_both_the_house_and_the_article_have_to_count(
    renderer: Renderer, house: Brand, counting: Brand, house_counts: bool, article_counts: bool
) -> None:
    words = replace(_content("[a](https://a.example)"), counts_clicks=article_counts)
    of = counting if house_counts else house
    mail = renderer.compose(claimed(Stream.CAMPAIGN), of, words, NOON)
    assert bool(ONLY.search(_part(mail, "html"))) is (house_counts and article_counts)
    skeleton = renderer.compile(claimed(Stream.CAMPAIGN), of, words)
    assert skeleton is not None
    assert parts(skeleton.splice(claimed(Stream.CAMPAIGN), NOON)) == parts(mail)


def test_a_preview_and_the_mail_in_the_browser_have_the_plain_links(renderer: Renderer, counting: Brand) -> None:
    words = _content("[a](https://a.example)")
    one = claimed(Stream.CAMPAIGN)
    seen = renderer.rendered(one.stream, counting, Reader(5, {}, one.id), words, {})
    assert 'href="https://a.example"' in seen.html
    assert 'href="https://a.example"' in renderer.article_page(words, counting, "/guides").html


MANY = (
    "{{ greeting }}, [one](https://one.example/?q=a&b='%20#f) and **[two](https://two.example/%0d%0a)**.\n\n"
    '> [three](/archive "a title") [book]({{ brand.booking }}) {{ first_name }}\n\n'
    "- [four](https://four.example/{{ brand.name }}/=3D?=&x=.)\n- https://five.example [six](https://six.example)."
    "\n\n[![p](https://p.example/p.png)](https://seven.example) [eight]({{ view_url }}) [n](https://n/{{ first_name }})"
)


@RELAXED
@given(
    name=NAMES, email=ADDRESSES, id=IDS, subscriber=st.none() | IDS,
    stream=st.sampled_from([Stream.STEP, Stream.CAMPAIGN]), body=st.sampled_from([MANY, f"{PERSONAL.body}\n\n{MANY}"]),
)  # fmt: skip
def test_a_spliced_mail_is_the_composed_mail(
    renderer: Renderer, counting: Brand, name: str, email: str, id: int, subscriber: int | None, stream: Stream,
    body: str,
) -> None:  # fmt: skip
    one = replace(claimed(stream, name, email), id=id, subscriber_id=subscriber, context={"guide": "exercise-at-50"})
    words = _content(body)
    skeleton = renderer.compile(one, counting, words)
    assert skeleton is not None
    spliced = skeleton.splice(one, NOON)
    assert parts(spliced) == parts(renderer.compose(one, counting, words, NOON))
    assert_well_formed(spliced.data)
    tags = {SIGNER.numbers(Purpose.CLICK, tag) for _, tag in ONLY.findall(_part(spliced, "html"))}
    assert tags == {(id,)}


@RELAXED
@given(st.lists(st.sampled_from(["[a](https://a.example/", "x", "=", ")", ") ", "\n", "[b](", "{{ brand.website }}",
                                 "{% if first_name %}", "{% endif %}", "&", "%", "zqa0qz", "&#97;", "![", "`"]),
                max_size=12).map("".join))  # fmt: skip
def test_any_text_comes_out_the_same_both_ways_or_is_refused(renderer: Renderer, counting: Brand, body: str) -> None:
    one = claimed(Stream.CAMPAIGN)
    try:
        composed = renderer.compose(one, counting, _content(body), NOON)
    except BadArticle:
        return
    skeleton = renderer.compile(one, counting, _content(body))
    assert skeleton is None or parts(skeleton.splice(one, NOON)) == parts(composed)
    assert_well_formed(composed.data)


def test_the_signature_holds(renderer: Renderer, counting: Brand, tmp_path: Path) -> None:
    key = make_key("news", tmp_path / "key.pem", 2048)
    signing = replace(renderer, dkim=Dkim("human-movement.com", (key,)))
    skeleton = signing.compile(claimed(Stream.CAMPAIGN), counting, _content(MANY))
    assert skeleton is not None
    mail = skeleton.splice(claimed(Stream.CAMPAIGN, "Zoë"), NOON)
    assert dkim.verify(mail.data, dnsfunc=lambda *_, **__: key.record.encode())


@given(st.binary(max_size=60), st.integers(0, 200), st.integers(1, 255))
def test_a_sealed_link_is_whole_or_nothing(payload: bytes, place: int, by: int) -> None:
    token = Destination(f"https://example.com/{payload.hex()}", 3, 9).sealed(SIGNER)
    old = Signer(b"n" * 40, [b"k" * 40])
    assert Destination.read(old, token).address == f"https://example.com/{payload.hex()}"
    for broken in (token[:-1], token + "A", token * 2, token[:place] + chr(33 + by % 94) + token[place + 1 :]):
        if broken != token:
            with pytest.raises(BadLink):
                Destination.read(SIGNER, broken)
    with pytest.raises(BadLink):
        SIGNER.numbers(Purpose.CLICK, token)
