"""`make torture`: one proof for each victim; a table, `var/torture/latest.json`, exit 1 if one is broken."""

import argparse
import asyncio
import json
import secrets
import shutil
import subprocess
import sys
from dataclasses import dataclass

import run
from torture import story
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


@dataclass(frozen=True)
class Wanted:
    """What was asked for on the command line."""

    seed: int
    victims: list[str]
    calls: int
    kills: int


def main() -> int:
    """Run the proofs; 0 if all held, 1 if one is broken."""
    wanted, commit = _wanted(), _commit()
    print(
        f"seed {wanted.seed}, commit {commit}: {wanted.calls} calls, {wanted.kills} kills a victim",
        flush=True,
    )
    verdicts: list[Verdict] = []
    for victim in wanted.victims:
        verdict = asyncio.run(_prove(wanted, victim))
        _tell(verdict, head=not verdicts)
        verdicts.append(verdict)
    _write(verdicts, commit)
    return 1 if any(verdict.broken for verdict in verdicts) else 0


def _wanted() -> Wanted:
    parser = argparse.ArgumentParser(prog="torture", description=__doc__)
    parser.add_argument("--seed", type=int, help="replay the kills of this run (default: drawn)")
    parser.add_argument("--victim", action="append", choices=VICTIMS, help="only this one; may be repeated")
    parser.add_argument("--calls", type=_positive, default=20, help="callers a victim (default 20)")
    parser.add_argument("--kills", type=_positive, default=5, help="kills a victim (default 5)")
    given = parser.parse_args()
    seed = secrets.randbelow(1_000_000) if given.seed is None else given.seed
    return Wanted(seed, given.victim or list(VICTIMS), given.calls, given.kills)


def _positive(value: str) -> int:
    if not value.isdecimal() or not 1 <= int(value) <= 1000:
        raise argparse.ArgumentTypeError(f"{value!r} is not a number from 1 to 1000")
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


async def _prove(wanted: Wanted, victim: str) -> Verdict:
    """One proof in a fresh directory, kept only where something is broken."""
    home = FOLDER / f"{wanted.seed}-{victim}"
    shutil.rmtree(home, ignore_errors=True)
    verdict = await story.tell(victim, seed=wanted.seed, calls=wanted.calls, kills=wanted.kills, home=home)
    if not verdict.broken:
        shutil.rmtree(home)
    return verdict


def _tell(verdict: Verdict, *, head: bool) -> None:
    if head:
        print(f"{'proof':<14}" + "".join(f"{name:>{len(name) + 3}}" for name in COLUMNS) + "     s   verdict")
    cells = "".join(f"{verdict.counts.get(name, 0):>{len(name) + 3}}" for name in COLUMNS)
    print(f"{verdict.proof:<14}{cells}{verdict.counts['seconds']:>6}   {verdict.word}", flush=True)
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
