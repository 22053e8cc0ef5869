"""Throw-away mail domains: a switch to refuse sign-ups from them, and their list."""

from typing import Any

from flask import render_template, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response
from wtforms import TextAreaField

from newsletter import brand, characters, throwaway
from newsletter.brand import Brand
from newsletter.languages import marked
from newsletter.throwaway import BadDomains
from newsletter.web.language import _, in_words, lazy
from newsletter.web.owner.door import back, door, note
from newsletter.web.state import reading, transaction
from newsletter.web.typed_form import TypedForm

NAMED = 5
"""Added or removed domains named in an audit entry."""


class DomainsForm(TypedForm):
    """The list. Its field has the name of an article's, so that nothing is lost when a session ends."""

    body = TextAreaField(lazy("Domains, one a line"), filters=[characters.text])


@door.get("/throw-away", endpoint="throwaway")
def show() -> Any:
    """Show the switch and the list."""
    with reading() as session:
        return _page(session)


def _page(session: Session, form: DomainsForm | None = None) -> Any:
    house = brand.current(session)
    page = render_template(
        "owner/throwaway.html", refuses=house.refuses_throwaway, is_ours=not house.throwaway_print,
        form=form or DomainsForm(formdata=None, data={"body": house.throwaway_list}),
        number=len(throwaway.listed(house.throwaway_list)), ours=len(throwaway.ours()),
    )  # fmt: skip
    return page, 422 if form else 200


@door.post("/throw-away", endpoint="throwaway_save")
def save() -> Any:
    """Save the list, from the next sign-up on."""
    with transaction() as session:
        form, house = DomainsForm(), brand.current(session)
        typed = form.body.data or ""
        try:
            told = _list(session, house, typed)
        except BadDomains as error:
            form.body.errors = [in_words(error)]
            return _page(session, form)
    return back("throwaway", told)


def _list(session: Session, house: Brand, typed: str) -> str:
    """Store a list, with the differences in the audit log; return the message for the owner. Raises BadDomains."""
    before = house.throwaway_list, throwaway.listed(house.throwaway_list)
    house.list_throwaway(typed)
    if house.throwaway_list.strip() == before[0].strip():
        return _("Nothing was different.")
    after = throwaway.listed(house.throwaway_list)
    changes = (("+", after - before[1]), ("−", before[1] - after))
    note(session, marked("throw-away domains saved"), " ".join(_named(sign, which) for sign, which in changes if which))
    return _("Saved. It holds for the next sign-up; nobody who is there already is touched.")


def _named(sign: str, domains: frozenset[str]) -> str:
    few = sorted(domains)[:NAMED]
    more = f" {sign}{len(domains) - NAMED} …" if len(domains) > NAMED else ""
    return " ".join(f"{sign}{one[:60]}" for one in few) + more


@door.post("/throw-away/ours", endpoint="throwaway_ours")
def go_back() -> Response:
    """Restore our list, which is updated with the product."""
    if request.form.get("sure") != "yes":
        return back("throwaway", _("Nothing has changed: tick the box to say that you are sure."), "info")
    with transaction() as session:
        told = _list(session, brand.current(session), throwaway.our_text())
    return back("throwaway", told)


@door.post("/throw-away/switch", endpoint="throwaway_switch")
def switch() -> Response:
    """Refuse these domains, or accept every domain. Keeps the list."""
    on = request.form.get("verb") == "on"
    with transaction() as session:
        house = brand.current(session)
        if house.refuses_throwaway != on:
            house.refuses_throwaway = on
            note(session, marked("throw-away domains refused") if on else marked("throw-away domains taken"))
    told = _("Sign-ups with these domains are refused from now on.") if on else _("Every domain is taken from now on.")
    return back("throwaway", told)
