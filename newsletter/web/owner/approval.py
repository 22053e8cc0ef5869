"""Approval: what a writer has finished, and somebody who may send looks at."""

from flask_login import current_user
from sqlalchemy.orm import Session

from newsletter.accounts import Permission, with_permission
from newsletter.approval import reaches_readers
from newsletter.articles import Article
from newsletter.web.language import _


def held_back(session: Session, article: Article) -> str:
    """Why who is signed in may not save other words of this article, and whom to ask; "" where they may."""
    if current_user.may(Permission.SEND) or not reaches_readers(session, article):
        return ""
    people = ", ".join(one.email for one in with_permission(session, Permission.SEND))
    return _(
        "Readers get this article as it stands: it is scheduled, in a series, or in the archive. So other words of it "
        "are for those to save who may send: %(people)s. Nothing was saved.",
        people=people,
    )
