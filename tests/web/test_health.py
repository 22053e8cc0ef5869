"""For the operator: is it up, and what are the numbers?"""

from collections.abc import Callable

import pytest

from newsletter.runtime import Runtime
from newsletter.settings import load
from tests.web.conftest import Visitor

TOKEN = "a token that nobody guesses"


def test_the_database_decides_whether_it_is_up(visitor: Visitor, runtime: Runtime) -> None:
    runtime.settings = load({"REDIS_URL": "redis://127.0.0.1:1/0", "DATA_DIR": str(runtime.settings.data_dir)})
    answer = visitor.get("/healthz")
    assert answer.status_code == 200
    assert answer.get_json() == {"ok": True, "database": "ok", "redis": "ConnectionError"}


def test_metrics_count_people_and_mails_and_name_nobody(
    visitor: Visitor, person: Callable[..., int], runtime: Runtime
) -> None:
    person("alice@example.com")
    visitor.subscribe()
    runtime.settings = load({"METRICS_TOKEN": TOKEN, "DATA_DIR": str(runtime.settings.data_dir)})
    page = visitor.browser.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    assert page.mimetype == "text/plain"
    assert 'newsletter_subscribers{status="confirmed"} 1.0' in page.text
    assert 'newsletter_subscribers{status="pending"} 1.0' in page.text
    assert 'newsletter_subscribers{status="bounced"} 0.0' in page.text
    assert 'newsletter_messages{lane="transactional",state="sent"} 1.0' in page.text
    assert "newsletter_oldest_due_seconds 0.0" in page.text
    assert "@" not in page.text


@pytest.mark.parametrize("given", ["", "Bearer", "Bearer wrong", f"Basic {TOKEN}", f"bearer {TOKEN}x", "Bearer é"])
def test_without_the_token_nobody_sees_the_numbers(given: str, visitor: Visitor, runtime: Runtime) -> None:
    headers = {"Authorization": given.encode("latin-1").decode("latin-1")} if given else {}
    assert visitor.browser.get("/metrics", headers=headers).status_code == 404, "no token is set: no such page"
    runtime.settings = load({"METRICS_TOKEN": TOKEN, "DATA_DIR": str(runtime.settings.data_dir)})
    told = visitor.browser.get("/metrics", headers=headers)
    assert (told.status_code, told.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert "newsletter_" not in told.text
