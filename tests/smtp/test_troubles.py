"""What servers and mail services say at their limits, and whom it is about.

After what services document or customers report (SES, SendGrid, Google, Microsoft, Zoho) and what Postfix and Exim
say. Those of Postmark, Mailgun, Brevo, Fastmail and OVH are partly wordings that are likely, not ones that were seen.
"""

import pytest

from newsletter.smtp import Trouble, trouble_of
from newsletter.smtp.reply import enhanced_status

RELAYS: list[tuple[str, Trouble, str, int, str]] = [
    ("SES", Trouble.RATE, "MAIL", 454, "Throttling failure: Maximum sending rate exceeded."),
    ("SES", Trouble.RATE, ".", 454, "Throttling failure: Maximum sending rate exceeded."),
    ("SES", Trouble.QUOTA, ".", 454, "Throttling failure: Daily message quota exceeded."),
    (
        "SES",
        Trouble.SENDER,
        ".",
        554,
        "Message rejected: Email address is not verified. The following identities failed",
    ),
    ("SES", Trouble.ACCOUNT, ".", 554, "Message rejected: Sending paused for this account."),
    ("SES", Trouble.LOGIN, "AUTH", 535, "Authentication Credentials Invalid"),
    ("SES", Trouble.LOGIN, "MAIL", 530, "Authentication required"),
    ("SES", Trouble.CONNECTIONS, "banner", 421, "Too many concurrent connections"),
    ("Postmark", Trouble.ACCOUNT, "AUTH", 535, "5.7.8 This account is pending approval"),
    ("Postmark", Trouble.SENDER, ".", 550, "5.7.1 The 'From' address does not correspond to a Sender Signature"),
    ("SendGrid", Trouble.QUOTA, "AUTH", 451, "Authentication failed: Maximum credits exceeded"),
    ("SendGrid", Trouble.QUOTA, ".", 451, "Authentication failed: Maximum credits exceeded"),
    ("SendGrid", Trouble.SENDER, ".", 550, "The from address does not match a verified Sender Identity."),
    ("SendGrid", Trouble.SENDER, "MAIL", 553, "You are not authorized to send from that email address"),
    ("Mailgun", Trouble.SENDER, ".", 550, "5.7.1 Domain news.example.org is not allowed to send: please verify it"),
    ("Mailgun", Trouble.ACCOUNT, ".", 421, "4.7.0 Account is disabled"),
    ("Mailgun", Trouble.QUOTA, ".", 452, "4.3.1 Hourly sending limit exceeded, try again later"),
    ("Brevo", Trouble.ACCOUNT, "AUTH", 525, "5.7.1 Unauthorized IP address"),
    ("Brevo", Trouble.ACCOUNT, "MAIL", 502, "5.7.0 Your SMTP account is not yet activated"),
    ("Brevo", Trouble.SENDER, ".", 550, "The sender you used paul@example.org is not valid. Validate your sender"),
    ("Google", Trouble.QUOTA, ".", 550, "5.4.5 Daily user sending limit exceeded. For more information, visit"),
    ("Google", Trouble.QUOTA, "RCPT", 550, "5.4.5 Daily SMTP relay limit exceeded for customer."),
    ("Google", Trouble.RATE, "RCPT", 450, "4.2.1 Peak SMTP relay limit exceeded for customer."),
    ("Google", Trouble.RATE, "MAIL", 421, "4.7.0 Try again later, closing connection."),
    ("Google", Trouble.LOGIN, "AUTH", 535, "5.7.8 Username and Password not accepted."),
    ("Google", Trouble.LOGIN, "AUTH", 454, "4.7.0 Too many login attempts, please try again later."),
    ("Microsoft", Trouble.CONNECTIONS, ".", 432, "4.3.2 Concurrent connections limit exceeded."),
    ("Microsoft", Trouble.CONNECTIONS, ".", 432, "4.3.2 STOREDRV.ClientSubmit; sender thread limit exceeded"),
    (
        "Microsoft",
        Trouble.SENDER,
        ".",
        554,
        "5.2.252 SendAsDenied; paul@example.org not allowed to send as news@example.org",
    ),
    ("Microsoft", Trouble.SENDER, "MAIL", 550, "5.2.252 Sender throttled due to continuous send as denied errors."),
    ("Microsoft", Trouble.ACCOUNT, "MAIL", 550, "5.2.253 Sender throttled due to continuous invalid license errors."),
    ("Microsoft", Trouble.QUOTA, ".", 554, "5.2.2 Submission quota exceeded"),
    ("Microsoft", Trouble.ACCOUNT, ".", 550, "5.1.8 Access denied, bad outbound sender"),
    ("Zoho", Trouble.SENDER, "MAIL", 553, "Relaying disallowed as news@example.org"),
    ("Zoho", Trouble.SENDER, "RCPT", 553, "5.7.1 Sender is not allowed to relay emails"),
    ("Zoho", Trouble.ACCOUNT, ".", 550, "5.4.6 Unusual sending activity detected. Please try after some time"),
    ("Zoho", Trouble.ACCOUNT, "MAIL", 554, "5.1.8 Sender Address Blocked"),
    ("Fastmail", Trouble.SENDER, ".", 551, "5.7.1 Not authorised to send from this header address"),
    (
        "Fastmail",
        Trouble.ACCOUNT,
        "RCPT",
        554,
        "5.7.1 <mx[192.0.2.1]>: Client host rejected: Address locked or deactivated",
    ),
    ("Fastmail", Trouble.QUOTA, "RCPT", 451, "4.7.1 You have exceeded your daily sending limit"),
    (
        "OVH",
        Trouble.SENDER,
        "RCPT",
        553,
        "5.7.1 <a@b.example>: Sender address rejected: not owned by user paul@example.org",
    ),
    ("OVH", Trouble.SENDER, "RCPT", 553, "5.7.1 <a@b.example>: Sender address rejected: not logged in"),
    ("OVH", Trouble.QUOTA, "RCPT", 550, "5.7.1 Number of messages per hour exceeded"),
    ("OVH", Trouble.ACCOUNT, "MAIL", 550, "5.7.1 This account has been blocked for sending spam"),
    ("Postfix", Trouble.RATE, "MAIL", 450, "4.7.1 Error: too much mail from 192.0.2.1"),
    ("Exim", Trouble.RATE, "RCPT", 450, "4.7.1 Sender rate exceeds 100 messages per 1h"),
    ("Postfix", Trouble.RATE, "RCPT", 450, "4.7.1 Error: too many recipients from 192.0.2.1"),
    ("Postfix", Trouble.STORAGE, "MAIL", 452, "4.3.1 Insufficient system storage"),
    ("Postfix", Trouble.CONNECTIONS, "banner", 421, "4.7.0 mx Error: too many connections from 192.0.2.1"),
    ("Postfix", Trouble.SENDER, "RCPT", 450, "4.1.8 <a@b.example>: Sender address rejected: Domain not found"),
    ("Exim", Trouble.CONNECTIONS, "banner", 421, "Too many concurrent SMTP connections; please try again later."),
    ("Exim", Trouble.STORAGE, "MAIL", 452, "Space shortage, please try later"),
    ("Exim", Trouble.REFUSED, "MAIL", 550, "Administrative prohibition"),
    ("any", Trouble.REFUSED, "MAIL", 550, "5.7.1 not from here"),
    ("any", Trouble.BUSY, "MAIL", 451, "4.3.0 later"),
    ("any", Trouble.TLS, "TLS", 0, "certificate has expired"),
    ("any", Trouble.UNREACHABLE, "connect", 0, "Connection refused"),
]
MESSAGES: list[tuple[str, int, str]] = [
    ("RCPT", 550, "5.1.1 <reader@example.org>: Recipient address rejected: User unknown"),
    ("RCPT", 450, "4.2.0 <reader@example.org>: Recipient address rejected: Greylisted, see http://postgrey"),
    ("RCPT", 452, "4.2.2 The email account that you tried to reach is over quota"),
    ("RCPT", 452, "4.5.3 Too many recipients"),
    ("RCPT", 550, "5.7.1 Relay access denied"),
    ("RCPT", 454, "4.7.1 Relay access denied"),
    ("RCPT", 450, "4.2.1 The user you are trying to contact is receiving mail too quickly."),
    (".", 552, "5.2.2 mailbox full"),
    (".", 550, "5.7.1 This message looks like spam"),
    (".", 554, "5.6.0 Lines longer than SMTP allows"),
    (".", 451, "4.3.0 try later"),
    ("MAIL", 552, "5.3.4 Message size exceeds fixed limit"),
    ("MAIL", 555, "5.5.4 Unsupported option: SMTPUTF8"),
]


@pytest.mark.parametrize(("service", "trouble", "step", "code", "text"), RELAYS)
def test_what_a_relay_says_of_itself(service: str, trouble: Trouble, step: str, code: int, text: str) -> None:
    assert trouble_of(code, enhanced_status(code, text), text, step) is trouble, service


@pytest.mark.parametrize(("step", "code", "text"), MESSAGES)
def test_what_it_says_of_one_message_or_its_reader(step: str, code: int, text: str) -> None:
    assert trouble_of(code, enhanced_status(code, text), text, step) is None
