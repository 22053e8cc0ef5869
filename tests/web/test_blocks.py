"""Blocks of an article on the pages that everybody may read: the archive and the feed."""

from xml.etree import ElementTree

from newsletter import articles
from newsletter.runtime import Runtime
from tests.conftest import NOON
from tests.mail.render.test_blocks import BUTTON, CARD, COLUMNS
from tests.web.conftest import Visitor

ONLY = "{% if first_name %}\n\nOnly for {{ first_name }}.\n\n{% endif %}"


def test_they_stand_in_the_archive_and_in_the_feed_and_what_is_for_some_only_does_not(
    runtime: Runtime, visitor: Visitor
) -> None:
    with runtime.database.transaction() as session:
        made = articles.write(
            session, NOON, title="Blocks", subject="Blocks", body="\n\n".join((BUTTON, CARD, COLUMNS, ONLY))
        )
        made.publish(NOON)
    page = visitor.get("/archive/blocks").text
    feed = ElementTree.fromstring(visitor.get("/feed.xml").data)
    (entry,) = (one for one in feed.iter("{http://www.w3.org/2005/Atom}content") if "Book a talk" in (one.text or ""))
    for html in (page, entry.text or ""):
        assert html.count('<table class="button"') == 2
        assert html.count('<table class="card"') == html.count('<table class="columns"') == 1
        assert "Only for" not in html
        assert "style=" not in html.partition("Book a talk")[2].partition("</article>")[0]
    # Nobody is greeted there, so nothing stands where a name would.
    assert 'href="https://example.com/book?who="' in page


def test_one_that_is_not_whole_takes_neither_down(runtime: Runtime, visitor: Visitor) -> None:
    with runtime.database.transaction() as session:
        articles.write(session, NOON, title="Broken", subject="B", body="::: card\nnever closed").publish(NOON)
    assert "Broken" not in visitor.get("/archive").text
    ElementTree.fromstring(visitor.get("/feed.xml").data)
