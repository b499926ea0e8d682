"""Files as spreadsheets really write them: read, or refused with file, line and reason."""

import unicodedata
from pathlib import Path

import pytest

from locales import render
from mutuelle.imports import reading
from mutuelle.imports.reading import BadFolderError, CsvFile, read_folder
from mutuelle.sheets.lines import column_letters
from tests.support.paper_registers import HEAD, MENAGES, line, write


def read(folder: Path) -> tuple[dict[str, CsvFile], list[str]]:
    sheets, faults = read_folder(folder)
    return sheets, [render(fault.sentence, "en") for fault in faults]


def heads(sheet: CsvFile) -> list[str]:
    return [row.cells["head_name"] for row in sheet.rows]


EXCEL = MENAGES.replace("\n", "\r\n")
COMMAS = MENAGES.replace(";", ",")


@pytest.mark.parametrize(
    ("raw", "letters", "separator"),
    [
        (MENAGES.encode(), "UTF-8", ";"),
        (MENAGES.encode("utf-8-sig"), "UTF-8", ";"),
        (EXCEL.encode("cp1252"), "Windows-1252", ";"),
        (MENAGES.replace("\n", "\r").encode("mac_roman"), "Mac Roman", ";"),
        (MENAGES.encode("cp850"), "MS-DOS (850)", ";"),
        (MENAGES.replace(";", "\t").encode("utf-16-le"), "UTF-16", "tab"),
        (unicodedata.normalize("NFD", MENAGES).encode(), "UTF-8", ";"),
        (f"Cahier des ménages 2026;;;\n;;;\nAu 31/10/2026\n{MENAGES}".encode(), "UTF-8", ";"),
        (f'"Mutuelle\nBenso";;\n{MENAGES}'.encode(), "UTF-8", ";"),
        (MENAGES.replace("payé jusqu'au", '"payé\njusqu\'au"').encode(), "UTF-8", ";"),
        (MENAGES.replace(";", "|").encode(), "UTF-8", "|"),
        (MENAGES.replace("\n", ";;;\n").encode() + b";;;;;;;\n", "UTF-8", ";"),
        (MENAGES.replace(";", "\t").encode("utf-16"), "UTF-16", "tab"),
        (COMMAS.encode(), "UTF-8", ","),
        (MENAGES.replace("\n", "\r").encode(), "UTF-8", ";"),
        (f"sep=;\n{MENAGES}".encode(), "UTF-8", ";"),
        (MENAGES.replace("\n", "\n\n;;;\n").encode(), "UTF-8", ";"),
        (MENAGES.replace("Awa Koné", '"Awa  Koné "').encode(), "UTF-8", ";"),
        (MENAGES.replace("Awa Koné", "\u00a0Awa\u00a0Koné").encode(), "UTF-8", ";"),
        (MENAGES.replace("numéro;chef", "NUMERO ; Chef de ménage").encode(), "UTF-8", ";"),
        (MENAGES.replace("payé jusqu'au", "payé jusqu’au").encode(), "UTF-8", ";"),
    ],
)
def test_every_way_of_saving_reads_the_same(tmp_path: Path, raw: bytes, letters: str, separator: str) -> None:
    sheets, faults = read(write(tmp_path, menages=raw))
    assert faults == []
    assert heads(sheets["households"]) == ["Awa Koné", "Oumar Sangaré", "Mariam Diallo"]
    assert (sheets["households"].encoding, sheets["households"].separator) == (letters, separator)


def test_english_names_are_taken_too(tmp_path: Path) -> None:
    write(tmp_path, menages="")
    english = "number,head,birth,place,product,paid until\n1,Awa Koné,1981,Niéna,FAM,2027-06-30\n"
    (tmp_path / "households.csv").write_text(english)
    sheets, faults = read(tmp_path)
    assert faults == []
    assert sheets["households"].rows[0].cells["paid_until"] == "2027-06-30"


@pytest.mark.parametrize("codec", ["cp1252", "mac_roman", "cp850"])
@pytest.mark.parametrize("name", ["KONÉ", "Moïse Koné", "Aïssata Bâ", "Françoise Ouédraogo", "HÉLÈNE TRAORÉ"])
def test_names_are_read_in_the_letters_in_which_they_were_saved(
    tmp_path: Path, codec: str, name: str
) -> None:
    raw = (HEAD + line(head=name)).encode(codec)
    assert heads(read(write(tmp_path, menages=raw))[0]["households"]) == [name]


