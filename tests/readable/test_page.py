"""A page of another site becomes Markdown of ours: what is read of it stays, and nothing of it runs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.mail.render.article import compiled
from newsletter.readable import feeds_of, read

URL = "https://blog.example/2026/walking/"
LONG = "Walk a little every day, and a little more each week, until the stairs are no work."
ARTICLE = f"""<!doctype html><html><head><title>On walking | Paul’s blog</title>
<meta property="og:title" content="On walking &amp; rest"><meta name="description" content="What helps.">
<meta name="keywords" content="Knees, stairs"><link rel="alternate" type="application/rss+xml" href="/feed">
<link rel="alternate" type="text/calendar" href="/cal"></head><body>
<header class="site-header"><nav><a href="/">Home</a> <a href="/about">About us and all else</a></nav></header>
<article class="post"><h1>On walking &amp; rest</h1>
<p>{LONG} <strong>Really</strong>, <em>do</em>. See <a href="../stairs/?a=1&amp;b=(2)">the stairs</a>.</p>
<h2>What you need</h2>
<ul><li>shoes<li>a coat<ul><li>for rain</ul></ul><ol><li><p>Go out</p><p>slowly</p></li><li>Come back</li></ol>
<blockquote><p>Rest is work.</p></blockquote>
<figure><img src="/pics/hill.jpg" alt="A [steep] hill" width="800"><figcaption>The hill</figcaption></figure>
<img src="data:image/gif;base64,R0lGOD" data-src="lazy.png" alt="">
<img src="https://count.example/p.gif" width="1" height="1">
<pre><code>if x &lt; 1:
    {{{{ rest }}}}</code></pre>
