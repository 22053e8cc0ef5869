"""Builds embedded forms: the script with its data, the style sheet, and the iframe's texts."""

import json
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from flask import url_for
from sqlalchemy.orm import Session

from newsletter import brand
from newsletter.forms import Form
from newsletter.guides import WIDTHS
from newsletter.settings import ROOT
from newsletter.subscribers import Field, FieldKind
from newsletter.web.cards import card
from newsletter.web.forms import SubscribeForm, answer_name, choices_of
from newsletter.web.language import lazy, spoken
from newsletter.web.sign_up import box, guide_of, our_site
from newsletter.web.small_picture import small_picture
from newsletter.web.wording import TOPICS_ASKED

INPUTS = {FieldKind.DATE: "date"}
"""Input types other than text. Numbers use text, because number inputs discard what they cannot parse."""
COVER, COVER_HEIGHT = WIDTHS[1], 102
"""Width of the cover's file and its height on the page, in pixels. It is shown BESIDE wide on screens of any density;
every browser that runs the script supports WebP."""
LABELS = {
    "email": lazy("Your e-mail address"),
    "name": lazy("First name (optional)"),
    "optional": lazy("(optional)"),
    "topics": TOPICS_ASKED,
    "trap": lazy("Leave this empty"),
    "privacy": lazy("How we treat your data"),
    "sending": lazy("Sending…"),
    "offline": lazy("You seem to be offline. What you typed is still here; please try again when you are back."),
    "failed": lazy("That did not arrive. What you typed is still here; please try again in a moment."),
    "close": lazy("Close"),
}


_COMMENT = re.compile(r"(^|\s)\s*// .*")


@lru_cache(8)
def static_text(name: str) -> str:
    """A file from `static/`, cached."""
    return (ROOT / "static" / name).read_text(encoding="utf-8")


def script_code(session: Session, form: Form) -> bytes:
    """The script with this form's data and style."""
    told = json.dumps(_told(session, form), separators=(",", ":"))
    style = json.dumps(style_sheet(form))
    proof, code = _without_comments("js/proof.js"), _without_comments("js/embed.js")
    return f"(() => {{\n{proof}\n{code}({told},{style});\n}})();\n".encode()


@lru_cache(2)
def _without_comments(name: str) -> str:
    """A script without comments and indentation, to keep it small for other people's pages."""
    lines = (_COMMENT.sub("", line).strip() for line in static_text(name).splitlines())
    return "\n".join(line for line in lines if line)


def style_sheet(form: Form) -> str:
    """The style sheet with the form's colours, which are validated as # and six hex digits before they are stored."""
    colours = form.colours
    scheme = "dark" if colours.is_dark else "light"
    own = (
        f".box,dialog{{--ground:{colours.ground};--ink:{colours.ink};--accent:{colours.accent};"
        f"--on:{colours.on_accent};--edge:{colours.edge};color-scheme:{scheme}}}"
    )
    return " ".join(static_text("css/embed.css").split()) + own


def _told(session: Session, form: Form) -> dict[str, Any]:
    """The data for the script."""
    typed = box(session, form, brand.current(session), formdata=None)
    site = our_site()
    with_box = form.offers_newsletter and not form.gives_newsletter
    return {
        "slug": form.slug,
        **form_words(session, form),
        "button": form.button,
        "name": form.asks_name,
        "fields": [_asked(field) for field in typed.answers],
        "newsletter": typed.newsletter.label.text if with_box else "",
        "topics": offered_topics(typed),
        "consent": typed.consent_note,
        "agreed": typed.agreed.data,
        "cover": [f"{site}{beside.light}", beside.words, beside.height] if (beside := beside_of(session, form)) else 0,
        "page": site + url_for("forms.send", slug=form.slug),
        "send": site + url_for("embed.send", slug=form.slug),
        "challenge": site + url_for("embed.challenge", slug=form.slug),
        "seen": site + url_for("embed.seen", slug=form.slug),
        "privacy": site + url_for("public.page", name="privacy"),
        "labels": {name: str(words) for name, words in LABELS.items()},
        "lang": spoken().code,
        "dir": spoken().direction,
    }


def offered_topics(typed: SubscribeForm) -> list[list[str]]:
    """[id, name] of each topic the form offers."""
    return [[choice.value, choice.label] for choice in typed.topics.choices]


def _asked(field: Field) -> dict[str, Any]:
    choices = [[one.value, one.label] for one in choices_of(field)]
    return {
        "key": field.key, "name": answer_name(field), "label": field.label, "type": INPUTS.get(field.kind, ""),
        "choices": choices,
    }  # fmt: skip


def form_words(session: Session, form: Form) -> dict[str, str]:
    """The form's headline and text."""
    guide = guide_of(session, form)
    seen = card(guide) if guide else None
    house = brand.current(session).name
    return {
        "headline": form.headline or (seen.title if seen else house),
        "words": form.words or (seen.box if seen else ""),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """The picture beside a form's words, BESIDE pixels wide: the owner's own, or the cover of the guide."""

    url: str
    """As every program shows it."""
    light: str
    """For what runs the script: it knows WebP."""
    srcset: str
    words: str = ""
    height: int = COVER_HEIGHT


def beside_of(session: Session, form: Form) -> Beside | None:
    """The picture beside it."""
    if own := small_picture(form.picture, form.picture_words):
        return Beside(url=own.url, light=own.url, srcset=own.srcset, words=own.words, height=own.height)
    guide = guide_of(session, form) if form.shows_cover else None
    cover = card(guide).cover if guide else None
    return Beside(url=cover.url, light=cover.light[COVER], srcset=cover.srcset) if cover else None
