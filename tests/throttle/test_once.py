"""What may happen once, while Redis is away."""

from newsletter.throttle.once import Once


class NoRedis:
    """Answers nobody."""

    def set(self, name: str, value: str, *, nx: bool, ex: int) -> None:
        raise ConnectionError

    def get(self, name: str) -> None:
        raise ConnectionError


def test_without_redis_a_process_remembers_its_own() -> None:
    once = Once(NoRedis())
    assert once.is_free("proof", "jane", 60) and once.is_free("proof", "jane", 60)
    assert not once.is_free("proof", "joan", 60)
