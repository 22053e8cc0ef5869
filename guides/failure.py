"""Why a book cannot be delivered."""


class BuildError(Exception):
    """A book that cannot be delivered; the message is the one line the operator reads."""
