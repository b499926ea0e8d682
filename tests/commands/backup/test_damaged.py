"""`keneya restore` of a file that is not whole, or not for this program: one line, and nothing is restored."""

import zipfile
from pathlib import Path

import pytest

from tests.commands.backup.conftest import Keneya
from tests.conftest import Database
from tests.support.backup_contents import altered, content_of, relations


@pytest.mark.parametrize("kept", [0, 3, 700, 10_000, -1])
def test_a_cut_file_restores_nothing(keneya: Keneya, saved: Path, empty: Database, kept: int) -> None:
    saved.write_bytes(saved.read_bytes()[:kept])
    code, output, complaint = keneya(empty, "restore", saved)
    assert (code, output, complaint.count("\n")) == (1, "", 1)
    assert complaint.startswith(f"keneya: {saved} is not a whole backup: ")
    assert relations(empty) == []


def test_one_changed_byte_anywhere_is_found_or_harmless(saved: Path) -> None:
    """Nothing but what is neither manifest nor dump (a date of the ZIP, say) can change unnoticed."""
    whole = saved.read_bytes()
    content = content_of(saved)
    assert content
    places = [
        *range(200),
        *range(200, len(whole) - 300, len(whole) // 100),
        *range(len(whole) - 300, len(whole)),
    ]
    unnoticed = 0
    for place in places:
        saved.write_bytes(whole[:place] + bytes([whole[place] ^ 0x10]) + whole[place + 1 :])
        if found := content_of(saved):
            assert found == content
            unnoticed += 1
    assert unnoticed < len(places) / 5


def test_a_changed_byte_is_found_before_a_server_is_asked_for_anything(keneya: Keneya, saved: Path) -> None:
    whole = bytearray(saved.read_bytes())
    whole[len(whole) // 2] ^= 1
    saved.write_bytes(whole)
    nowhere = "postgresql+asyncpg://nobody:x@127.0.0.1:1/none"
    code, _, complaint = keneya(Database("none", nowhere, nowhere), "restore", saved)
    assert (code, complaint.partition(": ")[2][: len(str(saved))]) == (1, str(saved))
    assert "is not a whole backup" in complaint


def test_what_was_never_a_backup_is_one_line(keneya: Keneya, empty: Database, tmp_path: Path) -> None:
    code, _, complaint = keneya(empty, "restore", tmp_path / "none")
    assert (code, complaint.count("\n")) == (2, 1)
    other = tmp_path / "other.zip"
    with zipfile.ZipFile(other, "w") as file:
        file.writestr("manifest.json", "{}")
    assert "is not a whole backup" in keneya(empty, "restore", other)[2]
    with zipfile.ZipFile(other, "w") as file:
        file.writestr("manifest.json", "{}")
        file.writestr("database.dump", "PGDMP or not")
    assert "is not a backup for this program" in keneya(empty, "restore", other)[2]


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("schema", "9999", "has schema 9999, which is newer than this program: install its program first"),
        ("format", 2, "is not a backup for this program: format 2 is of a newer program"),
        ("postgres", 99, "the backup needs PostgreSQL 99 or newer, the server is "),
        ("books", [], "is not a backup for this program: its manifest is not one of ours: "),
    ],
)
def test_a_backup_that_is_not_for_us_restores_nothing(
    keneya: Keneya, saved: Path, empty: Database, name: str, value: object, why: str
) -> None:
    newer = altered(saved, {name: value})
    code, _, complaint = keneya(empty, "restore", newer)
    assert (code, complaint.count("\n")) == (1, 1)
    assert why in complaint
    assert relations(empty) == []


def test_a_dump_that_postgres_refuses_restores_nothing(keneya: Keneya, saved: Path, empty: Database) -> None:
    broken = altered(saved, {}, lambda dump: dump[: len(dump) // 2])
    code, _, complaint = keneya(empty, "restore", broken)
    assert (code, complaint.count("\n")) == (1, 1)
    assert complaint.startswith("keneya: pg_restore: error: ")
    assert relations(empty) == []
