"""The file of a backup: a ZIP of `manifest.json` and `database.dump` (pg_dump's custom format).

It gets its name only when it is complete, and all of it, with its checksums, is read before any of it is used.
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

# All that `zipfile` raises for damaged bytes; a seek to an impossible place is an OSError.
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
    """`target` itself, or the file `name` in it if it is a directory."""
    return target / name if target.is_dir() else target


def newest(source: Path) -> Path:
    """`source` itself, or the newest backup in it if it is a directory: their names begin with their time."""
    if not source.is_dir():
        return source
    found = sorted(source.glob("keneya-*.backup"))
    if not found:
        raise CommandError(f"there is no backup in {source}")
    return found[-1]


@contextmanager
def new_file(path: Path) -> Iterator[BinaryIO]:
    """A file of mode 0600 that is synced and named at the end of the block; after a fault it is deleted."""
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
    """CommandError if the file exists: a backup overwrites nothing."""
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
    """Standard output as the file, for a backup through a pipe."""
    if sys.stdout.isatty():
        raise CommandError("a backup is not for a terminal: name a file, or pipe it", 2)
    with os.fdopen(os.dup(sys.stdout.fileno()), "wb") as stream:
        yield stream


class _Stream:
    """A file without seek, so that a pipe gets the same bytes as a disk."""

    def __init__(self, file: BinaryIO) -> None:
        self.write, self.flush = file.write, file.flush

    def close(self) -> None:
        """Does nothing: the file's opener closes it."""


@contextmanager
def writing(file: BinaryIO, manifest: bytes) -> Iterator[Callable[[bytes], None]]:
    """Write the archive to `file`; the block writes the dump in pieces."""
    with zipfile.ZipFile(_Stream(file), "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(MANIFEST, manifest)
        with archive.open(DUMP, "w", force_zip64=True) as dump:

            def write(piece: bytes) -> None:
                dump.write(piece)

            yield write


@dataclass(frozen=True)
class Archive:
    """A backup whose checksums are verified."""

    path: Path
    manifest: bytes
    zip: zipfile.ZipFile

    @property
    def dump_bytes(self) -> int:
        """The length of the dump in bytes."""
        return self.zip.getinfo(DUMP).file_size

    def dump(self) -> Iterator[bytes]:
        """The dump, in pieces; CommandError at a damaged one."""
        with _damage_told(self.path), self.zip.open(DUMP) as part:
            while piece := part.read(PIECE_BYTES):
                yield piece


@contextmanager
def reading(path: Path) -> Iterator[Archive]:
    """The archive in the file `path`, or from a pipe; CommandError if it is not a complete backup."""
    with _source(path) as file:
        with _damage_told(path):
            archive = _whole(path, zipfile.ZipFile(file))
        with archive.zip:
            yield archive


def _whole(path: Path, file: zipfile.ZipFile) -> Archive:
    """The archive, if both parts are there and match their checksums; else CommandError."""
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
    with tempfile.TemporaryFile() as file:  # without a name: deleted when the process ends
        shutil.copyfileobj(sys.stdin.buffer, file)
        yield file
