"""The proof "model": the state machine of `tests/ledger` at length; then both outside witnesses read all of it."""

import asyncio
import json
import os
import sys
from pathlib import Path
from time import monotonic

from engines import run
from torture.story import Verdict

LIVES = 250  # of a book; `make test` lives forty
TIMEOUT_S = 1500
LINES_KEPT = 60
TEST = "tests/ledger/test_model.py"


async def prove(seed: int, home: Path) -> Verdict:
    """Run it from `seed`; what the test says when it fails is the line of what is broken."""
    began = monotonic()
    home.mkdir(parents=True)
    counts = home / "counts.json"
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-x",
        "-p",
        "no:cacheprovider",
        f"--timeout={TIMEOUT_S}",
        f"--hypothesis-seed={seed}",
        TEST,
        cwd=run.HOME,
        env=dict(os.environ) | {"MODEL_LIVES": str(LIVES), "MODEL_COUNTS": str(counts)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    told, _ = await child.communicate()
    lines = told.decode(errors="replace").strip().splitlines()
    broken = lines[-LINES_KEPT:] if child.returncode else []
    figures = json.loads(counts.read_text(encoding="utf-8")) if counts.exists() else {}
    return Verdict("model", seed, _told(figures) | {"seconds": round(monotonic() - began)}, broken)


def _told(figures: dict[str, int]) -> dict[str, int]:
    """The refusals of each sort are one number; everything else as it was counted."""
    refused = sum(count for name, count in figures.items() if name.startswith("refused"))
    sorts = sum(name.startswith("refused") for name in figures)
    others = {name: count for name, count in figures.items() if not name.startswith("refused")}
    return {"lives": LIVES, "refused": refused, "sorts of refusal": sorts} | others
