"""Guides: the free PDFs (lead magnets), who asked for them and who fetched them."""

from newsletter.guides.guide import Guide, GuideRequest, fetch, given_since, recently_asked, send, shelf
from newsletter.guides.inspect import BadGuide, Inspection, inspect, picture
from newsletter.guides.watch import watch

__all__ = [
    "BadGuide",
    "Guide",
    "GuideRequest",
    "Inspection",
    "fetch",
    "given_since",
    "inspect",
    "picture",
    "recently_asked",
    "send",
    "shelf",
    "watch",
]
