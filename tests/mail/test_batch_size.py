"""The adaptive batch size: as many are marked at once as go out quickly."""

import pytest

from newsletter.mail.batch_size import AdaptiveBatchSize


@pytest.mark.parametrize(
    ("messages", "seconds", "size"), [(100, 0.01, 200), (100, 1.0, 50), (100, 100.0, 50), (2000, 0.1, 200)]
)
def test_as_many_are_marked_as_go_out_in_a_fifth_of_a_second(messages: int, seconds: float, size: int) -> None:
    batch_size = AdaptiveBatchSize()
    batch_size.learn(messages, seconds)
    assert batch_size.size == size
