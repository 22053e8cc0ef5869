"""For the operator: is it up, and what are the numbers?"""

from collections.abc import Callable

from newsletter.clock import FixedClock
from newsletter.runtime import Runtime
from newsletter.settings import load
from tests.web.conftest import Visitor


def test_the_database_decides_whether_it_is_up(visitor: Visitor, runtime: Runtime) -> None:
    runtime.settings = load({"REDIS_URL": "redis://127.0.0.1:1/0", "DATA_DIR": str(runtime.settings.data_dir)})
    answer = visitor.get("/healthz")
    assert answer.status_code == 200
    assert answer.get_json() == {"ok": True, "database": "ok", "redis": "ConnectionError"}


def test_metrics_count_people_and_mails_and_name_nobody(
    visitor: Visitor, person: Callable[..., int], clock: FixedClock
) -> None:
    person("alice@example.com")
    visitor.subscribe()
    page = visitor.get("/metrics")
    assert page.mimetype == "text/plain"
    assert 'newsletter_subscribers{status="confirmed"} 1.0' in page.text
    assert 'newsletter_subscribers{status="pending"} 1.0' in page.text
    assert 'newsletter_subscribers{status="bounced"} 0.0' in page.text
    assert 'newsletter_messages{lane="transactional",state="sent"} 1.0' in page.text
    assert "newsletter_oldest_due_seconds 0.0" in page.text
    assert "@" not in page.text
