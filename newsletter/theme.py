"""Theme: how mails look. A row where an owner has changed it; without one they look as they do in a new install."""

import re
from dataclasses import asdict, dataclass, fields
from enum import StrEnum

from sqlalchemy import ForeignKey, String, Text, true
from sqlalchemy.orm import Mapped, mapped_column, validates

from newsletter import characters
from newsletter.contrast import ACCENT, LIGHT, READABLE, contrast
from newsletter.db import Base, Id, one_of
from newsletter.languages import Number, marked, said

GROUND = "#f4f0e8"
"""What lies around a mail's white sheet where nobody has chosen another colour."""
SHEET = LIGHT
"""What lies behind a mail's words, whatever the theme."""
LONGEST_FOOTER, MOST_FOOTER_LINES, LONGEST_LOGO_WORDS = 500, 8, 120
NARROWEST_LOGO, WIDEST_LOGO = 24, 544
"""Pixels; the sheet's words are as wide as the widest."""
COLOUR = re.compile(r"#[0-9a-f]{6}\Z")
_PICTURE = re.compile(r"[0-9a-f]{8,}-(\d{1,4})x(\d{1,4})\.(?:jpg|png|gif)\Z")


class Font(StrEnum):
    """Which typefaces a mail asks for. Each stack is on every machine, for mail programs load none. The site takes it
    too, but for the first: it has one of its own then (static/css/face.css)."""

    MIXED = "mixed"
    """Headings with serifs, words in the reader's own typeface."""
    SYSTEM = "system"
    HELVETICA = "helvetica"
    VERDANA = "verdana"
    GEORGIA = "georgia"
    TIMES = "times"


class Corners(StrEnum):
    """Of buttons and cards."""

    SQUARE = "square"
    SLIGHT = "slight"
    ROUND = "round"


class ButtonStyle(StrEnum):
    """Whether a button is full of its colour, or has it round its edge."""

    FILLED = "filled"
    OUTLINE = "outline"


class BadTheme(ValueError):
    """A theme that cannot be. `field`: of the look; the message says what to do."""

    def __init__(self, field: str, told: str) -> None:
        super().__init__(told)
        self.field = field


@dataclass(frozen=True, slots=True)
class Look:
    """A theme as plain values."""

    accent: str = ACCENT
    """`#rrggbb`: buttons and links."""
    ground: str = GROUND
    """`#rrggbb`: around the sheet."""
    font: Font = Font.MIXED
    corners: Corners = Corners.SLIGHT
    button: ButtonStyle = ButtonStyle.FILLED
    guide_colours: bool = True
    """Whether mails of a guide have that guide's own colour, where it has one."""
    logo: str = ""
    """The name of a picture of the library; "": the brand's name stands there in letters."""
    logo_words: str = ""
    """What stands there where no picture is shown."""
    logo_width: int = 0
    footer: str = ""
    """Above the postal address, a line of it a line."""

    @property
    def footer_lines(self) -> list[str]:
        """Its lines that say something."""
        return [line.strip() for line in self.footer.splitlines() if line.strip()]

    @property
    def logo_height(self) -> int:
        """In pixels, as its name tells how wide and high the picture is."""
        named = _PICTURE.match(self.logo)
        return round(self.logo_width * int(named[2]) / int(named[1])) if named else 0

    def accent_of(self, guide_accent: str) -> str:
        """The colour of one mail; `guide_accent` is that of its guide, or the product's own."""
        return guide_accent if self.guide_colours and guide_accent != ACCENT else self.accent

    def check(self) -> None:
        """Raise BadTheme for the first value that cannot be."""
        for name, told in _NO_COLOUR.items():
            if not COLOUR.match(getattr(self, name)):
                raise BadTheme(name, said(told))
        if (found := contrast(self.accent, SHEET)) < READABLE:
            raise BadTheme("accent", said(_UNREADABLE, found=f"{found:.1f}", least=READABLE))
        if len(self.footer) > LONGEST_FOOTER or len(self.footer_lines) > MOST_FOOTER_LINES:
            raise BadTheme("footer", said(_LONG_FOOTER, most=Number(LONGEST_FOOTER), lines=MOST_FOOTER_LINES,
                                          found=Number(len(self.footer))))  # fmt: skip
        if self.logo:
            self._check_logo()

    def _check_logo(self) -> None:
        named = _PICTURE.match(self.logo)
        if not named:
            raise BadTheme("logo", said(_NO_PICTURE))
        if not NARROWEST_LOGO <= self.logo_width <= WIDEST_LOGO:
            raise BadTheme("logo_width", said(_LOGO_WIDTH, least=NARROWEST_LOGO, most=WIDEST_LOGO))
        if not self.logo_words or len(self.logo_words) > LONGEST_LOGO_WORDS:
            raise BadTheme("logo_words", said(_LOGO_WORDS, most=LONGEST_LOGO_WORDS))