<p>{LONG} first<br>second</p>
<div class="share-buttons"><a href="https://social.example">Share this with everybody you know</a></div></article>
<section id="comments"><p>{LONG} {LONG} {LONG} says somebody in a comment.</p></section>
<aside class="sidebar"><p>Buy my book, buy my book, buy my book, buy my book.</p></aside><footer>All rights</footer>"""
EXPECTED = f"""{LONG} **Really**, *do*. See [the stairs](https://blog.example/2026/stairs/?a=1&b=%282%29).

## What you need

- shoes
- a coat
  - for rain

1. Go out

   slowly

2. Come back

> Rest is work.

[A steep hill](https://blog.example/pics/hill.jpg)

*The hill*

```
if x < 1:
    {{ {{ rest }}}}
```

{LONG} first\\
second
"""


def _shown(body: str) -> str:
    """As a mail shows it."""
    _subject, _preheader, html, _text = compiled("s", "", body, "https://news.example").fill({})
    return html


def test_an_article_is_found_and_written_in_markdown() -> None:
    page = read(ARTICLE, URL)
    assert (page.title, page.summary, page.about) == ("On walking & rest", "What helps.", "Knees, stairs")
    assert page.article.with_pictures({}) == EXPECTED
    assert page.article.pictures == (
        ("https://blog.example/pics/hill.jpg", "A steep hill"), ("https://blog.example/2026/walking/lazy.png", ""),
    )  # fmt: skip
    shown = page.article.with_pictures({"https://blog.example/pics/hill.jpg": "![A hill](/media/a.jpg)"})
    assert "![A hill](/media/a.jpg)" in shown and "count.example" not in shown
    assert feeds_of(ARTICLE, URL) == ["https://blog.example/feed"]


@pytest.mark.parametrize(
    "page",
    [
        f"<div><div id=menu><ul><li><a href=/a>{LONG}</a></ul></div><div class=x><p>{LONG}<p>{LONG}</div></div>",
        f"<main><p>{LONG}</p><p>{LONG}</p><p>{LONG}</p></main><div class=footer><p>{LONG}</p></div>",
        f"<article><p>teaser</p></article><article><p>{LONG}<p>{LONG}<p>{LONG}</article>",
        f"<table><tr><td><a href=/>menu</a><td><p>{LONG}<p>{LONG}</table>",
    ],
)
def test_the_part_with_the_long_paragraphs_is_the_article(page: str) -> None:
    text = read(page, URL).article.text
    assert text.startswith(LONG) and text.replace(LONG, "").strip() == ""


SIGNS = "*a* _b_ `c` [d](javascript:alert(1)) <b> {{ e }} {% if f %} &lt; \\ | ~~g~~"


@pytest.mark.parametrize(
    "line", ["# one", "- one", "+ one", "1. one", "9) one", "> one", "::: card", "||| x", "=== x", "~~~"]
)
def test_what_means_something_in_our_markdown_is_written_so_that_it_does_not(line: str) -> None:
    signs = SIGNS.replace("&", "&amp;").replace("<", "&lt;")
    page = f"<article><p>{signs}</p><p>{line.replace('>', '&gt;')}</p><p>{LONG * 3}</p>"
    made = _shown(read(page, URL).article.text)
    paragraphs = [one.split("</p>")[0] for one in made.split("<p>")[1:]]
    assert len(paragraphs) == 3 and "{{ e }} {% if f %} &amp;lt; \\ | ~~g~~" in paragraphs[0]
    assert not {"<em", "<a ", "<strong", "<code"} & set(made.split())
    assert paragraphs[1] == line.replace(">", "&gt;")


HOSTILE = f"""<article><p onclick="alert(1)">{LONG}<script>alert(2)</script><style>x{{}}</style>
<img src=x onerror=alert(3)><a href="javascript:alert(4)">four</a><a href=" java\tscript:alert(5)">five</a>
<a href="data:text/html,<script>alert(6)</script>">six</a>
<a href='https://x.example/"onmouseover=alert(7) x="'>seven</a>
<a href="https://x.example/) <script>alert(8)</script>">eight</a><svg><script>alert(9)</script></svg>
<img alt='](javascript:alert(10)) ![x' src="https://x.example/a.png"><iframe src="javascript:alert(11)"></iframe>
&lt;script&gt;alert(12)&lt;/script&gt;<object data=x>x</object><form action=x><input></form>
<math><mi xlink:href="javascript:alert(13)">m</mi></math><base href="javascript:alert(14)//">
<a href="x">fourteen</a><template><script>alert(15)</script></template><scr<script>ipt>alert(16)</scr</script>ipt>
<noscript><p title="</noscript>
<img src=x onerror=alert(17)>"></noscript><!--><script>alert(18)</script>--></p><p>{LONG * 3}</p></article>"""


def test_nothing_of_a_hostile_page_runs() -> None:
    text = read(HOSTILE, URL).article.with_pictures({})
    assert "](javascript" not in text and "](data" not in text and "<script" not in text.replace("\\<", "")
    made = _shown(text).lower()  # and the renderer lets nothing through either
    tags = {part.split(">")[0].split()[0] for part in made.split("<")[1:] if part.split(">")[0].split()}
    assert tags <= {"p", "/p", "a", "/a", "br"}
    assert 'href="javascript' not in made and 'href="data' not in made and "four" in made
    assert not any(
        f" {name}=" in part.split(">")[0] for part in made.split("<")[1:] for name in ("onclick", "onerror", "style")
    )


@pytest.mark.parametrize(
    "piece",
    [
        "<div>",
        "<a href=x>",
        "<b><i>",
        "<",
        "<!--",
        "<!",
        "&",
        "<p>",
        "<table><td>",
        "<li>",
        "<script>",
        "\ue0001\ue001",
        "`",
    ],
)
def test_a_page_of_one_piece_again_and_again_is_read_to_an_end(piece: str) -> None:
    assert read(piece * 20_000, URL).article.with_pictures({}) is not None


PIECES = ["<p>", "</p>", "<ul>", "<li>", "<b>", "</b>", "<a href='", "x'>", "<td>", "<pre>", "\n", "a ", "<h2>", "<br>",
          "<img src=x>", "</ul>", "*", "&#0;", "&#xd800;", "<blockquote>", "\ue000"]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES)))
def test_whatever_is_written_there_comes_out_as_text(pieces: list[str]) -> None:
    assert "\ue000" not in read("".join(pieces), URL).article.with_pictures({})
