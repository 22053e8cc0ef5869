"""The people in an import: numbers by status, values not understood, proof of consent, tags and topics for all."""

from dataclasses import dataclass
from typing import Any

from flask import render_template, request
from sqlalchemy.orm import Session

from newsletter import topics
from newsletter.imports import Import, NotNow
from newsletter.imports.columns import Role
from newsletter.imports.for_known import ForKnown
from newsletter.imports.mapping import ROLES
from newsletter.imports.person import split_tags
from newsletter.imports.record import LONGEST_BASIS
from newsletter.imports.sentences import standings
from newsletter.imports.standing import Standing, plain
from newsletter.subscribers import LONGEST_TAG, clean_tag
from newsletter.web.language import _, in_words, lazy
from newsletter.web.owner.door import back, door, one_or_404
from newsletter.web.state import now, reading, transaction

ANSWERS = {
    "reader": (Standing.READER, lazy("readers")),
    "pending": (Standing.PENDING, lazy("never confirmed")),
    "left": (Standing.LEFT, lazy("had left")),
    "bounced": (Standing.BOUNCED, lazy("bounced")),
    "out": (Standing.NEVER_AGREED, lazy("leave them out")),
}
KNOWN = {
    ForKnown.FILL.value: lazy("the file’s tags, and its values where a field of theirs is empty"),
    ForKnown.OVERWRITE.value: lazy("the file’s tags, and its values in place of theirs"),
    ForKnown.LEAVE.value: lazy("nothing but the tags for all"),
}
"""Choices for people who are known already."""
MOST_TAGS = 20
"""Most tags given to everybody in a file."""


@dataclass
class Typed:
    """Input and its errors."""

    basis: str
    tags: str
    every_topic: bool
    topics: list[int]
    known: ForKnown
    answers: dict[str, str]
    errors: dict[str, str]


def page(session: Session, it: Import, typed: Typed | None = None) -> str:
    """The page with the survey's findings and its questions."""
    kept = {
        word: code for word, standing in it.standings.items() for code, (one, _) in ANSWERS.items() if one is standing
    }
    typed = typed or Typed(
        basis=it.basis, tags=", ".join(it.tags), every_topic=it.topics is None, topics=it.topics or [],
        known=it.for_known, answers=kept, errors={},
    )  # fmt: skip
    unknown = [(word, plain(word), column, line, rows) for word, column, line, rows in it.seen.get("unknown", ())]
    names_topics = any(ROLES.get(one.what) is Role.TOPICS for one in it.columns)
    return render_template(
        "owner/import_basis.html", it=it, typed=typed, standings=standings(it.seen.get("standings", {})),
        unknown=unknown, answers=ANSWERS, topics=() if names_topics else topics.open_ones(session),
        longest=LONGEST_BASIS, problem=it.problem, known=KNOWN,
    )  # fmt: skip


@door.post("/subscribers/imports/<row:id>/basis", endpoint="import_basis")
def answer(id: int) -> Any:
    """Store the answers; the dry run comes next."""
    with reading() as session:
        it = one_or_404(session, Import, id)
        offered = {one.id for one in topics.open_ones(session)}
        typed = _typed([word for word, *_ in it.seen.get("unknown", ())], offered)
        if typed.errors:
            return page(session, it, typed), 422
    with transaction() as session:
        it = one_or_404(session, Import, id, lock=True)
        try:
            it.answer(
                now(), basis=typed.basis, tags=_tags(typed.tags), topics=None if typed.every_topic else typed.topics,
                answers={word: ANSWERS[code][0] for word, code in typed.answers.items()}, known=typed.known,
            )  # fmt: skip
        except NotNow as error:
            return back("import_one", in_words(error), "info", id=id)
    return back("import_one", id=id)


def _typed(unknown: list[str], offered: set[int]) -> Typed:
    form, errors = request.form, {}
    basis = " ".join(form.get("basis", "").replace("\0", "").split())
    if not basis:
        errors["basis"] = _("Say how these people agreed; it is kept with each of them.")
    elif len(basis) > LONGEST_BASIS:
        errors["basis"] = _("That is too long; %(longest)s characters are the most.", longest=LONGEST_BASIS)
    tags = form.get("tags", "")
    if len(_tags(tags)) > MOST_TAGS:
        errors["tags"] = _("%(most)s tags for all are the most.", most=MOST_TAGS)
    elif any(len(one.strip()) > LONGEST_TAG for one in split_tags(tags)):
        errors["tags"] = _("A tag has %(longest)s characters at most.", longest=LONGEST_TAG)
    said = dict(zip(form.getlist("word"), form.getlist("answer"), strict=False))
    answers = {}
    for word in unknown:
        if said.get(plain(word)) in ANSWERS:
            answers[plain(word)] = said[plain(word)]
        else:
            errors[plain(word)] = _("Say what this means; it is never guessed.")
    every = form.get("every_topic", "yes") == "yes"
    chosen = [int(one) for one in form.getlist("topic") if one.isascii() and one.isdigit() and int(one) in offered]
    if not every and not chosen:
        errors["topics"] = _("Tick at least one topic, or choose every topic.")
    wanted = form.get("known", "")
    known = ForKnown(wanted) if wanted in KNOWN else ForKnown.FILL
    return Typed(basis=basis, tags=tags, every_topic=every, topics=chosen, known=known, answers=answers, errors=errors)


def _tags(typed: str) -> list[str]:
    return list(dict.fromkeys(filter(None, map(clean_tag, split_tags(typed.strip())))))
