"""Frame: the layout all mails share, written in MJML and compiled for one look.

It is compiled when a theme is saved, and at the start of a version with a new layout, never while mail is built or
sent. The result is a Jinja template with a mail's blocks in it, so neither an owner's text nor a reader's data passes
through the compiler. The default look's is kept beside the layout (`layout.html`): a new install compiles nothing.
"""

import hashlib
import importlib
import re
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateError

from newsletter.contrast import ACCENT, DARK, LIGHT, READABLE, contrast
from newsletter.languages import SOURCE, said
from newsletter.mail.render.environment import LAYOUT, environment
from newsletter.theme import ButtonStyle, Corners, Font, Look

SOURCE_FILE = "layout.mjml"
BLOCKS = {"preheader", "content", "foot"}
"""The blocks a mail fills in."""
INK, QUIET, LINE = "#1d2a2a", "#4c5b5a", "#d8d2c6"
DARK_ACCENT, DARK_SHEET = "#86c9c5", "#1c2525"
DARK_COLOURS = {"ground": "#141b1b", "sheet": DARK_SHEET, "ink": "#ece7de", "quiet": "#b4beba", "line": "#344040",
                "label": "#0a2627"}  # fmt: skip
_EASY = 8.0
"""About the contrast of the default look's dark accent with the dark sheet."""
_SERIFS, _SYSTEM = "Georgia, serif", "-apple-system, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif"
_STACKS = {
    Font.MIXED: (_SERIFS, _SYSTEM),
    Font.SYSTEM: (_SYSTEM, _SYSTEM),
    Font.HELVETICA: ("Helvetica, Arial, sans-serif",) * 2,
    Font.VERDANA: ("Verdana, Geneva, sans-serif",) * 2,
    Font.GEORGIA: (_SERIFS, _SERIFS),
    Font.TIMES: ("'Times New Roman', Times, serif",) * 2,
}
"""(of headings, of body text)"""
_RADII = {Corners.SQUARE: (0, 0), Corners.SLIGHT: (6, 0), Corners.ROUND: (25, 12)}
"""Pixels, (of buttons, of cards). Outlook for Windows draws square corners."""
_PROLOGUE = """{#- Compiled of layout.mjml; what is changed here is lost (make layout). -#}
{%- set start = "right" if language.direction == "rtl" else "left" -%}
{#- Four widths as CSS counts them, from the side where a line begins and the side where it ends. -#}
{%- macro sides(top, begin, bottom, end) -%}
  {{ top }} {{ begin if start == "right" else end }} {{ bottom }} {{ end if start == "right" else begin }}
{%- endmacro -%}
"""
_OUTLOOK = (
    "<!--[if mso]><style>table,td{mso-table-lspace:0pt;mso-table-rspace:0pt}</style><xml><o:OfficeDocumentSettings>"
    "<o:AllowPNG/><o:PixelsPerInch>96</o:PixelsPerInch></o:OfficeDocumentSettings></xml><![endif]-->"
)
"""What Outlook for Windows needs in the head: no gaps around tables, and no scaling of pixels on dense screens."""
_SLIMMER = (
    # MJML's own rules: for columns, which we lay out as tables, and for all elements, which would be inlined.
    (r"<!--\[if !mso\]><!-->.*?<!--<!\[endif\]-->|<!--\[if mso\]>\s*<noscript>.*?<!\[endif\]-->", ""),
    (r"<!--\[if lte mso 11\]>.*?<!\[endif\]-->", ""),
    (r"<style[^>]*>\s*(?:#outlook|@media only screen and \(m|\.moz-text-html).*?</style>", ""),
    (r'<meta http-equiv="Content-Type"[^>]*>', '<meta charset="utf-8">'),
    (r"(<meta name=[^>]*?) />", r"\1>"),
    (r'<style type="text/css">', f"{_OUTLOOK}<style>"),
    (r"\[if mso \| IE\]", "[if mso]"),  # no mail program is Internet Explorer
    (r"<!\[endif\]--><!--\[if mso\]>", ""),
    (r' class="mj-outlook-group-fix mj-column-per-100"| class="[a-z]+-outlook"', ""),
    (r' (?:aria-label="[^"]*" )?aria-roledescription="email"', ""),
    (r'role="article"', 'role="main"'),  # our own pages show mails too, and a page has one main
    (r"word-spacing:normal;|direction:ltr;|mso-line-height-rule:exactly;", ""),  # the page already has its direction
    (r' xmlns(?::v)?="[^"]*"', ""),  # no shapes: buttons are tables
    (r"(?<=font-size:0px;)text-align:left;(?=display)", ""),
    (r"text-align:\{\{ start \}\};", ""),  # its cell is aligned
    # It is hidden without these, and spam filters dislike white on white and tiny letters.
    (r"(?<=display:none;)font-size:1px;color:#ffffff;line-height:1px;", "mso-hide:all;"),
    (r' style="width:600px;"', ""),  # its attribute sets the width already
    # The one column of the one section: Outlook needs no table of its own for it.
    (
        r'<!--\[if mso\]><table [^>]*><tr><td style="vertical-align:top;width:600px;"><!\[endif\]-->(.*?)'
        r"<!--\[if mso\]></td></tr></table><!\[endif\]-->",
        r"\1",
    ),
    (r"\s*\n\s*", "\n"),
)
_SPACES = re.compile(r"\s*([;:,]|(?<!\{)\{(?!\{)|(?<!\})\}(?!\}))\s*")
"""White space that CSS does not need; codes in braces are left alone."""


