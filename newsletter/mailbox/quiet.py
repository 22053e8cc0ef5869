"""A request handler without an access log, for this package's small servers."""

from werkzeug.serving import WSGIRequestHandler


class Quiet(WSGIRequestHandler):
    """A request handler that logs no requests."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Log nothing: the mailbox page polls every few seconds."""
