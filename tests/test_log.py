"""Logs: what is written where, and that no page falls with them."""

from pathlib import Path

from newsletter.log import Unfailing


def test_a_full_disk_under_the_log_fails_nobody() -> None:
    with Path("/dev/full").open("w", buffering=1) as full:
        Unfailing(full).info("a line")
        Unfailing(full).error("another")
        full.buffer.raw.close()


def test_a_line_is_written(tmp_path: Path) -> None:
    with (tmp_path / "log").open("w+") as log:
        Unfailing(log).error("a line")
        log.seek(0)
        assert log.read() == "a line\n"
