"""From a Letter to the bytes of a mail. Jinja is known here (and in Flask's own pages), nowhere else below the doors."""

from newsletter.mail.render.article import BadArticle
from newsletter.mail.render.renderer import Mail, Reader, Renderer, Words

__all__ = ["BadArticle", "Mail", "Reader", "Renderer", "Words"]
