"""A small DNS server on loopback: answers what it was told to, and notes what it was asked."""

import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
from dns.resolver import Resolver

ROOT = {". NS": ["a.root-servers.net."]}


@dataclass
class DnsServer:
    """`zone`: by "name. TYPE" what is there. A name without anything does not exist; one in `fails` gets SERVFAIL, one
    in `silent` nothing."""

    zone: Mapping[str, list[str]] = field(default_factory=dict)
    fails: set[str] = field(default_factory=set)
    silent: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)
    port: int = 0

    def resolver(self) -> Resolver:
        """One that asks here."""
        made = Resolver(configure=False)
        made.nameservers, made.port = ["127.0.0.1"], self.port
        return made

    def answer(self, data: bytes) -> bytes | None:
        """To one question."""
        query = dns.message.from_wire(data)
        (question,) = query.question
        name, kind = question.name.to_text(), question.rdtype.name
        self.asked.append(f"{name} {kind}")
        if name in self.silent or "*" in self.silent:
            return None
        told = dns.message.make_response(query)
        told.flags |= dns.flags.RA
        found = self.zone.get(f"{name} {kind}")
        if name in self.fails:
            told.set_rcode(dns.rcode.SERVFAIL)
        elif found:
            told.answer.append(dns.rrset.from_text(question.name, 300, "IN", kind, *found))
        elif not any(one.startswith(f"{name} ") for one in self.zone):
            told.set_rcode(dns.rcode.NXDOMAIN)
        return told.to_wire()


@contextmanager
def serving(server: DnsServer) -> Iterator[DnsServer]:
    """The server, on a free port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as door:
        door.bind(("127.0.0.1", 0))
        server.port = door.getsockname()[1]

        def serve() -> None:
            while True:
                data, client = door.recvfrom(4096)
                if not data:
                    return
                if told := server.answer(data):
                    door.sendto(told, client)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield server
        finally:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
                last.sendto(b"", ("127.0.0.1", server.port))
            thread.join()
