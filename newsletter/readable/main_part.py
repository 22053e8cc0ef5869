"""Finds a page's article: the element with long paragraphs and few links.

A heuristic; the owner reviews the result before it is used.
"""

import re
from collections.abc import Iterator

from newsletter.readable.tree import Node

ENOUGH = 200
"""Minimum characters for an element to count as the article by its markup alone."""
FINALISTS = 20
"""Elements for which the share of links is computed."""
SENTENCE = 25
"""Minimum characters of a paragraph that scores."""
_ASIDE = frozenset({"nav", "aside", "footer", "head", "title"})
_SURROUNDINGS = re.compile(
    r"(^|[\s_-])(nav|navbar|menu|sidebar|side-bar|footer|comments?|respond|share|sharing|social|sharedaddy|related|"
    r"breadcrumbs?|pagination|pager|cookies?|consent|banner|promo|advert\w*|ads?|sponsor\w*|popup|modal|newsletter|"
    r"subscribe|signup|sign-up|skip-link|screen-reader-text|sr-only|visually-hidden|toc|tags|byline-links|edit-link|"
    r"post-navigation|author-box|author-bio|jp-relatedposts|hidden)($|[\s_-])"
)
_BODY = re.compile(r"(^|[\s_-])(article|post|entry|content|main|body|story|text|e-content)($|[\s_-])")


def without_surroundings(node: Node) -> Node:
    """A copy without navigation, comments, sharing buttons and hidden elements."""
    kept = [one if isinstance(one, str) else without_surroundings(one) for one in node.children
            if isinstance(one, str) or not _is_surrounding(one)]  # fmt: skip
    return Node(tag=node.tag, attrs=node.attrs, children=list(kept), has_blocks=node.has_blocks)


def _is_surrounding(node: Node) -> bool:
    if node.tag in _ASIDE or "hidden" in node.attrs or node.attrs.get("aria-hidden") == "true":
        return True
    if node.attrs.get("role", "") in ("navigation", "complementary", "contentinfo", "banner", "search", "dialog"):
        return True
    named = node.named("class", "id")
    return node.tag not in ("body", "html", "main", "article") and bool(_SURROUNDINGS.search(named)) \
        and not _BODY.search(named)  # fmt: skip


def main_part(page: Node) -> Node:
    """The element that holds the article; the whole page if none stands out."""
    clean = without_surroundings(page)
    every = list(clean.walk())
    for group in (
        [one for one in every if "articlebody" in one.named("itemprop")],
        [one for one in every if one.tag == "article"],
        [one for one in every if one.tag == "main" or one.attrs.get("role") == "main"],
    ):
        largest = max(group, key=_weight, default=None)
        if largest is not None and _weight(largest) >= ENOUGH:
            return largest
    return max(_scored(clean), key=lambda found: found[1], default=(clean, 0.0))[0]


def _weight(node: Node) -> int:
    return sum(len(one.text()) for one in node.walk() if one.tag in ("p", "pre", "li") and not one.has_blocks)


def _scored(clean: Node) -> Iterator[tuple[Node, float]]:
    """Scores elements by their own paragraphs, plus half the score of their children's."""
    scores: dict[Node, float] = {}

    def look(node: Node, above: tuple[Node, ...]) -> None:
        for child in node.children:
            if isinstance(child, Node):
                words = child.text() if child.tag in ("p", "pre", "blockquote") else ""
                if len(words) >= SENTENCE:
                    for share, one in zip((1.0, 0.5), (node, *above), strict=False):
                        scores[one] = scores.get(one, 0.0) + share * (1 + words.count(",") + min(len(words) / 100, 3))
                look(child, (node, *above)[:1])

    look(clean, ())
    best = sorted(scores.items(), key=lambda found: found[1], reverse=True)[:FINALISTS]
    for node, score in best:
        yield node, score * (1 - _linked(node)) * (1.25 if _BODY.search(node.named("class", "id")) else 1)


def _linked(node: Node) -> float:
    """The share of its text that is links, 0 to 1."""
    inside = sum(len(one.text()) for one in node.walk() if one.tag == "a")
    return min(inside / max(len(node.text()), 1), 1.0)
