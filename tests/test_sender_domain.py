"""What DNS says about a sender's domain, asked of a DNS server of our own."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from dns.resolver import NoResolverConfiguration, Resolver

from newsletter.sender_domain import Finding, Light, Part, Sender, Why, look, unasked
from tests.dns_server import DnsServer, serving

pytestmark = pytest.mark.sqlite_only
KEY = "v=DKIM1; k=rsa; p=MIIBIjANBg"
SENDER = Sender(
    address="paul@example.org", domain="example.org", bounce_domain="news.example.org", bounce_host="news.example.org",
    relays=("smtp.relay.example",), keys={"news._domainkey.example.org": KEY},
)  # fmt: skip
SPF, DKIM, DMARC = "news.example.org. TXT", "news._domainkey.example.org. TXT", "_dmarc.example.org. TXT"
GOOD = {
    SPF: ['"other=1"', '"v=spf1 include:spf." "relay.example ~all"'],
    DKIM: ['"v=DKIM1; k=rsa; " "p=MIIBIj" "ANBg"'],
    DMARC: ['"v=DMARC1; p=quarantine"'],
    "news.example.org. MX": ["20 b.example.", "10 a.example."],
}


@pytest.fixture
def dns() -> Iterator[DnsServer]:
    with serving(DnsServer(dict(GOOD))) as server:
        yield server


def _looked(dns: DnsServer, sender: Sender = SENDER) -> dict[Part, Finding]:
    return {one.part: one for one in look(sender, dns.resolver)}


def test_all_is_well(dns: DnsServer) -> None:
    found = _looked(dns)
    assert {(one.light, one.why, one.record) for one in found.values()} == {(Light.GOOD, Why.FOUND, None)}
    assert list(found) == list(Part)
    assert found[Part.SPF].seen == ("v=spf1 include:spf.relay.example ~all",)
    assert found[Part.RETURN_PATH].seen == ("10 a.example.", "20 b.example.")


@pytest.mark.parametrize(
    ("name", "there", "light", "why", "wanted"),
    [
        (SPF, [], Light.MISSING, Why.NONE, "v=spf1 a:smtp.relay.example ~all"),
        (SPF, ['"v=spf10 -all"'], Light.MISSING, Why.NONE, "v=spf1 a:smtp.relay.example ~all"),
        (SPF, ['"v=spf1 a ~all"', '"v=spf1 mx ~all"'], Light.WRONG, Why.SEVERAL, "v=spf1 a:smtp.relay.example ~all"),
        (SPF, ['"v=spf1 a mx all"'], Light.WRONG, Why.OPEN, "v=spf1 a mx ~all"),
        (SPF, ['"v=spf1 includes:x ~all"'], Light.WRONG, Why.UNREADABLE, "v=spf1 a:smtp.relay.example ~all"),
        (SPF, ['"v=spf1 ip6:2001:db8::/32 a:x.example/24 ?mx -all"'], Light.GOOD, Why.FOUND, None),
        (DKIM, [], Light.MISSING, Why.NONE, KEY),
        (DKIM, ['"v=DKIM1; p=MIIother"'], Light.WRONG, Why.OTHER_KEY, KEY),
        (DKIM, ['"v=DKIM1; p="'], Light.WRONG, Why.OTHER_KEY, KEY),
        (DKIM, ['"k=rsa; p=MIIBIjANBg"'], Light.GOOD, Why.FOUND, None),
        (DKIM, ['"v=DKIM1; p=MIIBIjANBg"', '"v=DKIM1; p=x"'], Light.WRONG, Why.SEVERAL, KEY),
        (DMARC, [], Light.MISSING, Why.NONE, "v=DMARC1; p=none; rua=mailto:paul@example.org"),
        (DMARC, ['"v=DMARC1; p=none"'], Light.GOOD, Why.WATCHES, None),
        (DMARC, ['"v=DMARC1; rua=mailto:x@y.example"'], Light.WRONG, Why.UNREADABLE,
         "v=DMARC1; p=none; rua=mailto:paul@example.org"),
        (DMARC, ['"v=DMARC1; p=none"', '"v=DMARC1; p=reject"'], Light.WRONG, Why.SEVERAL,
         "v=DMARC1; p=none; rua=mailto:paul@example.org"),
        ("news.example.org. MX", [], Light.MISSING, Why.NONE, "10 news.example.org."),
        ("news.example.org. MX", ["0 ."], Light.WRONG, Why.REFUSES, "10 news.example.org."),
    ],
)  # fmt: skip
def test_each_light(name: str, there: list[str], light: Light, why: Why, wanted: str | None, dns: DnsServer) -> None:
    dns.zone = {**GOOD, name: there}
    part = {SPF: Part.SPF, DKIM: Part.DKIM, DMARC: Part.DMARC}.get(name, Part.RETURN_PATH)
    found = _looked(dns)
    assert (found[part].light, found[part].why) == (light, why)
    assert (found[part].record.value if found[part].record else None) == wanted
    assert {one.light for other, one in found.items() if other is not part} == {Light.GOOD}


def test_a_known_service_wants_to_be_named(dns: DnsServer) -> None:
    sender = replace(SENDER, relays=("email-smtp.eu-west-1.amazonaws.com", "smtp.postmarkapp.com"))
    found = _looked(dns, sender)[Part.SPF]
    assert (found.light, found.why) == (Light.WRONG, Why.NOT_RELAY) and found.record is not None
    assert found.record.value == ("v=spf1 include:amazonses.com include:spf.mtasv.net include:spf.relay.example ~all")
    dns.zone = {**GOOD, SPF: [f'"{found.record.value}"']}
    assert _looked(dns, sender)[Part.SPF].why is Why.FOR_RELAY
    dns.zone = {**GOOD, SPF: []}
    record = _looked(dns, sender)[Part.SPF].record
    assert record is not None and record.value == "v=spf1 include:amazonses.com include:spf.mtasv.net ~all"


def test_dmarc_above_the_domain_holds_for_it(dns: DnsServer) -> None:
    found = _looked(dns, replace(SENDER, domain="a.b.example.org"))[Part.DMARC]
    assert (found.light, found.name) == (Light.GOOD, "_dmarc.example.org")


def test_a_host_takes_its_own_mail(dns: DnsServer) -> None:
    dns.zone = {**GOOD, "news.example.org. MX": [], "news.example.org. A": ["192.0.2.1"]}
    assert _looked(dns)[Part.RETURN_PATH].why is Why.HOST_ITSELF


def test_keys_of_nobody_of_another_domain_and_unused_ones(dns: DnsServer) -> None:
    assert _looked(dns, replace(SENDER, keys={}))[Part.DKIM].why is Why.RELAY_SIGNS
    assert _looked(dns, replace(SENDER, is_aligned=False))[Part.DKIM].why is Why.NOT_ALIGNED
    unused = _looked(dns, replace(SENDER, keys_are_used=False))[Part.DKIM]
    assert unused.why is Why.KEY_UNUSED and unused.record is not None and unused.record.value == KEY


@pytest.mark.parametrize("trouble", ["fails", "silent"])
def test_without_an_answer_a_light_is_neither_good_nor_bad(trouble: str, dns: DnsServer) -> None:
    setattr(dns, trouble, {"_dmarc.example.org."})
    found = {one.part: one for one in look(SENDER, dns.resolver, patience=1.5)}
    assert (found[Part.DMARC].light, found[Part.DMARC].why) == (Light.UNKNOWN, Why.UNANSWERED)
    assert found[Part.SPF].light is Light.GOOD and found[Part.DMARC].record is None


def test_it_never_fails() -> None:
    def nobody() -> Resolver:
        raise NoResolverConfiguration

    strange = replace(SENDER, domain="a" * 70, bounce_domain="..", keys={"\ud800.example": KEY})
    for one in (SENDER, strange, replace(SENDER, domain="", bounce_domain="")):
        assert {it.light for it in look(one, nobody)} == {Light.UNKNOWN}
    assert {it.why for it in unasked(SENDER)} == {Why.NOT_ASKED} and len(unasked(SENDER)) == len(Part)


def test_what_stands_there_is_told_without_controls_and_at_no_length(dns: DnsServer) -> None:
    dns.zone = {**GOOD, DMARC: ['"v=DMARC1; p=none\\010\\027[31m' + "x" * 200 + '"' + f' "{"y" * 250}"' * 5]}
    (seen,) = _looked(dns)[Part.DMARC].seen
    assert seen.isprintable() and len(seen) == 600
