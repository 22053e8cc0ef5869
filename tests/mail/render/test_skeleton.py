"""Skeletons: a spliced mail is the mail that the slow renderer makes, for everybody, or there is no skeleton."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from newsletter import articles, brand
from newsletter.brand import Brand
from newsletter.mail import ledger
from newsletter.mail.ledger import ClaimedMessage, Lane
from newsletter.mail.render import Content, RenderedMessage, Renderer, Skeleton
from newsletter.runtime import Runtime
from newsletter.settings import ROOT
from newsletter.smtp import SentList
from newsletter.subscribers import FIRST_NAME, Stream, Subscriber
from tests import pseudo
from tests.conftest import NOON
from tests.mail.render.conftest import CONTEXTS, claimed

PERSONAL = Content(
    "{{ first_name }}: 100% %s of {{ brand.name }}, {{ first_name }}",
    "  {{ greeting }} and\twelcome ",
    "{{ greeting }},\n\n{{ first_name }}\n\n.{{ first_name }}. From {{ first_name }} \n\n"
    '> [Yours, {{ first_name }}]({{ guide_pdf }}#page=3 "for {{ greeting }}") **{{ first_name }}{{ greeting }}**\n\n'
    "- [x](https://example.com/?n={{ first_name }}&amp;m=%41) <https://x.org/{{ greeting|upper }}?{{ view_url }}> "
    "https://x.org/#{{ first_name|default('A&B C') }} {{ library_url }} {{ preferences_url }}\n"
    "- `{{ view_url }}` ![{{ first_name }}](https://example.com/a.png) {{ unsubscribe_url }}\n\n"
    "```\n{{ first_name }}  \n\n  {{ greeting }}\n```\n\n= % %% %b é 李 🙂 {{ brand.email }} &nbsp; {{ 'a' }}\n",
)
"""Every variable, in every place that Markdown has."""
EVERYDAY = Content(
    "Why you’re not getting stronger", "Five reasons", "{{ greeting }},\n\nRead [more]({{ library_url }}).\n"
)

ODD = [
    "=",
    '"',
    "<script>",
    "{{7*7}}",
    "=?utf-8?b?",
    "=?utf-8?q?x?=",
    ".",
    "\n.",
    "From ",
    "\r",
    "\n",
    "\r\n",
    " ",
    "\t",
]
ODD += ["\0", "\xa0", "\x85", "\u2028", "\u200f", "\ufeff", "&amp;", "&", "'", "\\", "%s", "%", "%(greeting)s", "=\r\n"]
ODD += [
    "é",
    "ß",
    "李",
    "👩🏽‍⚕️",
    "عبد",
    "Jane",
    "x" * 80,
    "ö" * 80,
    'zqs0"sqz',
    "zqs0%22sqz",
    "zqv0qz",
    ", Jr",
    "Bcc: a@b.c",
    "z\u0301",
]
NAMES = st.one_of(
    st.text(max_size=100),
    st.lists(st.sampled_from(ODD), max_size=8).map("".join),
    st.text("abc ABC.'-", max_size=90),
)
ADDRESSES = st.sampled_from(["jane@example.com", "zoë@example.com", f"{'a' * 64}@{'b' * 60}.example.com", '"."@x.org'])
IDS = st.integers(0, 2**63 - 1)
RELAXED = settings(deadline=None)


@pytest.fixture(scope="module")
def speaking(renderer: Renderer, tmp_path_factory: pytest.TempPathFactory) -> Renderer:
    """A renderer that knows three languages."""
    return replace(renderer, languages=pseudo.languages(tmp_path_factory.mktemp("locale")))


@pytest.fixture(scope="module", params=[EVERYDAY, PERSONAL], ids=["everyday", "personal"])
def words(request: pytest.FixtureRequest) -> Content:
    """An article as owners write them, and one that uses everything."""
    found: Content = request.param
    return found


def parts(mail: RenderedMessage) -> list[object]:
    """What a mail program gets to see: envelope, header octets, decoded headers, and every part decoded."""
    message = message_from_bytes(mail.data, policy=policy.default)
    decoded = [
        (part.get_content_type(), part["content-transfer-encoding"], part.get_payload(decode=True))
        for part in message.walk()
    ]
    old = message_from_bytes(mail.data)
    headers = [(name, str(value)) for name, value in old.items()]
    return [mail.sender, mail.recipient, mail.data.split(b"\r\n\r\n")[0], headers, decoded, message.get_boundary()]


def assert_well_formed(data: bytes) -> None:
    """RFC 5322 §2.1.1 and RFC 2045 §6.7, and nothing that a relay would touch."""
    assert data.endswith(b"\r\n") and not re.search(rb"\r(?!\n)|(?<!\r)\n", data)
    head, _, body = data.partition(b"\r\n\r\n")
    assert all(len(line) <= 998 for line in head.split(b"\r\n"))
    lines = body.split(b"\r\n")
    assert max(map(len, lines)) <= 76
    assert body.isascii() and b"\0" not in data
    assert not [line for line in lines if line.startswith((b".", b"From ")) or line.endswith((b" ", b"\t"))]
    assert b"=" not in lines, "a soft break that breaks nothing"


def _skeleton(renderer: Renderer, house: Brand, words: Content, stream: Stream = Stream.STEP) -> Skeleton:
    skeleton = renderer.compile(claimed(stream), house, words)
    assert skeleton is not None
    return skeleton


@RELAXED
@given(
    name=NAMES,
    email=ADDRESSES,
    id=IDS,
    subscriber=st.none() | IDS,
    stream=st.sampled_from([Stream.STEP, Stream.CAMPAIGN]),
    code=st.sampled_from([None, pseudo.LTR, pseudo.RTL]),
)
@example(name="", email="jane@example.com", id=1, subscriber=1, stream=Stream.STEP, code=None)
@example(name="From Bob", email="jane@example.com", id=1, subscriber=1, stream=Stream.STEP, code=pseudo.LTR)
@example(name="x\r", email="jane@example.com", id=1, subscriber=1, stream=Stream.STEP, code=pseudo.RTL)
def test_a_spliced_mail_is_the_composed_mail(
    speaking: Renderer, house: Brand, words: Content, name: str, email: str, id: int, subscriber: int | None,
    stream: Stream, code: str | None,
) -> None:  # fmt: skip
    one = replace(claimed(stream, name, email), id=id, subscriber_id=subscriber, context={"guide": "exercise-at-50"})
    house = house.speaking(code, speaking.languages)
    skeleton = speaking.compile(one, house, words)
    assert skeleton is not None
    spliced = skeleton.splice(one, NOON)
    assert parts(spliced) == parts(speaking.compose(one, house, words, NOON))
    assert (b"=E2=9F=A6" in spliced.data) == bool(code), "an opening bracket"
    assert_well_formed(spliced.data)
    assert spliced.seven_bit in (None, spliced.data.isascii())


def test_a_step_has_one_skeleton_for_all_readers_and_one_for_each_colour(renderer: Renderer, house: Brand) -> None:
    """So the colour costs nothing for each mail: it stands in what all of them have in common."""
    brown, plain = [
        [replace(claimed(Stream.STEP, name, **colour), id=number) for number, name in enumerate(("Jane", "Bob", ""), 1)]
        for colour in ({"accent": "#8a3b12"}, {})
    ]
    of_brown, of_plain = [{id(renderer.compile(one, house, EVERYDAY)) for one in some} for some in (brown, plain)]
    assert len(of_brown) == len(of_plain) == 1 and of_brown != of_plain
    skeleton = renderer.compile(brown[0], house, EVERYDAY)
    assert skeleton is not None and b"#8a3b12" in skeleton.template
    for one in brown:
        assert parts(skeleton.splice(one, NOON)) == parts(renderer.compose(one, house, EVERYDAY, NOON))


@RELAXED
@given(st.lists(st.integers(0, 2**31).map(lambda second: datetime.fromtimestamp(second, UTC)), min_size=1, max_size=5))
def test_the_date_is_that_of_the_moment(renderer: Renderer, house: Brand, moments: list[datetime]) -> None:
    skeleton = _skeleton(renderer, house, EVERYDAY)
    for now in [*moments, moments[0], moments[0] + timedelta(microseconds=999_999)]:
        spliced, composed = (
            skeleton.splice(claimed(Stream.STEP), now),
            renderer.compose(claimed(Stream.STEP), house, EVERYDAY, now),
        )
        assert spliced.data.split(b"\r\n")[0] == composed.data.split(b"\r\n")[0]


MARKDOWN = [
    "{{ first_name }}",
    "{{greeting}}",
    "{{ library_url }}",
    "{{- view_url -}}",
    "{{ first_name|default('friend') }}",
    "{% if first_name %}",
    "{% endif %}",
    "{{ brand.phone }}",
    "{# no #}",
]
MARKDOWN += [
    "{{",
    "}}",
    "{%",
    'zqs0"sqz',
    "zqs1%22sqz",
    'zqssubject"sqz',
    "](",
    ")",
    "[",
    "![",
    "`",
    "**",
    "*",
    "> ",
    "- ",
    "1. ",
    "# ",
    "\n",
    "\n\n",
]
MARKDOWN += [
    "    ",
    "```\n",
    "<b>",
    "&amp;",
    "&lt;",
    "&#0;",
    "\\",
    "%",
    "=",
    ".",
    "From ",
    "\r",
    "a" * 75,
    "é",
    "https://a.example/?q=",
    '"',
    " ",
    "\t",
]


@settings(RELAXED, max_examples=60)
@given(body=st.lists(st.sampled_from(MARKDOWN), max_size=14).map("".join), name=NAMES)
@example(
    body="{{ first_name }}" * 40 + "\n" + "a" * 200 + "{{ library_url }}" + "b" * 76 + "{{ view_url }}", name="Zoë"
)
def test_whatever_an_owner_writes_is_spliced_rightly_or_not_at_all(
    renderer: Renderer, house: Brand, body: str, name: str
) -> None:
    words, one = Content("Hello {{ first_name }}", "", body), claimed(Stream.STEP, name)
    skeleton = renderer.compile(one, house, words)
    if skeleton is not None:
        assert renderer.compiled(words).is_plain
        spliced = skeleton.splice(one, NOON)
        assert parts(spliced) == parts(renderer.compose(one, house, words, NOON))
        assert_well_formed(spliced.data)


@pytest.mark.parametrize("booking", ["", "https://book.example/a-talk"])
def test_a_condition_about_the_brand_costs_no_skeleton(renderer: Renderer, booking: str) -> None:
    """It chooses the same for everybody; one about the reader does not."""
    house = brand.from_site(brand.read_site(ROOT / "site.toml"))
    house.booking = booking
    body = "{{ greeting }}{% if brand.booking %}\n\nP.S. [A talk]({{ brand.booking }}){% endif %}"
    words, one = Content("s", "", body), claimed(Stream.STEP, "Zoë")
    skeleton = renderer.compile(one, house, words)
    assert skeleton is not None
    assert parts(skeleton.splice(one, NOON)) == parts(renderer.compose(one, house, words, NOON))
    assert (b"book.example" in skeleton.splice(one, NOON).data) == bool(booking)
    mixed = replace(words, body="{% if brand.booking %}{% if first_name %}x{% endif %}{% endif %}")
    assert renderer.compile(one, house, mixed) is None


def _queue(runtime: Runtime, ids: list[int], body: str) -> None:
    with runtime.database.transaction() as session:
        revision = articles.write(session, NOON, title="t", subject="For {{ first_name }}", body=body).current
        session.flush()
        for id in ids:
            to = session.get_one(Subscriber, id)
            ledger.queue(session, to, Stream.STEP, "step:1:1", NOON, revision=revision, context=CONTEXTS[Stream.STEP])


@pytest.mark.parametrize(
    "body", ["{{ greeting }}", "{% if first_name %}{{ greeting }}{% endif %}"], ids=["plain", "logic"]
)
def test_delivery_sends_skeletons_where_it_can_and_everything_else_as_well(
    runtime: Runtime, sent: SentList, person: Callable[..., int], house: Brand, body: str
) -> None:
    people = {"jane@example.com": "Jane", "bob@example.com": "", "zoe@example.com": 'Zoë "李"'}
    ids = [person(email, name) for email, name in people.items()]
    _queue(runtime, ids, body)
    assert runtime.delivery.run(Lane.BULK) == 3
    assert [envelope.recipient for envelope in sent.envelopes] == list(people)
    words, renderer = Content("For {{ first_name }}", "", body), runtime.renderer
    for envelope, subscriber in zip(sent.envelopes, ids, strict=True):
        to = envelope.recipient
        one = ClaimedMessage(envelope.key, Stream.STEP, 0, NOON, subscriber, to, {FIRST_NAME: people[to]},
                     _revision(runtime, envelope.key), None, CONTEXTS[Stream.STEP])  # fmt: skip
        skeleton = renderer.compile(one, house, words)
        mail = skeleton.splice(one, NOON) if skeleton else renderer.compose(one, house, words, NOON)
        assert (envelope.sender, envelope.data) == (mail.sender, mail.data)
        assert (skeleton is None) == ("if" in body)


def _revision(runtime: Runtime, message: int) -> int | None:
    with runtime.database.reading() as session:
        return session.get_one(ledger.Message, message).revision_id
