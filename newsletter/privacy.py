"""Privacy: what an owner adds to the public page about readers' data, below the product's own words."""

from sqlalchemy import ForeignKey, Text
from sqlalchemy.orm import Mapped, mapped_column

from newsletter import characters
from newsletter.db import Base, Id
from newsletter.languages import Number, marked, said

LONGEST = 20_000
"""Characters."""


SAVED = marked("privacy text saved")
"""In the audit log: the owner's words have changed, and so has the page."""


class BadPrivacyText(ValueError):
    """A text that cannot stand there; the message says why."""


class PrivacyText(Base):
    """It stands apart from the row of the brand, which every page reads. Empty: nothing is added."""

    __tablename__ = "privacy_texts"

    brand_id: Mapped[int] = mapped_column(Id, ForeignKey("brand.id"), primary_key=True, autoincrement=False)
    text: Mapped[str] = mapped_column(Text)
    """Plain text; an empty line ends a paragraph."""
    saves: Mapped[int]
    """How often it was saved: of two tabs, the second is told that it began from an earlier one."""

    def take(self, text: str) -> None:
        """Say this from now on."""
        self.text = text
        self.saves += 1


def read(typed: str | None) -> str:
    """What was typed, cleaned. Raises BadPrivacyText."""
    text = characters.text(typed).strip()
    if len(text) > LONGEST:
        raise BadPrivacyText(
            said("These are %(found)s characters; %(most)s are the most. Please shorten it.", found=Number(len(text)),
                 most=Number(LONGEST))
        )  # fmt: skip
    return text


def paragraphs(text: str) -> list[list[str]]:
    """Its paragraphs, each in its lines."""
    found: list[list[str]] = [[]]
    for line in text.splitlines():
        if line.strip():
            found[-1].append(line.strip())
        elif found[-1]:
            found.append([])
    return [one for one in found if one]
