"""Whether a domain takes mail, asked of a DNS server of our own."""

import threading
from collections.abc import Callable, Iterator

import pytest
from dns.resolver import NoResolverConfiguration, Resolver

from newsletter.mail_domains import AT_ONCE, QUIET, AskedDomains, DomainFault
from tests.dns_server import ROOT, DnsServer, serving

ZONE = ROOT | {
    "mail.example. MX": ["10 mx.example."],
    "host.example. A": ["192.0.2.1"],
    "six.example. AAAA": ["2001:db8::1"],
    "null.example. MX": ["0 ."], "null.example. A": ["192.0.2.1"],
    "odd.example. MX": ["0 .", "10 mx.example."],
    "text.example. TXT": ['"nothing else"'],
    "xn--mnchen-3ya.example. MX": ["10 mx.example."],
}  # fmt: skip


@pytest.fixture
def dns() -> Iterator[DnsServer]:
    """The server."""
    with serving(DnsServer(zone=ZONE)) as server:
        yield server


@pytest.mark.parametrize(
    ("domain", "fault"),
    [
        ("mail.example", None), ("host.example", None), ("six.example", None), ("odd.example", None),
        ("xn--mnchen-3ya.example", None),
        ("null.example", DomainFault.TAKES_NO_MAIL),  # RFC 7505: its address is no mail server then
        ("text.example", DomainFault.TAKES_NO_MAIL),
        ("nowhere.example", DomainFault.NO_DOMAIN),
    ],
)  # fmt: skip
def test_only_a_clear_no_is_a_no(domain: str, fault: DomainFault | None, dns: DnsServer) -> None:
    domains = AskedDomains(dns.resolver)
    assert domains.fault(domain) == fault
    asked = len(dns.asked)
    assert domains.fault(domain) == fault
    assert dns.asked[asked:] == [one for one in dns.asked[asked:] if fault], "what is there is kept"


def test_where_there_is_no_mail_server_the_host_itself_is_one(dns: DnsServer) -> None:
    AskedDomains(dns.resolver).fault("six.example")
    assert dns.asked == ["six.example. MX", "six.example. A", "six.example. AAAA"]


def test_a_resolver_that_denies_everything_is_not_believed(dns: DnsServer) -> None:
    dns.zone = {}
    assert AskedDomains(dns.resolver).fault("nowhere.example") is None
    assert dns.asked == ["nowhere.example. MX", ". NS"]


def test_a_resolver_that_fails_refuses_nobody(dns: DnsServer) -> None:
    dns.fails = {"broken.example."}
    domains = AskedDomains(dns.resolver)
    assert domains.fault("broken.example") is None
    assert domains.fault("nowhere.example") is DomainFault.NO_DOMAIN, "it answers: others are asked about"


def test_without_dns_one_is_waited_for_and_nobody_after_it(dns: DnsServer) -> None:
    dns.silent = {"*"}
    now = [1000.0]
    domains = AskedDomains(dns.resolver, patience=0.1, monotonic=lambda: now[0])
    assert domains.fault("nowhere.example") is None
    asked = len(dns.asked)
    assert asked and [domains.fault(f"{n}.example") for n in range(100)] == [None] * 100
    assert len(dns.asked) == asked
    dns.silent = set()
    now[0] += QUIET
    assert domains.fault("nowhere.example") is DomainFault.NO_DOMAIN


def test_one_silent_domain_keeps_nobody_from_asking_about_others(dns: DnsServer) -> None:
    dns.silent = {"slow.example."}
    domains = AskedDomains(dns.resolver, patience=0.1)
    assert domains.fault("mail.example") is None
    assert domains.fault("slow.example") is None
    assert domains.fault("nowhere.example") is DomainFault.NO_DOMAIN


def test_no_resolver_and_no_network_refuse_nobody(dns: DnsServer) -> None:
    def none() -> Resolver:
        raise NoResolverConfiguration

    def cut_off() -> Resolver:
        made = dns.resolver()
        made.port = 1  # nobody listens there
        return made

    assert AskedDomains(none).fault("nowhere.example") is None
    assert AskedDomains(cut_off, patience=0.1).fault("nowhere.example") is None
    assert AskedDomains(dns.resolver).fault("x" * 64 + ".example") is None


def test_few_of_the_threads_wait_for_dns(dns: DnsServer) -> None:
    """A DNS that is slow takes not one more: whoever comes then is not asked about."""
    go_on, began = threading.Event(), threading.Semaphore(0)

    def slow() -> Resolver:
        began.release()
        go_on.wait(60)
        return dns.resolver()

    domains, seen = AskedDomains(slow, patience=30), []
    ask: Callable[[], None] = lambda: seen.append(domains.fault("nowhere.example"))  # noqa: E731
    waiting = [threading.Thread(target=ask) for _ in range(AT_ONCE)]
    for thread in waiting:
        thread.start()
    for _ in waiting:
        began.acquire()
    assert domains.fault("nowhere.example") is None and dns.asked == []
    go_on.set()
    for thread in waiting:
        thread.join()
    assert seen == [DomainFault.NO_DOMAIN] * AT_ONCE
    assert domains.fault("nowhere.example") is DomainFault.NO_DOMAIN
