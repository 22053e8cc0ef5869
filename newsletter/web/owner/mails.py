"""A gallery of every mail, to see changes of wording or theme."""

from typing import Any

from flask import g, render_template, request
from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter import brand
from newsletter.articles import Article
from newsletter.brand import Brand
from newsletter.guides import Guide
from newsletter.journey import LINK_DAYS
from newsletter.login_address import Step
from newsletter.mail.contents import content_of
from newsletter.mail.render import BadArticle, Content, Reader
from newsletter.mail.render.renderer import Rendered
from newsletter.subscribers import FIRST_NAME, Stream
from newsletter.web.language import lazy
from newsletter.web.owner.door import door
from newsletter.web.owner.typed import SCHEMES, Look
from newsletter.web.personal import MAIL_PAGE_POLICY
from newsletter.web.state import now, reading, runtime

SAMPLE = Content(
    "What one short walk can tell you", "A sample of an article with everything that Markdown has",
    "{{ greeting }},\n\nthis is **bold**, *leaning* and [a link]({{ library_url }}).\n\n## A heading\n\n- one\n"
    "- two\n\n1. first\n2. second\n\n> A quotation.\n\n---\n\nYours\n{{ brand.author }}\n",
)  # fmt: skip
NOTICE: dict[str, Any] = {
    "title": "A campaign is paused",
    "lines": ["The receiving servers refused too many mails in a row.", "Nothing is lost; it goes on when you say so."],
    "action_label": "Look at it",
    "action_path": "/owner/campaigns",
}
DIGEST = [
    {"message": 0, "title": "Why your knee hurts on stairs, and what helps",
     "words": "Stairs load the knee with three times your weight. Three exercises, and the order in which to do them."},
    {"message": 0, "title": "Golf at 60: turn both ways", "words": ""},
]  # fmt: skip
OFFERED, MOVED = "guide_offered", "login_asked"
GALLERY: dict[str, Stream] = {
    "confirm": Stream.CONFIRM,
    "reminder": Stream.REMINDER,
    "guide": Stream.GUIDE,
    OFFERED: Stream.GUIDE,
    "goodbye": Stream.GOODBYE,
    "prove": Stream.PROVE,
    "step": Stream.STEP,
    "campaign": Stream.CAMPAIGN,
    "digest": Stream.DIGEST,
    "notice": Stream.NOTICE,
    "reset": Stream.RESET,
    "invitation": Stream.INVITATION,
    "login": Stream.LOGIN,
    MOVED: Stream.LOGIN,
}


NAMED = {
    "confirm": lazy("Confirmation"), "reminder": lazy("Reminder"), "guide": lazy("A guide"),
    OFFERED: lazy("A guide to a reader who is here already"), "goodbye": lazy("Good-bye"),
    "prove": lazy("Proof of an address"), "step": lazy("An article of a series"), "campaign": lazy("A campaign"),
    "digest": lazy("The weekly mail"), "notice": lazy("A notice to the owner"), "reset": lazy("A new password"),
    "invitation": lazy("An invitation to the team"), "login": lazy("A new sign-in address"),
    MOVED: lazy("What the earlier sign-in address is told"),
}  # fmt: skip


@door.get("/mails", endpoint="mails")
def index() -> str:
    """Show all mails, HTML and text side by side."""
    scheme = request.args.get("scheme", "")
    with reading() as session:
        house = brand.current(session)
        seen = [(name, NAMED[name], as_seen(session, name, house)) for name in GALLERY]
    return render_template("owner/mails.html", mails=seen, scheme=scheme if scheme in SCHEMES else "light")


@door.get(f"/mails/<any({', '.join(GALLERY)}):name>.html", endpoint="mail_html")
def html(name: str) -> Any:
    """The HTML part of one mail, for a frame."""
    g.csp = MAIL_PAGE_POLICY
    with reading() as session:
        seen = as_seen(session, name, brand.current(session))
    return Look(request.args.get("scheme", ""), True).of(seen.html)


def as_seen(session: Session, name: str, house: Brand) -> Rendered:
    """One mail of the gallery, filled in for the example reader Jane and this brand."""
    stream = GALLERY[name]
    guide = session.scalar(select(Guide).order_by(Guide.position, Guide.id).limit(1))
    words = _words(session) if stream in (Stream.STEP, Stream.CAMPAIGN) else None
    renderer, reader = runtime().renderer.typing, Reader(0, {FIRST_NAME: "Jane"})
    try:
        return renderer.rendered(stream, house, reader, words, _context(name, guide))
    except BadArticle:
        return renderer.rendered(stream, house, reader, SAMPLE, _context(name, guide))


def _words(session: Session) -> Content:
    newest = session.scalar(select(Article).order_by(Article.updated_at.desc()).limit(1))
    return content_of(session, newest.current) if newest else SAMPLE


def _context(name: str, guide: Guide | None) -> dict[str, Any]:
    stream = GALLERY[name]
    if stream is Stream.NOTICE:
        return NOTICE
    if stream is Stream.DIGEST:
        return {"digest": DIGEST}
    if stream is Stream.PROVE:
        return {"what": "erase", "prove": [0, 0, 0], "hours": 24}
    if stream is Stream.RESET:
        return {"reset": [0, 0, 0], "minutes": 30}
    if stream is Stream.INVITATION:
        return {"invitation": [0, 0, 0], "by": "paul@example.org", "days": 7, "role": "writer"}
    if stream is Stream.LOGIN:
        return {"login": [0, 0, 0], "hours": 24, "step": Step.ASKED if name == MOVED else Step.PRESS,
                "earlier": "paul@example.org", "email": "paula@example.org"}  # fmt: skip
    if stream is Stream.STEP:
        return {"guide": guide.slug, "accent": guide.mail_accent} if guide else {}
    named = guide.told(runtime().guides) if guide else None
    until = int(now().timestamp()) + LINK_DAYS * 86400
    if name == OFFERED:
        asked = {"consent": 0, "until": until, "articles": 8, "newsletter": True, "refuse": "0" * 64}
        return {"guide": named, "series": False} | asked
    if stream is Stream.GUIDE:
        return {"guide": named, "series": True}
    if stream in (Stream.CONFIRM, Stream.REMINDER):
        return {"consent": 0, "until": until, "days": LINK_DAYS, "guide": named, "newsletter": True, "articles": 8,
                "refuse": "0" * 64}  # fmt: skip
    return {}
