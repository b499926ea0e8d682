"""What was measured, and how it is told: a table, and a list in JSON.

Whatever is compared was measured in turn, and its ratio is the median of the ratios of the rounds.
"""

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from bench import cores


@dataclass(frozen=True)
class Size:
    """How much is measured: seconds of one lap, laps of each kind, and what is made beforehand."""

    rounds: int
    lap_s: float
    callers: int
    menu_calls: int
    open_hops_per_s: int
    open_s: float
    batch: int
    batches: int  # of a lap through a backlog
    movements: tuple[int, ...]  # of books with history, the smallest first
    households: int  # of the federation that real calls meet
    call_rounds: int
    reading_calls: int  # of a lap
    acting_calls: int
    approvals_per_s: float = 50
    open_payments: int = 1_000_000


WHOLE = Size(
    rounds=5,
    lap_s=1.5,
    callers=48,
    menu_calls=1500,
    open_hops_per_s=200,
    open_s=20,
    batch=256,
    batches=12,
    movements=(10_000, 1_000_000, 10_000_000),
    households=1_000,
    call_rounds=3,
    reading_calls=960,
    acting_calls=96,
)
QUICK = Size(
    rounds=1,
    lap_s=0.2,
    callers=4,
    menu_calls=40,
    open_hops_per_s=40,
    open_s=1,
    batch=32,
    batches=4,
    movements=(500, 5_000),
    households=30,
    call_rounds=3,
    reading_calls=96,
    acting_calls=4,
    approvals_per_s=10,
    open_payments=2_000,
)


@dataclass(frozen=True)
class Measure:
    """One figure. `ratio` is what it is to `against`, a peer, a limit or a promise; `broken`: it must not be so."""

    bench: str
    metric: str
    value: float
    unit: str
    against: str | None = None
    ratio: float | None = None
    broken: bool = False


def percentile(values: Sequence[float], percent: float) -> float:
    """The value that `percent` of `values` do not exceed; 0 of none."""
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, int(len(ranked) * percent / 100))] if ranked else 0.0


def against(
    bench: str, metric: str, unit: str, values: Sequence[float], peer: str, peer_values: Sequence[float]
) -> Measure:
    """The median of `values`, beside what `peer` did in the same rounds."""
    ratios = [value / other for value, other in zip(values, peer_values, strict=True) if other]
    return Measure(bench, metric, median(values), unit, peer, median(ratios) if ratios else None)


def alone(bench: str, metric: str, unit: str, values: Sequence[float]) -> Measure:
    """The median of `values`: a peer or a limit itself."""
    return Measure(bench, metric, median(values), unit)


def promised(bench: str, metric: str, unit: str, values: Sequence[float], most: float | None) -> Measure:
    """The median of `values`, beside the most that is promised, if anything is."""
    value = median(values)
    told = (f"{most:g} {unit} promised", value / most) if most else (None, None)
    return Measure(bench, metric, value, unit, *told)


def must_be_none(bench: str, metric: str, unit: str, count: int) -> Measure:
    """A count of what must never happen."""
    return Measure(bench, metric, count, unit, "none", None, broken=count > 0)


def memory_of_us(bench: str, what: str) -> list[Measure]:
    """What this process holds now; nothing where the system does not tell."""
    held_mb = cores.memory_mb(os.getpid())
    return [] if held_mb is None else [Measure(bench, what, held_mb, "MB")]


def tell(measures: Sequence[Measure]) -> None:
    """Print the rows of the table."""
    for one in measures:
        ratio = "" if one.ratio is None else f"{_short(one.ratio)} x "
        beside = f"{ratio}{one.against}" if one.against else ""
        mark = "   BROKEN" if one.broken else ""
        row = f"{one.bench:<10} {one.metric:<42} {_short(one.value):>9} {one.unit:<10} {beside}{mark}"
        print(row.rstrip(), flush=True)


def _short(value: float) -> str:
    """Three digits are more than a shared machine can tell."""
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.3g}"


def write(measures: Sequence[Measure], path: Path) -> None:
    """Write the list for other programs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [asdict(one) for one in measures]
    for row in rows:
        del row["broken"]
    path.write_text(json.dumps(rows, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
