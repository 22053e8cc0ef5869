"""Links: signed tokens (`signer`), and the URLs that carry them (`urls`)."""

from newsletter.links.signer import BadLink, ExpiredLink, Purpose, Signer, still_good
from newsletter.links.urls import Urls, path

__all__ = ["BadLink", "ExpiredLink", "Purpose", "Signer", "Urls", "path", "still_good"]