FIRST = Look()
"""How mails look in a new install."""
_NO_COLOUR = {
    "accent": marked("The colour of buttons and links should be # and six digits, such as #0f5f63."),
    "ground": marked("The colour of the ground should be # and six digits, such as #f4f0e8."),
}
_UNREADABLE = marked(
    "The colour of buttons and links has a contrast of %(found)s : 1 with white; people need %(least)s : 1. Make it "
    "darker."
)
_LONG_FOOTER = marked(
    "The footer takes %(most)s characters in %(lines)s lines at most; yours has %(found)s characters. Shorten it: mail "
    "programs cut off long mails."
)  # fmt: skip
_NO_PICTURE = marked("Choose a logo among the pictures, or send one.")
_LOGO_WIDTH = marked("Give the logo a width from %(least)s to %(most)s pixels.")
_LOGO_WORDS = marked(
    "Say in at most %(most)s characters what the logo says: many mail programs show no pictures at first."
)


class Theme(Base):
    """The look that an owner has chosen, and the frame of mails that was compiled for it."""

    __tablename__ = "themes"
    __table_args__ = (one_of("font", Font), one_of("corners", Corners), one_of("button", ButtonStyle))

    brand_id: Mapped[int] = mapped_column(Id, ForeignKey("brand.id"), primary_key=True, autoincrement=False)
    accent: Mapped[str] = mapped_column(String(7))
    ground: Mapped[str] = mapped_column(String(7))
    font: Mapped[Font]
    corners: Mapped[Corners]
    button: Mapped[ButtonStyle]
    guide_colours: Mapped[bool] = mapped_column(default=True, server_default=true())
    logo: Mapped[str] = mapped_column(String(64), default="")
    logo_words: Mapped[str] = mapped_column(String(LONGEST_LOGO_WORDS), default="")
    logo_width: Mapped[int] = mapped_column(default=0)
    footer: Mapped[str] = mapped_column(String(LONGEST_FOOTER), default="")
    saves: Mapped[int] = mapped_column(default=0)
    """How often it was saved: of two tabs, the second is told that it began from an earlier one."""
    frame: Mapped[str] = mapped_column(Text)
    """The layout of mails, compiled for this look (`mail.render.frame`)."""
    frame_key: Mapped[str] = mapped_column(String(64))
    """What it was compiled from; where that has changed with the product, it is compiled again at the next start."""

    @validates("logo_words", "footer")
    def _clean(self, name: str, typed: str) -> str:
        return characters.text(typed) if name == "footer" else characters.line(typed)

    @property
    def look(self) -> Look:
        """Its values."""
        return Look(**{one.name: getattr(self, one.name) for one in fields(Look)})

    def take(self, look: Look, frame: str, frame_key: str) -> None:
        """Look like this from now on."""
        for name, value in asdict(look).items():
            setattr(self, name, value)
        self.frame, self.frame_key = frame, frame_key
        self.saves += 1


def theme_of(look: Look, frame: str, frame_key: str = "") -> Theme:
    """A new theme that looks like this."""
    return Theme(**asdict(look), frame=frame, frame_key=frame_key, saves=1)
