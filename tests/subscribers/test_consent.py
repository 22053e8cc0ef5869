"""The proof of what a person agreed to."""

from datetime import timedelta

from newsletter.subscribers import Consent
from tests.conftest import NOON


def test_a_consent_is_proven_once() -> None:
    consent = Consent(subscriber_id=1, wording_id=1, given_at=NOON)
    assert consent.confirm(NOON)
    assert not consent.confirm(NOON + timedelta(days=1))
    assert consent.confirmed_at == NOON
