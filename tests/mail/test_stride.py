"""The stride: as much is begun at once as goes out quickly."""

import pytest

from newsletter.mail.stride import Stride


@pytest.mark.parametrize(
    ("letters", "seconds", "size"), [(100, 0.01, 200), (100, 1.0, 50), (100, 100.0, 50), (2000, 0.1, 200)]
)
def test_as_many_are_begun_as_go_out_in_a_fifth_of_a_second(letters: int, seconds: float, size: int) -> None:
    stride = Stride()
    stride.learn(letters, seconds)
    assert stride.size == size
