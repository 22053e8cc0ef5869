"""The preflight, asked about one text."""

from collections.abc import Callable

import pytest

from newsletter import brand, preflight
from newsletter.mail.render import Content
from newsletter.preflight import Level, Report
from newsletter.runtime import Runtime
from newsletter.subscribers import Segment

Look = Callable[..., Report]


@pytest.fixture
def look(runtime: Runtime) -> Look:
    """What the preflight says: look("body", subject="s")."""

    def looked(body: str, subject: str = "On walking", guide: str | None = None, preheader: str = "") -> Report:
        with runtime.database.reading() as session:
            house, words = brand.current(session), Content(subject, preheader, body)
            return preflight.check(session, runtime.renderer, house, words, Segment(guide))

    return looked


def said(report: Report, level: Level) -> str:
    """All of one level, as one text."""
    return preflight.told(report.of(level))
