"""Turns posts into an article, read from the post's page if the feed only has an excerpt, or into a digest."""

from collections.abc import Sequence

from newsletter.feeds.bring import Brought, carry
from newsletter.feeds.parse import Post
from newsletter.fetch import PAGES, Fetcher, NotFetched
from newsletter.readable import Page, Written, parsed, plain, read, written

WHOLE = 600
"""Characters from which a post in the feed counts as complete."""
TEASER = 300


def as_article(fetcher: Fetcher, post: Post, feed_url: str) -> Brought:
    """A post as an article. If its page cannot be read, the feed's text with a link to the rest."""
    base = post.link or feed_url
    inside = written(parsed(post.html or post.summary), base, post.title)
    summary = parsed(post.summary).text()[:TEASER] if post.html else ""
    page = Page(title=post.title, summary=summary, article=inside, about="")
    if len(inside.text) < WHOLE and post.link:
        page = _from_its_page(fetcher, post) or _with_link(page, post)
    return carry(fetcher, page, base)


def _from_its_page(fetcher: Fetcher, post: Post) -> Page | None:
    try:
        found = fetcher.get(post.link, PAGES)
    except NotFetched:
        return None
    page = read(found.text(), found.address)
    return None if page.is_empty else page


def _with_link(page: Page, post: Post) -> Page:
    text = f"{page.article.text}\n\n[{plain(post.title)}]({post.link})".strip()
    return Page(title=page.title, summary=page.summary, article=Written(text=text, pictures=page.article.pictures),
                about=page.about)  # fmt: skip


def as_digest(posts: Sequence[Post], title: str, feed_url: str) -> Brought:
    """A digest of several posts, newest first: each post's linked title and opening words."""
    newest = list(reversed(posts))
    parts = [part for post in newest for part in (_headed(post), _teaser(post)) if part]
    named = f"{title}: {newest[0].title}" if title else newest[0].title
    return Brought(source=feed_url, title=named, summary=newest[0].title if len(newest) == 1 else "", about="",
                   article=Written(text="\n\n".join(parts), pictures=()), pictures={})  # fmt: skip


def _headed(post: Post) -> str:
    return f"## [{plain(post.title)}]({post.link})" if post.link else f"## {plain(post.title)}"


def _teaser(post: Post) -> str:
    words = parsed(post.summary or post.html).text()
    short = words if len(words) <= TEASER else words[:TEASER].rsplit(" ", 1)[0] + " …"
    return plain(short)
