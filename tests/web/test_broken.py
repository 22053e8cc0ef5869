"""Whatever else is broken, leaving works, is committed first, and the other pages stand where they can."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from pathlib import Path
from typing import NoReturn

import pytest
from flask import Flask
from jinja2 import ChoiceLoader, DictLoader
from sqlalchemy import delete, select, text, update

from newsletter import articles, jobs
from newsletter.brand import Brand
from newsletter.guides import Files, Guide
from newsletter.links import Purpose
from newsletter.runtime import Runtime
from newsletter.settings import load
from newsletter.subscribers import Status, Subscriber
from newsletter.web import state
from newsletter.workers import make_celery
from tests.web.conftest import FIFTY, PAIN, Visitor, forms

ONE_CLICK = {"List-Unsubscribe": "One-Click"}
PAGES = (
    "/",
    "/guides",
    f"/guides/{FIFTY}",
    f"/guides/{PAIN}",
    "/archive",
    "/privacy",
    "/cookies",
    "/terms",
    "/check-your-inbox",
)
Saboteur = Callable[[Flask, Runtime, Path], None]


def _guides(runtime: Runtime, tmp_path: Path) -> Path:
    folder = tmp_path / "guides"
    shutil.copytree(runtime.guides.shipped, folder)
    runtime.guides = Files(folder, folder)
    return folder


def _no_guide(app: Flask, runtime: Runtime, tmp_path: Path) -> None:
    (_guides(runtime, tmp_path) / f"{FIFTY}.pdf").unlink()


def _half_a_guide(app: Flask, runtime: Runtime, tmp_path: Path) -> None:
    file = _guides(runtime, tmp_path) / f"{FIFTY}.pdf"
    file.write_bytes(file.read_bytes()[:300_000])


def _no_guides_at_all(app: Flask, runtime: Runtime, tmp_path: Path) -> None:
    shutil.rmtree(_guides(runtime, tmp_path))


def _a_file_where_the_cache_should_be(app: Flask, runtime: Runtime, tmp_path: Path) -> None:
    runtime.pictures.parent.parent.mkdir(parents=True, exist_ok=True)
    runtime.pictures.parent.write_text("")


def _no_queue(app: Flask, runtime: Runtime, tmp_path: Path) -> None:
    nowhere = load({"REDIS_URL": "redis://127.0.0.1:1/0", "SECRET_KEY": "k" * 40, "DATA_DIR": str(tmp_path)})
    trigger = jobs.DeliveryTrigger(make_celery(nowhere, patient=False))
    app.extensions["newsletter"] = state.WebState(runtime, trigger)


class _Raises:
    """A queue that answers with something nobody has thought of."""

    def wake(self) -> NoReturn:
        """Break."""
        raise RuntimeError("nobody has thought of this")


def _a_mad_queue(app: Flask, runtime: Runtime, tmp_path: Path) -> None:
    app.extensions["newsletter"] = state.WebState(runtime, _Raises())


def _a_bad_article(app: Flask, runtime: Runtime, tmp_path: Path) -> None:
    with runtime.database.transaction() as session:
        bad = articles.write(
            session, runtime.clock.now(), title="Bad \x0b", subject="x", body="{{ nobody.knows }} {% if %}"
        )
        bad.publish(runtime.clock.now())


def _a_mad_brand(app: Flask, runtime: Runtime, tmp_path: Path) -> None:
    mad = {"zone": "Mars/Olympus", "language": "", "website": "", "phone": "", "name": "", "author": "", "address": ""}
    with runtime.database.transaction() as session:
        session.execute(update(Brand).values(mad))


def _no_brand(app: Flask, runtime: Runtime, tmp_path: Path) -> None:
    with runtime.database.transaction() as session:
        session.execute(delete(Brand))


def _without(*tables: str) -> Saboteur:
    def broken(app: Flask, runtime: Runtime, tmp_path: Path) -> None:
        with runtime.database.transaction() as session:
            for table in tables:
                session.execute(text(f"ALTER TABLE {table} RENAME TO {table}_gone"))

    return broken


def _bad_template(name: str) -> Saboteur:
    def broken(app: Flask, runtime: Runtime, tmp_path: Path) -> None:
        bad = DictLoader({name: "{% if %} {{ nobody.knows.this }}"})
        app.jinja_env.loader = ChoiceLoader([bad, app.jinja_env.loader])  # type: ignore[list-item]

    return broken


SPARED: dict[str, tuple[Saboteur, tuple[str, ...]]] = {
    "a guide is missing": (_no_guide, PAGES),
    "a guide is half copied": (_half_a_guide, PAGES),
    "all guides are gone": (_no_guides_at_all, PAGES),
    "no folder for the cache": (_a_file_where_the_cache_should_be, PAGES),
    "no Redis": (_no_queue, PAGES),
    "a mad queue": (_a_mad_queue, PAGES),
    "a bad article": (_a_bad_article, PAGES),
    "a mad brand": (_a_mad_brand, PAGES),
    "no clicks": (_without("clicks", "links", "click_objections"), PAGES),
    "no drafts": (_without("drafts"), PAGES),
    "no brand": (_no_brand, ()),
    "the page for leaving": (_bad_template("public/unsubscribe.html"), PAGES),
    "the page that says it is done": (_bad_template("public/unsubscribed.html"), PAGES),
    "the preferences page": (_bad_template("public/preferences.html"), PAGES),
    "the frame of all pages": (_bad_template("public/layout.html"), ()),
    "the error page too": (_bad_template("public/error.html"), PAGES),
}
"""What is broken, and which pages do not suffer."""


@pytest.fixture(params=SPARED, ids=lambda name: str(name).replace(" ", "-"))
def broken(
    request: pytest.FixtureRequest, app: Flask, runtime: Runtime, tmp_path: Path, person: Callable[..., int]
) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Jane's number, and the pages that have to stand, in a house where one thing is broken."""
    jane = person("jane@example.com", "Jane")
    saboteur, stand = SPARED[request.param]
    with _templates_kept(app):
        saboteur(app, runtime, tmp_path)
        yield jane, stand


