"""DKIM: an outside verifier finds every mail signed, and no octet of it may change."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from newsletter import articles
from newsletter.brand import Brand
from newsletter.mail import ledger
from newsletter.mail.ledger import ClaimedMessage, Lane
from newsletter.mail.render import Content, Dkim, DkimKey, Renderer, make_key
from newsletter.mail.render.dkim import SIGNED, fields
from newsletter.runtime import Runtime
from newsletter.smtp import SentList
from newsletter.subscribers import Stream, Subscriber
from tests.conftest import NOON
from tests.mail.render.conftest import CONTEXTS, WORDS, WRITTEN, claimed

dkim = pytest.importorskip("dkim", reason="dkimpy is not installed")

DOMAIN = "example.org"
BULK = {"From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type"}
BULK |= {"List-Unsubscribe", "List-Unsubscribe-Post", "List-Id", "Feedback-ID"}
RELAXED = settings(deadline=None)
NAMES = st.one_of(
    st.text(max_size=60),
    st.text('ab \t\r\n\0.=?"\\<>%:;é李', max_size=40),
    st.sampled_from(["Jane", "x" * 120, "Zoë  Ünal", "a\tb   c", "%(greeting)s %b %%", "\r\nBcc: a@b.c"]),
)
TEXTS = st.text("ab {}%=.\r\n\t é李", max_size=80)
FOLLOWED = Content("For {{ first_name }}: 100 %", "", "{{ greeting }},\n\nTurn both ways, {{ first_name }}. 5 %\n")


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> tuple[DkimKey, ...]:
    """An RSA key, and an Ed25519 key beside it."""
    folder = tmp_path_factory.mktemp("keys")
    return make_key("news", folder / "rsa.pem", 2048), make_key("news.ed", folder / "ed.pem", None)


@pytest.fixture(scope="session", params=["rsa", "ed25519", "both"])
def signing(request: pytest.FixtureRequest, keys: tuple[DkimKey, ...]) -> Dkim:
    """Signs with the one, the other, or both."""
    return Dkim(DOMAIN, {"rsa": keys[:1], "ed25519": keys[1:], "both": keys}[request.param])


@pytest.fixture(scope="session")
def signer(renderer: Renderer, signing: Dkim) -> Renderer:
    """The renderer of a house that signs."""
    return replace(renderer, dkim=signing)


def _verified(data: bytes, signing: Dkim) -> list[bool]:
    """What dkimpy says of each signature; an octet that makes one unreadable counts as a failure too."""
    zone = {f"{key.selector}._domainkey.{DOMAIN}.".encode(): key.record.encode() for key in signing.keys}

    def one(index: int) -> bool:
        try:
            return bool(dkim.DKIM(data).verify(index, dnsfunc=lambda name, timeout=5: zone.get(name)))
        except dkim.DKIMException:
            return False

    return [one(index) for index in range(len(signing.keys))]


def _assert_signed(data: bytes, signing: Dkim) -> None:
    assert _verified(data, signing) == [True] * len(signing.keys)
    heads = data.partition(b"\r\n\r\n")[0].split(b"\r\n")
    assert [line.partition(b":")[0] for line in heads[:1]] == [b"DKIM-Signature"]
    count = next(i for i, line in enumerate(heads) if not line.startswith((b"DKIM-Signature:", b" ")))
    assert max(map(len, heads[:count])) <= 78
    assert b"".join(heads).count(b"DKIM-Signature") == len(signing.keys)
    assert not re.search(rb"(?m)^ .*[:;] [A-Z]", data[: sum(len(line) + 2 for line in heads[:count])])
    assert not re.search(rb"\r\n[.]|[ \t]\r\n|(?<!\r)\n", data[: data.index(b"\r\n\r\n")])


def _tags(data: bytes, index: int = 0) -> dict[str, str]:
    line = "".join(message_from_bytes(data).get_all("DKIM-Signature", [])[index].split())
    return dict(tag.split("=", 1) for tag in line.split(";") if tag)


@pytest.mark.parametrize("stream", list(Stream))
def test_every_mail_is_signed(stream: Stream, signer: Renderer, signing: Dkim, house: Brand) -> None:
    one = claimed(stream)
    data = signer.compose(one, house, WORDS if stream in WRITTEN else None, NOON).data
    _assert_signed(data, signing)
    named = _tags(data)["h"].split(":")
    there = {name.lower() for name in message_from_bytes(data).keys()}  # noqa: SIM118 - a message iterates over parts
    assert {name.lower() for name in named} == {name.lower() for name in SIGNED} & there
    assert (named.count("From"), named.count("Subject"), len(named)) == (2, 2, len(set(named)) + 2)
    assert not stream.is_bulk or set(named) == BULK


@pytest.mark.parametrize("attached", [True, False])
def test_a_guide_is_signed_with_its_pdf(attached: bool, signer: Renderer, signing: Dkim, house: Brand) -> None:
    guide = {"title": "Exercise at 50", "slug": "exercise-at-50", "pages": 45, "attached": attached}
    _assert_signed(signer.compose(claimed(Stream.GUIDE, guide=guide), house, None, NOON).data, signing)


@settings(RELAXED, max_examples=60)
@given(name=NAMES, id=st.integers(1, 2**63 - 1), email=st.sampled_from(["jane@example.com", "zoë@example.com"]))
@example(name="x\0\r", id=1, email="jane@example.com")
def test_spliced_and_composed_mails_are_signed_alike(
    signer: Renderer, signing: Dkim, house: Brand, name: str, id: int, email: str
) -> None:
    one = replace(claimed(Stream.CAMPAIGN, name, email), id=id, subscriber_id=id)
    for words in (WORDS, FOLLOWED):
        skeleton = signer.compile(one, house, words)
        assert skeleton is not None
        spliced, composed = skeleton.splice(one, NOON).data, signer.compose(one, house, words, NOON).data
        _assert_signed(spliced, signing)
        _assert_signed(composed, signing)
        assert _tags(spliced).keys() == _tags(composed).keys()
        assert {tag: _tags(spliced)[tag] for tag in "adstch"} == {tag: _tags(composed)[tag] for tag in "adstch"}


@settings(RELAXED, max_examples=60)
@given(subject=TEXTS, body=TEXTS, name=NAMES)
def test_whatever_an_owner_writes_is_signed(
    signer: Renderer, signing: Dkim, house: Brand, subject: str, body: str, name: str
) -> None:
    one, words = claimed(Stream.STEP, name), Content(f"S {subject.translate(_NO_LOGIC)}", "", body.translate(_NO_LOGIC))
    _assert_signed(signer.compose(one, house, words, NOON).data, signing)
    skeleton = signer.compile(one, house, words)
    assert skeleton is not None
    _assert_signed(skeleton.splice(one, NOON).data, signing)


_NO_LOGIC = str.maketrans({"{": "(", "}": ")"})


@settings(RELAXED, max_examples=60)
@given(st.data())
def test_no_octet_of_a_signed_field_or_the_body_may_change(
    signer: Renderer, signing: Dkim, house: Brand, data: st.DataObject
) -> None:
    message = signer.compose(claimed(Stream.CAMPAIGN), house, WORDS, NOON).data
    body = message.index(b"\r\n\r\n") + 4
    subject = message.index(b"Subject: ") + 9
    place = data.draw(st.integers(body, len(message) - 3) | st.integers(subject, subject + 20))
    if message[place : place + 1].isspace():  # a line end is no octet of its own
        place = subject
    other = bytes([message[place] ^ 1 if message[place] ^ 1 > 32 else message[place] ^ 2])
    changed = message[:place] + other + message[place + 1 :]
    assert True not in _verified(changed, signing)


@pytest.mark.parametrize("line", [b"Subject: Another\r\n", b"From: eve@example.net\r\n"])
def test_no_second_from_or_subject_may_be_added(line: bytes, signer: Renderer, signing: Dkim, house: Brand) -> None:
    message = signer.compose(claimed(Stream.CAMPAIGN), house, WORDS, NOON).data
    for added in (line + message, message.replace(b"\r\n\r\n", b"\r\n" + line + b"\r\n", 1)):
        assert True not in _verified(added, signing)


def test_white_space_and_folds_in_the_head_may_change_on_the_way(signer: Renderer, signing: Dkim, house: Brand) -> None:
    message = signer.compose(claimed(Stream.CAMPAIGN), house, WORDS, NOON).data
    head, _, body = message.partition(b"\r\n\r\n")
    refolded = re.sub(rb"(?m)^(Subject|List-Id): ?", lambda m: m[1].upper() + b":\r\n\t  ", head)
    assert refolded != head
    assert _verified(b"Received: by relay\r\n" + refolded + b"\r\n\r\n" + body + b"\r\n\r\n", signing) == [True] * len(
        signing.keys
    )


@pytest.mark.parametrize("body", [b"", b"\r\n", b"\r\n\r\n\r\n", b"a", b"a\r\n", b"a\r\n\r\n", b" a \r\n \r\n\r\n"])
@pytest.mark.parametrize("head", [b"From: a@example.org", b"From: a@example.org\r\nSubject:  x \t y\r\n\t z "])
def test_messages_of_any_shape_are_canonical(head: bytes, body: bytes, signing: Dkim) -> None:
    assert _verified(signing.signed(head + b"\r\n\r\n" + body, NOON), signing) == [True] * len(signing.keys)


def test_the_example_of_the_standard_is_canonical() -> None:
    """RFC 6376 §3.4.5, with names that are signed here; §3.4.3 has the hash of an empty body."""
    head = b"Subject: X\r\nFrom : Y\t\r\n\tZ  \r\n"
    assert fields(head).canonical == b"from:Y Z\r\nsubject:X\r\n"
    assert fields(head).names == "From:From:Subject:Subject"
    assert sha256(b"\r\n").hexdigest()[:8] == "7eb70257"


def test_a_signature_says_when_and_never_how_long(keys: tuple[DkimKey, ...], renderer: Renderer, house: Brand) -> None:
    moment = datetime(2026, 2, 3, 4, 5, 6, 999_999, tzinfo=UTC)
    data = replace(renderer, dkim=Dkim(DOMAIN, keys)).compose(claimed(Stream.STEP), house, WORDS, moment).data
    for index, (algorithm, selector) in enumerate([("rsa-sha256", "news"), ("ed25519-sha256", "news.ed")]):
        tags = _tags(data, index)
        assert {tag: tags[tag] for tag in "vacdst"} == {
            "v": "1", "a": algorithm, "c": "relaxed/simple", "d": DOMAIN, "s": selector, "t": str(1_770_091_506),
        }  # fmt: skip
        assert "l" not in tags
        assert tags.keys() == {*"vacdsthb", "bh"}


@pytest.mark.parametrize("body", ["{{ greeting }}", "{% if first_name %}{{ greeting }}{% endif %}", None])
def test_delivery_hands_over_nothing_unsigned(
    body: str | None, runtime: Runtime, sent: SentList, person: Callable[..., int], signing: Dkim
) -> None:
    runtime.renderer = replace(runtime.renderer, dkim=signing)
    people = [person("jane@example.com", "Jane"), person("bob@example.com"), person("zoe@example.com", "Zoë\r")]
    with runtime.database.transaction() as session:
        for id in people:
            to = session.get_one(Subscriber, id)
            if body is None:
                ledger.queue(session, to, Stream.GUIDE, "guide:1", NOON, context=CONTEXTS[Stream.GUIDE])
            else:
                revision = articles.write(session, NOON, title="t", subject="s", body=body).current
                session.flush()
                ledger.queue(session, to, Stream.STEP, "step:1", NOON, revision=revision, context={"guide": None})
    assert runtime.delivery.run(Lane.TRANSACTIONAL if body is None else Lane.BULK) == 3
    for envelope in sent.envelopes:
        _assert_signed(envelope.data, signing)


def test_a_house_without_a_key_signs_nothing(composed: Callable[[ClaimedMessage], bytes]) -> None:
    assert b"DKIM" not in composed(claimed(Stream.CAMPAIGN))


@pytest.mark.parametrize(
    ("sender", "aligned"),
    [("a@example.org", True), ("a@News.Example.ORG", True), ("a@badexample.org", False), ("a@org", False)],
)
def test_a_signature_speaks_for_its_domain_and_those_below(sender: str, aligned: bool) -> None:
    assert Dkim(DOMAIN, ()).is_aligned(sender) is aligned


def test_a_key_is_its_owners_to_read_and_never_written_over(tmp_path: Path) -> None:
    file = tmp_path / "new" / "key.pem"
    make_key("news", file, None)
    assert file.stat().st_mode & 0o777 == 0o600
    with pytest.raises(FileExistsError):
        make_key("news", file, None)
