"""An owner's own texts in the mails the product sends by itself: which names they may use, and filling them in.

They are checked and compiled like articles. A mail that people wait for never fails because of them: text that this
version can no longer compile is replaced by our own.
"""

from collections.abc import Callable, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

import structlog
from markupsafe import Markup

from newsletter.brand import Brand
from newsletter.languages import SOURCE, Language, marked
from newsletter.mail.render.article import BadArticle, Compiled, compiled
from newsletter.mail.render.mail import one_line
from newsletter.mail.render.names import GREETING, NAMES, OF_THE_BRAND, Kind, Name, Values, of_brand
from newsletter.mail_words import BadWords, MailWords, OwnMail
from newsletter.subscribers import FIRST_NAME

log = structlog.get_logger()
GUIDE_TITLE = Name("guide.title", marked("the title of the guide; empty where none was asked for"))
ARTICLE_TITLE = Name("digest.title", marked("the title of the first article in it"))
ARTICLES = Name("digest.number", marked("how many articles there are in it"), Kind.NUMBER)
_PROVEN = (NAMES[GREETING], NAMES[FIRST_NAME])
"""Only for proven addresses: an unproven one never gets a name that a stranger typed into a form."""
_MORE: Mapping[OwnMail, tuple[Name, ...]] = MappingProxyType(
    {
        OwnMail.CONFIRM: (GUIDE_TITLE,),
        OwnMail.REMINDER: (GUIDE_TITLE,),
        OwnMail.GUIDE: (*_PROVEN, GUIDE_TITLE, NAMES["library_url"], NAMES["preferences_url"]),
        OwnMail.GOODBYE: _PROVEN,
        OwnMail.DIGEST: (
            *_PROVEN, ARTICLE_TITLE, ARTICLES,
            *(NAMES[name] for name in ("library_url", "preferences_url", "view_url", "unsubscribe_url")),
        ),
    }
)  # fmt: skip
NOTHING: Mapping[str, str] = MappingProxyType(
    dict.fromkeys(("own_subject", "opening_html", "opening_text", "closing_html", "closing_text"), "")
)
"""No texts of the owner's: our own are used."""
Read = Callable[..., Compiled]
"""`article.compiled`, or one with another cache."""


@cache
def names_in(mail: OwnMail) -> tuple[Name, ...]:
    """All names this mail's texts may use; each has a value in every copy."""
    return (*_MORE.get(mail, ()), *(NAMES[name] for name in NAMES if name in OF_THE_BRAND))


def check(mail: OwnMail, words: MailWords, site: str) -> None:
    """Raise BadWords for texts this mail cannot have."""
    words.check(mail)
    for field, parts in {
        "subject": (words.subject, "", ""), "opening": ("", "", words.opening), "closing": ("", "", words.closing_lines)
    }.items():  # fmt: skip
        try:
            compiled.__wrapped__(*parts, site, names_in(mail), SOURCE)
        except BadArticle as error:
            raise BadWords(field, error.args[0]) from None


def own_words(read: Read, brand: Brand, kind: str, values: Mapping[str, Any], site: str) -> Mapping[str, str]:
    """The owner's texts in a mail of this kind, filled in, for its templates; "" where ours are used."""
    if kind not in brand.mail_texts:
        return NOTHING
    mail = OwnMail(kind)
    try:
        return _filled(read, mail, brand.words_in(mail), _plain(mail, brand, values, site), values["language"], site)
    except BadArticle as error:
        log.warning("a mail goes out in our words", mail=kind, error=str(error))
        return NOTHING


def _plain(mail: OwnMail, brand: Brand, values: Mapping[str, Any], site: str) -> Values:
    guide, articles = values.get("guide"), values.get("digest", ())
    known = {
        **values, GUIDE_TITLE.name: guide["title"] if isinstance(guide, dict) else "",
        ARTICLE_TITLE.name: articles[0]["title"] if articles else "", ARTICLES.name: len(articles),
    }  # fmt: skip
    return of_brand(brand, site) | {one.name: str(known[one.name]) for one in _MORE.get(mail, ())}


def _filled(read: Read, mail: OwnMail, words: MailWords, plain: Values, language: Language,
            site: str) -> Mapping[str, str]:  # fmt: skip
    names = names_in(mail)
    subject, _, opening, opening_text = read(words.subject, "", words.opening, site, names, language).fill(plain)
    _, _, closing, closing_text = read("", "", words.closing_lines, site, names, language).fill(plain)
    return {
        "own_subject": one_line(subject),
        "opening_html": Markup(opening.strip()),  # noqa: S704 - values escaped, cleaned by nh3
        "opening_text": opening_text.strip(),
        "closing_html": Markup(closing.strip()),  # noqa: S704 - as above
        "closing_text": closing_text.strip(),
    }