@contextmanager
def _templates_kept(app: Flask) -> Iterator[None]:
    loader = app.jinja_env.loader
    app.jinja_env.cache.clear()  # type: ignore[union-attr]
    yield
    app.jinja_env.loader = loader
    app.jinja_env.cache.clear()  # type: ignore[union-attr]


def _has_left(runtime: Runtime, jane: int) -> bool:
    with runtime.database.reading() as session:
        return session.get_one(Subscriber, jane).status is Status.UNSUBSCRIBED


def _path(runtime: Runtime, purpose: Purpose, *numbers: int) -> str:
    return f"/{purpose}/{runtime.signer.token(purpose, *numbers)}"


def test_one_leaves_by_the_page(broken: tuple[int, tuple[str, ...]], runtime: Runtime, visitor: Visitor) -> None:
    jane, _ = broken
    url = _path(runtime, Purpose.UNSUBSCRIBE, jane, 0)
    page = visitor.get(url)
    assert page.status_code == 200 and "Unsubscribe me" in page.text
    done = visitor.press(url)
    assert (done.status_code, "You are unsubscribed" in done.text) == (200, True)
    assert _has_left(runtime, jane)
    again = visitor.get(url)
    assert (again.status_code, "You are unsubscribed" in again.text) == (200, True)


def test_one_leaves_by_one_click(broken: tuple[int, tuple[str, ...]], runtime: Runtime, visitor: Visitor) -> None:
    jane, _ = broken
    answer = visitor.browser.post(_path(runtime, Purpose.UNSUBSCRIBE, jane, 0), data=ONE_CLICK)
    assert answer.status_code == 200
    assert _has_left(runtime, jane)


def test_one_leaves_from_the_preferences(
    broken: tuple[int, tuple[str, ...]], runtime: Runtime, visitor: Visitor
) -> None:
    jane, _ = broken
    page = visitor.get(_path(runtime, Purpose.PREFERENCES, jane))
    assert page.status_code == 200
    leave = _path(runtime, Purpose.UNSUBSCRIBE, jane, 0)
    assert leave in page.text
    assert visitor.press(leave).status_code == 200
    assert _has_left(runtime, jane)


