"""The documents speak of what is there: files, targets, commands, settings, queries, metrics, events, invariants."""

import re
import shlex
from collections.abc import Iterator, Mapping
from itertools import pairwise, product
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

import cli
import settings
from commands import upkeep
from service import metrics
from ussd.gateways import described_names

ROOT = Path(__file__).parents[1]
PAGES = [*ROOT.glob("*.md"), ROOT / "ledger" / "docs.md", *sorted((ROOT / "docs").rglob("*.md"))]
OPERATIONS = (ROOT / "docs" / "operations.md").read_text()

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"`([^`]+)`")
# A name with a folder, or with the ending of a file that we keep; and a folder, which ends in a slash.
FILE = re.compile(r"(?:[\w.-]+/)*[\w-]+\.(?:py|md|toml|txt|po|sql)|LICENSE|Procfile|(?:[\w.-]+/)+")
PLACEHOLDER = re.compile(r"(?:^|/)(?:NNNN|xx?\b|test_x\b|var/)|^tables\.py$|^checks\.py$")
LARGEST_ARCHITECTURE = 150


def code_of(page: str) -> list[str]:
    """What stands in backticks, code blocks left out."""
    return CODE.findall(re.sub(r"```.*?```", "", page, flags=re.DOTALL))


def sections(page: Path) -> set[str]:
    """What links to the sections of a page say, as GitHub makes it of their titles."""
    titles = re.findall(r"^#+ (.*)", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


def blocks_of(page: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page, flags=re.DOTALL)


def table_under(title: str, page: str) -> list[str]:
    """The first cells of the tables in the section, or on the page, `title`."""
    section = page.partition(f"# {title}\n")[2].partition("\n## ")[0]
    return [line.split("|")[1].strip() for line in section.splitlines() if line.startswith("| `")]


def read(name: str) -> str:
    return (ROOT / name).read_text()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_file_that_is_named_is_there(page: Path) -> None:
    named = {code for code in code_of(page.read_text()) if FILE.fullmatch(code)}
    named |= set(re.findall(r"(?:tests|docs)/[\w/-]+\.\w+", page.read_text()))
    absent = {name for name in named if not any((root / name).exists() for root in (ROOT, page.parent))}
    assert {name for name in absent if not PLACEHOLDER.search(name)} == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_to_a_file_and_every_document_is_linked(page: Path) -> None:
    links = [link.partition("#")[0] for link in LINK.findall(page.read_text()) if "://" not in link]
    assert [link for link in links if link and not (page.parent / link).exists()] == []
    to_sections = [
        link.split("#") for link in LINK.findall(page.read_text()) if "#" in link and "://" not in link
    ]
    assert [
        link for link in to_sections if link[1] not in sections(page.parent / link[0] if link[0] else page)
    ] == []
    if "decisions" not in page.parts:  # they stay as they were written
        named = code_of(LINK.sub("", page.read_text()))
        assert [name for name in named if re.fullmatch(r"[\w./-]+\.md", name)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_target_and_command_that_is_named_is_there(page: Path) -> None:
    words = "\n".join([*code_of(page.read_text()), *blocks_of(page.read_text(), "sh")])
    targets = set(re.findall(r"^([a-z]+):", read("Makefile"), re.MULTILINE))
    assert set(re.findall(r"\bmake ([a-z]+)", words)) <= targets
    commands = set(re.findall(r"^    ([a-z]+)\b", cli.parser().format_help(), re.MULTILINE))
    named = set(re.findall(r"\bkeneya ([a-z]+)", words))
    assert named <= commands


# What somebody types in the place of a word of a document, after the word before it where that decides.
TYPED = {
    **{"PHONE": "+22370000001", "PHONE|NUMBER": "+22370000001", "NUMBER": "101000013", "INTO": "101000013"},
    **{
        "DATE": "2026-10-31",
        "YEAR": "2025",
        "CODE": "SIK",
        "N": "2",
        "ROLE": "collector",
        "COUNTRY": "ML",
        "--sms NUMBER": "38457",
    },
    **{"report NAME": "balance", "--chart NAME": "pcms", "NAME": "Awa Koné", "--code CODE": "*384*57#"},
    **{"RECEIPT": "ABC234", "REFERENCE": f"{UUID(int=0)}"},
}
# And for an argument that the document leaves out.
LEFT_OUT = {
    **{"--code": "*384*57#", "--sms": "38457", "--rank": "2", "--new": "+22370000009", "--mutuelle": "SIK"},
    **{
        "NAME": "balance",
        "DAY": "2026-10-31",
        "role": "collector",
        "format": "csv",
        "--country": "ML",
        "seal": "4F7A-91C2",
    },
}
REQUIRED = "the following arguments are required: "


def commands_of(page: str) -> Iterator[str]:
    """Each `keneya …` of a page, every way in which it is written: alternatives, and with or without what is in []."""
    lines = [line for block in blocks_of(page, "sh") for line in block.splitlines()]
    for words in [*(code.replace("\n", " ") for code in code_of(page)), *lines]:
        for found in re.findall(r"(?:^|(?<!-d)[\s/])keneya ([^\n]*)", words):
            written = re.split(r" +(?:#|>|\||&&)", found.replace("\\|", "|"))[0].removesuffix(" …")
            for whole in {re.sub(r"\[[^]]*\]", "", written), re.sub(r"[\[\]]", "", written)}:
                ways = [word.split("|") if word.islower() else [word] for word in whole.split(" ")]
                yield from (" ".join(words) for words in product(*ways))


def fault_of(written: str, capsys: pytest.CaptureFixture[str]) -> str:
    """Why the command line refuses it; arguments that a document leaves out are put in."""
    words = shlex.split(written.replace(" WHO", " --actor Kadidia --reason …").replace("…", "test"))
    typed = [
        TYPED.get(f"{before} {word}", TYPED.get(word, word)) for before, word in pairwise(["keneya", *words])
    ]
    for _argument in range(9):
        try:
            cli.parser().parse_args(typed)
        except SystemExit as ended:
            said = capsys.readouterr().err
            if not ended.code or "command" in said.partition(REQUIRED)[2].split(" (see")[0].split(", "):
                return ""  # --help, or a group that is only named
            if REQUIRED not in said:
                return "" if said.partition(" (see")[0].endswith(" is required") else said
            lacking = said.partition(REQUIRED)[2].split(" (see")[0].split(", ")[0]
            filled = LEFT_OUT.get(lacking, TYPED.get(lacking, "words"))
            typed += [lacking, filled] if lacking.startswith("-") else [filled]
        else:
            return ""
    return f"arguments without end: {typed}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_is_one_that_the_command_line_takes(
    page: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if page.name == "CHANGELOG.md" or "decisions" in page.parts:
        return  # they tell of their day
    faults = {written: fault_of(written, capsys) for written in commands_of(page.read_text())}
    assert {written: fault for written, fault in faults.items() if fault} == {}


def test_a_wrong_command_in_a_document_would_be_found(capsys: pytest.CaptureFixture[str]) -> None:
    for wrong in ("role list CODE --changes", "route delete", "balance --until DATE", "chekc"):
        assert fault_of(wrong, capsys), wrong
    assert not fault_of("role list --mutuelle CODE --changes", capsys)


def test_architecture_stays_short() -> None:
    assert len(read("ARCHITECTURE.md").splitlines()) <= LARGEST_ARCHITECTURE


class Noting(Mapping[str, str]):
    """A good environment that writes down which variables it is asked for."""

    def __init__(self) -> None:
        self.asked: set[str] = set()
        self.given = {
            "DATABASE_URL": "postgresql://service:x@db/keneya",
            "REDIS_URL": "redis://cache",
            "WEBHOOK_SECRET": "a" * 32,
            "AT_USERNAME": "demo",
            "AT_API_KEY": "demo",
            "SIMULATOR": "1",  # with it more is read
        }

    def __getitem__(self, name: str) -> str:
        self.asked.add(name)
        return self.given[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.given)

    def __len__(self) -> int:
        return len(self.given)


def test_the_table_of_settings_names_exactly_what_is_read() -> None:
    environ = Noting()
    settings.read(environ)
    named = table_under("Settings", read("docs/settings.md"))
    assert len(named) == len(set(named))
    each = re.compile(rf"^USSD_({'|'.join(described_names())})_".upper().replace("-", "_"))
    assert {name.strip("`") for name in named} == {each.sub("USSD_NAME_", name) for name in environ.asked}


def queries() -> list[str]:
    """Every statement of the operations page, its comments left out."""
    script = re.sub(r"--.*", "", "".join(blocks_of(OPERATIONS, "sql")))
    return [statement for statement in map(str.strip, script.split(";")) if statement]


@pytest.mark.parametrize("query", queries(), ids=lambda query: " ".join(str(query).split())[:40])
async def test_a_query_of_the_operations_page_runs_as_the_services_role(
    db: AsyncConnection, query: str
) -> None:
    await db.execute(text(query.replace(":", "\\:")))


def test_the_metrics_of_the_operations_page_are_exposed() -> None:
    exposed = [
        metric.name for registry in (metrics.registry, metrics.tables) for metric in registry.collect()
    ]
    named = re.findall(r"`(keneya_\w+)`", OPERATIONS)
    assert {name.removesuffix("_total") for name in named} == {
        name for name in exposed if name.startswith("keneya_")
    }


def test_the_events_of_the_operations_page_are_logged() -> None:
    files = [ROOT / f"{name}.py" for name in ("webhooks", "worker")]
    files += [file for room in ("service", "ussd", "sms", "mutuelle") for file in (ROOT / room).rglob("*.py")]
    source = "".join(file.read_text() for file in files)
    named = {
        code for cell in table_under("Logs", OPERATIONS) for code in CODE.findall(cell) if " " not in code
    }
    assert len(named) > 8
    assert {event for event in named if f'"{event}"' not in source} == set()


def test_every_invariant_is_explained_on_the_operations_page() -> None:
    cells = table_under("keneya check", OPERATIONS)
    heads = tuple(code.removesuffix("…") for cell in cells for code in CODE.findall(cell))
    names = [check.name for check in upkeep.CHECKS]
    assert [name for name in names if not name.startswith(heads)] == []
    assert [head for head in heads if not any(name.startswith(head) for name in names)] == []
