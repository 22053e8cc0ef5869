"""From a Letter to the bytes of a mail. Below the doors, Jinja is known here and nowhere else."""

from newsletter.mail.render.article import BadArticle
from newsletter.mail.render.renderer import Mail, Reader, Renderer, Words

__all__ = ["BadArticle", "Mail", "Reader", "Renderer", "Words"]
