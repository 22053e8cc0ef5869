"""Forms: what stands in a sidebar, in a footer or on a page of ours, and asks for an address. A form is data."""

from newsletter.forms.colours import BadColours, Colours
from newsletter.forms.form import (
    Form,
    Gives,
    asked_for,
    asking,
    copy_of,
    every,
    for_guides,
    free_slug,
    is_slug,
    named,
    open_form,
    showing,
    standard,
)
from newsletter.forms.hosts import BadHost, allowed_origin, may_lead_to, origin_of, read_origins
from newsletter.forms.sighting import Sighting, is_due, note_sighting, sightings
from newsletter.forms.view import View, count_views

__all__ = [
    "BadColours",
    "BadHost",
    "Colours",
    "Form",
    "Gives",
    "Sighting",
    "View",
    "allowed_origin",
    "asked_for",
    "asking",
    "copy_of",
    "count_views",
    "every",
    "for_guides",
    "free_slug",
    "is_due",
    "is_slug",
    "may_lead_to",
    "named",
    "note_sighting",
    "open_form",
    "origin_of",
    "read_origins",
    "showing",
    "sightings",
    "standard",
]
