"""Checks an address typed into a page: its syntax, and whether its domain accepts mail and is not refused.

DNS is queried before the transaction: nothing is locked meanwhile, and the time taken reveals nothing about the person.
"""

import idna
from flask import g

from newsletter.brand import Brand
from newsletter.subscribers import Address, AddressFault, BadAddress, read_address
from newsletter.web.state import runtime


def ask_ahead(typed: str) -> None:
    """Look up the domain, before the view opens its transaction; `typed_address` uses the result."""
    try:
        domain = read_address(typed).domain
    except BadAddress:
        return
    g.domain_asked = domain, runtime().domains.fault(domain)


def typed_address(typed: str, house: Brand) -> Address:
    """The address. Raises BadAddress for bad syntax, a refused domain, or one that accepts no mail. Does not check who
    it belongs to."""
    address = read_address(typed)
    if house.refuses(address.domain):
        raise BadAddress(AddressFault.THROWN_AWAY, _as_read(address.domain))
    domain, fault = g.get("domain_asked", ("", None))
    if fault is not None and domain == address.domain:
        raise BadAddress(AddressFault(fault), _as_read(domain))
    return address


def _as_read(domain: str) -> str:
    """The domain in readable Unicode."""
    try:
        return idna.decode(domain)
    except idna.IDNAError:
        return domain
