"""Pages for leaving that need nothing but this file: no template, no brand, no guide, no static file.

Whoever wants to leave can, and is told so, whatever else is broken (STANDARDS.md 25).
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
    """The page as it should be; where anything at all keeps it from being made, the plain one."""
    try:
        return page()
    except Exception as error:  # noqa: BLE001 - what was done is done, and its reader is told so
        log.error("page could not be made; a plain one was shown", error=type(error).__name__)
        return plain


def attempt(what: Callable[[], object]) -> None:
    """Do what comes after a choice that is kept already, and is no part of it; where it fails, the choice holds."""
    try:
        what()
    except Exception as error:  # noqa: BLE001 - what was chosen is committed
        log.error("what follows a choice failed", error=type(error).__name__)


def leave(action: str) -> str:
    """One button that leaves; `action` is where it posts to."""
    text = _("Press the button, and we stop writing to you at once.")
    return _page(_("Unsubscribe"), f"{text} {_ELSE}", _button(action))


def left() -> str:
    """It is done."""
    text = _("It is done: we no longer write to you.")
    return _page(_("You are unsubscribed"), f"{text} {_ELSE}")


def preferences(leave_at: str, saved: bool) -> str:
    """The preferences page, of which only leaving is left. `saved`: a choice was stored just now."""
    text = [_("Your choice is saved and holds from this moment.")] if saved else []
    text += [str(_ELSE), _("Your choices are kept. To leave altogether, press the button.")]
    return _page(_("Your preferences"), " ".join(text), _button(leave_at))


def _button(action: str) -> str:
    return _BUTTON.format(action=action, label=_("Unsubscribe me"))


def _page(title: str, text: str, more: str = "") -> str:
    language = spoken()
    return str(_PAGE.format(lang=language.code, dir=language.direction, title=title, text=text, more=more))
