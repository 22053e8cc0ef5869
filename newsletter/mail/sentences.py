"""What became of a message, in a sentence for a person: the ledger keeps codes and what servers said."""

from newsletter.mail.ledger.reasons import Reason

_SENTENCES = {
    Reason.LOST: "The worker stopped while this was being handed over; the server may have it.",
    Reason.LOST_UNWANTED: "The worker stopped while this was being handed over; the server may have it. "
    "Not wanted any more.",
    Reason.UNBUILDABLE: "The mail could not be built",
    Reason.UNFIT: "Its text cannot be put together",
    Reason.NOT_ELIGIBLE: "Not sent: the person may not receive this any more.",
    Reason.CAMPAIGN_CANCELLED: "The campaign was cancelled.",
    Reason.SERIES_OFF: "The series was switched off.",
    Reason.SERIES_STOPPED: "The person stopped this series.",
    Reason.STOPPED_BY_OWNER: "Stopped by the owner.",
    Reason.SERIES_NOT_ELIGIBLE: "The person may not receive the series any more.",
    Reason.LET_BE: "Not sent: the owner let it be after the installation was restored or copied.",
    Reason.CONFIRMED: "Not needed any more: the person has confirmed.",
    Reason.LEFT: "The person unsubscribed.",
    Reason.NEWSLETTER_LEFT: "The person left the newsletter.",
    Reason.TOPIC_LEFT: "The person left the topic that this is about.",
    Reason.PAUSED: "The person has paused what comes by itself.",
    Reason.REFUSED: "Somebody at this address said that it was not them who signed up.",
    Reason.BOUNCED: "Mail to the address bounced.",
    Reason.COMPLAINED: "The person reported our mail as spam.",
    Reason.MAILBOX_LIMIT: "Not sent: this mailbox has had as many mails because of our forms as it may.",
    Reason.DOMAIN_LIMIT: "Not sent: too many people of this domain were signed up at once.",
    Reason.NOTHING_OPEN: "Not sent: there is no sign-up of this person to remind of.",
    Reason.SUPPRESSED: "Not sent: the address is not to be written to.",
}
_WITH_DETAIL = (Reason.UNBUILDABLE, Reason.UNFIT)


def explained(reason: Reason | str | None, code: int | None = None, reply: str | None = None) -> str:
    """Return why a message is where it is: the reason in a sentence, else the server's code and words; "" for neither.

    A reason that no version knows any more, or knew of yet, is shown as it is.
    """
    said = reply or ""
    if reason:
        sentence = _SENTENCES.get(Reason(reason), "") if reason in set(Reason) else str(reason)
        return f"{sentence}: {said}" if said and reason in _WITH_DETAIL else sentence
    if said and code and not said.startswith(str(code)):
        return f"{code} {said}"
    return said
