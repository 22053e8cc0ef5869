"""What goes into a rendered mail and what comes out of it."""

from dataclasses import dataclass

from newsletter.subscribers import Stream


@dataclass(frozen=True, slots=True)
class Content:
    """The words of an article at one revision."""

    subject: str
    preheader: str
    body: str


@dataclass(frozen=True, slots=True)
class Reader:
    """Who a mail is for: what its variables and links are made of. `message` 0: no message, a preview."""

    subscriber: int
    first_name: str = ""
    message: int = 0


@dataclass(slots=True)
class RenderedMessage:
    """A complete message and its envelope. Not frozen: a million of them are made, and that would double their cost."""

    sender: str
    recipient: str
    data: bytes
    seven_bit: bool | None = None
    """Whether every octet of `data` is below 128; None: nobody has looked."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """The three parts of a mail as a person sees them."""

    subject: str
    text: str
    html: str


def name_for(stream: Stream, first_name: str) -> str:
    """The name that such a mail may say: none where the address is not proven, for anybody may have typed it."""
    return "" if stream in (Stream.CONFIRM, Stream.REMINDER) else first_name


def greeting(first_name: str) -> str:
    """How a mail greets; "" is somebody whose name nobody knows."""
    return f"Hello {first_name}" if first_name else "Hello"


def one_line(text: str) -> str:
    """A subject or a preheader as it goes out: runs of white space, line ends too, become one space."""
    return " ".join(text.split())
