"""Building mails: composed individually, and spliced into a skeleton."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.folders import ROOT
from bench.installation import SUBJECT
from bench.people import first_name
from bench.report import Table, whole
from bench.run_size import Size
from newsletter import brand
from newsletter.brand import Brand
from newsletter.guides import SHIPPED, Files
from newsletter.links import Signer
from newsletter.mail.ledger import ClaimedMessage
from newsletter.mail.render import Content, Dkim, Renderer, Skeleton, make_key
from newsletter.subscribers import FIRST_NAME, Stream

SITE = "https://news.example.org"
SLOW, FAST, SIGNED, ROUNDS = 300, 10_000, 2_000, 3
LINKS = 10
HEADS = ("", "CPU µs/mail", "mails/s on one core")


def building(_size: Size) -> list[Table]:
    """Build the campaigns' article for readers with varied names."""
    files = Files(SHIPPED, SHIPPED)
    renderer = Renderer(ROOT / "templates", Signer(b"s" * 32), SITE, "news.example.org", files.of)
    house = brand.from_site(brand.read_site(ROOT / "site.toml"))
    words = Content(SUBJECT, "What comes first", (ROOT / "bench" / "article.md").read_text(encoding="utf-8"))
    now = datetime.now(UTC)
    messages = [_claimed(number, now) for number in range(1, FAST + 1)]
    begun = time.process_time()
    skeleton = renderer.compile(messages[0], house, words)
    compiling = time.process_time() - begun
    octets = len(renderer.compose(messages[0], house, words, now).data)
    table = Table(f"Building a mail of {whole(octets)} octets", HEADS)
    table.rows.append(_row("composed", lambda one: renderer.compose(one, house, words, now), messages[:SLOW]))
    if skeleton is None:
        table.notes.append("The article has no skeleton.")
    else:
        table.rows.append(_row("spliced into a skeleton", lambda one: skeleton.splice(one, now), messages))
        for name, linked in _linked(renderer, house, words, messages[0]):
            table.rows.append(_row(name, partial(linked.splice, now=now), messages))
        for name, dkim in _signing():
            signed = replace(renderer, dkim=dkim).compile(messages[0], house, words)
            if signed is not None:
                table.rows.append(
                    _row(f"spliced and signed ({name})", partial(signed.splice, now=now), messages[:SIGNED])
                )
        table.notes.append(f"Compiling the skeleton, once for a campaign in each process: {compiling * 1000:.1f} ms.")
    return [table]


def _linked(
    renderer: Renderer, house: Brand, words: Content, message: ClaimedMessage
) -> Iterator[tuple[str, Skeleton]]:
    """Skeletons of the article with more links, without and with click tracking."""
    links = "".join(f"\n\n[Read more of this]({SITE}/archive/article-{number})" for number in range(LINKS))
    for name, counts in {f"with {LINKS} links more": False, "their clicks counted": True}.items():
        house.count_clicks(counts)
        skeleton = renderer.compile(message, house, replace(words, body=words.body + links, counts_clicks=counts))
        if skeleton is not None:
            yield f"spliced, {name}", skeleton
    house.count_clicks(False)


def _signing() -> Iterator[tuple[str, Dkim]]:
    with TemporaryDirectory() as folder:
        for name, bits in {"RSA, 2048 bits": 2048, "Ed25519": None}.items():
            yield name, Dkim("example.org", (make_key("news", Path(folder) / f"{bits}.pem", bits),))


def _claimed(number: int, now: datetime) -> ClaimedMessage:
    email = f"reader{number}@example.org"
    return ClaimedMessage(number, Stream.CAMPAIGN, 0, now, number, email, {FIRST_NAME: first_name(number)}, 1, 1, {})


def _row(name: str, build: Callable[[ClaimedMessage], object], messages: Sequence[ClaimedMessage]) -> list[str]:
    build(messages[0])
    best = min(_seconds(build, messages) for _ in range(ROUNDS)) / len(messages)
    return [name, f"{best * 1e6:.1f}", whole(1 / best)]


def _seconds(build: Callable[[ClaimedMessage], object], messages: Sequence[ClaimedMessage]) -> float:
    begun = time.process_time()
    for message in messages:
        build(message)
    return time.process_time() - begun
