"""The sentences readers agree to, used both for showing them and for storing them as consent.

They are stored in the language in which they were shown.
"""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta

from newsletter.brand import Brand
from newsletter.forms import Form
from newsletter.web.language import _, lazy, ngettext, spoken

NO_NEWSLETTER = lazy("Save, with the box for the newsletter empty.")
"""Does not name the brand, so that switching the newsletter off depends on nothing."""


def form_wording(form: Form, brand: Brand, articles: int, topics: Sequence[str] = ()) -> str:
    """What a form brings, and the owner's addition. `articles`: how many follow. `topics`: the form's fixed ones."""
    told = _newsletter_form(brand.name, articles, topics) if form.gives_newsletter else _guide_form(articles)
    return f"{told} {form.consent_words}".strip()


def _newsletter_form(name: str, articles: int, topics: Sequence[str]) -> str:
    if topics:
        return _newsletter_about(name, articles, _listed(topics))
    if not articles:
        return _("We send the %(brand)s newsletter to this address. You can leave at any time.", brand=name)
    return ngettext(
        "We send the %(brand)s newsletter to this address, and %(num)d short e-mail on the same subject over the next "
        "weeks. You can leave at any time.",
        "We send the %(brand)s newsletter to this address, and %(num)d short e-mails on the same subject over the next "
        "weeks. You can leave at any time.",
        articles, brand=name,
    )  # fmt: skip


def _newsletter_about(name: str, articles: int, topics: str) -> str:
    if not articles:
        return _("We send the %(brand)s newsletter about %(topics)s to this address. You can leave at any time.",
                 brand=name, topics=topics)  # fmt: skip
    return ngettext(
        "We send the %(brand)s newsletter about %(topics)s to this address, and %(num)d short e-mail on the same "
        "subject over the next weeks. You can leave at any time.",
        "We send the %(brand)s newsletter about %(topics)s to this address, and %(num)d short e-mails on the same "
        "subject over the next weeks. You can leave at any time.",
        articles, brand=name, topics=topics,
    )  # fmt: skip


def _listed(topics: Sequence[str]) -> str:
    return (" " + _("and") + " ").join(topics)


def _guide_form(articles: int) -> str:
    if not articles:
        return _("We send the guide to this address. You can stop them at any time.")
    return ngettext(
        "We send the guide to this address, and %(num)d short e-mail on the same subject over the next weeks. You can "
        "stop them at any time.",
        "We send the guide to this address, and %(num)d short e-mails on the same subject over the next weeks. You can "
        "stop them at any time.",
        articles,
    )  # fmt: skip


def newsletter_wording(brand: Brand, topics: Sequence[str] = ()) -> str:
    """The label of the unticked box. `topics`: the form's fixed ones."""
    if topics:
        return _("Yes, please also send me the %(brand)s newsletter about %(topics)s. I can leave at any time.",
                 brand=brand.name, topics=_listed(topics))  # fmt: skip
    return _("Yes, please also send me the %(brand)s newsletter. I can leave at any time.", brand=brand.name)


TOPICS_ASKED = lazy("Only some topics? Tick them. With none ticked you get all of them, and those that we add later.")
"""Above the topics in a form that requests the newsletter, so that ticking narrows it."""
TOPICS_KEPT = lazy(
    "With all of them ticked you also get topics that we add later. Untick one, and a new topic comes only when you "
    "tick it here."
)
"""Next to the topics on the preferences page."""


WEEKLY, SINGLES = lazy("One mail a week"), lazy("Single mails again")
"""Button labels."""
SINGLES_BRING = lazy(
    "Each article comes by itself again. What waits by then still comes, in one last weekly mail. Articles that follow "
    "a guide come as before"
)


def weekly_brings(brand: Brand) -> str:
    """What the weekly digest means, as on the preferences page."""
    monday = date(2024, 1, 1)
    day = spoken().weekday(monday + timedelta(days=brand.digest_weekday))
    return _(
        "Fewer mails: one a week with all of it, in place of single mails. It comes on %(weekday)s at %(hour)s where "
        "you live, with the first words of each article and a link to read on; in a week without an article none "
        "comes. Articles that follow a guide come as before",
        weekday=day, hour=f"{brand.digest_hour:02}:00",
    )  # fmt: skip


def topics_asked(names: Sequence[str]) -> str:
    """The text above the topics in a form, and which were ticked."""
    ticked = _("Ticked: %(topics)s.", topics=", ".join(names) or _("none"))
    return f"{TOPICS_ASKED} {ticked}"


def topics_kept(ticked: Sequence[str], left: Sequence[str]) -> str:
    """Which topics were ticked or not on the preferences page, and its text about them."""
    told = _("Topics ticked: %(ticked)s; not ticked: %(left)s.", ticked=", ".join(ticked) or _("none"),
             left=", ".join(left) or _("none"))  # fmt: skip
    return f"{told} {TOPICS_KEPT}"


def series_wording(articles: int) -> str:
    """The series that comes with a guide; "" if none does."""
    if not articles:
        return ""
    return ngettext(
        "one short e-mail on the same subject over the next weeks; you can stop it at any time",
        "%(num)d short e-mails on the same subject over the next weeks; you can stop them at any time",
        articles,
    )


def brings(title: str | None, pages: int, articles: int, newsletter: bool, brand: Brand,
           topics: Sequence[str] = ()) -> list[str]:  # fmt: skip
    """What confirming brings, one item each. `topics`: names, if the newsletter is limited to some."""
    return [
        *([_guide_wording(title, pages)] if title else []),
        *([series_wording(articles)] if articles else []),
        *([_newsletter_until(brand.name, topics)] if newsletter else []),
    ]


def _guide_wording(title: str, pages: int) -> str:
    if not pages:
        return _("the guide “%(title)s”", title=title)
    return ngettext("the guide “%(title)s”, %(num)d page, at once", "the guide “%(title)s”, %(num)d pages, at once",
                    pages, title=title)  # fmt: skip


def _newsletter_until(name: str, topics: Sequence[str]) -> str:
    if not topics:
        return _("the %(brand)s newsletter, until you leave it", brand=name)
    return _("the %(brand)s newsletter about %(topics)s, until you leave it", brand=name, topics=_listed(topics))


def agreed(label: str, items: Iterable[str]) -> str:
    """The stored words of a confirmation: the button's label and what the page said it brings."""
    return f"{label}: {'; '.join(items)}."
