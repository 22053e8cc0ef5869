"""Decides what a bounce means for the address: by its enhanced code (RFC 3463), else by its words.

The codes mean the same as in a session (`mail.replies`). Words count for more here: many reports have no code, or one
that says nothing.
"""

import re

from newsletter.mail.replies import MAILBOX_FULL, NO_SUCH_ADDRESS, BounceClass

NO_ROUTE = "5.4.4"
"""The domain has no mail server."""
NOT_KNOWN_NOW = "4.1.1"
"""Some servers use it for permanent failures: the report says that they gave up."""


def _any(*words: str) -> re.Pattern[str]:
    return re.compile("|".join(words), re.IGNORECASE)


_WHO = "(?:user|recipient|address|mailbox|account|person|local part|alias)"
_UNKNOWN = _any(
    f"no such {_WHO}", f"unknown (?:or illegal )?{_WHO}", f"invalid {_WHO}", f"not a (?:known|valid) {_WHO}",
    f"{_WHO} (?:is )?(?:unknown|not found|not known|invalid|disabled|not local)",
    "unrouteable address", "no mailbox here", "does(?:n't| not) exist",
)  # fmt: skip
_GONE = _any(
    "unknown (?:local|virtual|destination)", r"not (?:our|found|listed) (?:customer|in)", "not listed in", "no account",
    rf"{_WHO}\S* .{{0,60}}(?:not exist|not found|unknown|no longer|n.existe|terminated|moved)",
    f"(?:unknown|unrouteable|invalid|bad destination|non-?existent|illegal) .{{0,20}}(?:{_WHO}|domain|host)",
    r"(?:host|domain)(?: \S+)? (?:unknown|not found)", "(?:name or service|host|domain name) not (?:known|found)",
    "nxdomain", "null mx", "does not accept (?:any )?(?:e-?)?mail", "no smtp service", "find any host",
    "find a mail exchanger", "domain is not reachable", "domain .{0,40}not exist", "can.t be found", "no such",
    "has moved", "is no longer", "has left", f"there is no .{{0,20}}{_WHO}", "name is not recogni",
    r"address rejected\W*$", "isn.t (?:a|in) .{0,30}(?:user|customer)",
)  # fmt: skip
_NO_ACCOUNT = _any("doesn.t have an? .{0,40}account")
_FULL = _any(
    "quota", "exceed.{0,30}(?:storage|mailbox)", "(?:mailbox|inbox|mail folder|account) .{0,30}full", "full mailbox",
    "mailbox (?:full|size)", "storage (?:allocation|space|limit)", "not enough space", "no space", "out of storage",
    "(?:insufficient|not enough) .{0,20}(?:disk|storage)", "too (?:large|much) .{0,20}mailbox",
)  # fmt: skip
_DISLIKED = _any(
    "spam", "block", "black ?list", "reputation", "polic", "reject(?:ed)? (?:due|for)", "virus", "denied",
    "authori[sz]ed", "relay", "dmarc", "spf", "dkim", "authenti", "suspicious", "content (?:reject|filter)",
    "message content", "prohibit", "not permitted", "not allowed", "banned", "refused", "forbidden", "restrict",
    "approved", "moderat", "permission", "sender", "verif", "callout", "helo", "credential",
)  # fmt: skip
"""Signs that the mail, its sender or our server is meant, whatever else is said."""
_PREFERRED = _any("black ?list", "block ?list", "spam", "reputation", "recipient preferences")
"""Some servers refuse unwanted mail with the code of an unknown address."""
_DIRECTORY = _any("recipient address rejected: access denied")
"""How Exchange Online says that an address is not in its directory."""
_LOCAL = _any(r"pipe to \|", "procmail", "command (?:died|failed|output)", "local configuration", "deliver to pipe")
"""Signs that the other server could not store it."""
_ADDRESSES = re.compile(r"<[^<>\s]*>|[\w.+=-]{1,64}@[\w.-]{1,255}")


def meaning(status: str, words: str, *, at_rcpt: bool = True) -> BounceClass:
    """What was said means for the address. `status`: "" if there was none.

    `at_rcpt`: whether the address may have been refused, rather than the content sent to it.
    """
    said = _DIRECTORY.sub("unknown user", _ADDRESSES.sub(" ", words))
    if status[2:] == MAILBOX_FULL[2:] or _FULL.search(said):
        return BounceClass.SOFT_BOUNCE
    disliked = bool(_DISLIKED.search(said))
    if status[2:3] == "7" and (disliked or not at_rcpt or not _UNKNOWN.search(said)):
        return BounceClass.POLICY
    if _LOCAL.search(said):
        return BounceClass.NONE
    if status in NO_SUCH_ADDRESS:
        return BounceClass.POLICY if _PREFERRED.search(said) else BounceClass.HARD_BOUNCE
    if status.startswith("4") and status != NOT_KNOWN_NOW:
        return BounceClass.NONE
    if status == NO_ROUTE or _NO_ACCOUNT.search(said):
        return BounceClass.HARD_BOUNCE
    if disliked or not at_rcpt:
        return BounceClass.POLICY
    return BounceClass.HARD_BOUNCE if _UNKNOWN.search(said) or _GONE.search(said) else BounceClass.NONE
