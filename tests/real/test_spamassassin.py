"""What the real SpamAssassin says of our mails: read rightly, and nothing that we could mend."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from newsletter import brand
from newsletter.articles import Article
from newsletter.guides import Guide
from newsletter.mail.render import make_key
from newsletter.preflight import spam
from newsletter.preflight.spam import Scores
from newsletter.runtime import Runtime, build
from newsletter.settings import load
from newsletter.spamd import Scored, read_place, score
from newsletter.subscribers import Stream
from newsletter.web.owner import spam_words
from tests.debian import NotToBeHad
from tests.mail.render.conftest import WRITTEN, claimed
from tests.real.spamassassin import spamassassin

pytestmark = [pytest.mark.real, pytest.mark.sqlite_only]
NOW = datetime.now(UTC)
"""Its rules look at the date."""
ABOUT_WEIGHT = {"food-and-sleep-for-muscle": {"DIET_1"}}
"""What an article is about, a rule may be about as well."""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    try:
        with spamassassin(tmp_path_factory.mktemp("spamd")) as running:
            yield running
    except NotToBeHad as error:
        pytest.skip(f"SpamAssassin is not to be had: {error}")


@pytest.fixture
def house(runtime: Runtime, tmp_path: Path) -> Runtime:
    """On a public site, whose mails are signed."""
    make_key("news", tmp_path / "news.pem", 2048)
    told = {"DATA_DIR": str(tmp_path), "SECRET_KEY": "k" * 40, "PUBLIC_URL": "https://news.human-movement.com"}
    signs = {"DKIM_DOMAIN": "human-movement.com", "DKIM_SELECTOR": "news", "DKIM_KEY_FILE": f"{tmp_path}/news.pem"}
    return build(load(told | signs), database=runtime.database, clock=runtime.clock)


def said_of(place: str, mail: bytes) -> Scored:
    return score(read_place(place), mail, 60.0)


def costly(seen: Scored) -> set[str]:
    return {one.name for one in seen.hits if one.points > 0.05}


def test_spam_is_told_with_rules_and_what_to_do(place: str) -> None:
    mail = (
        b"From: Paul <a@example.org>\r\nTo: b@example.net\r\nSubject: CHEAP MONEY FOR EVERYBODY\r\n"
        b"Date: %b\r\nMessage-ID: <x12345678@example.org>\r\n\r\nDear friend, you have won a million dollars "
        b"($1,000,000). Viagra without prescription.\r\n" % NOW.strftime("%a, %d %b %Y %H:%M:%S +0000").encode()
    )
    seen = said_of(place, mail)
    assert seen.threshold == 5.0 and seen.points > 3
    by_name = {one.name: one for one in seen.hits}
    assert by_name["SUBJ_ALL_CAPS"].means == "Subject is all capitals" and "DEAR_FRIEND" in by_name
    assert abs(sum(one.points for one in seen.hits) - seen.points) < 0.1 * len(seen.hits)
    assert spam_words.mend("SUBJ_ALL_CAPS") and spam_words.mend("DEAR_FRIEND")


@pytest.mark.parametrize("stream", [one for one in Stream if one not in WRITTEN])
def test_nothing_in_our_own_mails_costs_points(place: str, house: Runtime, stream: Stream) -> None:
    one = replace(claimed(stream, first_name=""), created_at=NOW)
    with house.database.reading() as session:
        mail = house.renderer.compose(one, brand.current(session), None, NOW).data
    seen = said_of(place, mail)
    assert costly(seen) == set() and seen.points < 0.1, seen


def test_nothing_in_the_mails_of_guides_costs_points(place: str, house: Runtime) -> None:
    with house.database.reading() as session:
        for id in session.scalars(select(Guide.id)):
            one = spam.mails_of(session, house.renderer, house.guides, Scores.GUIDE, id)[0]
            seen = said_of(place, one.octets(house.renderer, brand.current(session), NOW))
            assert costly(seen) == set() and seen.points < 0.1, (id, seen)


def test_nothing_in_the_planted_articles_costs_points(place: str, house: Runtime) -> None:
    with house.database.reading() as session:
        for article in session.scalars(select(Article).order_by(Article.id)):
            one = spam.mails_of(session, house.renderer, house.guides, Scores.ARTICLE, article.id)[0]
            seen = said_of(place, one.octets(house.renderer, brand.current(session), NOW))
            assert costly(seen) == ABOUT_WEIGHT.get(article.slug, set()) and seen.points < 1, (article.slug, seen)
