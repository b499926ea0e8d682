"""The progress bar: for people who wait at a terminal, and for nobody else."""

import io

import pytest

from commands.progress import Progress


class Terminal(io.StringIO):
    """Standard error with a person behind it."""

    def isatty(self) -> bool:
        return True


def draw(stream: io.StringIO, monkeypatch: pytest.MonkeyPatch, *, seconds: float) -> str:
    """What four steps of work that take `seconds` each leave on `stream`."""
    monkeypatch.setattr("sys.stderr", stream)
    now = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    with Progress(4) as bar:
        for _ in range(4):
            now[0] += seconds
            bar.advance()
    return stream.getvalue()


def test_a_long_wait_at_a_terminal_shows_a_bar_that_goes_away(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = draw(Terminal(), monkeypatch, seconds=1)
    assert [frame.strip() for frame in drawn.split("\r")[1:]] == [
        f"[{'#' * 20}{' ' * 20}]  50%",
        f"[{'#' * 30}{' ' * 10}]  75%",
        f"[{'#' * 40}] 100%",
        "\x1b[K",
    ]


def test_a_short_wait_shows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert draw(Terminal(), monkeypatch, seconds=0.4) == ""


def test_a_program_that_reads_us_sees_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert draw(io.StringIO(), monkeypatch, seconds=10) == ""