def test_letters_with_two_readings_are_refused(tmp_path: Path) -> None:
    no_accents = "numero;chef;naissance;village;produit\n1;M\x8aga;1981;Ni\x8ana;FAM\n".encode("latin-1")
    (fault,) = read(write(tmp_path, menages=no_accents))[1]  # Mägä of a Mac, or Mèga of MS-DOS
    assert "menages.csv, line 2: the letters of this file cannot be read: please save it as UTF-8" in fault
    assert "(“" in fault


@pytest.mark.parametrize(
    ("cell", "why"),
    [
        ("Awa KonŽ", "this letter looks wrong there (B2: “Awa KonŽ”, look at “Ž”)"),
        ("Awa KonÃ©", "the letters of this cell were saved wrongly: is it Awa Koné? (B2: “Awa KonÃ©”"),
        ("Awa Kon\ufffd", "a letter of this cell was lost before the file was saved (B2: "),
    ],
)
def test_letters_that_were_lost_earlier_are_not_taken_for_a_name(tmp_path: Path, cell: str, why: str) -> None:
    (fault,) = read(write(tmp_path, menages=HEAD + line(head=cell)))[1]
    assert f"menages.csv, line 2, chef: {why}" in fault


def test_letters_that_show_nothing_are_none_of_a_phone(tmp_path: Path) -> None:
    copied = line(head="\ufeffAwa Koné\u200b", phone="\u202a+223\u00a076\u200e000001\u202c")
    sheets, faults = read(write(tmp_path, menages=HEAD + copied))
    assert faults == []
    cells = sheets["households"].rows[0].cells
    assert (cells["head_name"], cells["phones"]) == ("Awa Koné", "+223 76000001")


def test_a_column_without_a_name_is_not_passed_over(tmp_path: Path) -> None:
    (fault,) = read(write(tmp_path, menages=HEAD.strip() + ";\n" + line().strip() + ";76000009\n"))[1]
    assert "menages.csv, line 2, ?: this column has no name" in fault
    assert "(K2: “76000009”)" in fault


def test_columns_have_the_letters_of_a_spreadsheet() -> None:
    assert [column_letters(place) for place in (0, 4, 25, 26, 51, 52, 701, 702)] == [
        *("A", "E", "Z", "AA", "AZ", "BA", "ZZ", "AAA")
    ]


def test_a_line_has_the_number_that_an_editor_shows(tmp_path: Path) -> None:
    sheets, _ = read(write(tmp_path, menages=MENAGES.replace("\n2;", "\n\n;;\n2;")))
    assert [row.line for row in sheets["households"].rows] == [2, 5, 6]


def test_a_dash_or_a_word_for_nothing_is_an_empty_cell(tmp_path: Path) -> None:
    said = line(phone="-", paid_until="—", since="néant", others="Aucun", reminders="n/a")
    sheets, faults = read(write(tmp_path, menages=HEAD + said))
    assert faults == []
    empty = {"phones", "paid_until", "member_since", "others", "reminders"}
    assert not empty & set(sheets["households"].rows[0].cells)


@pytest.mark.parametrize(
    ("cell", "why"),
    [
        ("=cmd|' /C calc'!A0", "a cell cannot begin with '='"),
        ("+1+1", "a cell cannot begin with '+'"),
        ("-2+3", "a cell cannot begin with '-'"),
        ("@SUM(A1)", "a cell cannot begin with '@'"),
        ('"\t=1"', r"a cell cannot begin with '\t'"),
        ('" =1"', "a cell cannot begin with '='"),
        ("Awa\u200bKoné", "holds a letter that cannot be shown"),
        ("Awa\x07Koné", "holds a letter that cannot be shown"),
        ("x" * 401, "this cell is too long"),
    ],
)
def test_a_formula_or_a_hidden_letter_is_never_read(tmp_path: Path, cell: str, why: str) -> None:
    sheets, faults = read(write(tmp_path, menages=HEAD + line(head=cell)))
    assert faults == [f"menages.csv, line 2, chef: {faults[0].partition('chef: ')[2]}"]
    assert why in faults[0]
    assert "head_name" not in sheets["households"].rows[0].cells


