"""What comes in: bounces, complaints and wishes to leave that come as a mail, told apart by `read`."""

from newsletter.mail.incoming.bounce import Failure
from newsletter.mail.incoming.parts import LARGEST
from newsletter.mail.incoming.reading import Claims, Incoming, Kind, read

__all__ = ["LARGEST", "Claims", "Failure", "Incoming", "Kind", "read"]
