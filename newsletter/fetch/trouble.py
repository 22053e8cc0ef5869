"""Trouble: why a fetch failed, as a code and as a sentence for the owner."""

from enum import StrEnum

from newsletter.languages import Sentence, marked, said


class Trouble(StrEnum):
    """Why a fetch failed."""

    ADDRESS = "address"
    SCHEME = "scheme"
    CREDENTIALS = "credentials"
    PORT = "port"
    NO_HOST = "no-host"
    PRIVATE = "private"
    UNREACHABLE = "unreachable"
    TLS = "tls"
    REDIRECTS = "redirects"
    GONE = "gone"
    REFUSED = "refused"
    STATUS = "status"
    SLOW = "slow"
    LARGE = "large"
    KIND = "kind"
    GARBLED = "garbled"
    NO_FEED = "no-feed"
    """Fetched, but neither a feed nor a page that links to one."""


_WORDS = {
    Trouble.ADDRESS: marked("This is no address of a page. Copy it from your browser: it begins with https://."),
    Trouble.SCHEME: marked("Only addresses that begin with https:// or http:// can be fetched."),
    Trouble.CREDENTIALS: marked("This address holds a name or a password. Leave out what stands before the @."),
    Trouble.PORT: marked("This address names a port of its own. Sites on ports 80 and 443 can be fetched, no others."),
    Trouble.NO_HOST: marked("There is no such site, or its name cannot be looked up just now. Check how it is spelt."),
    Trouble.PRIVATE: marked(
        "This address leads into a private network. Only sites that everybody can reach can be fetched."
    ),
    Trouble.UNREACHABLE: marked("The site does not answer. Try it in your browser, and here again later."),
    Trouble.TLS: marked("The site’s certificate is not in order, so what it says cannot be trusted. Tell who runs it."),
    Trouble.REDIRECTS: marked("The address leads on and on to others. Copy the one at which your browser ends."),
    Trouble.GONE: marked("Nothing stands at this address (any more). Check it in your browser."),
    Trouble.REFUSED: marked("The site does not let us see this page. It may need a sign-in, or keep programs out."),
    Trouble.STATUS: marked("The site answers with an error. Try again later."),
    Trouble.SLOW: marked("The site took longer than ten seconds. Try again later."),
    Trouble.LARGE: marked("What stands there is larger than 5 MB, which is the most that is fetched."),
    Trouble.KIND: marked("What stands there is of another kind than is looked for here."),
    Trouble.GARBLED: marked("The site’s answer cannot be understood. Try again later, or tell who runs it."),
    Trouble.NO_FEED: marked(
        "What stands there is no feed that can be read (RSS or Atom), and names none. Look on the blog for a link "
        "called RSS or Feed, and copy its address."
    ),
}


class NotFetched(Exception):
    """The fetch failed: `trouble` says why, and the text tells an owner what to do."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(in_words(trouble))
        self.trouble = trouble


def in_words(trouble: Trouble) -> Sentence:
    """The sentence for the owner."""
    return said(_WORDS[trouble])
