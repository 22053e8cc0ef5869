"""One way in for every form, wherever it stands: what was typed is checked here, and the story gets it."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote, urlsplit

from flask import current_app, request, url_for
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.exceptions import HTTPException

from newsletter import brand, forms, journey, topics
from newsletter.brand import Brand
from newsletter.forms import Form
from newsletter.forms.form import FOOTER
from newsletter.guides import Guide
from newsletter.subscribers import Field, fields_named, read_address
from newsletter.topics import Topic
from newsletter.web import robots
from newsletter.web.forms import SubscribeForm
from newsletter.web.security import limiter
from newsletter.web.state import kept_ip, now, runtime

per_client = limiter.shared_limit("10 per minute; 60 per hour", scope="sign-up")
"""Sign-ups of one client, over all forms together; limits for one target address are the journey's."""


def box(session: Session, form: Form, house: Brand, **kwargs: Any) -> SubscribeForm:
    """What is typed into this form, under the words it is agreed to."""
    (articles,) = journey.articles_promised(session, [(form, guide_of(session, form))])
    return SubscribeForm.box(form, house, articles, asked_by(session, form), topics_of(session, form), **kwargs)


def guide_boxes(session: Session, guides: Sequence[Guide], house: Brand, **kwargs: Any) -> dict[str, SubscribeForm]:
    """The same for the forms that stand on the guides' own pages, by the guides' slugs."""
    rows = forms.for_guides(session, {guide.slug: guide.title for guide in guides}, now())
    boxes = [(rows[guide.slug], guide) for guide in guides]
    promised = zip(boxes, journey.articles_promised(session, boxes), strict=True)
    return {
        guide.slug: SubscribeForm.box(
            form, house, articles, asked_by(session, form), topics_of(session, form), **kwargs
        )
        for (form, guide), articles in promised
    }


def asked_by(session: Session, form: Form) -> list[Field]:
    """The owner's fields that a form asks for, in its order. Most ask for none, and no look is needed then."""
    asks = form.asks_fields or ()  # None: a standard form that is not stored
    found = {one.key: one for one in fields_named(session, asks)} if asks else {}
    return [found[key] for key in asks if key in found]


def topics_of(session: Session, form: Form) -> list[Topic]:
    """The topics that a form lets people choose among."""
    asks = form.offers_topics and (form.gives_newsletter or form.offers_newsletter)
    return topics.open_ones(session) if asks else []


def footer_form(session: Session, house: Brand) -> SubscribeForm | None:
    """The form below every page, unless the owner has archived or deleted it."""
    form = forms.open_form(session, FOOTER)
    if form is None:
        return None
    made = box(session, form, house, formdata=None)
    made.id_prefix = "foot"
    return made


def guide_of(session: Session, form: Form) -> Guide | None:
    """The guide that a form gives."""
    return session.scalar(select(Guide).where(Guide.slug == form.guide_slug)) if form.guide_slug else None


def takes_sign_ups(session: Session, form: Form) -> bool:
    """Whether it is open, and what it gives is there for visitors."""
    guide = guide_of(session, form)
    return form.is_open and not (guide is not None and guide.hidden)


def sign_up(session: Session, typed: SubscribeForm, page: str = "") -> bool:
    """Hand a form to the story that was checked (`typed.is_right`).

    False: it may be a robot's. Nothing has happened, and its page asks for one more press, which `typed` then carries.
    """
    if typed.website.data:  # a robot fills in every field; it is thanked like everybody
        return True
    row, address = typed.row, read_address(typed.email.data or "")
    shown = (typed.proof.data or "", typed.press.data or "", typed.came_with)
    if not robots.is_person(row.slug, address, *shown):
        typed.press.data = robots.press_token(row.slug, address, typed.press.data or "")
        return False
    asked = journey.SignUp(
        address=address, guide=row.guide_slug, newsletter=typed.wants_newsletter,
        wording=typed.wording, first_name=(typed.first_name.data or "") if row.asks_name else "",
        page=page or own_page(), form=row.slug, form_id=row.id, ip=kept_ip(), fields=typed.typed_fields,
        topics=typed.topic_choice, language=row.language,
    )  # fmt: skip
    journey.subscribe(session, runtime(), asked, now())
    return True


def origins(house: Brand) -> list[str]:
    """Where the owner's forms may stand, and may lead: the site named in the brand, and those in the settings."""
    website = forms.origin_of(house.website)
    return list(dict.fromkeys([*([website] if website else []), *house.sites.split()]))


def allowed(session: Session, url: str) -> str | None:
    """The origin of a URL, where it is one of the owner's sites."""
    return forms.allowed_origin(url, origins(brand.current(session)), local=runtime().settings.is_local)


def leads_to(session: Session, form: Form) -> str:
    """Where it goes after a sign-up by this form; "" for our own page. A site that was taken off the list since is not
    led to."""
    house, local = brand.current(session), runtime().settings.is_local
    return form.after_url if forms.may_lead_to(form.after_url, origins(house), local=local) else ""


def own_page() -> str:
    """The path of the page of ours that the form was sent from; "" for what is no address."""
    try:
        return urlsplit(request.referrer or "/").path
    except ValueError:
        return ""


def page_of(session: Session, told: str) -> str:
    """The page that a form stands on, as a visitor's browser tells; "" where that is none of the owner's sites."""
    origin = allowed(session, told)
    return f"{origin}{urlsplit(told).path}" if origin else ""


def told_page(session: Session) -> str:
    """The page that a form was sent from, as the form or the browser tells; "" for one that is none of ours, nor of the
    owner's sites."""
    told = request.form.get("page") or request.referrer or ""
    return viewed_page(session, f"{our_site()}{told}" if told.startswith("/") else told) or ""


def viewed_page(session: Session, told: str) -> str | None:
    """The page on which a form came into view, named as a sign-up there would name it; None: on nobody's that counts.

    A personal page of ours has a secret in its address: it is "", and so is a page that we do not have.
    """
    try:
        origin, path = forms.origin_of(told), urlsplit(told).path
    except ValueError:
        return None
    if origin != forms.origin_of(our_site()):
        return page_of(session, told) or None
    try:
        rule, _ = current_app.url_map.bind("").match(path.removeprefix(request.script_root), "GET", return_rule=True)
    except HTTPException:
        return ""
    return "" if "token" in rule.arguments else path


def way_back(page: str) -> str:
    """The address of the page of this site that a form stood on (`told_page`); "" for none that people read.

    It is put together anew: what a form tells may begin like an address of ours and lead to somebody else's.
    """
    if not page.startswith("/"):
        return ""
    try:
        path = unquote(page).removeprefix(request.script_root)
        rule, values = current_app.url_map.bind("").match(path, "GET", return_rule=True)
    except HTTPException:
        return ""
    return url_for(rule.endpoint, **values) if rule.endpoint.startswith("public.") else ""


def our_site() -> str:
    """The origin of this site, as its visitors have it."""
    settings = runtime().settings
    return request.host_url.rstrip("/") if settings.is_local else settings.site.removesuffix(settings.site_path)
