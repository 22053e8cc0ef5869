"""Removes the examples that came with the product, after a page that says what goes and what stays."""

from typing import Any

from flask import render_template, request

from newsletter import examples
from newsletter.examples import Kind, Stays
from newsletter.languages import marked
from newsletter.web.cards import shown_guides
from newsletter.web.language import _, lazy, ngettext
from newsletter.web.owner.door import back, door, note
from newsletter.web.state import now, reading, runtime, transaction

KINDS = {
    Kind.SERIES: lazy("a series"), Kind.CAMPAIGN: lazy("a draft campaign"), Kind.ARTICLE: lazy("an article"),
    Kind.TOPIC: lazy("a topic"), Kind.GUIDE: lazy("a guide"),
}  # fmt: skip
PAGES = {
    Kind.SERIES: "series", Kind.CAMPAIGN: "campaign", Kind.ARTICLE: "article", Kind.TOPIC: "topic",
    Kind.GUIDE: "guide_setup",
}  # fmt: skip
WHY = {
    Stays.CHANGED: lazy("you have made it yours."),
    Stays.UNSAVED: lazy("words that are not saved yet wait in its editor."),
    Stays.IN_SERIES: lazy("it is, or was, in a series that stays."),
    Stays.IN_CAMPAIGN: lazy("a campaign that stays has it."),
    Stays.USED: lazy("an article that stays, or a feed, is about it."),
    Stays.TRIED: lazy("a test of it was sent, and the record of that mail shows its words."),
    Stays.PLANNED: lazy("it has been scheduled, sent, or handed in for approval."),
    Stays.STARTED: lazy("somebody is in it, or was."),
    Stays.ASKED: lazy("somebody has asked for it, or signed up by its form."),
    Stays.IN_FORM: lazy("a form of yours brings it."),
    Stays.ON_SITE: lazy("its form stands on a site of yours."),
    Stays.CHOSEN: lazy("readers have chosen it."),
    Stays.IN_SEGMENT: lazy("a segment of yours asks for it."),
}
CHANGED_SINCE = lazy("Nothing was removed: something has changed since this page was shown. Please look once more.")


@door.get("/examples", endpoint="examples")
def show() -> str:
    """Show what would go, and what would stay and why. Changes nothing."""
    with reading() as session:
        found = examples.listed(session, runtime().guides)
        has_own = any(one.slug not in examples.GUIDES for one in shown_guides(session))
        goes = [one for one in found if one.stays is None]
        return render_template(
            "owner/examples.html", goes=[one for one in goes if one.kind is not Kind.GUIDE],
            guides=[one for one in goes if one.kind is Kind.GUIDE], stays=[one for one in found if one.stays],
            seen=examples.going(found), has_own=has_own, kinds=KINDS, pages=PAGES, why=WHY,
        )  # fmt: skip


@door.post("/examples", endpoint="examples_remove")
def remove() -> Any:
    """Remove what the page has shown, and no more. Idempotent."""
    with transaction() as session:
        gone = examples.remove(
            session, runtime().guides, now(), guides=request.form.get("guides") == "yes",
            seen=request.form.get("seen", ""),
        )  # fmt: skip
        if gone:
            note(session, marked("examples removed"), ", ".join(f"{one.kind} {one.id}" for one in gone))
    if gone:
        told = ngettext(
            "%(num)s example is removed. It does not come back by itself.",
            "%(num)s examples are removed. They do not come back by themselves.",
            len(gone),
        )
        return back("examples", told)
    if gone is None:
        return back("examples", CHANGED_SINCE, "info")
    return back("examples", _("Nothing is left to remove."), "info")
