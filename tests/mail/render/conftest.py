"""The renderer's stage: a claimed message of every stream, and the message it becomes."""

from collections.abc import Callable
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest

from newsletter import brand
from newsletter.brand import Brand
from newsletter.guides import SHIPPED, Files
from newsletter.links import Signer
from newsletter.mail.ledger import ClaimedMessage
from newsletter.mail.render import Content, Renderer
from newsletter.mail.render.mail import NO_FIELDS
from newsletter.settings import ROOT
from newsletter.subscribers import FIRST_NAME, Fields, Stream
from tests.conftest import NOON

GUIDE = {"title": "Exercise at 50", "slug": "exercise-at-50", "pages": 45, "attached": False}
CONFIRM = {"consent": 1, "until": 1_800_000_000, "days": 30, "guide": GUIDE, "newsletter": True, "articles": 8}
NOTICE = {
    "title": "A campaign stopped",
    "lines": ["Too many refused."],
    "action_label": "Look",
    "action_url": "http://x/",
}
CONTEXTS: dict[Stream, dict[str, Any]] = {
    Stream.CONFIRM: CONFIRM,
    Stream.REMINDER: CONFIRM,
    Stream.GUIDE: {"guide": GUIDE, "series": True},
    Stream.GOODBYE: {},
    Stream.PROVE: {"what": "move", "prove": [3, 1, 2], "hours": 24},
    Stream.STEP: {"guide": "exercise-at-50"},
    Stream.CAMPAIGN: {},
    Stream.DIGEST: {
        "digest": [
            {"message": 70, "title": "Golf", "words": "Turn."},
            {"message": 71, "title": "Knee & hip", "words": ""},
        ]
    },
    Stream.TEST: {},
    Stream.NOTICE: NOTICE,
    Stream.RESET: {"reset": [1, 2, 3], "minutes": 30},
    Stream.INVITATION: {
        "to": "ed@example.org",
        "invitation": [1, 2, 3],
        "by": "paula@example.org",
        "days": 7,
        "role": "writer",
    },
    Stream.LOGIN: {
        "to": "paula@example.org",
        "login": [1, 2, 3],
        "hours": 24,
        "step": "press",
        "earlier": "paul@example.org",
        "email": "paula@example.org",
    },
}
WORDS = Content("The club that is missing", "Strength for golf", "{{ greeting }},\n\nTurn both ways.\n")
WRITTEN = (Stream.STEP, Stream.CAMPAIGN, Stream.TEST)
"""Streams whose words an owner wrote."""


def claimed(
    stream: Stream, first_name: str = "Jane", email: str = "jane@example.com", own: Fields = NO_FIELDS, **context: Any
) -> ClaimedMessage:
    """A claimed message to Jane."""
    words = 3 if stream in WRITTEN else None
    bulk = 9 if stream is Stream.CAMPAIGN else None
    fields = {FIRST_NAME: first_name, **own}
    return ClaimedMessage(77, stream, 0, NOON, 5, email, fields, words, bulk, {**CONTEXTS[stream], **context})


@pytest.fixture(scope="session")
def renderer() -> Renderer:
    """A renderer of a house on this machine."""
    files = Files(SHIPPED, SHIPPED)
    return Renderer(ROOT / "templates", Signer(b"k" * 40), "http://localhost:8000", "localhost", files.of)


@pytest.fixture(scope="session")
def house() -> Brand:
    """The brand that a new install starts with."""
    return brand.from_site(brand.read_site(ROOT / "site.toml"))


@pytest.fixture(scope="session")
def composed(renderer: Renderer, house: Brand) -> Callable[[ClaimedMessage], bytes]:
    """The bytes of a message."""

    def compose(one: ClaimedMessage) -> bytes:
        return renderer.compose(one, house, WORDS if one.stream in WRITTEN else None, NOON).data

    return compose


@pytest.fixture(scope="session")
def mail(composed: Callable[[ClaimedMessage], bytes]) -> Callable[[ClaimedMessage], EmailMessage]:
    """a message as a mail program reads it."""

    def read(one: ClaimedMessage) -> EmailMessage:
        parsed = message_from_bytes(composed(one), policy=policy.default)
        assert isinstance(parsed, EmailMessage)
        return parsed

    return read
