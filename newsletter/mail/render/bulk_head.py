"""The extra headers of bulk mail: how to unsubscribe, and which list it is."""

from urllib.parse import quote, urlsplit

from newsletter.brand import Brand
from newsletter.links import Purpose, Signer, Urls
from newsletter.mail.ledger import ClaimedMessage
from newsletter.mail.render import mime
from newsletter.subscribers import Stream


def bulk_head(claimed: ClaimedMessage, brand: Brand, urls: Urls, signer: Signer) -> list[bytes]:
    """The header lines, each with its CRLF."""
    # The same token for link and mail: it can only unsubscribe. `inbound` reads the mail.
    token = signer.token(Purpose.UNSUBSCRIBE, claimed.subscriber_id or 0, claimed.id)
    one_click = urls.unsubscribe(claimed.subscriber_id or 0, claimed.id)
    by_mail = f"mailto:{brand.email}?subject={quote(f'unsubscribe {token}')}"
    kind = "series" if claimed.stream is Stream.STEP else "newsletter"
    what = f"c{claimed.dispatch_id}" if claimed.dispatch_id else f"r{claimed.revision_id}"
    what = str(claimed.stream) if claimed.stream is Stream.DIGEST else what  # per reader, not per article
    host = urlsplit(urls.site).hostname or "localhost"
    return [
        mime.header("List-Unsubscribe", f"<{one_click}>,", f"<{by_mail}>"),  # RFC 2369 §3.2
        mime.header("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),  # RFC 8058 §3.1
        mime.header("List-Id", f"<{kind}.{host}>"),  # RFC 2919 §2
        mime.header("Precedence", "bulk"),
        mime.header("Feedback-ID", f"{what}:{kind}:newsletter:{host.replace(':', '.')}"),
    ]