def test_the_newsletter_alone_can_be_left_too(
    broken: tuple[int, tuple[str, ...]], runtime: Runtime, visitor: Visitor
) -> None:
    jane, _ = broken
    token = runtime.signer.token(Purpose.FORM, int(runtime.clock.now().timestamp()) + 60)
    url = _path(runtime, Purpose.PREFERENCES, jane)
    answer = visitor.browser.post(url, data={"csrf_token": token, "first_name": "Jane"})
    assert answer.status_code == 303
    assert visitor.get(answer.headers["Location"]).status_code == 200
    with runtime.database.reading() as session:
        assert not session.get_one(Subscriber, jane).newsletter


def test_the_other_pages_stand(broken: tuple[int, tuple[str, ...]], visitor: Visitor) -> None:
    _, stand = broken
    seen = {url: visitor.get(url).status_code for url in stand}
    assert seen == dict.fromkeys(stand, 200)


# Only that guide's box


def test_only_the_box_of_a_bad_guide_suffers(app: Flask, runtime: Runtime, tmp_path: Path, visitor: Visitor) -> None:
    _half_a_guide(app, runtime, tmp_path)
    home = visitor.get("/")
    assert [form.fields.get("guide") for form in forms(home)] == [PAIN, None], "and the newsletter's below"
    assert "being prepared" in home.text
    assert "0 pages" not in home.text
    assert [form.action for form in forms(visitor.get(f"/guides/{FIFTY}"))] == ["/f/footer"]
    assert visitor.subscribe(guide=PAIN).status_code == 303


def test_who_asked_before_confirms_and_is_told_that_it_is_being_prepared(
    app: Flask, runtime: Runtime, tmp_path: Path, visitor: Visitor, link: Callable[..., str],
    inbox: Callable[[str], list[EmailMessage]],
) -> None:  # fmt: skip
    visitor.subscribe()
    whole = _guides(runtime, tmp_path) / f"{FIFTY}.pdf"
    kept = whole.read_bytes()
    whole.unlink()
    assert visitor.press(link("confirm")).status_code == 303
    page = visitor.get(link("confirm"))
    assert page.status_code == 200 and "being prepared" in page.text and "0 pages" not in page.text
    mail = inbox("jane@example.com")[-1]
    text = mail.get_body(("plain",))
    assert text is not None and "is being prepared" in text.get_content() and "0 pages" not in text.get_content()
    library = link("library")
    assert "being prepared" in visitor.get(library).text
    assert visitor.get(f"{library}/{FIFTY}.pdf").status_code == 503
    whole.write_bytes(kept)
    assert "Read here" in visitor.get(library).text
    assert visitor.get(f"{library}/{FIFTY}.pdf").data == kept


def test_a_page_that_was_open_before_still_signs_up(
    runtime: Runtime, tmp_path: Path, app: Flask, visitor: Visitor,
    inbox: Callable[[str], list[EmailMessage]],
) -> None:  # fmt: skip
    form = forms(visitor.get("/"))[1]
    _no_guides_at_all(app, runtime, tmp_path)
    assert visitor.send(form, email="jane@example.com").status_code == 303
    assert len(inbox("jane@example.com")) == 1


def test_an_attached_guide_that_is_gone_by_now_goes_as_a_link(
    runtime: Runtime, tmp_path: Path, jane: Visitor, link: Callable[..., str],
    inbox: Callable[[str], list[EmailMessage]],
) -> None:  # fmt: skip
    with runtime.database.transaction() as session:
        session.execute(update(Guide).values(attach=True))
        asked = session.scalars(select(Guide).where(Guide.slug == PAIN)).one()
        assert asked.attach
    object.__setattr__(runtime.renderer, "guides", tmp_path / "nowhere")
    try:
        jane.press(link("library"), guide=PAIN)
    finally:
        object.__setattr__(runtime.renderer, "guides", runtime.guides.of)
    mail = inbox("jane@example.com")[-1]
    assert [part.get_filename() for part in mail.iter_attachments()] == []
    text = mail.get_body(("plain",))
    assert text is not None and "/library/" in text.get_content() and "attached" not in text.get_content()
