"""Follow links: where else readers find the owner. The brand keeps them as text, an address a line."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from newsletter import characters
from newsletter.languages import marked, said

MOST, LONGEST = 8, 300
"""Links, and characters of each."""
_NAMES = {
    "instagram.com": "Instagram", "facebook.com": "Facebook", "youtube.com": "YouTube", "linkedin.com": "LinkedIn",
    "x.com": "X", "twitter.com": "X", "tiktok.com": "TikTok", "threads.net": "Threads", "threads.com": "Threads",
    "bsky.app": "Bluesky", "pinterest.com": "Pinterest", "strava.com": "Strava", "vimeo.com": "Vimeo",
    "open.spotify.com": "Spotify", "medium.com": "Medium",
    "whatsapp.com": "WhatsApp", "t.me": "Telegram",
}  # fmt: skip
_NO_LINK = marked("“%(line)s” is no address of a page: it begins with https:// or http://.")
_LONG = marked("An address of %(most)s characters is the longest; this one has %(found)s.")
_MANY = marked("These are %(found)s links; %(most)s are the most that stay readable. Please take some out.")


class BadFollow(ValueError):
    """Links that cannot stand there; the message says which and why."""


@dataclass(frozen=True, slots=True)
class FollowLink:
    """One of them, with the name that readers know the place by."""

    name: str
    url: str


def read(typed: str | None) -> str:
    """What was typed, a link a line. Raises BadFollow."""
    lines = [line.strip() for line in characters.text(typed).splitlines() if line.strip()]
    if len(lines) > MOST:
        raise BadFollow(said(_MANY, found=len(lines), most=MOST))
    for line in lines:
        if len(line) > LONGEST:
            raise BadFollow(said(_LONG, found=len(line), most=LONGEST))
        if not _host(line):
            raise BadFollow(said(_NO_LINK, line=line))
    return "\n".join(dict.fromkeys(lines))


def links(text: str) -> list[FollowLink]:
    """The links of a text that `read` gave. A place that is not known by name is called by its host."""
    return [FollowLink(_name(host), line) for line in text.splitlines() if (host := _host(line))]


def _host(line: str) -> str:
    """The host of an address that a browser follows; "" for everything else."""
    try:
        seen = urlsplit(line)
        host = seen.hostname or ""
    except ValueError:  # an address in brackets that is none
        return ""
    is_link = seen.scheme in ("http", "https") and not any(one.isspace() for one in line)
    return host.removeprefix("www.") if is_link else ""


def _name(host: str) -> str:
    known = (name for place, name in _NAMES.items() if host == place or host.endswith(f".{place}"))
    return next(known, host)