class BadFrame(Exception):
    """The layout could not be compiled; the message tells the log and the owner why."""


def frame_key(folder: Path, look: Look) -> str:
    """A hash of what a frame is made of: the layout, these rules and the compiled parts of the look."""
    source = (folder / SOURCE_FILE).read_text(encoding="utf-8")
    made_of = (source, _PROLOGUE, _SLIMMER, sorted(_filling(look).items()), bool(look.logo), look.logo_width)
    return hashlib.sha256(repr(made_of).encode()).hexdigest()


def compiled_frame(folder: Path, look: Look) -> str:
    """Compile the layout for a look into a Jinja template. `folder` holds the mail templates. Raises BadFrame."""
    try:
        # Imported here: a process that only sends mail never needs the compiler's megabytes of memory.
        html = importlib.import_module("mjml").mjml2html(_source(folder, look), disable_comments=True, fonts={})
        frame = _PROLOGUE + _slim(html)
        found = environment(folder, SOURCE, frame).get_template(LAYOUT).blocks
    except (ImportError, OSError, TemplateError, ValueError) as error:
        raise BadFrame(said("The layout of mails could not be compiled: %(reason)s", reason=str(error)[:200])) from None
    if found.keys() != BLOCKS:
        raise BadFrame(said("The layout of mails could not be compiled: %(reason)s", reason=", ".join(sorted(found))))
    return frame


def _source(folder: Path, look: Look) -> str:
    """The MJML for a look. Its values are checked colours, numbers and font stacks."""
    jinja = Environment(  # noqa: S701 - what is filled in is our own, and no text
        loader=FileSystemLoader(folder), undefined=StrictUndefined, variable_start_string="[[",
        variable_end_string="]]", block_start_string="[%", block_end_string="%]", comment_start_string="[#",
        comment_end_string="#]", trim_blocks=False,
    )  # fmt: skip
    return jinja.get_template(SOURCE_FILE).render(_filling(look), look=look)


def _filling(look: Look) -> dict[str, Any]:
    head, text = _STACKS[look.font]
    radius, card_radius = _RADII[look.corners]
    is_filled = look.button is ButtonStyle.FILLED
    return {
        "ink": INK, "quiet": QUIET, "line": LINE,
        "on_ground": readable(look.ground, INK), "quiet_on_ground": readable(look.ground, QUIET, INK),
        "ground": look.ground, "head_font": head, "text_font": text, "radius": radius, "card_radius": card_radius,
        "filled": is_filled, "inside": "14px 26px" if is_filled else "12px 24px",
        "dark": DARK_COLOURS | {"accent": dark_accent(look.accent)},
    }  # fmt: skip


def readable(ground: str, *wanted: str) -> str:
    """The first of these colours that is readable on `ground`, else white or black."""
    return next(one for one in (*wanted, LIGHT, DARK) if contrast(one, ground) >= READABLE)


def dark_accent(accent: str) -> str:
    """The colour of buttons and links in dark mode: light enough to read easily."""
    if accent == ACCENT:
        return DARK_ACCENT
    parts = [int(accent[at : at + 2], 16) for at in (1, 3, 5)]
    tints = ("#" + "".join(f"{round(one + (255 - one) * share / 20):02x}" for one in parts) for share in range(21))
    return next(one for one in tints if contrast(one, DARK_SHEET) >= _EASY)


def _slim(html: str) -> str:
    """Remove what our mails do not need. Raises ValueError for what they must not contain."""
    for pattern, put in _SLIMMER:
        html = re.sub(pattern, put, html, flags=re.DOTALL)
    html = re.sub(r"(?<=<style>)[^<]*", lambda rules: _SPACES.sub(r"\1", rules[0]), html)
    if re.search(r"<link|@import|<script", html):
        raise ValueError("it would load something from elsewhere")
    return html
