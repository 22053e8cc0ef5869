"""Simulated visitors: confirming a sign-up, reading the home page, following a tracked link."""

import re
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from http.client import HTTPConnection
from urllib.parse import urlencode

import psycopg

from bench.installation import Broken, Installation
from newsletter.db import Database
from newsletter.links import Purpose, Signer, Urls
from newsletter.mail.render.counted import Destination
from newsletter.wordings import wording_id

PREFIX = "asker"
"""Prefix of their addresses, for which the sink records arrival times."""
PATIENCE = 20.0  # seconds for one page, and for a guide to come
THREADS = 32
TOKEN = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')
HOST = "news.example.org"  # PUBLIC_URL of the installation; the site answers to no other
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class Askers:
    """People who requested a guide and have not confirmed yet."""

    def __init__(self, product: Installation, count: int) -> None:
        self._product = product
        self._consents = _write(product.url, count)
        self._urls = Urls("", Signer(product.secret.encode()))
        self.asked: dict[str, float] = {}
        """Address → time of the confirmation (Unix)."""

    @property
    def left(self) -> int:
        """How many have not confirmed yet."""
        return len(self._consents)

    def press(self, number: int) -> None:
        """Let the next one open the link and confirm, each from its own loopback address."""
        if not self._consents:
            return  # another thread took the last one
        email, consent = self._consents.pop()
        path = self._urls.confirm(consent, int(time.time()) + 86_400)
        connection = _connect(self._product.port, number)
        try:
            token = TOKEN.search(_answer(connection, "GET", path, (200,)))
            if token is None:
                raise Broken("the confirmation page shows no button")
            body = urlencode({"csrf_token": token[1]})
            self.asked[email] = time.time()
            _answer(connection, "POST", path, (302, 303), body)
        finally:
            connection.close()


def read_page(product: Installation, number: int) -> float:
    """Open the home page over a new connection; returns the seconds."""
    begun = time.perf_counter()
    connection = _connect(product.port, number)
    try:
        _answer(connection, "GET", "/", (200,))
    finally:
        connection.close()
    return time.perf_counter() - begun


class Link:
    """A tracked link of the first mail sent."""

    def __init__(self, product: Installation) -> None:
        self._product = product
        signer = Signer(product.secret.encode())
        sealed = Destination("https://example.org/an-article", 1, 1).sealed(signer)
        self._path = f"/c/{sealed}.{signer.token(Purpose.CLICK, 1)}"

    def follow(self, number: int) -> float:
        """Follow it over a new connection; returns the seconds until the redirect."""
        begun = time.perf_counter()
        connection = _connect(self._product.port, number)
        try:
            _answer(connection, "GET", self._path, (302,))
        finally:
            connection.close()
        return time.perf_counter() - begun


def arrive(act: Callable[[int], object], per_second: float, goes_on: Callable[[int], bool]) -> Sequence[Future[object]]:
    """Start visitors at a steady rate, whether or not earlier ones are served; waits for all."""
    coming: list[Future[object]] = []
    with ThreadPoolExecutor(THREADS) as pool:
        begun = time.monotonic()
        while goes_on(len(coming)):
            coming.append(pool.submit(act, len(coming)))
            time.sleep(max(begun + len(coming) / per_second - time.monotonic(), 0.0))
    return coming


def _connect(port: int, number: int) -> HTTPConnection:
    # A separate source address each (all of 127/8 is loopback), so that per-client limits do not apply.
    own = f"127.{1 + number // 62_500}.{number // 250 % 250}.{1 + number % 250}"
    return HTTPConnection("127.0.0.1", port, timeout=PATIENCE, source_address=(own, 0))


def _answer(connection: HTTPConnection, method: str, path: str, wanted: Sequence[int], body: str = "") -> str:
    connection.request(method, path, body or None, {"Host": HOST, **(FORM if body else {})})
    answer = connection.getresponse()
    text = answer.read().decode()
    if answer.status not in wanted:
        raise Broken(f"{method} {path.split('/')[1]}: {answer.status}")
    return text


def _write(url: str, count: int) -> list[tuple[str, int]]:
    """Insert people who signed up for a guide; returns (address, consent id)."""
    now, found, database = datetime.now(UTC), [], Database(url)
    with database.transaction() as session:
        read = wording_id(session, "Yes.")
    database.dispose()
    with psycopg.connect(url) as connection:
        for number in range(count):
            email = f"{PREFIX}{number}@example.org"
            person = connection.execute(
                "INSERT INTO subscribers (email, email_key, first_name, status, newsletter, created_at) "
                "VALUES (%s, %s, 'Anna', 'pending', false, %s) RETURNING id", (email, email, now),
            ).fetchone()  # fmt: skip
            consent = connection.execute(
                "INSERT INTO consents (subscriber_id, guide, newsletter, wording_id, page, form, given_at) "
                "SELECT %s, min(slug), false, %s, '/', 'bench', %s FROM guides RETURNING id",
                (person[0] if person else 0, read, now),
            ).fetchone()
            found.append((email, consent[0] if consent else 0))
    return found
