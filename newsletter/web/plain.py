"""Fallback pages for unsubscribing that depend on nothing: no template, brand, guide or static file.

Unsubscribing must work, and say so, whatever else is broken (STANDARDS.md 25).
"""

from collections.abc import Callable

import structlog
from markupsafe import Markup

from newsletter.web.language import _, lazy, spoken

log = structlog.get_logger()
_PAGE = Markup(
    '<!doctype html>\n<html lang="{lang}" dir="{dir}">\n<head>\n<meta charset="utf-8">\n'
    '<meta name="viewport" content="width=device-width, initial-scale=1">\n<meta name="robots" content="noindex">\n'
    '<meta name="color-scheme" content="light dark">\n<title>{title}</title>\n</head>\n'
    "<body>\n<main>\n<h1>{title}</h1>\n<p>{text}</p>\n{more}</main>\n</body>\n</html>\n"
)
_BUTTON = Markup('<form method="post" action="{action}"><p><button type="submit">{label}</button></p></form>\n')
_ELSE = lazy("The rest of this page cannot be shown just now.")


def or_plain(page: Callable[[], str], plain: str) -> str:
    """The rendered page, or the plain one if rendering fails for any reason."""
    try:
        return page()
    except Exception as error:  # noqa: BLE001 - the action is committed, and the reader must be told
        log.error("page could not be made; a plain one was shown", error=type(error).__name__)
        return plain


def attempt(what: Callable[[], object]) -> None:
    """Run an optional follow-up of a committed choice; a failure is only logged."""
    try:
        what()
    except Exception as error:  # noqa: BLE001 - the choice is committed
        log.error("what follows a choice failed", error=type(error).__name__)


def leave(action: str) -> str:
    """The page with the unsubscribe button. `action`: the URL it posts to."""
    text = _("Press the button, and we stop writing to you at once.")
    return _page(_("Unsubscribe"), f"{text} {_ELSE}", _button(action))


def left() -> str:
    """The page after unsubscribing."""
    text = _("It is done: we no longer write to you.")
    return _page(_("You are unsubscribed"), f"{text} {_ELSE}")


def preferences(leave_at: str, saved: bool) -> str:
    """The preferences page reduced to unsubscribing. `saved`: a choice was just stored."""
    text = [_("Your choice is saved and holds from this moment.")] if saved else []
    text += [str(_ELSE), _("Your choices are kept. To leave altogether, press the button.")]
    return _page(_("Your preferences"), " ".join(text), _button(leave_at))


def _button(action: str) -> str:
    return _BUTTON.format(action=action, label=_("Unsubscribe me"))


def _page(title: str, text: str, more: str = "") -> str:
    language = spoken()
    return str(_PAGE.format(lang=language.code, dir=language.direction, title=title, text=text, more=more))
