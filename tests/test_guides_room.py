"""The room of the guides: what is asked for, what is fetched, what a file says of itself."""

from collections.abc import Callable
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter import guides
from newsletter.guides import SHIPPED, BadGuide, Files, Guide, GuideRequest
from newsletter.mail.ledger import Message
from newsletter.runtime import Runtime
from newsletter.subscribers import Stream, Subscriber
from tests.conftest import NOON

People = Callable[..., int]
FOLDER, FILES = SHIPPED, Files(SHIPPED, SHIPPED)


def _fifty(session: Session) -> Guide:
    return session.scalars(select(Guide).where(Guide.slug == "exercise-at-50")).one()


def _ask(runtime: Runtime, id: int, after: timedelta = timedelta()) -> GuideRequest:
    with runtime.database.transaction() as session:
        return guides.send(
            session, session.get_one(Subscriber, id), _fifty(session), FILES, NOON + after, {"series": True}
        )


def _recently(runtime: Runtime, id: int, after: timedelta) -> bool:
    with runtime.database.reading() as session:
        return guides.recently_asked(session, session.get_one(Subscriber, id), _fifty(session), NOON + after)


def test_every_request_sends_a_fresh_mail(runtime: Runtime, person: People) -> None:
    jane = person("jane@example.com")
    _ask(runtime, jane)
    _ask(runtime, jane, timedelta(hours=1))
    with runtime.database.reading() as session:
        mails = session.scalars(select(Message)).all()
    assert [mail.stream for mail in mails] == [Stream.GUIDE, Stream.GUIDE]
    assert mails[0].context is not None and mails[0].context["guide"]["pages"] == 45


def test_only_colours_that_are_not_the_products_own_are_told_to_the_series(runtime: Runtime) -> None:
    with runtime.database.transaction() as session:
        assert guides.mail_accents(session) == {"exercise-at-50": "#8a3b12"}
        _fifty(session).accent = "#ffcc00"  # nobody can read that on the paper of a mail
        session.flush()
        assert guides.mail_accents(session) == {}


def test_a_double_click_is_noticed_and_a_later_wish_is_not_one(runtime: Runtime, person: People) -> None:
    jane, alice = person("jane@example.com"), person("alice@example.com")
    _ask(runtime, jane)
    assert _recently(runtime, jane, timedelta(seconds=29))
    assert not _recently(runtime, jane, timedelta(seconds=31))
    assert not _recently(runtime, alice, timedelta(seconds=1))


def test_nobodys_inbox_is_filled(runtime: Runtime, person: People) -> None:
    jane = person("jane@example.com")
    for minutes in range(6):
        _ask(runtime, jane, timedelta(minutes=minutes))
    assert _recently(runtime, jane, timedelta(hours=23))
    assert not _recently(runtime, jane, timedelta(hours=25))


def test_a_guide_can_be_fetched_only_by_who_asked_for_it(runtime: Runtime, person: People) -> None:
    jane, alice = person("jane@example.com"), person("alice@example.com")
    _ask(runtime, jane)
    with runtime.database.transaction() as session:
        assert guides.fetch(session, session.get_one(Subscriber, jane), _fifty(session), NOON)
        assert not guides.fetch(session, session.get_one(Subscriber, alice), _fifty(session), NOON)


def test_the_shelf_tells_when_it_was_first_asked_for_and_first_fetched(runtime: Runtime, person: People) -> None:
    jane = person("jane@example.com")
    _ask(runtime, jane)
    _ask(runtime, jane, timedelta(hours=1))
    with runtime.database.transaction() as session:
        subscriber = session.get_one(Subscriber, jane)
        for hours in (2, 3):
            guides.fetch(session, subscriber, _fifty(session), NOON + timedelta(hours=hours))
        (entry,) = guides.shelf(session, subscriber)
    assert (entry.guide.slug, entry.requested_at, entry.fetched_at) == (
        "exercise-at-50",
        NOON,
        NOON + timedelta(hours=2),
    )


@pytest.mark.parametrize(("slug", "pages"), [("recover-from-pain", 21), ("exercise-at-50", 45)])
def test_pages_are_counted_in_the_file(slug: str, pages: int, runtime: Runtime) -> None:
    assert guides.inspect(FOLDER / f"{slug}.pdf").pages == pages
    with runtime.database.reading() as session:
        guide = session.scalars(select(Guide).where(Guide.slug == slug)).one()
        assert f"{pages} page guide" in guide.box_words(FILES)


def test_another_file_is_seen_at_once(tmp_path: Path) -> None:
    file = tmp_path / "guide.pdf"
    file.write_bytes((FOLDER / "recover-from-pain.pdf").read_bytes())
    first = guides.inspect(file)
    file.write_bytes((FOLDER / "exercise-at-50.pdf").read_bytes())
    second = guides.inspect(file)
    assert (first.pages, second.pages) == (21, 45)
    assert first.stamp != second.stamp


def test_a_cover_is_a_picture_of_the_first_page_made_once(tmp_path: Path) -> None:
    cover = guides.picture(FOLDER / "recover-from-pain.pdf", 1, 64, tmp_path)
    with Image.open(BytesIO(cover)) as image:
        assert (image.format, image.width) == ("PNG", 64)
    (kept,) = tmp_path.iterdir()
    assert kept.read_bytes() == cover
    kept.write_bytes(b"kept")
    assert guides.picture(FOLDER / "recover-from-pain.pdf", 1, 64, tmp_path) == b"kept"


def test_where_nothing_can_be_kept_a_cover_is_drawn_each_time(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    for _ in range(2):
        assert guides.picture(FOLDER / "recover-from-pain.pdf", 1, 64, tmp_path / "cache").startswith(b"\x89PNG")


@pytest.mark.parametrize("page", [0, -1, 22])
def test_a_page_that_is_not_there_has_no_picture(page: int, tmp_path: Path) -> None:
    with pytest.raises(IndexError):
        guides.picture(FOLDER / "recover-from-pain.pdf", page, 64, tmp_path)


def test_a_file_that_is_missing_or_no_pdf_is_told_by_name(tmp_path: Path) -> None:
    with pytest.raises(BadGuide, match=r"gone\.pdf is missing"):
        guides.inspect(tmp_path / "gone.pdf")
    (tmp_path / "torn.pdf").write_bytes(b"%PDF-1.7 and no more")
    with pytest.raises(BadGuide, match=r"torn\.pdf cannot be read"):
        guides.inspect(tmp_path / "torn.pdf")


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9, 0.999])
def test_a_half_copied_guide_is_none_even_where_some_of_its_pages_can_be_read(share: float, tmp_path: Path) -> None:
    whole = (FOLDER / "recover-from-pain.pdf").read_bytes()
    (tmp_path / "half.pdf").write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(BadGuide, match="copied only in part"):
        guides.inspect(tmp_path / "half.pdf")
