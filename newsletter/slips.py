"""Slips behind the @: gmial.com, where gmail.com was meant. Told from the letters alone, so it asks nobody and says
nothing about anybody. It is a guess: whoever typed it has the last word.
"""

import re

import idna

PROVIDERS = (
    "gmail.com", "hotmail.com", "outlook.com", "yahoo.com", "icloud.com", "hotmail.co.uk", "yahoo.co.uk",
    "googlemail.com", "live.com", "live.co.uk", "aol.com", "msn.com", "me.com", "mac.com", "protonmail.com",
    "proton.me", "btinternet.com", "virginmedia.com", "sky.com", "talktalk.net", "ntlworld.com",
    "blueyonder.co.uk",
    "gmx.de", "gmx.net", "gmx.com", "web.de", "t-online.de", "freenet.de", "posteo.de",
    "comcast.net", "verizon.net", "att.net", "sbcglobal.net", "bigpond.com", "optusnet.com.au",
    "wanadoo.fr", "orange.fr", "free.fr", "sfr.fr", "laposte.net", "libero.it",
    "ymail.com", "rocketmail.com", "fastmail.com", "mail.com", "mail.ru", "yandex.ru", "zoho.com", "tutanota.com",
)  # fmt: skip
"""Where many people have their mail; of two that are as near, the first is meant."""
_NEAR_BY = frozenset({"email.com", "cloud.com", "wahoo.com", "mail.de", "email.de", "proton.com", "grange.fr"})
"""Real domains that only look like a slip."""
_ABROAD = re.compile(r"(aol|gmx|hotmail|live|msn|outlook|yahoo|yandex|ymail)\.(com?\.)?(?!c[mo]\Z|om\Z)[a-z]{2}\Z")
"""These have a domain for many a country: yahoo.fr, live.com.au."""
_SLIPS_OF_COM = ("co", "cm", "om")
"""Countries' domains too, where hardly anybody has mail at a big provider."""
_LONG = 5
"""Letters from which on one of them may be wrong: shorter names are a letter apart from many others."""


def meant(domain: str) -> str | None:
    """The provider's domain that this one (A-labels, lower case) may be a slip of; None: it is as good as any.

    One letter too many, too few, wrong, or changed with its neighbour, before the first dot or behind it, or in both.
    """
    written = _letters(domain)
    if written in PROVIDERS or written in _NEAR_BY or _ABROAD.match(written):
        return None
    name, _, end = written.partition(".")
    near = [(far, one) for one in PROVIDERS if (far := _apart(name, end, *one.split(".", 1))) is not None]
    return min(near, key=lambda found: found[0])[1] if near else None


def _letters(domain: str) -> str:
    try:
        return idna.decode(domain)
    except idna.IDNAError:
        return domain


def _apart(name: str, end: str, its_name: str, its_end: str) -> int | None:
    """How many letters are wrong; None: too many to be a slip of this provider."""
    if abs(len(name) - len(its_name)) > 1 or abs(len(end) - len(its_end)) > 1:
        return None
    is_long = len(its_name) >= _LONG
    is_country = len(end) == 2 and end != its_end and not (is_long and its_end == "com" and end in _SLIPS_OF_COM)
    wrong = edits(name, its_name), edits(end, its_end)
    return None if is_country or wrong[0] > is_long or wrong[1] > 1 else sum(wrong)


def edits(one: str, other: str) -> int:
    """Letters put in, left out, taken for another or changed with their neighbour on the way from one word to another
    (optimal string alignment: none of them twice)."""
    rows = [list(range(len(other) + 1))]
    for i, letter in enumerate(one, 1):
        rows.append([i])
        for j, its in enumerate(other, 1):
            least = min(rows[i - 1][j] + 1, rows[i][j - 1] + 1, rows[i - 1][j - 1] + (letter != its))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == its:
                least = min(least, rows[i - 2][j - 2] + 1)
            rows[i].append(least)
    return rows[-1][-1]
