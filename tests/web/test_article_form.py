"""Below each article stands a form, in lists its picture, and what other sites show beside a link to it."""

import re

import pytest
from sqlalchemy import select, update

from newsletter import brand, topics
from newsletter import forms as form_rows
from newsletter.articles import Article, Revision
from newsletter.guides import Guide
from newsletter.runtime import Runtime
from newsletter.subscribers import Consent
from newsletter.theme import Look
from tests.conftest import NOON
from tests.web.conftest import FIFTY, PAIN, Visitor, forms
from tests.web.test_forms_own import picture
from tests.web.test_sharing import SITE, head

BELOW = re.compile(r'id="below-form".*?action="([^"]+)"', re.DOTALL)


@pytest.fixture
def article(runtime: Runtime) -> str:
    """A public article on training, whose guide is the one about fifty; its path."""
    with runtime.database.transaction() as session:
        found = session.scalars(select(Article).where(Article.published_at <= NOON).order_by(Article.id)).first()
        assert found is not None
        found.topic = topics.by_name(session, "Training")
        session.execute(update(Guide).where(Guide.slug == FIFTY).values(topic="training"))
        session.execute(update(Guide).where(Guide.slug == PAIN).values(topic="Rehabilitation"))
        return f"/archive/{found.slug}"


def _choose(runtime: Runtime, slug: str | None, has: bool = True) -> None:
    with runtime.database.transaction() as session:
        form = form_rows.named(session, slug) if slug else None
        house = brand.current(session)
        house.has_article_forms, house.article_form_id = has, form.id if form else None


def _below(visitor: Visitor, path: str) -> list[str]:
    return BELOW.findall(visitor.get(path).text)


def test_the_guide_on_its_topic_stands_below_an_article_above_the_foot(
    visitor: Visitor, article: str, runtime: Runtime
) -> None:
    page = visitor.get(article).text
    assert BELOW.findall(page) == [f"/f/{FIFTY}"]
    assert page.index('id="below-form"') < page.index('id="foot-form"')
    with runtime.database.transaction() as session:
        session.execute(update(Guide).where(Guide.slug == FIFTY).values(hidden=True))
    page = visitor.get(article).text
    assert BELOW.findall(page) == ["/f/footer"]
    assert 'id="foot-form"' not in page, "the same form stands there once"


def test_the_owner_chooses_another_one_or_none(visitor: Visitor, article: str, runtime: Runtime) -> None:
    _choose(runtime, PAIN)
    assert _below(visitor, article) == [f"/f/{PAIN}"]
    with runtime.database.transaction() as session:
        form = form_rows.named(session, PAIN)
        assert form is not None
        form.archive(NOON)
    assert _below(visitor, article) == [f"/f/{FIFTY}"]
    _choose(runtime, None, has=False)
    assert _below(visitor, article) == []
    assert 'id="foot-form"' in visitor.get(article).text


def test_without_a_stored_form_the_guides_plain_one_stands_there(
    visitor: Visitor, article: str, runtime: Runtime
) -> None:
    with runtime.database.transaction() as session:
        for one in form_rows.every(session):
            session.delete(one)
    assert _below(visitor, article) == ["/subscribe"]
    form = forms(visitor.get(article))[0]
    visitor.send(form, email="jane@example.com")
    with runtime.database.reading() as session:
        assert session.scalars(select(Consent)).one().guide == FIFTY


def test_a_sign_up_below_an_article_counts_for_its_page_and_a_slip_leads_back(
    visitor: Visitor, article: str, runtime: Runtime
) -> None:
    form = next(one for one in forms(visitor.get(article)) if one.action == f"/f/{FIFTY}")
    headers = {"Referer": f"http://localhost{article}"}
    wrong = visitor.browser.post(form.action, data={**form.fields, "email": "jane@"}, headers=headers)
    assert wrong.status_code == 422
    assert f'href="{article}"' in wrong.text
    data = {**form.fields, "email": "jane@example.com", "proof": visitor.proof(form.challenge)}
    visitor.browser.post(form.action, data=data, headers=headers)
    with runtime.database.reading() as session:
        consent = session.scalars(select(Consent)).one()
    assert (consent.form, consent.page) == (FIFTY, article)


def _illustrate(runtime: Runtime, path: str, body: str) -> None:
    with runtime.database.transaction() as session:
        found = session.scalars(select(Article).where(Article.slug == path.rsplit("/", 1)[1])).one()
        session.execute(update(Revision).where(Revision.id == found.current.id).values(body=body))


def test_a_list_shows_the_first_picture_of_an_article_small_with_room_kept(
    visitor: Visitor, article: str, runtime: Runtime
) -> None:
    name = picture(runtime)
    _illustrate(runtime, article, f"Walk.\n\n![A hill](/media/{name})\n")
    for path in ("/archive", "/topics/training"):
        (shown,) = re.findall(rf"<img[^>]*/media/{name}[^>]*>", visitor.get(path).text)
        assert 'width="144" height="108" alt="A hill" loading="lazy"' in shown
        assert f"/media/{name}/288.webp 288w" in shown
    (runtime.media / name).unlink()
    assert name not in visitor.get("/archive").text


def test_other_sites_show_an_articles_first_picture_or_the_logo(
    visitor: Visitor, article: str, runtime: Runtime
) -> None:
    assert "og:image" not in visitor.get(article).text
    logo, name = picture(runtime, 120, 60), picture(runtime)
    with runtime.database.transaction() as session:
        house = brand.current(session)
        house.wear(Look(logo=logo, logo_words="Us", logo_width=120), house.frame, "")
    assert head(visitor.get(article).text, "og:image") == f"{SITE}/media/{logo}"
    _illustrate(runtime, article, f"![A hill](/media/{name})")
    page = visitor.get(article).text
    assert head(page, "og:image") == f"{SITE}/media/{name}"
    assert head(page, "og:image:alt") == "A hill"
    assert f'<link rel="canonical" href="{SITE}{article}">' in page
