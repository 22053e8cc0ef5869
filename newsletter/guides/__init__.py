"""Guides: the free PDFs (lead magnets), who asked for them and who fetched them."""

from newsletter.guides.accept import Unfit, accept
from newsletter.guides.files import SHIPPED, Files
from newsletter.guides.guide import Guide, GuideRequest, fetch, given_since, mail_accents, recently_asked, send, shelf
from newsletter.guides.inspect import BadGuide, Inspection, inspect, picture
from newsletter.guides.own import BOX, add, replace
from newsletter.guides.watch import watch

__all__ = [
    "BOX",
    "SHIPPED",
    "BadGuide",
    "Files",
    "Guide",
    "GuideRequest",
    "Inspection",
    "Unfit",
    "accept",
    "add",
    "fetch",
    "given_since",
    "inspect",
    "mail_accents",
    "picture",
    "recently_asked",
    "replace",
    "send",
    "shelf",
    "watch",
]
