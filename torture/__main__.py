"""`make torture`: a proof for each victim, then the ledger's; `var/torture/latest.json`, exit 1 if one is broken.

`--proof bank` and the like runs that one only; `--victim web` one victim only.
"""

import argparse
import asyncio
import json
import secrets
import shutil
import subprocess
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from engines import run
from torture import bank, failover, long_book, model, mutants, operators, story
from torture.place import VICTIMS
from torture.story import Verdict

FOLDER = run.HOME / "var" / "torture"
LINES_SHOWN = 20
COLUMNS = (
    "kills",
    "calls",
    "hops",
    "no answer",
    "sorry",
    "cut",
    "joined",
    "paid",
    "failed",
    "posted",
    "SMS in",
    "brought",
    "anew",
    "digests",
    "SMS",
    "doubts",
)
# Each is proven in a fresh directory of its own.
Proof = Callable[..., Awaitable[Verdict]]  # (seed, directory), and sizes by name
PROOFS: dict[str, Proof] = {
    "bank": bank.prove,
    "mutants": mutants.prove,
    "model": model.prove,
    "witnesses": long_book.prove,
    "operators": operators.prove,
    "failover": failover.prove,
}


@dataclass(frozen=True)
class WantedProofs:
    """What was asked for on the command line."""

    seed: int
    victims: list[str]
    proofs: list[str]
    calls: int
    kills: int
    payments: int
    payouts: int


def main() -> int:
    """Run the proofs; 0 if all held, 1 if one is broken."""
    wanted, commit = _wanted(), _commit()
    print(
        f"seed {wanted.seed}, commit {commit}: {wanted.calls} calls, {wanted.kills} kills a victim",
        flush=True,
    )
    verdicts: list[Verdict] = []
    for victim in wanted.victims:
        verdict = asyncio.run(_kill(wanted, victim))
        _tell(verdict, head=not verdicts)
        verdicts.append(verdict)
    for name in wanted.proofs:
        verdict = asyncio.run(_prove(wanted, name))
        _tell_alone(verdict)
        verdicts.append(verdict)
    _write(verdicts, commit)
    return 1 if any(verdict.broken for verdict in verdicts) else 0


def _wanted() -> WantedProofs:
    parser = argparse.ArgumentParser(prog="torture", description=__doc__)
    parser.add_argument("--seed", type=int, help="replay the kills of this run (default: drawn)")
    parser.add_argument("--victim", action="append", choices=VICTIMS, help="only this one; may be repeated")
    parser.add_argument("--proof", action="append", choices=PROOFS, help="only this one; may be repeated")
    parser.add_argument("--calls", type=_positive, default=20, help="callers a victim (default 20)")
    parser.add_argument("--kills", type=_positive, default=5, help="kills a victim (default 5)")
    parser.add_argument(
        "--payments", type=_positive, default=10_000, help="of the proof operators (default 10000)"
    )
    parser.add_argument("--payouts", type=_positive, default=1_000, help="of the same (default 1000)")
    given = parser.parse_args()
    seed = secrets.randbelow(1_000_000) if given.seed is None else given.seed
    everything = not (given.victim or given.proof)
    victims, proofs = (list(VICTIMS), list(PROOFS)) if everything else (given.victim or [], given.proof or [])
    return WantedProofs(seed, victims, proofs, given.calls, given.kills, given.payments, given.payouts)


def _positive(value: str) -> int:
    if not value.isdecimal() or not 1 <= int(value) <= 100_000:
        raise argparse.ArgumentTypeError(f"{value!r} is not a number from 1 to 100000")
    return int(value)


def _commit() -> str:
    """The commit that is proven, with a + if the tree holds more than it."""
    try:
        name = _git("rev-parse", "--short", "HEAD")
        return name + ("+" if _git("status", "--porcelain") else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _git(*words: str) -> str:
    reply = subprocess.run(["git", *words], cwd=run.HOME, capture_output=True, check=True, text=True)
    return reply.stdout.strip()


async def _kill(wanted: WantedProofs, victim: str) -> Verdict:
    home = _fresh(f"{wanted.seed}-{victim}")
    verdict = await story.tell(victim, seed=wanted.seed, calls=wanted.calls, kills=wanted.kills, home=home)
    return _tidied(verdict, home)


async def _prove(wanted: WantedProofs, name: str) -> Verdict:
    home = _fresh(f"{wanted.seed}-{name}")
    sizes = {"payments": wanted.payments, "payouts": wanted.payouts} if name == "operators" else {}
    return _tidied(await PROOFS[name](wanted.seed, home, **sizes), home)


def _fresh(name: str) -> Path:
    """A directory for one proof, not there yet."""
    home = FOLDER / name
    shutil.rmtree(home, ignore_errors=True)
    return home


def _tidied(verdict: Verdict, home: Path) -> Verdict:
    """The directory is kept only where something is broken."""
    if not verdict.broken:
        shutil.rmtree(home)
    return verdict


def _tell(verdict: Verdict, *, head: bool) -> None:
    if head:
        print(f"{'proof':<14}" + "".join(f"{name:>{len(name) + 3}}" for name in COLUMNS) + "     s   verdict")
    cells = "".join(f"{verdict.counts.get(name, 0):>{len(name) + 3}}" for name in COLUMNS)
    print(f"{verdict.proof:<14}{cells}{verdict.counts['seconds']:>6}   {verdict.word}", flush=True)
    _tell_broken(verdict)


def _tell_alone(verdict: Verdict) -> None:
    figures = ", ".join(f"{name} {count:,}" for name, count in verdict.counts.items())
    print(f"\n{verdict.proof}: {verdict.word}\n    {figures}", flush=True)
    _tell_broken(verdict)


def _tell_broken(verdict: Verdict) -> None:
    for line in verdict.broken[:LINES_SHOWN]:
        print(f"    {line}", flush=True)
    if len(verdict.broken) > LINES_SHOWN:
        print(f"    and {len(verdict.broken) - LINES_SHOWN} more: see {FOLDER / 'latest.json'}", flush=True)


def _write(verdicts: list[Verdict], commit: str) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    entries = [
        {
            "proof": verdict.proof,
            "seed": verdict.seed,
            "commit": commit,
            "counts": verdict.counts,
            "verdict": verdict.word,
            "broken": verdict.broken,
        }
        for verdict in verdicts
    ]
    latest = FOLDER / "latest.json"
    latest.write_text(json.dumps(entries, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
