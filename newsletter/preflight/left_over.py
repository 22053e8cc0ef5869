"""Finds other programs' merge tags, placeholders and stray markup that readers would see."""

import re
from collections.abc import Iterable, Iterator, Sequence
from urllib.parse import unquote

_LEFT_OVER = (
    re.compile(r"\*\|[^|\n]{1,60}\|\*"),  # Mailchimp
    re.compile(r"\{\{?[^{}\n]{0,60}\}?\}?|\}\}?"),
    re.compile(r"(?<![\w%])%%?[A-Za-z_][\w.-]{1,40}%%?(?!\w)"),  # Mailgun, Brevo, Salesforce
    re.compile(
        r"\[\[?[^\]\[\n]{0,30}\b(?:name|[fl]name|firstname|lastname|e-?mail|company|insert|placeholder|link here|url"
        r"|todo|tbc|tbd|xxx?)\b[^\]\[\n]{0,30}\]\]?",
        re.IGNORECASE,
    ),
    re.compile(r"</?[A-Za-z][^<>\n]{0,80}>|<!--"),
    re.compile(r"(?<!\w)::\w{2,40}::(?!\w)"),
    re.compile(r"(?<![\w#])(?:##[A-Za-z][\w .-]{1,40}##|\$\$?(?:first|last|full)?_?name\b\$*)", re.IGNORECASE),
    re.compile(r"\blorem ipsum\b", re.IGNORECASE),
    re.compile(r"(?<!\S)(?::::(?: ?\w{1,20})?|\|\|\|)(?!\S)"),  # our own block markers where they mark no block
)
_IN_ADDRESSES = (_LEFT_OVER[0], re.compile(r"\{\{?[^{}/]{1,60}\}\}?"), _LEFT_OVER[2], re.compile(r"::\w{2,40}::"))
MOST = 5
"""Matches shown at most."""


def found(text: str) -> list[str]:
    """Distinct matches in a text, in order of kind."""
    return list(dict.fromkeys(_matches(text, _LEFT_OVER)))[:MOST]


def in_addresses(addresses: Iterable[str]) -> list[str]:
    """Distinct matches in the addresses of links and pictures, where proofreading misses them."""
    return list(dict.fromkeys(one for address in addresses for one in _matches(unquote(address), _IN_ADDRESSES)))[:MOST]


def _matches(text: str, kinds: Sequence[re.Pattern[str]]) -> Iterator[str]:
    for kind in kinds:
        for match in kind.finditer(text):
            yield " ".join(match[0].split())
        text = kind.sub(" ", text)
