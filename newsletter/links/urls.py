"""Urls: builds the links in mails."""

from urllib.parse import urlsplit

from newsletter.links.signer import Purpose, Signer


class Urls:
    """Builds the links in mails. `site` has no trailing slash."""

    def __init__(self, site: str, signer: Signer) -> None:
        self.site = site
        self._token = signer.token

    def confirm(self, consent: int, last_second: int) -> str:
        """The page with the confirmation button."""
        return f"{self.site}/confirm/{self._token(Purpose.CONFIRM, consent, last_second)}"

    def library(self, subscriber: int) -> str:
        """A subscriber's guides."""
        return f"{self.site}/library/{self._token(Purpose.LIBRARY, subscriber)}"

    def guide_pdf(self, subscriber: int, slug: str) -> str:
        """A subscriber's own link to the PDF of one guide."""
        return f"{self.library(subscriber)}/{slug}.pdf"

    def preferences(self, subscriber: int) -> str:
        """The page on which a subscriber chooses what to receive."""
        return f"{self.site}/preferences/{self._token(Purpose.PREFERENCES, subscriber)}"

    def stop(self, subscriber: int, slug: str) -> str:
        """The page with the button that stops a guide's series."""
        return f"{self.preferences(subscriber)}/stop/{slug}"

    def cover(self, slug: str) -> str:
        """The public picture of a guide's cover."""
        return f"{self.site}/guides/{slug}/pages/1.png"

    def unsubscribe(self, subscriber: int, message: int) -> str:
        """The unsubscribe page, also the target of the one-click POST (RFC 8058 §3.1)."""
        return f"{self.site}/unsubscribe/{self._token(Purpose.UNSUBSCRIBE, subscriber, message)}"

    def own(self, *numbers: int) -> str:
        """A link requested on the preferences page that proves access to the mailbox."""
        return f"{self.site}/own/{self._token(Purpose.OWN, *numbers)}"

    def reset(self, *numbers: int) -> str:
        """Where an owner chooses a new password."""
        return f"{self.site}/owner/reset/{self._token(Purpose.RESET, *numbers)}"

    def invitation(self, *numbers: int) -> str:
        """Where an invited team member chooses a password."""
        return f"{self.site}/owner/invitation/{self._token(Purpose.INVITATION, *numbers)}"

    def login(self, *numbers: int) -> str:
        """Where a team member confirms their new login address."""
        return f"{self.site}/owner/address/{self._token(Purpose.LOGIN, *numbers)}"

    def not_me(self, *numbers: int) -> str:
        """Where a login change is cancelled from the earlier address."""
        return f"{self.site}/owner/address/not-me/{self._token(Purpose.NOT_ME, *numbers)}"

    def refuse(self, subscriber: int, mailbox_hash: str) -> str:
        """The "this was not me" page. `mailbox_hash`: 64 hex digits, so that it outlives the sign-up's deletion."""
        parts = (int(mailbox_hash[place : place + 16], 16) for place in range(0, 64, 16))
        return f"{self.site}/not-me/{self._token(Purpose.REFUSE, subscriber, *parts)}"

    def view(self, message: int) -> str:
        """This mail in the browser."""
        return f"{self.site}/view/{self._token(Purpose.VIEW, message)}"


def path(url: str) -> str:
    """A URL's path, for our own pages, which may be open under another host name or port."""
    return urlsplit(url).path
