"""An address that somebody types into a page: its syntax, and whether its domain takes mail at all, and lasts.

DNS is asked before the database: nothing is locked while it thinks, and nothing is known yet about whose address it is.
"""

import idna
from flask import g

from newsletter.brand import Brand
from newsletter.subscribers import Address, AddressFault, BadAddress, read_address
from newsletter.web.state import runtime


def ask_ahead(typed: str) -> None:
    """Ask about what stands behind the @. A door does so before its transaction; `typed_address` goes by the answer."""
    try:
        domain = read_address(typed).domain
    except BadAddress:
        return
    g.domain_asked = domain, runtime().domains.fault(domain)


def typed_address(typed: str, house: Brand) -> Address:
    """The address. Raises BadAddress for what is none, where the owner takes none of its domain, and where no mail can
    be sent there. Whose it is, and whether they are known, is not looked at."""
    address = read_address(typed)
    if house.refuses(address.domain):
        raise BadAddress(AddressFault.THROWN_AWAY, _as_read(address.domain))
    domain, fault = g.get("domain_asked", ("", None))
    if fault is not None and domain == address.domain:
        raise BadAddress(AddressFault(fault), _as_read(domain))
    return address


def _as_read(domain: str) -> str:
    """In the letters that were typed."""
    try:
        return idna.decode(domain)
    except idna.IDNAError:
        return domain
