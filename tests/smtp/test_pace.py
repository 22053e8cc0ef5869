"""What is learned about how many messages a session may carry."""

import random

import pytest

from newsletter.smtp.pace import LATELY, REMEMBERED, REPEATS_SILENT, REPEATS_WITH_WORDS, Pace


@pytest.mark.parametrize(("words", "needed"), [("4.3.2 closing", REPEATS_WITH_WORDS), ("", REPEATS_SILENT)])
def test_sessions_that_end_again_and_again_after_the_same_number_have_a_limit(words: str, needed: int) -> None:
    pace = Pace(8)
    for _ in range(needed):
        assert pace.length == 0
        pace.ended(100, words, 5.0)
    assert pace.length == 100
    pace.look(5.0 + REMEMBERED)
    assert pace.length == 0


def test_words_that_name_a_limit_need_no_second_time() -> None:
    pace = Pace(8)
    pace.ended(100, "4.7.0 too many messages in this session", 5.0)
    assert pace.length == 100


@pytest.mark.parametrize("words", ["", "4.3.2 closing"])
@pytest.mark.parametrize("seed", range(20))
def test_accidents_are_no_limit(words: str, seed: int) -> None:
    """Connections that break after a few messages, now and then twice after the same number."""
    chance, pace = random.Random(seed), Pace(8)
    pace.ended(40, words, 0.0)
    for second in range(500):
        pace.ended(min(39, int(chance.expovariate(1 / 12))), words, float(second))
        assert pace.length == 0


def test_a_limit_that_became_lower_is_learned_after_a_while() -> None:
    pace = Pace(8)
    pace.ended(1000, "", 0.0)
    for _ in range(REPEATS_SILENT):
        pace.ended(100, "", LATELY)
    assert pace.length == 0
    for _ in range(REPEATS_SILENT):
        pace.ended(100, "", LATELY + 1)
    assert pace.length == 100
