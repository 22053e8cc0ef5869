"""The values that mail templates are rendered with."""

from collections.abc import Mapping
from typing import Any

from newsletter.brand import Brand
from newsletter.contrast import READABLE, contrast
from newsletter.languages import Language
from newsletter.links import Urls
from newsletter.mail.render.attachment import accent_of, guide_slug
from newsletter.mail.render.frame import INK, QUIET, readable
from newsletter.mail.render.mail import Reader
from newsletter.mail.render.names import of_reader
from newsletter.theme import Look


def _digest(urls: Urls, context: Mapping[str, Any]) -> dict[str, Any]:
    """The articles of a weekly mail, each with the address of its page."""
    if "digest" not in context:
        return {}
    return {"digest": [one | {"url": urls.view(one["message"])} for one in context["digest"]]}


def values_of(urls: Urls, brand: Brand, language: Language, reader: Reader,
              context: Mapping[str, Any]) -> dict[str, Any]:  # fmt: skip
    """The values for a mail to this reader: their fields, their own links, and the context."""
    slug = guide_slug(context)
    values: dict[str, Any] = {
        **context,
        **_digest(urls, context),
        "brand": brand,
        "language": language,
        **_look(urls, brand.look, accent_of(context)),
        "site_url": urls.site,
        "home_url": f"{urls.site}/",
        **of_reader(reader.fields, language),
        "library_url": urls.library(reader.subscriber),
        "preferences_url": urls.preferences(reader.subscriber),
        "unsubscribe_url": urls.unsubscribe(reader.subscriber, reader.message),
        "view_url": urls.view(reader.message),
    }
    if slug:
        values["guide_pdf"] = urls.guide_pdf(reader.subscriber, slug)
        values["stop_url"], values["cover_url"] = urls.stop(reader.subscriber, slug), urls.cover(slug)
    return values | _buttons(urls, reader, context)


def _look(urls: Urls, look: Look, guide_accent: str) -> dict[str, Any]:
    """What of a theme is not compiled into the frame: a guide's own colour, and text that needs escaping.

    A frame compiled by an earlier version may use these names: never remove one.
    """
    accent = look.accent_of(guide_accent)
    return {
        "look": look,
        "accent": accent,
        "foot_link": accent if contrast(accent, look.ground) >= READABLE else readable(look.ground, QUIET, INK),
        "logo_url": f"{urls.site}/media/{look.logo}",
    }


def _buttons(urls: Urls, reader: Reader, context: Mapping[str, Any]) -> dict[str, str]:
    """The addresses of a system mail's buttons."""
    values = {}
    if "reset" in context:
        values["reset_url"] = urls.reset(*context["reset"])
    if "invitation" in context:
        values["invitation_url"] = urls.invitation(*context["invitation"])
    if "login" in context:
        values["login_url"], values["not_me_url"] = urls.login(*context["login"]), urls.not_me(*context["login"])
    if "consent" in context:
        values["confirm_url"] = urls.confirm(context["consent"], context["until"])
    if "prove" in context:
        values["own_url"] = urls.own(*context["prove"])
    if "action_path" in context:
        values["action_url"] = f"{urls.site}{context['action_path']}"
    if "refuse" in context:
        values["refuse_url"] = urls.refuse(reader.subscriber, context["refuse"])
    return values
