"""Guides: the free PDFs (lead magnets), and who requested and downloaded them."""

from newsletter.guides.accept import Unfit, accept
from newsletter.guides.edition import by_edition, has_earlier_edition
from newsletter.guides.files import SHIPPED, Files
from newsletter.guides.guide import (
    Guide,
    GuideRequest,
    fetch,
    given_since,
    mail_accents,
    recently_asked,
    send,
    shelf,
    showing,
)
from newsletter.guides.inspect import BadGuide, Inspection, inspect
from newsletter.guides.landing import BadLanding, Block, Kind, LandingPage
from newsletter.guides.own import BOX, add, replace
from newsletter.guides.page_picture import LARGE, WIDTHS, picture, webp
from newsletter.guides.watch import watch

__all__ = [
    "BOX",
    "LARGE",
    "SHIPPED",
    "WIDTHS",
    "BadGuide",
    "BadLanding",
    "Block",
    "Files",
    "Guide",
    "GuideRequest",
    "Inspection",
    "Kind",
    "LandingPage",
    "Unfit",
    "accept",
    "add",
    "by_edition",
    "fetch",
    "given_since",
    "has_earlier_edition",
    "inspect",
    "mail_accents",
    "picture",
    "recently_asked",
    "replace",
    "send",
    "shelf",
    "showing",
    "watch",
    "webp",
]
