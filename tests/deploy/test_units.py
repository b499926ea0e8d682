"""The units of systemd as systemd itself reads them; the files of settings; the image."""

import re
import shutil
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import pytest

import cli
import settings
from commands.setup import environment_files
from engines.run import HOME
from tests.support.programs import found, needs
from tests.test_docs import table_under

DEPLOY = HOME / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("keneya-*"))
SERVICES = [unit for unit in UNITS if unit.suffix == ".service"]
PROCESSES = ("keneya-web@.service", "keneya-worker@.service")
PROGRAM = "/opt/keneya/.venv/bin/keneya"
MOST_EXPOSED = 20  # of 100, as `systemd-analyze security` counts
OWN = {"ReadWritePaths", "ReadOnlyPaths", "ProcSubset"}  # what one of them has beside the rest
each = pytest.mark.parametrize("unit", SERVICES, ids=lambda unit: str(unit.name))


def here(unit: Path, folder: Path) -> Path:
    """The unit as for this checkout; a template gets an instance."""
    text = unit.read_text().replace(PROGRAM, str(Path(sys.executable).parent / "keneya"))
    written = folder / unit.name.replace("@.", "@8001.")
    written.write_text(text.replace("/opt/keneya", str(HOME)))
    return written


def analyzed(*words: str) -> subprocess.CompletedProcess[str]:
    command = [str(found("systemd-analyze")), "--no-pager", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


@needs("systemd-analyze", "systemd")
def test_systemd_reads_every_unit_without_a_word(tmp_path: Path) -> None:
    units = [str(here(unit, tmp_path)) for unit in UNITS]
    verified = analyzed("verify", "--man=no", *units)
    assert (verified.returncode, verified.stdout + verified.stderr) == (0, "")
    wrong = Path(units[0])
    wrong.write_text(wrong.read_text().replace("[Service]", "[Service]\nRestart=perhaps", 1))
    assert "perhaps" in analyzed("verify", "--man=no", str(wrong)).stderr


@needs("systemd-analyze", "systemd")
def test_every_service_is_closed_to_the_rest_of_the_machine(tmp_path: Path) -> None:
    for unit in SERVICES:
        shutil.copy(unit, tmp_path)
    judged = analyzed(
        *("security", "--offline=yes", f"--threshold={MOST_EXPOSED}"),
        *(str(tmp_path / unit.name) for unit in SERVICES),
    )
    assert judged.returncode == 0, judged.stdout[-2000:]


def section(unit: Path, name: str = "Service") -> dict[str, list[str]]:
    """The lines of a section, by key; a key may come twice."""
    lines = unit.read_text().partition(f"[{name}]\n")[2].partition("\n[")[0].splitlines()
    pairs = [line.split("=", 1) for line in lines if line and not line.startswith("#")]
    return {key: [value for other, value in pairs if other == key] for key, _value in pairs}


def test_the_walls_of_all_services_are_the_same() -> None:
    first, *others = ({**section(unit)} for unit in SERVICES)
    walls = [
        key
        for key in first
        if key.startswith(("Protect", "Private", "Restrict", "System", "Cap", "No", "Lock"))
    ]
    assert len(walls) > 15
    for unit, other in zip(SERVICES[1:], others, strict=True):
        differing = {key for key in walls if first[key] != other.get(key)} - OWN
        assert (unit.name, differing) == (unit.name, set())


@each
def test_what_a_unit_starts_is_a_command(unit: Path) -> None:
    (line,) = section(unit)["ExecStart"]
    words = line.removeprefix("/usr/bin/env PORT=%i ").split()
    assert words[0] == PROGRAM
    cli.parser().parse_args(words[1:])


@each
def test_only_what_needs_the_owner_knows_its_password(unit: Path) -> None:
    files = section(unit).get("EnvironmentFile", [])
    owner = {"keneya-migrate.service", "keneya-backup.service"}
    assert ("/etc/keneya/owner.env" in files) == (unit.name in owner)


@pytest.mark.parametrize("name", PROCESSES)
def test_a_process_comes_back_and_has_thirty_seconds_to_end(name: str) -> None:
    kept = section(DEPLOY / "systemd" / name)
    assert (kept["Restart"], kept["TimeoutStopSec"]) == (["always"], ["30"])
    assert section(DEPLOY / "systemd" / name, "Unit")["StartLimitIntervalSec"] == ["0"]


def test_the_log_has_an_end() -> None:
    kept = ConfigParser()
    kept.read(DEPLOY / "systemd" / "journald@keneya.conf")
    assert {"systemmaxuse", "maxretentionsec"} <= set(kept["Journal"])
    assert all(section(unit)["LogNamespace"] == ["keneya"] for unit in SERVICES)


def environ_of(folder: Path) -> dict[str, str]:
    """Both files as the shell and systemd read them."""
    lines = [line for name in environment_files.NAMES for line in (folder / name).read_text().splitlines()]
    return dict(re.fullmatch(r"(\w+)='([^']*)'", line).groups() for line in lines if line and line[0] != "#")  # type: ignore[misc, union-attr]


def test_the_example_of_settings_can_be_read_once_its_secrets_are_drawn(tmp_path: Path) -> None:
    written = list(environment_files.write(tmp_path))
    assert all("written" in line for line in written)
    environ = environ_of(tmp_path)
    read = settings.read(environ)  # no fault: each drawn secret is good enough
    assert read.database_url != settings.database_url(environ["MIGRATE_DATABASE_URL"])
    assert "DRAWN" not in "".join(environ.values())
    assert {(tmp_path / name).stat().st_mode & 0o777 for name in environment_files.NAMES} == {0o600}
    assert all("left as it is" in line for line in environment_files.write(tmp_path))
    assert environ_of(tmp_path) == environ


def test_the_example_names_only_what_is_read() -> None:
    text = "".join((DEPLOY / f"{name}.example").read_text() for name in environment_files.NAMES)
    known = {name.strip("`") for name in table_under("Settings", (HOME / "docs" / "settings.md").read_text())}
    assert set(re.findall(r"^#?([A-Z_]+)=", text, re.MULTILINE)) - known == {"ACTORS"}


def test_the_command_of_an_installation_is_a_script_and_its_image_has_what_it_copies() -> None:
    subprocess.run(["sh", "-n", DEPLOY / "keneya"], check=True)
    image = (DEPLOY / "Containerfile").read_text()
    copied = [word for line in re.findall(r"^COPY (.*)", image, re.MULTILINE) for word in line.split()[:-1]]
    assert copied == ["requirements.txt", "."]
    assert all((HOME / name).exists() for name in copied)
    assert "--require-hashes -r requirements.txt" in image
    cli.parser().parse_args(re.findall(r'^CMD \["(\w+)"\]', image, re.MULTILINE))
