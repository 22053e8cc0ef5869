"""Says in a sentence what became of a message: the ledger keeps codes and what servers said."""

from newsletter.languages import SOURCE, Language, marked
from newsletter.mail.ledger.reasons import Reason

_SENTENCES = {
    Reason.LOST: marked("The worker stopped while this was being handed over; the server may have it."),
    Reason.LOST_UNWANTED: marked(
        "The worker stopped while this was being handed over; the server may have it. Not wanted any more."
    ),
    Reason.UNBUILDABLE: marked("The mail could not be built"),
    Reason.UNFIT: marked("Its text cannot be put together"),
    Reason.NOT_ELIGIBLE: marked("Not sent: the person may not receive this any more."),
    Reason.CAMPAIGN_CANCELLED: marked("The campaign was cancelled."),
    Reason.SERIES_OFF: marked("The series was switched off."),
    Reason.SERIES_STOPPED: marked("The person stopped this series."),
    Reason.STOPPED_BY_OWNER: marked("Stopped by the owner."),
    Reason.SERIES_NOT_ELIGIBLE: marked("The person may not receive the series any more."),
    Reason.LET_BE: marked("Not sent: the owner let it be after the installation was restored or copied."),
    Reason.CONFIRMED: marked("Not needed any more: the person has confirmed."),
    Reason.LEFT: marked("The person unsubscribed."),
    Reason.NEWSLETTER_LEFT: marked("The person left the newsletter."),
    Reason.TOPIC_LEFT: marked("The person left the topic that this is about."),
    Reason.PAUSED: marked("The person has paused what comes by itself."),
    Reason.DIGEST: marked("Not sent by itself: the person takes one mail a week, and it goes into that."),
    Reason.REFUSED: marked("Somebody at this address said that it was not them who signed up."),
    Reason.BOUNCED: marked("Mail to the address bounced."),
    Reason.COMPLAINED: marked("The person reported our mail as spam."),
    Reason.MAILBOX_LIMIT: marked("Not sent: this mailbox has had as many mails because of our forms as it may."),
    Reason.DOMAIN_LIMIT: marked("Not sent: too many people of this domain were signed up at once."),
    Reason.NOTHING_OPEN: marked("Not sent: there is no sign-up of this person to remind of."),
    Reason.SUPPRESSED: marked("Not sent: the address is not to be written to."),
}
_WITH_DETAIL = (Reason.UNBUILDABLE, Reason.UNFIT)


def explained(reason: Reason | str | None, code: int | None = None, reply: str | None = None,
              language: Language = SOURCE) -> str:  # fmt: skip
    """Why a message is where it is: the reason in a sentence, else the server's code and words; "" for neither.

    A reason this version does not know is shown as it is.
    """
    said = reply or ""
    if reason:
        known = _SENTENCES.get(Reason(reason), "") if reason in set(Reason) else ""
        sentence = language.gettext(known) if known else "" if reason in set(Reason) else str(reason)
        return f"{sentence}: {said}" if said and reason in _WITH_DETAIL else sentence
    if said and code and not said.startswith(str(code)):
        return f"{code} {said}"
    return said
