"""The public site: home page, guides, archive, and sign-up."""

from datetime import date
from typing import Any

from flask import Blueprint, Response, abort, g, redirect, render_template, request, url_for
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from newsletter import accounts, brand, content, privacy, topics
from newsletter.articles import Article
from newsletter.brand import Brand
from newsletter.guides import Guide
from newsletter.theme import FIRST
from newsletter.topics import Topic
from newsletter.web import published
from newsletter.web.address import ask_ahead
from newsletter.web.article_form import article_form
from newsletter.web.cards import CONTENT, Card, card, guide_or_404, page_html, shown_guides
from newsletter.web.colours import sheet_of
from newsletter.web.feed import atom
from newsletter.web.form_page import press_page, slip_page
from newsletter.web.forms import SubscribeForm
from newsletter.web.inbox import after
from newsletter.web.landing import page_of, shown
from newsletter.web.language import _, speak, spoken
from newsletter.web.sharing import canonical
from newsletter.web.sign_up import footer_form, guide_boxes, per_client, sign_up, told_page, way_back
from newsletter.web.slip import slip_in
from newsletter.web.small_picture import small_picture
from newsletter.web.state import now, reading, runtime, state, transaction
from newsletter.zones import zone_named

door = Blueprint("public", __name__)
LISTED = 144
"""Pixels in width of an article's picture in a list."""
MORE = 3
"""Number of recent articles shown below an article."""


@door.app_context_processor
def _house() -> dict[str, Any]:
    return {} if request.path.startswith("/owner") else around()


def around() -> dict[str, Any]:
    """Template variables for the layout of every public page."""
    with reading() as session:
        house = brand.current(session)
    return {"brand": house, "shown_cards": _shown_cards, "footer_form": _footer_form, "canonical": canonical,
            "menu_topics": _menu_topics,
            "site_colours": sheet_of(house.look.accent),
            "site_font": "" if house.look.font is FIRST.font else house.look.font.value,
            "site": runtime().settings.site, "year": now().year,
            "csp_nonce": g.get("csp_nonce", "")}  # fmt: skip


def _shown_cards() -> list[Card]:
    """Called by templates on demand: personal pages show neither these nor the footer form."""
    with reading() as session:
        return [card(guide) for guide in shown_guides(session)]


def _footer_form() -> SubscribeForm | None:
    with reading() as session:
        return footer_form(session, brand.current(session))


def _menu_topics() -> list[Topic]:
    with reading() as session:
        return published.topics_read(session, now())


@door.get("/")
def home() -> str:
    """The home page: sign-up boxes and the latest articles."""
    with reading() as session:
        return _home(session)


def _home(session: Session, sent: SubscribeForm | None = None) -> str:
    boxes = guide_boxes(session, shown_guides(session), brand.current(session), formdata=None)
    if sent is not None:
        boxes[sent.guide.data] = sent
    return render_template("public/home.html", forms=boxes, articles=_articles(session, 6))


def _articles(session: Session, limit: int, topic: Topic | None = None) -> list[dict[str, Any]]:
    return [
        {
            "slug": a.slug,
            "title": a.title,
            "topic": a.topic.name if a.topic else "",
            "summary": published.summary(a),
            "published_at": a.published_at,
            "url": url_for("public.article", slug=a.slug),
            "picture": small_picture(*found, LISTED) if (found := published.picture(a)) else None,
        }
        for a in published.newest(session, now(), limit, topic)
    ]


@door.get("/guides")
def resources() -> str:
    """The list of guides."""
    return render_template("public/guides.html")


@door.get("/guides/<slug>")
def guide(slug: str) -> str:
    """The landing page of one guide."""
    with reading() as session:
        found = guide_or_404(session, slug)
        form = guide_boxes(session, [found], brand.current(session), formdata=None)[slug]
        return _guide(session, found, form)


def _guide(session: Session, found: Guide, form: SubscribeForm) -> str:
    landing = shown(session, found, brand.current(session), page_of(found))
    return render_template("public/guide.html", card=card(found), form=form, landing=landing)


def _again(session: Session, found: Guide, sent: SubscribeForm, page: str) -> str:
    """Re-render the page a guide's form was sent from, with what was typed: the guide's page, else the home page."""
    sent.stood_on, own = page, url_for("public.guide", slug=found.slug)
    if way_back(page) != own:
        return _home(session, sent)
    g.shown_again = own
    return _guide(session, found, sent)


