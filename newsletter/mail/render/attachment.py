"""The guide a mail carries as a PDF, besides its link."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import structlog

from newsletter.contrast import ACCENT
from newsletter.mail.ledger import ClaimedMessage
from newsletter.subscribers import Stream

log = structlog.get_logger()


def attachment(claimed: ClaimedMessage, guides: Callable[[str], Path]) -> tuple[Mapping[str, Any], bytes]:
    """The mail's context and the PDF to attach; b"": there is none, or its file is missing: the link must do."""
    guide = claimed.context.get("guide")
    if claimed.stream not in (Stream.GUIDE, Stream.TEST) or not isinstance(guide, dict) or not guide["attached"]:
        return claimed.context, b""
    try:
        pdf = guides(guide["slug"]).read_bytes()
    except OSError as error:
        log.warning("the guide goes as a link", message=claimed.id, error=type(error).__name__)
        pdf = b""
    return {**claimed.context, "guide": {**guide, "attached": bool(pdf)}}, pdf


def guide_slug(context: Mapping[str, Any]) -> str | None:
    """The slug of the guide in a mail's context, if any."""
    guide = context.get("guide")
    return guide["slug"] if isinstance(guide, dict) else guide


def accent_of(context: Mapping[str, Any]) -> str:
    """The colour of a mail's buttons and links: that of the guide it delivers or follows, else the default."""
    guide = context.get("guide")
    source = guide if isinstance(guide, dict) else context
    return str(source.get("accent", ACCENT))
