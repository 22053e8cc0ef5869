"""Names of mails, consents and events in a person's timeline."""

from newsletter.events import By, EventKind
from newsletter.subscribers import Basis, Stream
from newsletter.web.language import lazy

STREAMS = {
    Stream.CONFIRM: lazy("Confirmation mail"),
    Stream.REMINDER: lazy("Reminder"),
    Stream.GUIDE: lazy("Guide mail"),
    Stream.GOODBYE: lazy("Goodbye mail"),
    Stream.PROVE: lazy("Link they asked for"),
    Stream.STEP: lazy("Series article"),
    Stream.CAMPAIGN: lazy("Campaign"),
    Stream.DIGEST: lazy("Weekly mail"),
    Stream.TEST: lazy("Test"),
    Stream.NOTICE: lazy("Notice"),
}
"""Names of mails."""
ON_ITS_WAY = lazy("It was on its way already when they left.")
HOW_CONFIRMED = {
    Basis.MAIL: lazy("Confirmed by the button in their own mail"),
    Basis.PAGE: lazy("Agreed on their own page"),
    Basis.IMPORT: lazy("Taken as confirmed on import, on the owner's word"),
    Basis.FORM: lazy("Taken from the form, because the address was confirmed before; nobody pressed a button"),
    None: lazy("Taken as confirmed; how is not on record"),
}
"""Names of the proofs of consent."""
KINDS = {
    EventKind.NEWSLETTER_ON: lazy("Newsletter: on"),
    EventKind.NEWSLETTER_OFF: lazy("Newsletter: off"),
    EventKind.TOPIC_ON: lazy("Takes the topic"),
    EventKind.TOPIC_OFF: lazy("Left the topic"),
    EventKind.EVERY_TOPIC: lazy("Takes every topic, those to come too"),
    EventKind.DIGEST_ON: lazy("Takes one mail a week in place of single ones"),
    EventKind.DIGEST_OFF: lazy("Takes single mails again"),
    EventKind.SERIES_STARTED: lazy("Said yes to the series"),
    EventKind.SERIES_RESUMED: lazy("Started the series again, where they were"),
    EventKind.SERIES_STOPPED: lazy("Stopped the series"),
    EventKind.PAUSED: lazy("Paused everything"),
    EventKind.WENT_ON: lazy("Ended their pause"),
    EventKind.LEFT: lazy("Unsubscribed"),
    EventKind.SAID_WHY: lazy("Said why they left"),
    EventKind.RETURNED: lazy("Came back"),
    EventKind.REFUSED: lazy("Said “this was not me”: no form makes us write here again"),
    EventKind.BOUNCED: lazy("Stopped: the address bounced"),
    EventKind.COMPLAINED: lazy("Stopped: reported our mail as spam"),
    EventKind.LIFTED: lazy("Lifted by the owner: the address may be written to again"),
}
PRESSED = {
    By.MAIL: lazy("By the button behind the link in their own mail"),
    By.ONE_CLICK: lazy("By their mail program's one click"),
    By.PAGE: lazy("On their own page"),
    By.OWNER: lazy("By the owner"),
    By.SERVER: lazy("By the receiving server's answer"),
}
"""Names of who did something, and how."""
