"""What search engines, browsers' tabs and pages that show a link get."""

import json
import re
from io import BytesIO
from xml.etree.ElementTree import fromstring

import pytest
from PIL import Image
from sqlalchemy import select

from newsletter import articles
from newsletter.guides import Guide
from newsletter.runtime import Runtime
from newsletter.web.sharing import SITEMAP
from tests.conftest import NOON
from tests.web.conftest import FIFTY, PAIN, Visitor

SITE = "http://localhost:8000"


def written(runtime: Runtime, title: str, public: bool = True) -> str:
    with runtime.database.transaction() as session:
        made = articles.write(session, NOON, title=title, subject="S", body="Words.")
        made.published_at = NOON if public else None
        return made.slug


def head(page: str, name: str) -> str:
    found = re.search(rf'<meta (?:property|name)="{re.escape(name)}" content="([^"]*)">', page)
    assert found is not None, name
    return found[1]


@pytest.mark.parametrize(
    ("path", "address"),
    [
        ("/", "/"),
        ("/?utm_source=x", "/"),
        (f"/guides/{PAIN}?fbclid=1", f"/guides/{PAIN}"),
        ("/topics/training?page=9", "/topics/training"),
        ("/privacy", "/privacy"),
    ],
)
def test_a_page_names_the_one_address_to_link_to(path: str, address: str, visitor: Visitor) -> None:
    page = visitor.get(path).text
    assert f'<link rel="canonical" href="{SITE}{address}">' in page
    assert head(page, "og:url") == f"{SITE}{address}"
    assert head(page, "og:title") and head(page, "og:description")


def test_a_form_that_is_shown_again_names_the_page_it_stands_on(visitor: Visitor) -> None:
    typed = {"guide": PAIN, "email": "no address"}
    for path in ("", "/"):
        page = visitor.browser.post("/subscribe", data={**typed, "page": path}).text
        assert f'<link rel="canonical" href="{SITE}/">' in page
    page = visitor.browser.post("/subscribe", data={**typed, "page": f"/guides/{PAIN}"}).text
    assert f'<link rel="canonical" href="{SITE}/guides/{PAIN}">' in page and head(page, "og:url").endswith(PAIN)


def test_pages_that_are_nobody_elses_name_no_address(visitor: Visitor) -> None:
    for path in ("/check-your-inbox", "/nowhere", "/confirm/nonsense"):
        page = visitor.get(path).text
        assert 'content="noindex"' in page and "canonical" not in page and "og:" not in page


def test_a_link_to_a_guide_is_shown_with_its_cover(visitor: Visitor, runtime: Runtime) -> None:
    page = visitor.get(f"/guides/{PAIN}").text
    assert head(page, "og:image") == f"{SITE}/guides/{PAIN}/share.png"
    for _ in range(2):  # drawn, and from the cache
        answer = visitor.get(f"/guides/{PAIN}/share.png")
        with Image.open(BytesIO(answer.data)) as picture:
            assert (picture.size, picture.format) == ((1200, 630), "PNG")
            assert picture.convert("RGB").getpixel((5, 5)) == (0x0F, 0x5F, 0x63), "the guide's own colour"
    with runtime.database.transaction() as session:
        session.scalars(select(Guide).where(Guide.slug == PAIN)).one().hidden = True
    assert visitor.get(f"/guides/{PAIN}/share.png").status_code == 404
    assert visitor.get("/guides/none/share.png").status_code == 404


def test_an_article_says_who_wrote_it_and_when_whatever_its_title_holds(visitor: Visitor, runtime: Runtime) -> None:
    title = 'A </script><script>alert(1)</script> & "quotes"'
    page = visitor.get(f"/archive/{written(runtime, title)}").text
    (told,) = re.findall(r'<script type="application/ld\+json" nonce="[^"]+">(.*?)</script>', page, re.DOTALL)
    assert json.loads(told)["headline"] == title
    assert json.loads(told)["datePublished"] == NOON.isoformat()
    assert "<script>alert" not in page
    assert head(page, "og:type") == "article"


def test_the_sitemap_lists_what_everybody_may_read(visitor: Visitor, runtime: Runtime) -> None:
    public, own = written(runtime, "Everybody's"), written(runtime, "Mine", public=False)
    with runtime.database.transaction() as session:
        session.scalars(select(Guide).where(Guide.slug == FIFTY)).one().hidden = True
    answer = visitor.get("/sitemap.xml")
    listed = {one.text: one for one in fromstring(answer.data).iter(f"{{{SITEMAP}}}loc")}
    assert f"{SITE}/archive/{public}" in listed and f"{SITE}/guides/{PAIN}" in listed and f"{SITE}/" in listed
    assert f"{SITE}/archive/{own}" not in listed and f"{SITE}/guides/{FIFTY}" not in listed
    for address in listed:
        assert visitor.get(str(address).removeprefix(SITE)).status_code == 200, address
    assert f"Sitemap: {SITE}/sitemap.xml" in visitor.get("/robots.txt").text


def test_the_icon_is_there_where_browsers_look(visitor: Visitor) -> None:
    with Image.open(BytesIO(visitor.get("/favicon.ico").data)) as icon:
        assert icon.format == "ICO" and (16, 16) in icon.info["sizes"]
    assert b">H</text>" in visitor.get("/icon.svg").data
