"""`keneya import` as typed: the templates of `docs/start`, faults, a trial, the same again, and the first call."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from mobilemoney.credentials import Credentials
from mutuelle.acts import By
from mutuelle.imports import summary
from mutuelle.imports.columns import FORMS, ROUTES
from mutuelle.imports.reading import read_folder
from mutuelle.imports.run import steps, take_over
from tests.conftest import Database
from tests.support.paper_registers import HEAD, fault_texts, line, take, write
from tests.support.town import Clock, Handset
from tests.support.town_fixtures import deps_of
from tests.test_cli import Keneya, typed_into

START = Path(__file__).parents[2] / "docs" / "start"
PAGE = (START / "README.md").read_text()


@pytest.fixture
def keneya(database: Database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Keneya:
    """Type a command beside a fresh database: its exit code, its output and its complaints."""
    monkeypatch.setenv("DATABASE_URL", database.url)
    monkeypatch.setenv("LC_ALL", "en_GB.UTF-8")
    return lambda *typed: typed_into(capsys, *typed)


def said(typed: tuple[int, str, str]) -> tuple[int, list[str], list[str]]:
    code, output, complaints = typed
    return code, output.splitlines(), complaints.splitlines()


def test_the_templates_import_as_they_are(keneya: Keneya) -> None:
    trial = said(keneya("import", str(START), "--dry-run"))
    assert (trial[0], trial[2]) == (0, [])
    assert trial[1][-1] == "A trial: no fault, and nothing was kept. Without --dry-run it is written."
    written = said(keneya("import", str(START)))
    assert (written[0], written[2]) == (0, [])
    assert written[1][:-2] == trial[1][:-1]
    assert "households: 6 new, 0 there already" in written[1]
    assert "people in households: 24 new, 0 there already" in written[1]
    assert "rules of benefits: 14 new, 0 there already" in written[1]
    assert keneya("check")[0] == 0
    again = said(keneya("import", str(START)))
    assert again[0] == 0
    assert again[1][-1] == "Everything was there already: nothing was changed."
    assert "households: 0 new, 6 there already" in again[1]


ROUTED = "pays;opérateur\nML;{}\n"


@pytest.mark.parametrize("dry", [(), ("--dry-run",)], ids=["import", "dry run"])
def test_an_operator_that_this_installation_cannot_ask_is_refused(
    keneya: Keneya, tmp_path: Path, dry: tuple[str, ...]
) -> None:
    told = "operateurs.csv, line 2, opérateur: "
    for operator, fault in {
        "simulated": "simulated cannot be asked from here: it needs SIMULATOR=1. Until then leave this file out.",
        "pigeon": "No operator can be asked from here yet: leave this file out, members pay in cash.",
    }.items():
        folder = write(tmp_path, operateurs=ROUTED.format(operator))
        code, _output, complaints = said(keneya("import", str(folder), *dry))
        assert (code, complaints) == (1, [f"{told}{fault} (B2)", "1 fault: nothing was written."])


def test_with_the_simulator_its_operator_is_taken(
    keneya: Keneya, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIMULATOR", "1")
    folder = write(tmp_path, operateurs=ROUTED.format("simulated"))
    assert "operators: 1 new, 0 there already" in keneya("import", str(folder))[1]
    write(tmp_path, operateurs=ROUTED.format("pigeon"))
    assert (
        "pigeon is not one of: mtn, pawapay, paydunya, paygate, qos, simulated."
        in keneya("import", str(folder))[2]
    )


async def test_the_bar_comes_to_its_end(pool: AsyncEngine, tmp_path: Path) -> None:
    sheets, faults = read_folder(write(tmp_path))
    left = [None] * steps(sheets)
    async with pool.begin() as db:
        by = By("a test", "the test needs it", Clock().now)
        await take_over(db, sheets, faults, credentials=Credentials(), by=by, advance=left.pop)
    assert left == []


def test_it_speaks_french_where_the_terminal_does(keneya: Keneya, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "fr_FR.UTF-8")
    assert "Essai sans faute : rien n'a été gardé." in keneya("import", str(START), "--dry-run")[1]
    assert "ménages : 6 de plus, 0 déjà là" in keneya("import", str(START), "--language", "fr")[1]


def test_faults_are_told_with_file_line_and_column_and_nothing_is_written(
    keneya: Keneya, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heads = ("Awa 2", "Awa (x)", "Awa", "Fanta", "Issa")
    wrong = HEAD + "".join(line(number=str(nth), head=head, village="Kita") for nth, head in enumerate(heads))
    wrong += line(number="1", head="Issa Diarra")
    folder = write(tmp_path, menages=wrong)
    monkeypatch.setattr(summary, "FAULTS_SHOWN", 3)
    for dry in ([], ["--dry-run"]):
        code, output, complaints = said(keneya("import", str(folder), *dry))
        assert (code, complaints) == (
            1,
            [
                "menages.csv, line 2, chef: A name has letters only. (B2: “Awa 2”, look at “2”)",
                "menages.csv, column D, village: 5 times (lines 2, 3, 4, 5, 6): Kita is not known: is it in"
                " villages.csv? (D2)",
                "menages.csv, line 3, chef: A name has letters only. (B3: “Awa (x)”, look at “(”)",
                "… and 1 more",
                "8 faults: nothing was written.",
            ],
        )
        assert output[-1] == "menages.csv: 6 lines, UTF-8, separator ;"
    write(tmp_path, menages=HEAD + line())
    assert "households: 1 new, 0 there already" in keneya("import", str(folder))[1]


def test_a_fault_that_is_met_while_writing_undoes_what_was_written(keneya: Keneya, tmp_path: Path) -> None:
    soldes = "compte;montant;date\ncaisse;84 500 F;31/10/2026\n"
    assert keneya("import", str(write(tmp_path, soldes=soldes)))[0] == 0
    more = HEAD + line(number="9", head="Issa Diarra")
    folder = write(tmp_path, menages=more, soldes=soldes.replace("84 500", "90 000"))
    assert keneya("import", str(folder))[0] == 1
    assert (
        "households: 1 new, 0 there already"
        in keneya("import", str(write(tmp_path, menages=more, soldes=soldes)))[1]
    )


@pytest.mark.parametrize(
    ("typed", "complaint"),
    [
        (["/nowhere/at/all"], "keneya: /nowhere/at/all is not a folder\n"),
        ([str(START.parent / "decisions")], "holds none of mutuelle.csv, villages.csv"),
        ([], "the following arguments are required: DIR"),
        ([str(START), "--language", "tlh"], "invalid choice: 'tlh'"),
    ],
)
def test_a_bad_folder_or_argument_exits_with_2(keneya: Keneya, typed: list[str], complaint: str) -> None:
    code, output, complaints = keneya("import", *typed)
    assert (code, output) == (2, "")
    assert complaint in complaints


def test_notes_are_told_as_far_as_a_person_reads_them(
    keneya: Keneya, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(summary, "NOTES_SHOWN", 1)
    folder = write(tmp_path, menages=HEAD + "".join(line(number=str(nth)) for nth in (1, 2, 3)))
    output = said(keneya("import", str(folder)))[1]
    assert "The households 1 and 2 look alike: are they one?" in output
    assert "… and 1 more" in output


def test_what_was_not_read_is_told(keneya: Keneya, tmp_path: Path) -> None:
    heads = ("Awa Koné (veuve)", "Issa Ba, Veuf", "Fanta Diarra (veuve)")
    titled = (
        "Cahier 2026;;\n" + HEAD + "".join(line(number=str(nth), head=head) for nth, head in enumerate(heads))
    )
    output = said(keneya("import", str(write(tmp_path, menages=titled)), "--dry-run"))[1]
    assert "menages.csv: the headers are in line 2, what stands above them is left out" in output
    assert "Left out of names: veuve (2)" in output
    assert "Left out of names: veuf (1)" in output


@pytest.fixture
async def phone_of(
    pool: AsyncEngine, redis_url: str, clock: Clock
) -> AsyncIterator[Callable[[str], Handset]]:
    """A handset in a country whose only mutuelle is the one of the templates."""
    assert fault_texts(await take(pool, START, at=clock.now)) == []
    async with deps_of(pool, redis_url, clock) as line:
        yield lambda phone: Handset(line, phone)


async def test_a_member_of_the_paper_register_calls_and_is_covered(
    phone_of: Callable[[str], Handset],
) -> None:
    moussa = phone_of("+22379947102")
    assert "1 Ma couverture" in await moussa.dial()
    screen = await moussa.type("1")
    assert screen.startswith("Moussa Coulibaly")
    assert "NON COUVERT" not in screen
    assert "COUVERT jusqu'au 31/12/2026" in screen


async def test_one_phone_of_two_families_is_asked_for_which(phone_of: Callable[[str], Handset]) -> None:
    shared = phone_of("+22379947101")
    screen = await shared.dial("1")
    assert "Awa Traoré" in screen
    assert "N'Golo Konaté" in screen


async def test_a_family_whose_year_has_ended_is_told_so(phone_of: Callable[[str], Handset]) -> None:
    screen = await phone_of("+22379947104").dial("1")
    assert "NON COUVERT" in screen
    assert "30/09/2026" in screen


async def test_a_treasurer_of_the_templates_finds_my_work(phone_of: Callable[[str], Handset]) -> None:
    assert "9 Mon travail" in await phone_of("+22379947030").dial()
    assert "9 Mon travail" not in await phone_of("+22379947102").dial()


def test_the_page_names_every_file_and_every_column() -> None:
    for form in FORMS:
        assert f"`{form.file}`" in PAGE, form.file
        section = PAGE.partition(f"`{form.file}`")[2]
        for column in form.columns:
            assert column.shown in section, (form.file, column.shown)


def test_each_template_has_the_columns_that_the_page_names() -> None:
    assert not (START / ROUTES.file).exists(), "whoever copies the examples has no operator yet"
    for form in FORMS:
        if form is ROUTES:
            continue
        header = (START / form.file).read_text().splitlines()[0].split(";")
        assert set(header) <= {column.shown for column in form.columns}, form.file
        assert {column.shown for column in form.columns if column.needed} <= set(header), form.file
