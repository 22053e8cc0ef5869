"""Spam points in words: why there are none, and advice on the SpamAssassin rules that matched."""

import re
from typing import Any

from newsletter.preflight import spam
from newsletter.spamd import Trouble
from newsletter.web.language import lazy

TROUBLES: dict[str, Any] = {
    Trouble.UNREACHABLE: lazy(
        "SpamAssassin could not be reached at the place that SPAMD names. Is spamd running there?"
    ),
    Trouble.SILENT: lazy(
        "SpamAssassin did not answer within ten seconds. Its own log says what it waits for; "
        "tests that ask the network are the usual cause (spamd -L leaves them out)."
    ),
    Trouble.BROKEN: lazy(
        "What answered at the place that SPAMD names said nothing that SpamAssassin says, or "
        "broke off. Is it spamd, and does it take mail from this host (its option -A)?"
    ),
    Trouble.REFUSED: lazy("SpamAssassin could not look at the mail; its own log says more."),
    Trouble.TOO_LARGE: lazy(
        "The mail is larger than half a megabyte. SpamAssassin is not asked about such mails, "
        "here and on most servers that receive them."
    ),
    spam.UNSET: lazy(
        "The worker that was to have it scored knows no SPAMD: the processes were started with "
        "different settings. Start them again."
    ),
    spam.GONE: lazy("It is not there any more."),
    spam.UNFIT: lazy("The mail cannot be put together as it stands: first mend what is said of its text."),
}
"""Reasons for missing points, by code."""
_PICTURES = lazy("Write more words beside the pictures, or leave some of the pictures out.")
_MONEY = lazy("Say sums, prices and free offers more soberly, and fewer of them.")
_MEDICINE = lazy(
    "Names of medicines and promises about the body or its weight look like trade in pills: find other words for them."
)
_LISTED = lazy(
    "A link, or the host that sends, stands on a public list of spammers: take that link "
    "out, or ask the list to take your host off."
)
_CLOCK = lazy("The clock of this server is wrong: have it set by NTP.")
_MENDS: tuple[tuple[str, Any], ...] = (
    (r"SUBJ_ALL_CAPS|UPPERCASE_\w+", lazy("Write it in small letters, with capitals where a sentence has them.")),
    (r"SUBJECT_DIET|DIET_\w+|\w*DRUG\w*|\w*PHARM\w*|\w*MEDS\w*|BODY_ENHANCEMENT\w*", _MEDICINE),
    (
        r"SUBJ_\w+|SUBJECT_\w+|PLING_\w+|URG_BIZ",
        lazy("Write another subject: calmer, without exclamation marks, and about one thing."),
    ),
    (r"DEAR_\w+", lazy("Greet readers by their first name, with {{ greeting }}, or not at all.")),
    (r"ADVANCE_FEE\w*|LOTS_OF_MONEY|US_DOLLARS\w*|MONEY_\w+|FREE_\w+|\w*_MONEY\w*|BILLION_\w+|MILLION_\w+", _MONEY),
    (r"FUZZY_\w+|\w*OBFU\w*|GAPPY_\w+", lazy("Write words as they are spelt, without signs or gaps inside them.")),
    (r"HTML_IMAGE_\w+|HTML_SHORT_\w+|T_REMOTE_IMAGE", _PICTURES),
    (
        r"HTML_FONT_\w+",
        lazy("Some text has nearly the colour of its ground: choose other colours under Settings → Theme."),
    ),
    (
        r"MPART_ALT_DIFF\w*",
        lazy("Words and pictures of the two parts are too different: say in words what the pictures say."),
    ),
    (
        r"URL_SHORTENER\w*|\w*SHORTNER\w*|BITCOIN_\w+",
        lazy("Write the address itself, not one of a service that shortens it."),
    ),
    (
        r"URI_\w+|NUMERIC_HTTP_ADDR|HTTPS?_\w+",
        lazy("Look at the links: have them lead to plain addresses on well-known hosts."),
    ),
    (r"EXCUSE_\w+", lazy("Leave out how to get off the list: it stands at the end of every mail already.")),
    (r"URIBL_\w+|RCVD_IN_\w+|DBL_\w+|SURBL_\w+|RAZOR2_\w+|PYZOR_\w+|DCC_\w+", _LISTED),
    (
        r"DKIM_INVALID|DKIM_ADSP_\w+|T_DKIM_INVALID",
        lazy("The signature cannot be checked: see DKIM under Settings → Sending."),
    ),
    (
        r"SPF_\w*(?:FAIL|NONE)|T_SPF_\w+",
        lazy("The sender’s domain does not name the relay: see SPF under Settings → Sending."),
    ),
    (r"DMARC_\w+|KAM_DMARC_\w+", lazy("Neither SPF nor DKIM speaks for the sender: see Settings → Sending.")),
    (r"FREEMAIL_\w+", lazy("Send from an address of your own domain, not from one of a free mail service.")),
    (r"FROM_\w+", lazy("Look at the sender’s name and address, under Settings.")),
    (
        r"BAYES_[5-9]\w*",
        lazy(
            "SpamAssassin has learnt from mail at its place what spam looks like there, and this "
            "looks alike: another server has learnt otherwise."
        ),
    ),
    (r"DATE_IN_\w+", _CLOCK),
)
"""(pattern of rule names, advice); the first match applies."""


def trouble(code: str) -> Any:
    """Why there are no points; "" if another version stored the code."""
    return TROUBLES.get(code, "")


def mend(rule: str) -> Any:
    """Advice on a rule; "" if there is none."""
    return next((told for pattern, told in _MENDS if re.fullmatch(pattern, rule)), "")
