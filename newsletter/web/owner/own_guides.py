"""The owner's own guides: adds one from a PDF, replaces its PDF by a new edition, shows or hides it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flask import render_template, request

from newsletter import guides, sequences
from newsletter.bulk_actions import ActionKind
from newsletter.guides import Guide, Unfit
from newsletter.languages import marked
from newsletter.web.bodies import largest
from newsletter.web.language import _, in_words, lazy, ngettext
from newsletter.web.owner.display import size
from newsletter.web.owner.door import back, back_to_set_up, door, note, one_or_404
from newsletter.web.owner.forms import NewGuideForm, ReplaceForm
from newsletter.web.state import now, reading, runtime, transaction

TOO_LARGE = marked("This file is larger than %(size)s. Export it smaller: pictures of 150 dpi are enough.")
FULL = lazy("The file could not be stored: the disk may be full. Nothing was changed.")


@door.get("/guides/new", endpoint="guide_new_ask")
def ask() -> Any:
    """Show the form for a new guide."""
    return _form(NewGuideForm(formdata=None, data={"box": guides.BOX}))


@door.post("/guides/new", endpoint="guide_new")
def new() -> Any:
    """Check the PDF and create a guide, not shown on any page yet, with an empty series."""
    form = NewGuideForm()
    if not form.validate():
        return _form(form), 422
    try:
        with _received(form.file.data.stream) as received, transaction() as session:
            guide = guides.add(session, runtime().guides, received, title=form.title.data or "",
                               box=form.box.data or "", topic=form.topic.data or "")  # fmt: skip
            sequences.follow(session, guide.slug, guide.title, now())
            note(session, marked("guide added"), guide.slug)
            title, id = guide.title, guide.id
    except (Unfit, OSError) as error:
        form.file.errors = [_told(error)]
        return _form(form), 422
    told = _("“%(title)s” is here. The next steps: its box, its page, its mail and its series.", title=title)
    return back("guide_setup", told, id=id)


@door.get("/guides/<row:id>/edition", endpoint="guide_replace_ask")
def ask_edition(id: int) -> Any:
    """Show the form for a new edition, and what it entails."""
    return _edition(id, ReplaceForm(formdata=None))


@door.post("/guides/<row:id>/edition", endpoint="guide_replace")
def replace(id: int) -> Any:
    """Replace the guide's PDF."""
    form = ReplaceForm()
    if not form.validate():
        return _edition(id, form), 422
    try:
        with _received(form.file.data.stream) as received, transaction() as session:
            guide = one_or_404(session, Guide, id, lock=True)
            note(session, marked("guide's PDF replaced"), guide.slug)
            guides.replace(runtime().guides, guide, received)
            pages = guide.pages(runtime().guides)
            if guide.begin_page > pages:
                guide.begin_page = 0
    except (Unfit, OSError) as error:
        form.file.errors = [_told(error)]
        return _edition(id, form), 422
    told = ngettext(
        "The new PDF is in place, %(num)s page. Links in mails that were sent lead to it too.",
        "The new PDF is in place, %(num)s pages. Links in mails that were sent lead to it too.",
        pages,
    )
    return back_to_set_up(
        "bulk_action_new", told, do=ActionKind.EDITION.value, guide=id
    )  # so that readers of earlier ones can be offered it


@door.post("/guides/<row:id>/<any(show, hide):verb>", endpoint="guide_shown")
def shown(id: int, verb: str) -> Any:
    """Show it to visitors, or hide it. People who requested it keep it either way."""
    with transaction() as session:
        guide = one_or_404(session, Guide, id, lock=True)
        if verb == "show" and not guide.pages(runtime().guides):
            return back(
                "guides", _("It cannot be shown: its PDF is missing or not whole. Send the PDF again."), "danger"
            )
        guide.hidden = verb == "hide"
        note(session, marked("guide hidden") if guide.hidden else marked("guide shown"), guide.slug)
        title = guide.title
    if verb == "show":
        return back("guides", _("Visitors see “%(title)s” now, and can ask for it.", title=title))
    return back(
        "guides",
        _("“%(title)s” stands on no page now and takes no sign-ups. Who asked for it keeps it.", title=title),
        "info",
    )


@contextmanager
def _received(stream: Any) -> Iterator[Path]:
    path = runtime().guides.receive(stream)
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


def _told(error: Unfit | OSError) -> str:
    return in_words(error) if isinstance(error, Unfit) else FULL


def _form(form: NewGuideForm) -> str:
    return render_template("owner/guide_new.html", form=form, largest=largest("owner.guide_new"))


def _edition(id: int, form: ReplaceForm) -> str:
    with reading() as session:
        guide = one_or_404(session, Guide, id)
        return render_template(
            "owner/guide_edition.html", guide=guide, form=form, largest=largest("owner.guide_replace"),
            pages=guide.pages(runtime().guides),
        )  # fmt: skip


def new_too_large() -> tuple[str, int]:
    """The page of a new guide again, with an error about a file too large to be read."""
    form = NewGuideForm(formdata=None, data={"box": guides.BOX})
    form.file.errors = [_(TOO_LARGE, size=size(largest("owner.guide_new")))]
    return _form(form), 413


def edition_too_large() -> tuple[str, int]:
    """The same for a new edition."""
    form = ReplaceForm(formdata=None)
    form.file.errors = [_(TOO_LARGE, size=size(largest("owner.guide_replace")))]
    return _edition((request.view_args or {})["id"], form), 413
