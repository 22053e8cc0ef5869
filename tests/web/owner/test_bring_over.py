"""An article of another site opens in the editor; nothing is saved, published or sent before its owner does that."""

import re
from io import BytesIO

import pytest
from PIL import Image
from sqlalchemy import func, select

from newsletter import topics
from newsletter.accounts import AuditEntry
from newsletter.articles import Article
from newsletter.drafts import Draft
from newsletter.media import Picture
from newsletter.runtime import Runtime
from tests.fetch.hostile import Say, page, serving
from tests.web.owner.conftest import Desk, readable

PATH = "/owner/articles/bring-over"
WORDS = "Walk a little every day, and a little more each week, until the stairs are no work. "
POST = f"""<html><head><title>On stairs and {{{{ library_url }}}} – A blog</title>
<meta name=description content="What helps."></head><body><nav><a href=/>Home</a></nav>
<article><h1>On stairs and {{{{ library_url }}}}</h1><p>{WORDS * 4}</p>
<p><img src="/hill.png" alt="A hill"><img src="/gone.png" alt="A valley"></p>
<p>{{{{ first_name }}}} <a href="/next">the next one</a><script>alert(1)</script></p></article></body></html>"""


def _png() -> bytes:
    out = BytesIO()
    Image.new("RGB", (40, 30), "green").save(out, "PNG")
    return out.getvalue()


SITE: dict[str, bytes | Say] = {
    "/post": page(POST.encode(), "text/html; charset=utf-8"), "/hill.png": page(_png(), "image/png"),
    "/list": page(b"<ul><li><a href=/post>A post</a></ul>"), "/pdf": page(b"%PDF", "application/pdf"),
}  # fmt: skip


def _count(runtime: Runtime, kind: type[Article | Draft | Picture]) -> int:
    with runtime.database.reading() as session:
        return session.scalar(select(func.count()).select_from(kind)) or 0


def test_an_article_opens_in_the_editor_and_is_one_when_it_is_saved(desk: Desk, runtime: Runtime) -> None:
    before = _count(runtime, Article)
    with runtime.database.transaction() as session:
        topics.add(session, "Stairs", runtime.clock.now())
    assert "Bring an article over from an address" in desk.read("/owner/write")
    with serving(SITE) as site:
        answer = desk.post(PATH, address=site.url("/post"))
        assert site.asked == ["/post", "/hill.png", "/gone.png"]
    told = readable(answer.text)
    assert "Read it through: nothing is saved or sent yet." in told and "1 picture could not be taken over" in told
    assert f"Brought over from {site.url('/post')}" in told and _count(runtime, Article) == before
    with runtime.database.reading() as session:
        draft, picture = session.scalars(select(Draft)).one(), session.scalars(select(Picture)).one()
        entry = session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first()
        assert entry is not None and (entry.action, entry.detail) == ("article brought over", site.url("/post"))
    assert draft.typed == {
        "title": "On stairs and {{ library_url }}", "subject": "On stairs and { { library_url }}", "named": "",
        "preheader": "What helps.", "topic": "stairs", "source": site.url("/post"),
        "body": f"{{{{ greeting }}}},\n\n{(WORDS * 4).strip()}\n\n![A hill](/media/{picture.name})"
        f"[A valley]({site.url('/gone.png')})\n\n\\{{\\{{ first_name \\}}\\}} [the next one]({site.url('/next')})\n",
    }  # fmt: skip
    assert (runtime.media / picture.name).is_file() and picture.words == "A hill"
    follows = re.search(r'name="follows" value="([^"]*)"', answer.text)
    sitting = re.search(r'name="sitting" value="([^"]*)"', answer.text)
    assert follows and sitting and follows[1]
    typed = draft.typed | {"follows": follows[1], "sitting": sitting[1], "base": "", "article": ""}
    kept = desk.post("/owner/articles/draft", **(typed | {"title": "On stairs"})).get_json()
    again = desk.get(f"/owner/articles/new?draft={kept['id']}")
    assert f"Brought over from {site.url('/post')}" in readable(again)
    saved = desk.told("/owner/articles/new", **typed)
    assert f"Brought over from {site.url('/post')}" in saved and "not public" in desk.read("/owner/write")
    with runtime.database.reading() as session:
        article = session.scalars(select(Article).order_by(Article.id.desc())).first()
        assert article is not None and article.source_url == site.url("/post") and article.published_at is None
        assert article.topic is not None and article.topic.slug == "stairs"
    shown = desk.get(f"/owner/articles/{article.id}/preview")
    assert "{{ first_name }}" in shown and "alert" not in shown and f'href="{site.url("/next")}"' in shown


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/gone", "Nothing stands at this address"), ("/list", "no article was found in it"),
        ("/pdf", "of another kind"),
    ],
)  # fmt: skip
def test_what_cannot_be_brought_over_is_told_beside_the_address(
    path: str, told: str, desk: Desk, runtime: Runtime
) -> None:
    with serving(SITE) as site:
        answer = desk.post(PATH, address=site.url(path))
    assert answer.status_code == 422 and told in readable(answer.text) and site.url(path) in answer.text
    assert _count(runtime, Draft) == 0


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("", "This is no address of a page"), ("file:///etc/passwd", "begin with https:// or http://"),
        ("http://169.254.169.254/latest", "leads into a private network"), ("10.0.0.1/admin", "into a private network"),
        ("http://a:b@blog.example/", "holds a name or a password"), ("blog.example/post", "There is no such site"),
    ],
)  # fmt: skip
def test_an_address_that_may_not_be_fetched_is_told(typed: str, told: str, desk: Desk) -> None:
    answer = desk.post(PATH, address=typed)
    assert answer.status_code == 422 and told in readable(answer.text)


def test_a_made_up_source_is_no_link(desk: Desk) -> None:
    told = desk.post(
        "/owner/articles/new", title="A", subject="B", body="C", topic="", source="javascript:alert(1)"
    ).text
    assert "Saved." in told and "javascript:alert" not in told and "Brought over" not in told
