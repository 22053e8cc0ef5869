"""The ways through the site: its menu, the page of the guides, what stands below an article."""

from sqlalchemy import select, update

from newsletter.articles import Article
from newsletter.guides import Guide
from newsletter.runtime import Runtime
from tests.web.conftest import FIFTY, PAIN, Visitor


def test_the_menu_leads_to_the_guides_and_to_the_owner(visitor: Visitor, runtime: Runtime) -> None:
    page = visitor.get("/")
    assert '<a href="/guides">Resources</a>' in page.text and '<a href="#contact">Contact</a>' in page.text
    assert page.text.count('id="contact"') == 1
    shown = visitor.get("/guides")
    assert all(f'href="/guides/{slug}"' in shown.text for slug in (FIFTY, PAIN)) and "/guides" in _sitemap(visitor)
    with runtime.database.transaction() as session:
        session.execute(update(Guide).where(Guide.slug == PAIN).values(hidden=True))
    assert f'href="/guides/{PAIN}"' not in visitor.get("/guides").text
    with runtime.database.transaction() as session:
        session.execute(update(Guide).values(hidden=True))
    assert "There is no guide here yet." in visitor.get("/guides").text


def _sitemap(visitor: Visitor) -> str:
    return visitor.get("/sitemap.xml").text


def test_below_an_article_stand_recent_ones_but_not_itself(visitor: Visitor, runtime: Runtime) -> None:
    with runtime.database.reading() as session:
        shown = select(Article).where(Article.published_at.is_not(None)).order_by(Article.published_at.desc())
        newest, next_one = session.scalars(shown.limit(2)).all()
    below = visitor.get(f"/archive/{newest.slug}").text.partition('id="more-title"')[2]
    assert f'href="/archive/{next_one.slug}"' in below and f'href="/archive/{newest.slug}"' not in below
