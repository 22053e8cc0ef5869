"""Addresses of the pages that a mail points to."""

from urllib.parse import urlsplit

from newsletter.links.signer import Purpose, Signer


class Urls:
    """The addresses of the pages that a mail points to. `site` has no slash at its end."""

    def __init__(self, site: str, signer: Signer) -> None:
        self.site = site
        self._token = signer.token

    def confirm(self, consent: int, last_second: int) -> str:
        """The page with the one button that confirms."""
        return f"{self.site}/confirm/{self._token(Purpose.CONFIRM, consent, last_second)}"

    def library(self, subscriber: int) -> str:
        """A subscriber's guides."""
        return f"{self.site}/library/{self._token(Purpose.LIBRARY, subscriber)}"

    def guide_pdf(self, subscriber: int, slug: str) -> str:
        """A subscriber's own link to the PDF of one guide."""
        return f"{self.library(subscriber)}/{slug}.pdf"

    def preferences(self, subscriber: int) -> str:
        """What a subscriber receives, to choose."""
        return f"{self.site}/preferences/{self._token(Purpose.PREFERENCES, subscriber)}"

    def stop(self, subscriber: int, slug: str) -> str:
        """The page with the one button that stops the series of one guide."""
        return f"{self.preferences(subscriber)}/stop/{slug}"

    def cover(self, slug: str) -> str:
        """The picture of a guide's cover; everybody may see it."""
        return f"{self.site}/guides/{slug}/pages/1.png"

    def unsubscribe(self, subscriber: int, message: int) -> str:
        """Leaving: a page with a button, and the target of the one-click POST (RFC 8058 §3.1)."""
        return f"{self.site}/unsubscribe/{self._token(Purpose.UNSUBSCRIBE, subscriber, message)}"

    def own(self, *numbers: int) -> str:
        """What somebody has asked for on their preferences page, for whoever reads their mail."""
        return f"{self.site}/own/{self._token(Purpose.OWN, *numbers)}"

    def reset(self, *numbers: int) -> str:
        """Where an owner chooses a new password."""
        return f"{self.site}/owner/reset/{self._token(Purpose.RESET, *numbers)}"

    def invitation(self, *numbers: int) -> str:
        """Where somebody who is asked into the team chooses a password."""
        return f"{self.site}/owner/invitation/{self._token(Purpose.INVITATION, *numbers)}"

    def login(self, *numbers: int) -> str:
        """Where somebody of the team says that the new sign-in address is theirs."""
        return f"{self.site}/owner/address/{self._token(Purpose.LOGIN, *numbers)}"

    def not_me(self, *numbers: int) -> str:
        """Where that is called off from the earlier one."""
        return f"{self.site}/owner/address/not-me/{self._token(Purpose.NOT_ME, *numbers)}"

    def refuse(self, subscriber: int, mailbox_hash: str) -> str:
        """ "This was not me, never again." `mailbox_hash`: 64 hex digits, which outlive the sign-up."""
        parts = (int(mailbox_hash[place : place + 16], 16) for place in range(0, 64, 16))
        return f"{self.site}/not-me/{self._token(Purpose.REFUSE, subscriber, *parts)}"

    def view(self, message: int) -> str:
        """This mail in the browser."""
        return f"{self.site}/view/{self._token(Purpose.VIEW, message)}"


def path(url: str) -> str:
    """What our own pages need of an address of ours: it works under whatever name and port they were opened."""
    return urlsplit(url).path
