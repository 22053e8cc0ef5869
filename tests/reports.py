"""Mails as they come back, after the forms that servers use: a delivery status, a complaint, a wish to leave."""

from collections.abc import Sequence

JANE = "jane@example.com"


def head(to: str, sender: str = "MAILER-DAEMON@mx.example.net", subject: str = "Undelivered Mail Returned to Sender",
         *more: str) -> str:  # fmt: skip
    """The head of a mail, without the empty line behind it."""
    return "\n".join((f"From: {sender}", f"To: {to}", f"Subject: {subject}", "MIME-Version: 1.0", *more))


def dsn(to: str, recipient: str = JANE, status: str = "5.1.1", said: str = "550 5.1.1 <jane@example.com> no such user",
        *, action: str = "failed", returned: str = "", more: Sequence[str] = ()) -> bytes:  # fmt: skip
    """A delivery status notification (RFC 3464)."""
    kind = 'Content-Type: multipart/report; report-type=delivery-status; boundary="edge"'
    return "\n".join((
        head(to, "MAILER-DAEMON@mx.example.net", "Undelivered Mail Returned to Sender", kind, "Return-Path: <>"), "",
        "--edge", "Content-Type: text/plain", "", "I could not deliver your mail. It is attached.", "",
        "--edge", "Content-Type: message/delivery-status", "", "Reporting-MTA: dns; mx.example.net", "",
        f"Final-Recipient: rfc822; {recipient}", f"Action: {action}", f"Status: {status}",
        f"Diagnostic-Code: smtp; {said}", *more, "",
        "--edge", "Content-Type: message/rfc822", "",
        f"From: paul@example.org\nTo: {recipient}\n{returned}Subject: Golf", "", "Hello", "", "--edge--", "",
    )).encode()  # fmt: skip


def complaint(to: str, returned: str, kind: str = "abuse", recipient: str = "redacted") -> bytes:
    """A complaint in the abuse reporting format (RFC 5965)."""
    report = 'Content-Type: multipart/report; report-type=feedback-report; boundary="edge"'
    return "\n".join((
        head(to, "staff@provider.example", "Email Feedback Report", report), "",
        "--edge", "Content-Type: text/plain", "", "This is an email abuse report.", "",
        "--edge", "Content-Type: message/feedback-report", "", f"Feedback-Type: {kind}", "User-Agent: Loop/1.0",
        "Version: 1", f"Original-Rcpt-To: {recipient}", "",
        "--edge", "Content-Type: message/rfc822", "",
        f"From: paul@example.org\n{returned}Subject: Golf", "", "Hello", "", "--edge--", "",
    )).encode()  # fmt: skip


def leaving(subject: str, *more: str, sender: str = "Jane <alias@elsewhere.example>") -> bytes:
    """What a mail program sends to the mailto address of List-Unsubscribe."""
    return (head("paul@example.org", sender, subject, *more) + "\n\n").encode()