@door.post("/subscribe")
@per_client
def subscribe() -> str | tuple[str, int] | AnyResponse:
    """Sign up. The response is the same whether or not the address is known."""
    ask_ahead(request.form.get("email", ""))
    with transaction() as session:
        shown = (Guide.slug == (request.form.get("guide") or ""), ~Guide.hidden)
        found = session.scalar(select(Guide).where(*shown))
        if found is None:
            abort(400, _("Please choose one of the guides and send the form again."))
        form = guide_boxes(session, [found], brand.current(session))[found.slug]
        speak(form.row.language)
        form.validate()
        page = told_page(session)
        if "correct" not in request.form and (slip := slip_in(form)):
            return slip_page(form, page, slip)
        if "correct" in request.form or not form.is_right:
            return _again(session, found, form, page), 200 if form.is_right else 422
        if not sign_up(session, form, page):
            return press_page(form, page, card(found)), 200
        asked = {"form": form.row.slug} if form.row.after_url or form.row.language else {"guide": found.slug}
        answer = after(session, form, page, asked)
    state().trigger.wake()
    return answer


@door.get("/archive")
def archive() -> str | AnyResponse:
    """All public articles. `?topic=`, used by earlier versions, redirects to the topic's page."""
    with reading() as session:
        if named := request.args.get("topic"):
            found = topics.by_name(session, named) or abort(404)
            return redirect(url_for("public.topic", slug=found.slug), 301)
        return _archive(session)


@door.get("/topics/<slug>")
def topic(slug: str) -> str | AnyResponse:
    """The public articles of a topic."""
    with reading() as session:
        found = topics.by_slug(session, slug) or abort(404)
        if found.slug != slug:
            return redirect(url_for("public.topic", slug=found.slug), 301)
        return _archive(session, found)


def _archive(session: Session, topic: Topic | None = None) -> str:
    return render_template("public/archive.html", articles=_articles(session, 200, topic), topic=topic,
                           topics=topics.open_ones(session))  # fmt: skip


@door.get("/archive/<slug>")
def article(slug: str) -> str:
    """One public article."""
    with reading() as session:
        found = session.scalar(select(Article).where(Article.slug == slug, Article.published_at <= now())) or abort(404)
        others = [one for one in _articles(session, MORE + 1) if one["slug"] != slug][:MORE]
        house = brand.current(session)
        return render_template(
            "public/article.html", article=found, body=published.html(session, found), more=others,
            shared=_shared_picture(found, house), below=article_form(session, found, house),
        )  # fmt: skip


def _shared_picture(found: Article, house: Brand) -> tuple[str, str] | None:
    """The name and the words of what other sites show beside a link to an article: its own picture, else the logo."""
    logo = (house.look.logo, house.look.logo_words) if house.look.logo else None
    return published.picture(found) or logo


@door.get("/feed.xml")
def feed() -> AnyResponse:
    """The newest public articles as an Atom feed (RFC 4287), with an ETag."""
    with reading() as session:
        if named := request.args.get("topic"):
            found = topics.by_name(session, named) or abort(404)
            return redirect(url_for("public.topic_feed", slug=found.slug), 301)
        return _feed(session)


@door.get("/topics/<slug>/feed.xml")
def topic_feed(slug: str) -> AnyResponse:
    """A topic's newest articles as an Atom feed."""
    with reading() as session:
        found = topics.by_slug(session, slug) or abort(404)
        if found.slug != slug:
            return redirect(url_for("public.topic_feed", slug=found.slug), 301)
        return _feed(session, found)


def _feed(session: Session, topic: Topic | None = None) -> AnyResponse:
    entries = published.entries(session, now(), 20, topic)
    made = atom(brand.current(session), runtime().settings.site, entries, now(), topic)
    answer = Response(made, mimetype="application/atom+xml")
    answer.add_etag()
    return answer.make_conditional(request)


def _day(iso: str) -> str:
    try:
        day = date.fromisoformat(iso)
    except ValueError:
        return iso
    return spoken().day(day)


def _added_on(session: Session) -> str:
    """ISO date of the owner's last change to the privacy text, or ""."""
    at = accounts.last_noted(session, privacy.SAVED)
    return at.astimezone(zone_named(brand.current(session).zone)).date().isoformat() if at else ""


@door.get("/<any(privacy, cookies, terms):name>")
def page(name: str) -> str:
    """Privacy, cookies and terms, from `content/pages/`."""
    head, body = content.read(CONTENT / "pages" / f"{name}.md")
    with reading() as session:
        house = brand.current(session)
        html, added = page_html(body, house), house.privacy_text if name == "privacy" else ""
        updated = _day(max(head.get("updated", ""), _added_on(session) if name == "privacy" else ""))
    title = head.get("title", name.capitalize())
    return render_template("public/page.html", title=title, updated=updated, body=html,
                           added=privacy.paragraphs(added))  # fmt: skip
