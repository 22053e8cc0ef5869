"""Cleans typed first names, so that greetings cannot carry links, placeholders or invisible text."""

import re
import unicodedata

import idna

LONGEST_NAME = 80
"""Characters."""
MOST_MARKS = 4
"""Combining marks per letter; Vietnamese needs two, pointed Hebrew three."""
_JOINERS = "\u200c\u200d"
# Invisible although categorised as letters or marks (Unicode's Default_Ignorable_Code_Point, and the Braille blank).
_UNSEEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\ufffc\U000e0100-\U000e01ef]"
)
_DOTS = str.maketrans("\u3002\ufe52", "..")  # what browsers and mail programs read as dots (UTS #46 §2.3)
_ADDRESS = re.compile(
    r"""\S@\S | // | \\\\ | \bwww\. | xn--
    | \b (?:https?|hxxps?|ftp|file|mailto|tel|sms|callto|data|javascript|vbscript|intent|magnet|tg|whatsapp|skype) :\S
    | [(\[{]\s*(?:dot|at|\.|@)\s*[)\]}]                # evil[.]com
    | \b\d{1,3}(?:\.\d{1,3}){3}\b | \[[0-9a-f]*:[0-9a-f:.]*\]
    | (?:\d[\s().+-]{0,2}){7}                           # a telephone number is an address too
    """,
    re.I | re.X,
)
_DOTTED = re.compile(r"((?:[\w-]+\.)+[\w-]{2,})(\.(?!\w))?([/:?#]\S)?")
_DOMAINS = frozenset(
    ("com", "net", "org", "info", "biz", "edu", "gov", "mil", "int", "mobi", "xyz", "site", "online", "shop", "store",
     "club", "top", "vip", "bet", "casino", "live", "click", "link", "icu", "buzz", "website", "space", "tech", "cloud",
     "app", "dev", "page", "blog", "email", "agency", "loan", "download", "stream", "webcam", "porn", "sex")
)  # fmt: skip
"""Endings that mark a domain in any capitalisation. None of two letters: St.Jo, Mr.Ed, Jo.An are names."""
_SECOND = frozenset(("co", "com", "net", "org", "ac", "gov"))
_EMPTY = frozenset(
    ("null", "(null)", "undefined", "none", "n/a", "#n/a", "#null!", "#ref!", "#value!", "nil", "nan", "void",
     "unknown", "anonymous", "empty", "blank")
)  # fmt: skip
"""What programs write for a missing name."""
_NAMES = frozenset(("Nan", "Nil"))
_UNFILLED = re.compile(r"\{\{?\s*\w+(?:[ .|].*)?\}?\}|\*\|.*\|\*|%+\w+%+|\$\{.*\}|\[+[^\]]*\]+|<[^>]*>|%\w+\b.*", re.S)
"""An unfilled merge field of some program, and "[object Object]"."""


def clean_name(typed: str) -> str:
    """A name as one line of visible text, at most `LONGEST_NAME` characters, in NFC; "" if it is not a name.

    Line ends and control characters become spaces; direction overrides and invisible characters are removed. Not a name
    is anything with an address or link (a form must not make us mail a stranger somebody's link), a placeholder
    ("NULL", "{{first_name}}"), or without a letter.
    """
    seen = "".join(_visible(typed, place) for place in range(min(len(typed), 20 * LONGEST_NAME)))
    name = " ".join(_few_marks(unicodedata.normalize("NFC", seen)).split())[:LONGEST_NAME].strip(_JOINERS + " ")
    return name if _is_name(name) else ""


def _visible(text: str, place: int) -> str:
    letter = text[place]
    if letter in _JOINERS:  # Persian, Hindi and others need them inside words (RFC 5892, appendix A.1 and A.2)
        return letter if 0 < place < len(text) - 1 and _joins(text, place) else ""
    category = unicodedata.category(letter)
    if category in ("Cc", "Zl", "Zp", "Cs", "Cn", "Co"):
        return " "
    return "" if category == "Cf" or _UNSEEN.match(letter) else letter


def _joins(text: str, place: int) -> bool:
    try:
        return idna.valid_contextj(text, place)
    except ValueError:  # an adjacent character missing from idna's tables
        return False


def _few_marks(text: str) -> str:
    return re.sub(r".+", lambda line: _thinned(line[0]), text)


def _thinned(line: str) -> str:
    kept, marks = [], 0
    for letter in line:
        marks = marks + 1 if unicodedata.combining(letter) else 0
        if marks <= MOST_MARKS:
            kept.append(letter)
    return "".join(kept)


def _is_name(name: str) -> bool:
    plain = unicodedata.normalize("NFKC", name).translate(_DOTS)
    bare = plain.strip(" .,;:-_\"'")
    if not any(unicodedata.category(letter)[0] == "L" for letter in plain):
        return False
    if (bare.lower() in _EMPTY and bare not in _NAMES) or _UNFILLED.fullmatch(bare):
        return False
    return not _ADDRESS.search(plain) and not any(_is_domain(found) for found in _DOTTED.finditer(plain))


def _is_domain(found: re.Match[str]) -> bool:
    """Whether dotted words are a domain ("bit.ly") rather than a person's name ("St.Jo")."""
    word, dot, path = found.groups()
    labels = word.split(".")
    last = labels[-1].lower()
    if path or last in _DOMAINS or (len(labels) > 2 and labels[-2].lower() in _SECOND):
        return True
    if last.isdigit():
        return False
    if all(label[0] == label[0].upper() for label in labels):  # St.Jo, J.Smith, and scripts that have no capitals
        return False
    return not (dot and labels[0][0].isupper() and all(len(label) < 5 for label in labels))  # "Dr.med. Anna"
