"""Imports an article from another site: fetches a typed address and opens the text in the editor."""

from typing import Any

from flask import render_template
from flask_login import current_user
from wtforms import StringField

from newsletter import characters, feeds
from newsletter.feeds import NothingToRead
from newsletter.fetch import NotFetched
from newsletter.languages import marked
from newsletter.web.language import _, in_words, lazy, ngettext
from newsletter.web.owner.door import back, door, note, tell
from newsletter.web.owner.pictures import FULL
from newsletter.web.state import now, runtime, transaction
from newsletter.web.typed_form import TypedForm

NOTHING = lazy(
    "The page was fetched, but no article was found in it. It may be a list of articles, or be put together by a "
    "script. Open the article itself, or copy its text into a new article."
)


class AddressForm(TypedForm):
    """The address of an article on another site."""

    address = StringField(lazy("Address"), filters=[characters.line])


def completed(typed: str) -> str:
    """A typed address, completed with its scheme as a browser would."""
    return typed if not typed or "://" in typed or typed.startswith(("file:", "data:", "javascript:")) \
        else f"https://{typed}"  # fmt: skip


@door.get("/articles/bring-over", endpoint="bring_over")
def ask() -> Any:
    """Show the form for the address."""
    return _page(AddressForm(formdata=None))


def _page(form: AddressForm, told: str = "") -> Any:
    form.address.errors = [told] if told else []
    return render_template("owner/bring_over.html", form=form), 422 if form.errors else 200


@door.post("/articles/bring-over", endpoint="bring_over_do")
def do() -> Any:
    """Fetch it into a draft, which becomes an article only when somebody saves it."""
    form = AddressForm()
    try:
        brought = feeds.bring(runtime().fetcher, completed(form.address.data or ""))
        with transaction() as session:
            draft = feeds.put_down(session, brought, runtime().media, current_user.owner_id, now())
            note(session, marked("article brought over"), brought.source)
    except NotFetched as error:
        return _page(form, in_words(error))
    except NothingToRead:
        return _page(form, NOTHING)
    except OSError:
        return _page(form, FULL)
    if brought.missed:
        told = ngettext(
            "%(num)s picture could not be taken over; where it stood, its words lead to it.",
            "%(num)s pictures could not be taken over; where they stood, their words lead to them.",
            brought.missed,
        )
        tell(told, "warning")
    return back("article_new", _("This is what was found. Read it through: nothing is saved or sent yet."), "info",
                draft=draft.id)  # fmt: skip
