"""How a test ends otherwise: called off, stopped, thrown away, or not fit to go on."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from newsletter import brand, campaigns
from newsletter.campaigns import Campaign, CampaignState, Judge, NotNow, Part, Phase, Waits
from newsletter.mail.render import Content
from newsletter.runtime import Runtime
from tests.campaigns.conftest import Stage, state_of


def test_called_off_in_the_test_nothing_goes_to_the_rest(stage: Callable[..., Stage], runtime: Runtime) -> None:
    it = stage()
    it.schedule()
    with runtime.database.transaction() as session:
        campaigns.launch_due(session, it.clock.now())
    with runtime.database.transaction() as session:
        campaigns.together.cancel(session, session.get_one(Campaign, it.test().b_id), it.clock.now())
    for _ in range(2):
        it.end()
    test = it.test()
    assert test.phase is Phase.STOPPED and not it.sent.envelopes
    assert {state_of(runtime, one.id) for one in test.both} == {CampaignState.CANCELLED}
    with pytest.raises(NotNow, match="was stopped"):
        it.choose(Part.A)


def test_stopped_after_both_have_gone_out(stage: Callable[..., Stage], runtime: Runtime) -> None:
    it = stage()
    it.go()
    with runtime.database.transaction() as session:
        test = campaigns.ab_test_of(session, session.get_one(Campaign, it.a), lock=True)
        assert test is not None
        campaigns.stop(session, test, it.clock.now())
    it.end()
    assert it.test().phase is Phase.STOPPED and state_of(runtime, it.a) is CampaignState.SENT
    assert len(it.sent.envelopes) == len(it.got(it.a) | it.got(it.test().b_id)) < 200


def test_with_one_of_them_cancelled_there_is_nothing_to_compare(stage: Callable[..., Stage], runtime: Runtime) -> None:
    it = stage()
    it.go()
    with runtime.database.transaction() as session:  # as an older version would have done
        session.get_one(Campaign, it.test().b_id).stored_state = CampaignState.CANCELLED
    it.end()
    assert it.test().waits is Waits.ENDED


def test_what_won_and_was_thrown_away_can_be_chosen_again(stage: Callable[..., Stage], runtime: Runtime) -> None:
    it = stage(judge=Judge.HAND)
    it.go()
    first = it.choose(Part.B, at=timedelta(seconds=10))
    with runtime.database.transaction() as session:
        campaigns.together.cancel(session, session.get_one(Campaign, first), it.clock.now())
    it.end()
    assert len(it.sent.envelopes) < 200
    second = it.choose(Part.A)
    it.beat()
    assert second != first and len(it.sent.envelopes) == 200


def test_without_a_postal_address_what_won_waits(stage: Callable[..., Stage], runtime: Runtime) -> None:
    it = stage()
    it.go()
    it.click(it.test().b_id, 25)
    with runtime.database.transaction() as session:
        brand.current(session).address = ""
    it.end()
    assert it.test().waits is Waits.UNFIT


def test_no_other_words_while_it_is_tested(stage: Callable[..., Stage], runtime: Runtime) -> None:
    it = stage()
    it.schedule()
    with runtime.database.transaction() as session:
        campaigns.launch_due(session, it.clock.now())
    with runtime.database.transaction() as session:
        a = session.get_one(Campaign, it.a)
        campaigns.together.pause(session, a)
        with pytest.raises(NotNow, match="A/B test"):
            a.revisable(session, Content("Other", "", "Words"))
