"""The form below an article in the archive: the one its owner chose, else one that fits the article."""

from dataclasses import dataclass

from flask import url_for
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from newsletter import forms
from newsletter.articles import Article
from newsletter.brand import Brand
from newsletter.forms import Form, Gives
from newsletter.forms.form import FOOTER
from newsletter.guides import Guide
from newsletter.web.cards import Card, card
from newsletter.web.forms import SubscribeForm
from newsletter.web.sign_up import box, guide_of, takes_sign_ups
from newsletter.web.state import now

PREFIX = "below"
"""Prefix of the ids in it, because the form below every page may be the same one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArticleForm:
    """A form below an article."""

    form: SubscribeForm
    card: Card | None
    """The guide that it gives, if any."""
    action: str
    """The address it is posted to."""

    @property
    def is_footer(self) -> bool:
        """Whether it is the form below every page."""
        return self.form.row.slug == FOOTER


def article_form(session: Session, article: Article, house: Brand) -> ArticleForm | None:
    """The form below this article; None if the owner wants none, or none takes sign-ups."""
    if not house.has_article_forms:
        return None
    chosen = session.get(Form, house.article_form_id) if house.article_form_id else None
    if chosen is None or not takes_sign_ups(session, chosen):
        chosen = _of_topic(session, article) or _of_newsletter(session)
    if chosen is None:
        return None
    made, guide = box(session, chosen, house, formdata=None), guide_of(session, chosen)
    made.id_prefix = PREFIX
    action = url_for("forms.send", slug=chosen.slug) if chosen.id else url_for("public.subscribe")
    return ArticleForm(form=made, card=card(guide) if guide else None, action=action)


def _of_topic(session: Session, article: Article) -> Form | None:
    """The form of the first visible guide on the article's topic whose file exists."""
    if article.topic is None:
        return None
    about = func.lower(Guide.topic) == article.topic.name.lower()
    look = select(Guide).where(about, ~Guide.hidden).order_by(Guide.position, Guide.id)
    guide = next((one for one in session.scalars(look) if card(one).pages), None)
    return forms.for_guides(session, {guide.slug: guide.title}, now())[guide.slug] if guide else None


def _of_newsletter(session: Session) -> Form | None:
    """The form below every page, or else the oldest open one for the newsletter."""
    giving = select(Form).where(Form.gives == Gives.NEWSLETTER, Form.archived_at.is_(None)).order_by(Form.id)
    return forms.open_form(session, FOOTER) or session.scalars(giving.limit(1)).first()
