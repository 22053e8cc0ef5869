"""What a mail that came in is taken for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.mail.incoming import Kind, read
from newsletter.mail.incoming.parts import take_apart
from newsletter.mail.incoming.reading import understood
from newsletter.mail.replies import BounceClass
from tests.reports import JANE, complaint, dsn, head, leaving

EXIM = head("b@example.org", "Mail Delivery System <Mailer-Daemon@mx.example.net>", "Mail delivery failed",
            "Auto-Submitted: auto-replied", "X-Failed-Recipients: jane@example.com") + """

A message that you sent could not be delivered. The following address failed:

  jane@example.com
    host mx.example.com [192.0.2.1]
    SMTP error from remote mail server after RCPT TO:<jane@example.com>:
    550 Unknown user

------ This is a copy of the message, including all the headers. ------

Return-path: <b@example.org>
To: jane@example.com

The user unknown to nobody
"""  # fmt: skip
QMAIL = head("b@example.org", "MAILER-DAEMON@mx.example.net", "failure notice") + """

Hi. This is the qmail-send program at mx.example.net.

<jane@example.com>:
Sorry, no mailbox here by that name. (#5.1.1)

--- Below this line is a copy of the message.

To: jane@example.com
"""  # fmt: skip
VACATION = head("b+1-0011223344556677@example.org", JANE, "Out of office: Golf", "Auto-Submitted: auto-replied",
                "Return-Path: <>") + """

I am away until Monday. My old address jane@example.net does not exist any more: user unknown.
"""  # fmt: skip
LETTER = head("paul@example.org", JANE, "Re: Golf", "In-Reply-To: <1-0011223344556677@example.org>") + """

You wrote that mail to me came back with "550 5.1.1 user unknown". It works now!
"""  # fmt: skip
DELAYED = head("b@example.org", "Mail Delivery System <Mailer-Daemon@mx.example.net>",
               "Warning: message delayed 24 hours") + """

  jane@example.com
    Delay reason: 450 unknown user, try later
"""  # fmt: skip


@pytest.mark.parametrize(
    ("raw", "bounce"),
    [
        (dsn("b@example.org"), BounceClass.HARD_BOUNCE),
        (EXIM.encode(), BounceClass.HARD_BOUNCE),
        (QMAIL.encode(), BounceClass.HARD_BOUNCE),
        (dsn("b@example.org", status="5.0.0", said="550 5.1.1 user unknown"), BounceClass.HARD_BOUNCE),
        (dsn("b@example.org", status="5.2.2", said="552 5.2.2 mailbox full"), BounceClass.SOFT_BOUNCE),
        (dsn("b@example.org", status="4.2.2", said="452 4.2.2 over quota"), BounceClass.SOFT_BOUNCE),
        (dsn("b@example.org", status="5.7.1", said="550 5.7.1 looks like spam"), BounceClass.POLICY),
        (dsn("b@example.org", status="5.1.1", said="550 5.1.1 your address is blacklisted"), BounceClass.POLICY),
        (dsn("b@example.org", status="4.4.7", said="expired"), BounceClass.NONE),
    ],
)
def test_a_bounce_names_who_was_not_reached_and_why(raw: bytes, bounce: BounceClass) -> None:
    mail = read(raw)
    assert mail.kind is Kind.BOUNCE
    assert [(one.address, one.bounce) for one in mail.failures] == [(JANE, bounce)]


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        (VACATION.encode(), Kind.AUTOMATIC),
        (LETTER.encode(), Kind.OTHER),
        (DELAYED.encode(), Kind.OTHER),
        (dsn("b@example.org", action="delayed", status="4.4.1"), Kind.AUTOMATIC),
        (dsn("b@example.org", action="delivered", status="2.0.0"), Kind.AUTOMATIC),
        (complaint("b@example.org", "To: jane@example.com\n"), Kind.COMPLAINT),
        (complaint("b@example.org", "To: user unknown\n", kind="not-spam"), Kind.AUTOMATIC),
        (b"", Kind.OTHER),
    ],
)
def test_nothing_else_is_taken_for_a_bounce(raw: bytes, kind: Kind) -> None:
    assert read(raw).kind is kind


TOKEN = "A" * 43 + "bcde"


@pytest.mark.parametrize(
    ("raw", "leaves"),
    [
        (leaving(f"unsubscribe {TOKEN}"), True),
        (leaving(f"Unsubscribe {TOKEN}", "Auto-Submitted: no"), True),
        (leaving(f"=?utf-8?q?unsubscribe_{TOKEN}?="), True),
        (leaving("unsubscribe 77"), False),
        (leaving(f"Re: unsubscribe {TOKEN}"), False),
        (leaving(f"unsubscribe {TOKEN}", "Auto-Submitted: auto-replied"), False),
        (leaving(f"unsubscribe {TOKEN}", "Return-Path: <>"), False),
    ],
)
def test_a_wish_to_leave_is_a_signed_subject_that_no_machine_answered(raw: bytes, leaves: bool) -> None:
    mail = read(raw)
    assert (mail.kind is Kind.LEAVING) is leaves
    assert mail.token == (TOKEN if leaves else "")


def test_of_several_recipients_each_has_its_own_reason() -> None:
    more = ("Final-Recipient: rfc822; bob@example.com", "Action: failed", "Status: 5.2.2")
    assert [(one.address, one.bounce) for one in read(dsn("b@example.org", more=more)).failures] == [
        (JANE, BounceClass.HARD_BOUNCE), ("bob@example.com", BounceClass.SOFT_BOUNCE),
    ]  # fmt: skip


SAMPLES = [dsn("b@example.org"), EXIM.encode(), QMAIL.encode(), VACATION.encode(), complaint("b@example.org", ""),
           leaving(f"unsubscribe {TOKEN}")]  # fmt: skip


@given(st.sampled_from(SAMPLES), st.lists(st.tuples(st.integers(0, 1500), st.binary(max_size=6)), max_size=8))
def test_whatever_the_octets_it_is_read(raw: bytes, changes: list[tuple[int, bytes]]) -> None:
    for place, octets in changes:
        raw = raw[:place] + octets + raw[place + len(octets) // 2 :]
    assert read(raw).kind in Kind
    understood(take_apart(raw))  # nor does anything of ours raise behind the guard


@given(st.binary(max_size=400))
def test_octets_that_are_no_mail_are_nothing(raw: bytes) -> None:
    assert read(raw).kind in (Kind.OTHER, Kind.AUTOMATIC)


@pytest.mark.parametrize(
    "raw",
    [
        b"Subject: undeliverable\n\n" + b"a" * 500_000,
        b"Subject: undeliverable\n\n" + b"a@" * 250_000,
        b"Subject: undeliverable\nContent-Type: text/html\n\n" + b"<style " * 70_000,
        b"Subject: undeliverable\nContent-Type: text/html\n\n" + b"<!--" * 120_000,
        b"Subject: undeliverable\n\n" + b"user unknown " * 40_000,
        b"Subject: undeliverable\n\n" + b"1-00112233445566" * 30_000,
        b"Content-Type: multipart/mixed; boundary=a\n\n"
        + b"--a\nContent-Type: multipart/mixed; boundary=a\n\n" * 9_000,
        b"\n".join(b"Received: x%d" % number for number in range(40_000)),
    ],
    ids=range(8),
)
def test_no_mail_takes_long_to_read(raw: bytes) -> None:
    assert read(raw).kind in Kind
