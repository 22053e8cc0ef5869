"""Errors for files too large to be read, shown beside the field of their page."""

from collections.abc import Callable, Mapping
from typing import Any

from flask import request
from werkzeug.exceptions import HTTPException

from newsletter.web.owner import importing, own_guides, pictures, theme
from newsletter.web.owner.door import door

PAGES: Mapping[str, Callable[[], Any]] = {
    "owner.guide_new": own_guides.new_too_large,
    "owner.guide_replace": own_guides.edition_too_large,
    "owner.picture_add": pictures.too_large,
    "owner.subscriber_import_send": importing.too_large,
    "owner.theme_save": theme.too_large,
}


@door.errorhandler(413)
def _too_large(error: HTTPException) -> Any:
    page = PAGES.get(request.endpoint or "")
    return page() if page else error
