"""The guide that a mail carries as a PDF beside its link."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import structlog

from newsletter.contrast import ACCENT
from newsletter.mail.ledger import ClaimedMessage
from newsletter.subscribers import Stream

log = structlog.get_logger()


def attachment(claimed: ClaimedMessage, guides: Callable[[str], Path]) -> tuple[Mapping[str, Any], bytes]:
    """What the mail says and the PDF it carries; b"": none, or a file that is gone, and then the link has to do."""
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
    """The slug of the guide that a mail's context names; None: it names none."""
    guide = context.get("guide")
    return guide["slug"] if isinstance(guide, dict) else guide


def accent_of(context: Mapping[str, Any]) -> str:
    """The colour of a mail's buttons and links: that of the guide which it hands over or follows, or the product's."""
    guide = context.get("guide")
    told = guide if isinstance(guide, dict) else context
    return str(told.get("accent", ACCENT))
