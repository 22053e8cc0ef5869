"""Renders a ClaimedMessage into the bytes of a mail. Below the doors, only this package knows Jinja."""

from newsletter.mail.render.article import BadArticle, Compiled
from newsletter.mail.render.dkim import Dkim
from newsletter.mail.render.dkim_key import RSA_NAME, BadKey, DkimKey
from newsletter.mail.render.dkim_key import make as make_key
from newsletter.mail.render.dkim_key import place as key_place
from newsletter.mail.render.dkim_key import read as read_key
from newsletter.mail.render.filters import EXAMPLES as FILTER_EXAMPLES
from newsletter.mail.render.frame import BadFrame, compiled_frame, frame_key
from newsletter.mail.render.mail import Content, Reader, RenderedMessage
from newsletter.mail.render.markdown import Written
from newsletter.mail.render.names import IN_SERIES, names_for_readers
from newsletter.mail.render.own_words import check as check_own_words
from newsletter.mail.render.own_words import names_in
from newsletter.mail.render.renderer import Renderer
from newsletter.mail.render.skeleton import Skeleton
from newsletter.mail.render.teaser import Teaser, teaser

__all__ = [
    "FILTER_EXAMPLES",
    "IN_SERIES",
    "RSA_NAME",
    "BadArticle",
    "BadFrame",
    "BadKey",
    "Compiled",
    "Content",
    "Dkim",
    "DkimKey",
    "Reader",
    "RenderedMessage",
    "Renderer",
    "Skeleton",
    "Teaser",
    "Written",
    "check_own_words",
    "compiled_frame",
    "frame_key",
    "key_place",
    "make_key",
    "names_for_readers",
    "names_in",
    "read_key",
    "teaser",
]
