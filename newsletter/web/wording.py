"""Sentences that a reader agrees to. A page shows them and the press stores them, so both are made here."""

from collections.abc import Iterable, Sequence
from hashlib import sha256

from newsletter.brand import Brand
from newsletter.forms import Form

NO_NEWSLETTER = "Save, with the box for the newsletter empty."
"""Names no brand: ending it depends on nothing else."""


def form_wording(form: Form, brand: Brand, articles: int) -> str:
    """What sending a form brings, and what its owner has added. `articles`: how many follow."""
    follows = f", and {articles} short e-mails on the same subject over the next weeks" if articles else ""
    if form.gives_newsletter:
        told = f"We send the {brand.name} newsletter to this address{follows}. You can leave at any time."
    else:
        told = f"We send the guide to this address{follows}. You can stop them at any time."
    return f"{told} {form.consent_words}".strip()


def fingerprint(*words: str) -> str:
    """What a form sends back of the words that stood beside it: enough to tell whether they are still the same."""
    return sha256("\n".join(words).encode()).hexdigest()[:16]


def newsletter_wording(brand: Brand) -> str:
    """The words beside the unticked box."""
    return f"Yes, please also send me the {brand.name} newsletter. I can leave at any time."


TOPICS_ASKED = "Only some topics? Tick them. With none ticked you get all of them, and those that we add later."
"""Above the topics in a form: sending it asks for the newsletter, so a tick narrows."""
TOPICS_KEPT = (
    "With all of them ticked you also get topics that we add later. Untick one, and a new topic comes only when you "
    "tick it here."
)
"""Beside the topics on the preferences page."""


def topics_asked(names: Sequence[str]) -> str:
    """What stood above the topics in a form, and which were ticked."""
    ticked = ", ".join(names)
    return f"{TOPICS_ASKED} Ticked: {ticked or 'none'}."


def topics_kept(ticked: Sequence[str], left: Sequence[str]) -> str:
    """Which topics are ticked on the preferences page and which are left, under what it says of them."""
    return f"Topics ticked: {', '.join(ticked) or 'none'}; not ticked: {', '.join(left) or 'none'}. {TOPICS_KEPT}"


def series_wording(articles: int) -> str:
    """What comes with a guide; "" when nothing does."""
    if not articles:
        return ""
    many = "one short e-mail" if articles == 1 else f"{articles} short e-mails"
    those = "it" if articles == 1 else "them"
    return f"{many} on the same subject over the next weeks; you can stop {those} at any time"


def brings(title: str | None, pages: int, articles: int, newsletter: bool, brand: Brand,
           topics: Sequence[str] = ()) -> list[str]:  # fmt: skip
    """What a "yes" brings, one thing an item. `topics`: those of the newsletter, where it is not all of it."""
    about = f" about {' and '.join(topics)}" if topics else ""
    return [
        *([f"the guide “{title}”{f', {pages} pages, at once' if pages else ''}"] if title else []),
        *([series_wording(articles)] if articles else []),
        *([f"the {brand.name} newsletter{about}, until you leave it"] if newsletter else []),
    ]


def agreed(label: str, items: Iterable[str]) -> str:
    """The words of a press: what stood on the button, and what the page said it brings."""
    return f"{label}: {'; '.join(items)}."
