"""What keeps mail from going out stands on the owner's first page, with what to do."""

import pytest

from newsletter.mail import alarms
from newsletter.mail.alarms import IN_A_ROW
from newsletter.runtime import Runtime
from newsletter.smtp import RelayRefusal, Trouble
from tests.web.owner.conftest import Desk


@pytest.mark.parametrize("trouble", Trouble)
def test_every_trouble_of_a_relay_is_told_in_words(desk: Desk, runtime: Runtime, trouble: Trouble) -> None:
    said = "553 5.7.1 <news@example.org>: not <you>"
    with runtime.database.transaction() as session:
        refusal = RelayRefusal("mx.example:587", trouble, said)
        alarms.relays_refuse(session, [refusal, refusal], runtime.clock.now())
    page = desk.get("/owner/")
    advice = alarms.advice(trouble)
    assert f"mx.example:587: {advice.title}" in page.replace("&#39;", "'")
    assert advice.action in page.replace("&#39;", "'")
    assert "&lt;news@example.org&gt;: not &lt;you&gt;" in page


def test_confirmations_that_fail_are_told(desk: Desk, runtime: Runtime) -> None:
    with runtime.database.transaction() as session:
        alarms.confirmations_end(session, ["5.7.1 blocked"] * IN_A_ROW, runtime.clock.now())
    page = desk.get("/owner/")
    assert f"{IN_A_ROW} confirmations in a row could not be delivered" in page and "5.7.1 blocked" in page
