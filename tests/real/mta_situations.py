"""Situations that a relay can be in, as Exim, Postfix and OpenSMTPD each have them, or the reason why one has not."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from tests.real.mta import Mta, exim, postfix
from tests.real.opensmtpd import SMALL_DISK, opensmtpd
from tests.smtp.sending import recipient

Server = Callable[[], AbstractContextManager[Mta]]
Encrypted = Callable[[Path], AbstractContextManager[Mta]]
"""Given the file of a certificate and its key."""

EXIM, POSTFIX, OPENSMTPD = "Exim", "Postfix", "OpenSMTPD"
GREY = [recipient(key) for key in range(5, 61, 5)]
NOBODY = [recipient(key) for key in range(1, 61) if key % 4]


def _postfix_answers(answer: str, people: list[str]) -> str:
    answers = ", ".join(f"{{ {one} = {answer} }}" for one in people)
    return f"smtpd_recipient_restrictions = check_recipient_access inline:{{ {answers} }}, permit_mynetworks"


def _exim_answers(verb: str, answer: str, people: list[str]) -> str:
    return f"{verb} message = {answer}\n    recipients = {' : '.join(people)}\n  accept"


def _opensmtpd_answers(answer: str, people: list[str]) -> tuple[str, str]:
    table = ", ".join(f'"{one}"' for one in people)
    return f'table those {{ {table} }}\nfilter "f" phase rcpt-to match rcpt-to <those> reject "{answer}"', 'filter "f"'


LATER, NO_SUCH_USER = "4.7.1 Greylisted, please come back later", "5.1.1 no such user"
_RATE = (
    "message = 450 4.7.1 Sender rate exceeds $sender_rate_limit messages per $sender_rate_period\n"
    "    ratelimit = 40 / 3s"
)
SITUATIONS: dict[str, dict[str, Server | str]] = {
    "So many mails in a session": {
        EXIM: lambda: exim("smtp_accept_max_per_connection = 100"),
        POSTFIX: "counts errors in a session, not mails",
        OPENSMTPD: opensmtpd,
    },
    "So many mails in a time": {
        EXIM: lambda: exim("acl_smtp_mail = acl_mail", f"accept\nacl_mail:\n  defer {_RATE} / leaky\n  accept"),
        POSTFIX: lambda: postfix("smtpd_client_message_rate_limit = 40"),
        OPENSMTPD: "has no such limit",
    },
    "So many recipients": {
        EXIM: lambda: exim(acl=f"defer {_RATE} / leaky / per_rcpt\n  accept"),
        POSTFIX: lambda: postfix("smtpd_client_recipient_rate_limit = 40"),
        OPENSMTPD: lambda: opensmtpd("smtp limit max-rcpt 1"),
    },
    "So many connections": {
        EXIM: lambda: exim("smtp_accept_max_per_host = 2"),
        POSTFIX: lambda: postfix("smtpd_client_connection_count_limit = 2"),
        OPENSMTPD: "has no such limit",
    },
    "Greylisting": {
        EXIM: lambda: exim(acl=_exim_answers("defer", f"451 {LATER}", GREY)),
        POSTFIX: lambda: postfix(_postfix_answers(f"451 {LATER}", GREY)),
        OPENSMTPD: lambda: opensmtpd(*_opensmtpd_answers(f"451 {LATER}", GREY)),
    },
    "Hangs up on many errors": {
        EXIM: lambda: exim("smtp_max_synprot_errors = 1", _exim_answers("deny", f"550 {NO_SUCH_USER}", NOBODY)),
        POSTFIX: lambda: postfix(
            f"smtpd_error_sleep_time = 0\nsmtpd_hard_error_limit = 6\n{_postfix_answers(f'550 {NO_SUCH_USER}', NOBODY)}"
        ),
        OPENSMTPD: lambda: opensmtpd(*_opensmtpd_answers(f"550 {NO_SUCH_USER}", NOBODY)),
    },
    "Full queue disk": {
        EXIM: lambda: exim("check_spool_space = 1000000G"),
        POSTFIX: lambda: postfix("queue_minfree = 1000000000000000\nmessage_size_limit = 10240"),
        OPENSMTPD: lambda: opensmtpd(mounts=SMALL_DISK),
    },
    "Killed and started again in mid-campaign": {EXIM: exim, POSTFIX: postfix, OPENSMTPD: opensmtpd},
}  # fmt: skip
ENCRYPTED: dict[str, Encrypted] = {
    EXIM: lambda file: exim(f"tls_advertise_hosts = *\ntls_certificate = {file}\ntls_privatekey = {file}"),
    POSTFIX: lambda file: postfix(f"smtpd_tls_security_level = may\nsmtpd_tls_chain_files = {file}"),
    OPENSMTPD: lambda file: opensmtpd(
        f'pki mx.example cert "{file}"\npki mx.example key "{file.with_name("key.pem")}"', "tls pki mx.example"
    ),
}

_NO_HANDSHAKE = "tested; but that of Debian 12 finishes no handshake with OpenSSL 3"


def table() -> str:
    """What is tested, for the documentation."""
    servers = (EXIM, POSTFIX, OPENSMTPD)
    rows = [["Situation", *servers], ["---"] * (1 + len(servers))]
    rows += [[name, *(_cell(has[one]) for one in servers)] for name, has in SITUATIONS.items()]
    rows += [["A certificate that is good, of another name, run out", "tested", "tested", _NO_HANDSHAKE]]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _cell(has: Server | str) -> str:
    return has if isinstance(has, str) else "tested"
