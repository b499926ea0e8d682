"""The two files of settings, from the examples of `deploy/`, with a new secret wherever one must be drawn."""

import re
import secrets
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from commands.command import CommandError
from engines import run
from engines.cluster import write_private

EXAMPLES = run.HOME / "deploy"
NAMES = ("keneya.env", "owner.env")
DRAWN = re.compile(r"\bDRAWN(?:-[A-Z]+)?\b(?=[@'])")  # a value, not the word in a comment
SECRET_BYTES = 32


def write(folder: Path) -> Iterator[str]:
    """Write what is not there, for the eyes of its owner only; a line on each file."""
    if not folder.is_dir():
        raise CommandError(f"there is no folder {folder}", 2)
    for name in NAMES:
        target = folder / name
        if target.exists():
            yield f"{target}: is there, left as it is"
            continue
        write_private(target, _drawn((EXAMPLES / f"{name}.example").read_text(encoding="utf-8")))
        yield f"{target}: written; now fill in what says TO-FILL-IN or example.org"


def _drawn(example: str) -> str:
    """A name that is drawn twice in a file gets one value."""
    values: dict[str, str] = defaultdict(lambda: secrets.token_urlsafe(SECRET_BYTES))
    return DRAWN.sub(
        lambda found: values[found[0]] if "-" in found[0] else secrets.token_urlsafe(SECRET_BYTES), example
    )
