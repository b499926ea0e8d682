"""The peer: Express with `ussd-menu-builder`, brought by npm into a scratch folder that is no part of the project.

Without node and npm, or without a network, there is no peer, and the table says so aloud.
"""

import shutil
import subprocess
from pathlib import Path

from engines import run

HERE = Path(__file__).parent
PROGRAM = "calls.js"
SCRATCH = run.HOME / "var" / "bench-peer"
INSTALL = ("install", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error")
INSTALL_TIMEOUT_S = 180


def command() -> list[str] | None:
    """How the peer is started, once it is installed; None, and said aloud, where it cannot be."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return _left_out("node and npm are not installed")
    SCRATCH.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", PROGRAM):
        shutil.copyfile(HERE / name, SCRATCH / name)
    if not all((SCRATCH / "node_modules" / name).exists() for name in ("ussd-menu-builder", "pg", "ioredis")):
        print("calls: npm installs the peer …", flush=True)
        try:
            done = subprocess.run(
                [npm, *INSTALL], cwd=SCRATCH, timeout=INSTALL_TIMEOUT_S, capture_output=True, check=False
            )
        except subprocess.TimeoutExpired:
            return _left_out("npm did not come to an end")
        if done.returncode:
            return _left_out("npm could not install it")
    return [node, str(SCRATCH / PROGRAM), str(HERE.parent / "calls.sql")]


def _left_out(reason: str) -> list[str] | None:
    print(f"calls: THE PEER IS LEFT OUT: {reason}", flush=True)
    return None
