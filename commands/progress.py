"""A progress bar for people who wait: on a terminal only, and only after two seconds."""

import sys
import time
from types import TracebackType
from typing import Self

SILENT_S = 2.0
EVERY_S = 0.1
WIDTH = 40


class Progress:
    """Counts up to about `total`; draws on standard error, so that the output itself stays clean."""

    def __init__(self, total: int) -> None:
        self._total = max(total, 1)
        self._done = 0
        self._next_at = time.monotonic() + SILENT_S
        self._drawn = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._drawn:
            sys.stderr.write("\r\x1b[K")  # the bar leaves nothing behind
            sys.stderr.flush()

    def advance(self, count: int = 1) -> None:
        """So many more are done."""
        self._done += count
        now = time.monotonic()
        if now < self._next_at or not sys.stderr.isatty():
            return
        self._next_at, self._drawn = now + EVERY_S, True
        share = min(self._done / self._total, 1.0)
        bar = "#" * round(share * WIDTH)
        sys.stderr.write(f"\r[{bar:<{WIDTH}}] {share:4.0%}")
        sys.stderr.flush()
