"""Mail words: an owner's own subject, opening and closing of the mails that the product sends by itself.

A row where an owner has written some; what is empty is said in the product's words, in the brand's language. The
button, who sent the mail, what somebody agreed to and how to leave are not among them: the law, or a promise, needs
these.
"""

from dataclasses import asdict, dataclass
from enum import StrEnum

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from newsletter import characters
from newsletter.db import Base, Id, one_of
from newsletter.languages import Number, marked, said

LONGEST_SUBJECT, LONGEST_OPENING, LONGEST_CLOSING = 200, 3000, 1000
"""Characters."""


class OwnMail(StrEnum):
    """A mail to readers whose words an owner may change: the code of its stream."""

    CONFIRM = "confirm"
    REMINDER = "reminder"
    GUIDE = "guide"
    GOODBYE = "goodbye"
    PROVE = "prove"
    DIGEST = "digest"
    """The weekly mail."""


class BadWords(ValueError):
    """Words that no mail can have. `field`: of `MailWords`; the message says what to do."""

    def __init__(self, field: str, told: str) -> None:
        super().__init__(told)
        self.field = field


@dataclass(frozen=True, slots=True)
class MailWords:
    """The words of one mail; "" for the product's own."""

    subject: str = ""
    opening: str = ""
    """Markdown in place of the greeting; in the weekly mail, of the line below it too."""
    closing: str = ""
    """Markdown in place of who signs; a line of it is a line."""

    @classmethod
    def typed(cls, subject: str | None, opening: str | None, closing: str | None) -> "MailWords":
        """These words, cleaned."""
        return cls(characters.line(subject), characters.text(opening).strip(), characters.text(closing).strip())

    @property
    def closing_lines(self) -> str:
        """The closing as Markdown that keeps its lines apart; a code alone in its line stays alone."""
        return "\n".join(line if line.endswith("%}") else f"{line}  " for line in self.closing.splitlines()).strip()

    def check(self, mail: OwnMail) -> None:
        """Raise BadWords for the first that is too long, or that this mail does not take."""
        if self.subject and mail is OwnMail.PROVE:
            raise BadWords("subject", said(_NO_SUBJECT))
        for name, most in _LONGEST.items():
            found = len(getattr(self, name))
            if found > most:
                raise BadWords(name, said(_LONG, found=Number(found), most=Number(most)))


_LONGEST = {"subject": LONGEST_SUBJECT, "opening": LONGEST_OPENING, "closing": LONGEST_CLOSING}
_LONG = marked("These are %(found)s characters; %(most)s are the most. Please shorten it.")
_NO_SUBJECT = marked("This mail keeps our subject, which says what its button does. Please leave this field empty.")
OURS = MailWords()


class MailText(Base):
    """The words that an owner gave one mail. A row stays when they go back to ours, for its count of saves."""

    __tablename__ = "mail_texts"
    __table_args__ = (one_of("mail", OwnMail),)

    brand_id: Mapped[int] = mapped_column(Id, ForeignKey("brand.id"), primary_key=True, autoincrement=False)
    mail: Mapped[OwnMail] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(String(LONGEST_SUBJECT))
    opening: Mapped[str] = mapped_column(Text)
    closing: Mapped[str] = mapped_column(Text)
    saves: Mapped[int]
    """How often it was saved: of two tabs, the second is told that it began from an earlier one."""

    @property
    def words(self) -> MailWords:
        """Its words."""
        return MailWords(self.subject, self.opening, self.closing)

    def take(self, words: MailWords) -> None:
        """Say these from now on."""
        self.subject, self.opening, self.closing = words.subject, words.opening, words.closing
        self.saves += 1


def mail_text(mail: OwnMail, words: MailWords, saves: int = 1) -> MailText:
    """A row for this mail with these words."""
    return MailText(mail=mail, saves=saves, **asdict(words))
