"""What the small servers of this room log: nothing."""

from werkzeug.serving import WSGIRequestHandler


class Quiet(WSGIRequestHandler):
    """A request handler that keeps requests to itself."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing: the mailbox's page asks for itself every few seconds."""
