"""The file of a backup: a ZIP of `manifest.json` and `database.dump` (pg_dump's custom format).

It is under its name only when it is whole, and it is read through, checksums and all, before a byte of it is used.
"""

import os
import shutil
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO

from commands.command import CommandError
from commands.progress import Progress

MANIFEST, DUMP = "manifest.json", "database.dump"
PIECE_BYTES = 1 << 18
LARGEST_MANIFEST_BYTES = 1 << 24
STREAM = Path("-")

# All that `zipfile` raises for bytes that are not what they were; a place that is none is an OSError.
DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    KeyError,
    ValueError,
    NotImplementedError,
    RuntimeError,
    OSError,
)


def named(target: Path, name: str) -> Path:
    """The file that `target` means: itself, or `name` in it if it is a directory."""
    return target / name if target.is_dir() else target


@contextmanager
def new_file(path: Path) -> Iterator[BinaryIO]:
    """A file of mode 0600 that is on the disk and gets its name at the end of the block, or leaves nothing."""
    expect_new(path)
    with _partial(path) as partial:
        with partial.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        expect_new(path)
        partial.rename(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def expect_new(path: Path) -> None:
    """A backup overwrites nothing."""
    if path.exists() or path.is_symlink():
        raise CommandError(f"{path} exists already: a backup overwrites nothing", 2)


@contextmanager
def _partial(path: Path) -> Iterator[Path]:
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.", suffix=".partial")
    except FileNotFoundError:
        raise CommandError(f"{path.parent} is not a directory", 2) from None
    os.close(handle)
    try:
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)


@contextmanager
def standard_output() -> Iterator[BinaryIO]:
    """What stands for a file when the backup goes through a pipe."""
    if sys.stdout.isatty():
        raise CommandError("a backup is not for a terminal: name a file, or pipe it", 2)
    with os.fdopen(os.dup(sys.stdout.fileno()), "wb") as stream:
        yield stream


class _Stream:
    """A file that only goes forward, so that a pipe gets the same bytes as a disk."""

    def __init__(self, file: BinaryIO) -> None:
        self.write, self.flush = file.write, file.flush

    def close(self) -> None:
        """Who opened the file closes it."""


@contextmanager
def writing(file: BinaryIO, manifest: bytes) -> Iterator[Callable[[bytes], None]]:
    """The archive in `file`; the block writes the dump piece by piece."""
    with zipfile.ZipFile(_Stream(file), "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(MANIFEST, manifest)
        with archive.open(DUMP, "w", force_zip64=True) as dump:

            def write(piece: bytes) -> None:
                dump.write(piece)

            yield write


@dataclass(frozen=True)
class Archive:
    """A backup that was read through and is whole."""

    path: Path
    manifest: bytes
    zip: zipfile.ZipFile

    @property
    def dump_bytes(self) -> int:
        """The length of the dump."""
        return self.zip.getinfo(DUMP).file_size

    def dump(self) -> Iterator[bytes]:
        """The dump, piece by piece; Fault where it is not as it was written."""
        with _damage_told(self.path), self.zip.open(DUMP) as part:
            while piece := part.read(PIECE_BYTES):
                yield piece


@contextmanager
def reading(path: Path) -> Iterator[Archive]:
    """The archive in the file `path`, or in what comes through a pipe; Fault if it is no whole backup."""
    with _source(path) as file:
        with _damage_told(path):
            archive = _whole(path, zipfile.ZipFile(file))
        with archive.zip:
            yield archive


def _whole(path: Path, file: zipfile.ZipFile) -> Archive:
    """Both parts are there, and each is what its checksum says."""
    if file.getinfo(MANIFEST).file_size > LARGEST_MANIFEST_BYTES:
        raise ValueError("its manifest is too large")
    archive = Archive(path, file.read(MANIFEST), file)
    with Progress(archive.dump_bytes) as progress:
        for piece in archive.dump():
            progress.advance(len(piece))
    return archive


@contextmanager
def _damage_told(path: Path) -> Iterator[None]:
    try:
        yield
    except DAMAGE as fault:
        raise CommandError(f"{path} is not a whole backup: {str(fault) or type(fault).__name__}") from None


@contextmanager
def _source(path: Path) -> Iterator[IO[bytes]]:
    if path != STREAM:
        with path.open("rb") as file:
            yield file
        return
    with tempfile.TemporaryFile() as file:  # it has no name, and is gone with us
        shutil.copyfileobj(sys.stdin.buffer, file)
        yield file
