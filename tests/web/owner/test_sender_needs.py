"""What is wrong with the sender's domain stands on Home and among the checks, and in local mode nothing does."""

from collections.abc import Callable

import pytest

from newsletter import sending
from newsletter.runtime import Runtime
from newsletter.settings import load
from tests.dns_server import DnsServer
from tests.sending.test_again import dns, worker
from tests.web.owner.conftest import Desk

__all__ = ["dns", "worker"]
NEED = "Your domain human-movement.com has no DMARC record"


@pytest.fixture
def draft(desk: Desk, article: int, person: Callable[..., int]) -> str:
    """The page of a draft to Jane."""
    person("jane@example.com", "Jane")
    return str(desk.post("/owner/campaigns/new", article=article, audience="").request.path)


def go_public(runtime: Runtime, worker: Runtime) -> None:
    """Let the web know what the worker knows: that mail goes out, and DNS may be asked."""
    runtime.settings = load({
        "DATA_DIR": str(runtime.settings.data_dir), "SECRET_KEY": "k" * 40, "PUBLIC_URL": "http://localhost:8000",
        "CHECK_DOMAINS": "on", "SMTP_URL": worker.settings.smtp_url,
    })  # fmt: skip


def test_where_all_is_well_nothing_needs_me(desk: Desk, draft: str, runtime: Runtime, worker: Runtime) -> None:
    go_public(runtime, worker)
    assert "have not been looked up yet" in desk.read(draft) and NEED not in desk.read("/owner/")
    sending.look_again(worker)
    assert "human-movement.com by which others know your mail are in order" in desk.read(draft)
    assert "Others may refuse your mail" not in desk.read("/owner/")


def test_a_missing_record_needs_me_and_leads_to_where_it_is_mended(
    desk: Desk, draft: str, runtime: Runtime, worker: Runtime, dns: DnsServer
) -> None:
    go_public(runtime, worker)
    dns.zone = {name: found for name, found in dns.zone.items() if not name.startswith("_dmarc")}
    sending.look_again(worker)
    home = desk.get("/owner/")
    assert NEED in home and 'href="/owner/sending#sender"' in home
    assert NEED in desk.read(draft) and 'href="/owner/sending#sender">See what to publish' in desk.get(draft)
    runtime.settings = load({"DATA_DIR": str(runtime.settings.data_dir), "SECRET_KEY": "k" * 40})
    assert NEED not in desk.read("/owner/") and NEED not in desk.read(draft)
