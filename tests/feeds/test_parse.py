"""RSS and Atom are read; what only an attack or a mistake would hold is refused."""

import pytest

from newsletter.feeds import NotAFeed, read_feed
from tests.feeds.blog import rss

BASE = "https://blog.example/feed"
ATOM = """<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"><title type="text">A &amp; B</title>
<entry><id>tag:2</id><title>Second</title><link rel="self" href="/self"/><link href="/second"/>
<content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>Two <b>bold</b></p></div></content></entry>
<entry><id>tag:1</id><title>First</title><link rel="alternate" href="https://blog.example/first"/>
<summary type="text">1 &lt; 2</summary><content type="html">&lt;p&gt;One&lt;/p&gt;</content></entry></feed>"""
RDF = """<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/">
<channel><title>Old</title></channel><item><title>One</title><link>http://blog.example/1</link></item></rdf:RDF>"""


def test_rss_is_read_the_oldest_post_first() -> None:
    seen = read_feed(rss(["one", "two"]).decode(), BASE)
    assert seen.title == "Paul’s blog" and [one.title for one in seen.posts] == ["one", "two"]
    one = seen.posts[0]
    assert (one.link, one.summary) == ("https://blog.example/one", "How one begins.")
    assert one.html.startswith("<p>one Walk") and len(one.key) == 64


def test_atom_and_rss_1_are_read() -> None:
    seen = read_feed(ATOM, BASE)
    assert seen.title == "A & B" and [one.title for one in seen.posts] == ["First", "Second"]
    first, second = seen.posts
    assert (first.link, first.html, first.summary) == ("https://blog.example/first", "<p>One</p>", "1 &lt; 2")
    assert second.link == "https://blog.example/second" and "<b>bold</b>" in second.html
    assert [(one.title, one.link) for one in read_feed(RDF, BASE).posts] == [("One", "http://blog.example/1")]


def test_a_link_that_is_none_is_left_out_and_a_post_without_a_name_too() -> None:
    odd = "<item><title>x</title><link>javascript:alert(1)</link></item><item><description>y</description></item>"
    seen = read_feed(f"<rss><channel><title>t</title>{odd}</channel></rss>", BASE)
    assert [(one.title, one.link) for one in seen.posts] == [("x", "")]


BOMB = '<!DOCTYPE r [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]><rss><channel><title>&b;</title></channel></rss>'
OUTSIDE = '<!DOCTYPE r [<!ENTITY a SYSTEM "file:///etc/passwd">]><rss><channel><title>&a;</title></channel></rss>'


@pytest.mark.parametrize(
    "text",
    [BOMB, OUTSIDE, "<!DOCTYPE rss [<!ELEMENT rss ANY>]><rss><channel/></rss>",
     '<!DOCTYPE r SYSTEM "http://127.0.0.1/x.dtd" [<!ENTITY % p SYSTEM "file:///etc/passwd">%p;]><rss><channel/></rss>',
     "<html><body>x</body></html>", "<rss><channel>", "", "{}",
     "<rss/>", "<a>" * 200_000, "<rss>" + "<a>" * 61 + "</a>" * 61 + "<channel/></rss>",
     "<rss><channel>" + "<a/>" * 100_001 + "</channel></rss>", "<rss>&nope;</rss>", "\x00<rss/>"],
    ids=range(14),
)  # fmt: skip
def test_what_is_no_feed_or_an_attack_is_refused(text: str) -> None:
    with pytest.raises(NotAFeed):
        read_feed(text, BASE)


DTD = '"-//Netscape Communications//DTD RSS 0.91//EN" "http://my.netscape.com/publish/formats/rss-0.91.dtd"'
PASSED_OVER = ("<!DOCTYPE rss>", f"<!DOCTYPE rss PUBLIC {DTD}>", "<!DOCTYPE rss SYSTEM 'file:///etc/passwd'>")


@pytest.mark.parametrize("declared", PASSED_OVER)
def test_a_document_type_that_declares_nothing_is_passed_over(declared: str) -> None:
    item = "<item><title>Café &amp; more</title><link>/a</link></item>"
    read = read_feed(f"<?xml version='1.0'?>{declared}<rss><channel><title>B</title>{item}</channel></rss>", BASE)
    assert (read.title, [one.title for one in read.posts]) == ("B", ["Café & more"])


def test_signs_that_html_names_are_read_and_others_are_nothing() -> None:
    item = "<item><title>Caf&eacute; &nope;&b;&hellip;</title><link>/a</link></item>"
    read = read_feed(f"<!DOCTYPE rss PUBLIC {DTD}><rss><channel><title>B</title>{item}</channel></rss>", BASE)
    assert read.posts[0].title == "Café …"
