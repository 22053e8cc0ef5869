"""Templates are compiled once, and again when they change; each language keeps its own sentences."""

import os
from gettext import NullTranslations
from pathlib import Path

import pytest
from babel import Locale
from jinja2 import Environment

from newsletter.languages import SOURCE, Language
from newsletter.mail.render import environment


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[str | None]:
    """The names of the templates that Jinja has compiled."""
    names: list[str | None] = []
    compile_ = Environment.compile

    def note(self: Environment, source: str, name: str | None = None, *more: object) -> object:
        names.append(name)
        return compile_(self, source, name, *more)  # type: ignore[call-overload]

    monkeypatch.setattr(Environment, "compile", note)
    return names


class _Loud(NullTranslations):
    def ugettext(self, message: str) -> str:
        """In capitals."""
        return message.upper()


def test_a_template_is_compiled_once_for_all_renderers_and_languages(tmp_path: Path, compiled: list[str]) -> None:
    (tmp_path / "a.txt").write_text("{% trans %}good day{% endtrans %}")
    loud = Language("xx", Locale("en"), _Loud())
    said = [environment.environment(tmp_path, one).get_template("a.txt").render() for one in (SOURCE, loud, SOURCE)]
    assert said == ["good day", "GOOD DAY", "good day"]
    assert compiled == ["a.txt"]


def test_a_template_that_was_changed_is_compiled_again(tmp_path: Path, compiled: list[str]) -> None:
    file = tmp_path / "b.txt"
    jinja = environment.environment(tmp_path, SOURCE)
    for number, words in enumerate(("one", "two")):
        file.write_text(words)
        os.utime(file, (number, number))
        assert jinja.get_template("b.txt").render() == words
    assert compiled == ["b.txt", "b.txt"]


def test_the_templates_of_bulk_mail_are_warm(tmp_path: Path, compiled: list[str]) -> None:
    (tmp_path / "article").mkdir()
    for name in ("article/html.html", "layout.html", "notice.txt"):
        (tmp_path / name).write_text("x")
    environment.warm(tmp_path)
    compiled.clear()
    jinja = environment.environment(tmp_path, SOURCE)
    for name in ("article/html.html", "layout.html", "notice.txt"):
        jinja.get_template(name)
    assert compiled == ["notice.txt"]
