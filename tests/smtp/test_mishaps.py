"""Any number of faults at once: whatever happens, everybody gets one result and nobody two copies."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from newsletter.smtp import Stage
from tests.fault_smtp import Fault, FaultServer
from tests.smtp.sending import MODES, deliver, recipient, transport

faults = st.lists(
    st.builds(
        Fault,
        st.sampled_from(["banner", "ehlo", "mail", "rcpt", "data", "content", "dot", "rset", "idle"]),
        st.sampled_from(["vanish", "reset", "half", "reply", "reply-close"]),
        nth=st.integers(1, 25),
        text=st.sampled_from(["421 4.3.2 bye", "451 4.3.0 later", "550 5.7.1 no", "530 5.7.0 log in", "nonsense"]),
        seconds=st.just(0.0),
    ),
    max_size=5,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    faults,
    st.sampled_from(sorted(MODES)),
    st.integers(1, 4),
    st.integers(1, 6),
    st.sets(st.integers(1, 30), max_size=12),
    st.booleans(),
)
def test_mishaps(
    given: list[Fault], mode: str, connections: int, pipeline: int, bounces: set[int], data_for_nobody: bool
) -> None:
    options = f"connections={connections}&pipeline={pipeline}"
    refused = {recipient(key) for key in bounces}
    with FaultServer(given, bounces=refused, data_for_nobody=data_for_nobody, **MODES[mode]) as server:
        sender = transport(server, options)
        results = deliver(server, sender, count=20, keep=True)
        results |= deliver(server, sender, count=10, first=21)
    for key in bounces:
        assert results[key].stage is not Stage.ACCEPTED
    if not given:
        assert {result.stage for result in results.values()} <= {Stage.ACCEPTED, Stage.REJECTED}