def test_only_a_phone_may_begin_with_a_plus(tmp_path: Path) -> None:
    for phones in ("+223 76 00 00 01 / +22376000002", "+22376000001 et +22376000002", "+22376000001"):
        assert read(write(tmp_path, menages=HEAD + line(phone=phones)))[1] == []
    formula = line(phone='"+223 76000001*HYPERLINK(1)"')
    assert "line 2, téléphone: a cell cannot" in read(write(tmp_path, menages=HEAD + formula))[1][0]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "menages.csv: the file is empty"),
        ("\n;;\n", "menages.csv: the file is empty"),
        (
            MENAGES.replace("village", "hameau"),
            "menages.csv, line 1, hameau: this column is not known: put #",
        ),
        (MENAGES.replace("village", "hameau"), "menages.csv, line 1, village: this column is missing"),
        (MENAGES.replace("rappels", "Chef"), "menages.csv, line 1, Chef: this column is there twice"),
        (HEAD + line().strip() + ";;more\n", "line 2: this line has more cells than there are columns"),
        (HEAD + '1;"Awa Koné;1981\n2;Oumar;1987\n', "line 2: the quotes of this line cannot be read"),
        (HEAD + '1;"Awa\nKoné";1981\n', "line 2: a cell runs on to the next line: is a quote not closed?"),
        (HEAD + '1;"Awa"Koné;1981\n', "line 2: the quotes of this line cannot be read"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_line(tmp_path: Path, text: str, fault: str) -> None:
    write(tmp_path)
    (tmp_path / "menages.csv").write_text(text)
    assert any(fault in told for told in read(tmp_path)[1]), read(tmp_path)[1]


def test_a_column_marked_with_a_hash_is_left_out(tmp_path: Path) -> None:
    marked = MENAGES.replace("rappels", "# observations")
    sheets, faults = read(write(tmp_path, menages=marked))
    assert faults == []
    assert "reminders" not in sheets["households"].rows[0].cells


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"PK\x03\x04\x00\x00a workbook", "line 1: this is not a text file"),
        (HEAD.encode() + b"1;Awa\x00Kone;1981\n", "line 2: this is not a text file"),
        (HEAD.encode("cp1252") + b"1;Awa \x81\x8d;1981\n", "please save it as UTF-8"),
    ],
)
def test_what_is_no_text_is_refused(tmp_path: Path, raw: bytes, why: str) -> None:
    (fault,) = read(write(tmp_path, menages=raw))[1]
    assert why in fault


def test_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    two = "code;nom\n" + "KENE;x\n" * 2
    assert any(
        "mutuelle.csv, line 3: this file may have 1 lines at most" in f
        for f in read(write(tmp_path, mutuelle=two))[1]
    )
    monkeypatch.setattr(reading, "MOST_BYTES", 100)
    assert "menages.csv: the file is too large: 0 MB at most" in read(tmp_path)[1]


def test_files_that_are_not_known_are_not_passed_over(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "menage.csv").write_text(HEAD)
    (tmp_path / "households.csv").write_text(HEAD)
    (tmp_path / "soldes.xlsx").write_bytes(b"PK")
    (tmp_path / "villages.xlsx").write_bytes(b"PK")  # saved as CSV beside it
    (tmp_path / "README.md").write_text("notes")
    (tmp_path / ".~lock.menages.csv#").write_text("")
    _, faults = read(tmp_path)
    assert sorted(fault.partition(";")[0] for fault in faults) == [
        "menage.csv: this file is not known",
        "menages.csv: the same file is there as households.csv",
        "soldes.xlsx: please save this sheet as a CSV file",
    ]


def test_a_folder_without_a_register_is_no_folder_to_import(tmp_path: Path) -> None:
    with pytest.raises(BadFolderError, match=r"holds none of mutuelle\.csv"):
        read_folder(tmp_path)
    with pytest.raises(BadFolderError, match="is not a folder"):
        read_folder(tmp_path / "absent")
