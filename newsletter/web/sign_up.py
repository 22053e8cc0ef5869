"""Sign-ups from any form: builds the forms, checks what was typed, and passes it to `journey`."""

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
"""Sign-ups per client over all forms; `journey` limits mail per address."""


def box(session: Session, form: Form, house: Brand, **kwargs: Any) -> SubscribeForm:
    """The WTForms form for a stored form, with the wording that is agreed to."""
    (articles,) = journey.articles_promised(session, [(form, guide_of(session, form))])
    return _box(session, form, house, articles, **kwargs)


def _box(session: Session, form: Form, house: Brand, articles: int, **kwargs: Any) -> SubscribeForm:
    asks, choices = asked_by(session, form), topics_of(session, form)
    return SubscribeForm.box(form, house, articles, asks, choices, fixed_of(session, form), **kwargs)


def guide_boxes(session: Session, guides: Sequence[Guide], house: Brand, **kwargs: Any) -> dict[str, SubscribeForm]:
    """The forms on these guides' pages, by slug."""
    rows = forms.for_guides(session, {guide.slug: guide.title for guide in guides}, now())
    boxes = [(rows[guide.slug], guide) for guide in guides]
    promised = zip(boxes, journey.articles_promised(session, boxes), strict=True)
    return {guide.slug: _box(session, form, house, articles, **kwargs) for (form, guide), articles in promised}


def asked_by(session: Session, form: Form) -> list[Field]:
    """The custom fields a form asks for, in its order; without a query if there are none."""
    asks = form.asks_fields or ()  # None for an unsaved standard form
    found = {one.key: one for one in fields_named(session, asks)} if asks else {}
    return [found[key] for key in asks if key in found]


def topics_of(session: Session, form: Form) -> list[Topic]:
    """The topics a form offers."""
    return topics.open_ones(session) if form.lets_choose else []


def fixed_of(session: Session, form: Form) -> list[str]:
    """Names of the topics that the owner has fixed for a form."""
    return topics.names_of(session, form.fixed_topics) if form.fixed_topics else []


def footer_form(session: Session, house: Brand) -> SubscribeForm | None:
    """The form in the footer, unless the owner archived or deleted it."""
    form = forms.open_form(session, FOOTER)
    if form is None:
        return None
    made = box(session, form, house, formdata=None)
    made.id_prefix = "foot"
    return made


def guide_of(session: Session, form: Form) -> Guide | None:
    """The guide a form gives, if any."""
    return session.scalar(select(Guide).where(Guide.slug == form.guide_slug)) if form.guide_slug else None


def takes_sign_ups(session: Session, form: Form) -> bool:
    """Whether the form is open and its guide is not hidden."""
    guide = guide_of(session, form)
    return form.is_open and not (guide is not None and guide.hidden)


def sign_up(session: Session, typed: SubscribeForm, page: str = "") -> bool:
    """Pass a validated form (`typed.is_right`) to `journey`.

    False if it may come from a robot: nothing was stored, and `typed` has the token for a page that asks to confirm.
    """
    if typed.website.data:  # the honeypot: robots get the same response as everybody
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
    """The origins where forms may be embedded and may lead: the brand's website and those in the settings."""
    website = forms.origin_of(house.website)
    return list(dict.fromkeys([*([website] if website else []), *house.sites.split()]))


def allowed(session: Session, url: str) -> str | None:
    """The origin of a URL if it is one of the owner's sites, else None."""
    return forms.allowed_origin(url, origins(brand.current(session)), local=runtime().settings.is_local)


def leads_to(session: Session, form: Form) -> str:
    """The URL to go to after a sign-up; "" for our own page, also if the site was removed from the list."""
    house, local = brand.current(session), runtime().settings.is_local
    return form.after_url if forms.may_lead_to(form.after_url, origins(house), local=local) else ""


def own_page() -> str:
    """The path of the page the form was sent from; "" for an invalid referrer."""
    try:
        return urlsplit(request.referrer or "/").path
    except ValueError:
        return ""


def page_of(session: Session, told: str) -> str:
    """The page a form is on, as claimed by the browser; "" unless it is on one of the owner's sites."""
    origin = allowed(session, told)
    return f"{origin}{urlsplit(told).path}" if origin else ""


def told_page(session: Session) -> str:
    """The page a form was sent from, as claimed by form or browser; "" unless it is ours or on the owner's sites."""
    told = request.form.get("page") or request.referrer or ""
    return viewed_page(session, f"{our_site()}{told}" if told.startswith("/") else told) or ""


def viewed_page(session: Session, told: str) -> str | None:
    """The page on which a form was viewed, named as a sign-up would record it; None if it does not count.

    "" for our personal pages, which have a secret in their URL, and for unknown pages.
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
    """The URL of our page that a form was on (from `told_page`); "" unless it is a public page.

    Rebuilt from its route: the claimed path may look like ours but lead elsewhere.
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
    """This site's origin as visitors see it."""
    settings = runtime().settings
    return request.host_url.rstrip("/") if settings.is_local else settings.site.removesuffix(settings.site_path)
