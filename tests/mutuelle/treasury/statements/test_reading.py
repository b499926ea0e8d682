"""Statements as portals write them: their presets, encodings, separators, and what stops a file."""

from datetime import UTC, date, datetime

import pytest

from locales import render
from mutuelle.sheets.lines import UnreadFileError
from mutuelle.treasury.statements.lines import StatementLine
from mutuelle.treasury.statements.presets import PresetError, preset_named, presets, read_preset
from mutuelle.treasury.statements.reading import ReadStatement, read_statement
from tests.support.messages_receipts import MUTUELLE
from tests.support.statements import workbook

TODAY = date(2026, 11, 22)
# One file in each form: what it holds of money, in the order of its lines.
FILES = {
    "plain": (
        "date;id;payer;amount;currency;note\n"
        "2026-11-20;T1;22370000001;15000;XOF;101 000 101\n"
        "2026-11-20;T2;;-150;XOF;frais\n"
        "2026-11-21;T3;;-40000;XOF;retrait\n",
        [("T1", 15_000), ("T2", -150), ("T3", -40_000)],
    ),
    "pawapay": (
        "Transaction ID,Transaction Type,Status,Currency,Amount,Fee,Net Amount,Customer Phone Number,Provider,"
        "Client Reference,Created At,Completed At,Provider Transaction ID\n"
        "6f1d2a50-8c1e-4a3b-9d77-0c2e5b9a4417,DEPOSIT,COMPLETED,XOF,1500.0000,30.0000,1470.0000,22370000001,ORANGE_MLI,"
        "101000101,2026-11-20T08:11:09Z,2026-11-20T08:12:09Z,ML4417.A1\n"
        "6f1d2a50-8c1e-4a3b-9d77-0c2e5b9a4418,DEPOSIT,FAILED,XOF,1500.0000,,,22370000001,ORANGE_MLI,"
        "101000101,2026-11-20T08:11:09Z,,\n"
        "6f1d2a50-8c1e-4a3b-9d77-0c2e5b9a4419,PAYOUT,COMPLETED,XOF,9000.00,90.00,,22370000004,ORANGE_MLI,"
        ",2026-11-20T08:11:09Z,2026-11-20T09:00:00Z,ML4418\n",
        [("6f1d2a50-8c1e-4a3b-9d77-0c2e5b9a4417", 1_500), ("6f1d2a50-8c1e-4a3b-9d77-0c2e5b9a4419", -9_000)],
    ),
    "mtn": (
        "Id,External id,Date,Status,Type,From,From Name,To,To Name,Amount,Fee,Balance,Currency\n"
        '98765,,2026-11-20 10:00:00,Successful,Payment,22997000001,A K,MUT,MUT,"15,000.00",0,"20,000.00",XOF\n'
        "98766,,2026-11-20 10:05:00,Failed,Payment,22997000001,A K,MUT,MUT,15000,0,20000,XOF\n"
        "98767,,2026-11-20 11:00:00,Successful,Cash out,MUT,MUT,22997000009,B,5000,100,15000,XOF\n",
        [("98765", 15_000), ("98767", -5_000)],
    ),
    "orange-money": (
        "N°;Date;Heure;Référence;Service;Statut;N° de Compte;Débit;Crédit;Compte;Solde\n"
        "1;20/11/2026;10:00:00;MP2611.1;Paiement marchand;Succès;70000001;;15 000;;20 000\n"
        "2;20/11/2026;11:00:00;FR2611.2;Frais;Succès;;150;;;19 850\n",
        [("MP2611.1", 15_000), ("FR2611.2", -150)],
    ),
    "moov": (
        "ID transaction;Date transaction;Type transaction;Statut;MSISDN;Montant;Frais;Devise;Motif\n"
        "A1;20/11/2026 10:00;Paiement marchand;Succès;22996000001;15000;50;XOF;101-000-101\n",
        [("A1", 15_000)],
    ),
    "t-money": (
        "N° transaction;Date et heure;Opération;Numéro client;Montant;Frais;Commentaire\n"
        "A1;20/11/2026 10:00;Paiement;22890112233;15 000 F;0;101000101\n"
        "A2;20/11/2026 11:00;Retrait;;5 000 F;0;\n",
        [("A1", 15_000), ("A2", -5_000)],
    ),
    "paygate": (
        "tx_reference,identifier,payment_reference,amount,datetime,payment_method,phone_number\n"
        "7812,101000101,PR1,15000,2026-11-20 10:00:00,FLOOZ,22896112233\n",
        [("7812", 15_000)],
    ),
    "qos": (
        "transRef;providerReference;status;msisdn;amountPaid;fee;currencyCode;completedAt\n"
        "6f1d2a50-8c1e-4a3b-9d77-0c2e5b9a4417;PRV-1;SUCCESSFUL;22890112233;15000.00;150.0000;XOF;2026-11-20T10:00:00Z\n"
        "6f1d2a50-8c1e-4a3b-9d77-0c2e5b9a4418;PRV-2;FAILED;22890112233;15000.00;0.0000;XOF;2026-11-20T10:01:00Z\n",
        [("6f1d2a50-8c1e-4a3b-9d77-0c2e5b9a4417", 15_000)],
    ),
    "paydunya": (
        "Numéro de transaction;Date de création;Statut;Téléphone client;Montant;Frais;Description\n"
        "PD1;20/11/2026 10:00;Complété;22370000001;15000;300;101000101\n"
        "PD2;20/11/2026 10:01;Annulé;22370000001;15000;;101000101\n",
        [("PD1", 15_000)],
    ),
    "bank": (
        "Relevé de compte;;;;\nDu 01/11/2026 au 30/11/2026;;;;\n"
        "Date;Valeur;Libellé;Débit;Crédit;Solde\n"
        "20/11/2026;21/11/2026;VIR RECU 101 000 101;;15 000,00;115 000,00\n"
        "20/11/2026;21/11/2026;FRAIS TENUE DE COMPTE;2 000,00;;113 000,00\n",
        [("2026-11-20 15000 115000", 15_000), ("2026-11-20 -2000 113000", -2_000)],
    ),
}
FEES = {"pawapay": [30, 90], "mtn": [0, 100], "moov": [50], "qos": [150], "paydunya": [300]}
IS_FEE = {"plain": ["T2"], "orange-money": ["FR2611.2"], "bank": ["2026-11-20 -2000 113000"]}


def read(text: str | bytes, preset: str | None = None) -> ReadStatement:
    raw = text.encode() if isinstance(text, str) else text
    return read_statement("mars.csv", raw, preset, MUTUELLE, TODAY)


def faults(text: str | bytes, preset: str | None = None) -> list[str]:
    return [render(fault.sentence, "en") for fault in read(text, preset).faults]


def money(lines: list[StatementLine]) -> list[tuple[str, int]]:
    return [(line.line_id, line.amount_minor) for line in lines]


@pytest.mark.parametrize("name", FILES)
def test_each_form_is_known_by_its_headers_and_read(name: str) -> None:
    text, lines = FILES[name]
    found = read(text)
    assert [render(fault.sentence, "en") for fault in found.faults] == []
    assert (found.preset.name, money(found.lines)) == (name, lines)
    assert [line.fee_minor for line in found.lines] == FEES.get(name, [0] * len(lines))
    assert [line.line_id for line in found.lines if line.is_fee] == IS_FEE.get(name, [])
    assert found.count == len(text.splitlines()) - (3 if name == "bank" else 1)


def test_every_preset_has_a_file_here_and_only_ours_is_verified() -> None:
    assert set(presets()) == set(FILES)
    assert [name for name, preset in presets().items() if preset.verified] == ["plain"]


def test_a_line_keeps_its_cells_as_they_came() -> None:
    [line, *_rest] = read(FILES["orange-money"][0]).lines
    assert line.said == {
        **{"N°": "1", "Date": "20/11/2026", "Heure": "10:00:00", "Référence": "MP2611.1"},
        **{"Service": "Paiement marchand", "Statut": "Succès", "N° de Compte": "70000001"},
        **{"Crédit": "15 000", "Solde": "20 000"},
    }
    assert (line.on, line.at) == (date(2026, 11, 20), datetime(2026, 11, 20, 10, tzinfo=UTC))
    assert (line.position, line.payer, line.note) == (2, "+22370000001", "Paiement marchand")


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16", "cp1252", "mac_roman"])
@pytest.mark.parametrize("separator", [";", ",", "\t", "|"])
def test_encoding_and_separator_are_found(codec: str, separator: str) -> None:
    text = FILES["orange-money"][0].replace(";", separator)
    assert money(read(text.encode(codec)).lines) == FILES["orange-money"][1]


def test_a_workbook_is_read_like_a_file_of_text() -> None:
    rows: list[list[object]] = [[*one.split(";")] for one in FILES["plain"][0].splitlines()]
    assert money(read(workbook(rows)).lines) == FILES["plain"][1]
    rows[1] = ["2026-11-20", "T1", 22370000001, 15000.0, "XOF", "101 000 101"]
    [first, *_rest] = read(workbook(rows)).lines
    assert (first.payer, first.amount_minor) == ("+22370000001", 15_000)


def test_a_formula_of_a_workbook_is_a_fault_with_its_cell() -> None:
    rows = [one.split(";") for one in FILES["plain"][0].splitlines()]
    rows[2][3] = "=10+5"
    assert faults(workbook(rows))[0] == "mars.csv, line 3, amount: a cell cannot begin with '=' (D3: “=1”)"


def test_ids_that_a_spreadsheet_has_rounded_are_refused() -> None:
    head = FILES["plain"][0].splitlines()[0]
    assert len(faults(f"{head}\n2026-11-20;1,23457E+17;;500;XOF;\n")) == 1
    row = ["2026-11-20", 123456789012345678, "", 500, "XOF", ""]
    assert len(faults(workbook([head.split(";"), row]))) == 1


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "the file is empty"),
        (b"date;id;payer;amount;currency;note\n", "the file is empty"),
        (b"PK\x03\x04 no file", "this is no XLSX file that can be read"),
        (b"\xd0\xcf\x11\xe0 old", "please save this sheet as XLSX or CSV"),
        (b'date;id;payer;amount;currency;note\n2026-11-20;T1;;500;XOF;"no end\n', "the quotes of this line"),
        (b"date;id\0;payer", "this is not a text file"),
        (
            b'"title\ndate;id;payer;amount;currency;note\n2026-11-20;T1;;5;XOF;"x"\n',
            "the quotes of this line",
        ),
    ],
)
def test_what_cannot_be_read_says_why(raw: bytes, reason: str) -> None:
    with pytest.raises(UnreadFileError, match=reason):
        read(raw)


def test_a_form_that_none_has_or_two_have_is_refused() -> None:
    with pytest.raises(PresetError, match=r"no preset has these headers; there are bank, moov"):
        read("jour;montant\n1;2\n")
    both = "tx_reference,datetime,phone_number,amount,date,id,payer,currency,note\n"
    with pytest.raises(PresetError, match="the headers fit paygate and plain: please name one"):
        read(both)
    with pytest.raises(PresetError, match="no preset is called 'wave'"):
        preset_named("wave")
    with pytest.raises(PresetError, match="has not the headers of preset mtn: id, date, status"):
        read(FILES["plain"][0], "mtn")


PLAIN_FAULTS = {
    "2026-11-23;T1;;500;XOF;": "mars.csv, line 2, date: 2026-11-23 has not come yet. (A2)",
    "1026-11-20;T1;;500;XOF;": "mars.csv, line 2, date: 1026-11-20 is before every book (A2)",
    "32/11/2026;T1;;500;XOF;": "mars.csv, line 2, date: 32/11/2026 is not a date such as 31/12/2026. (A2)",
    "2026-11-20;;;500;XOF;": "mars.csv, line 2, id: this line has no id (B2)",
    "2026-11-20;T1;;500;EUR;": "mars.csv, line 2, currency: this account is kept in XOF (E2: “EUR”)",
    "2026-11-20;T1;;;XOF;": "mars.csv, line 2, amount: This is not an amount. (D2: “-”)",
    "2026-11-20;T1;;0;XOF;": "mars.csv, line 2, amount: a line of 0 moves no money (D2: “0”)",
    "2026-11-20;T1;;=500;XOF;": "mars.csv, line 2, amount: a cell cannot begin with '=' (D2: “=500”)",
    "2026-11-20;T1;22370000001;-500;XOF;": (
        "mars.csv, line 2, amount: money that came in is above zero (D2: “-500”)"
    ),
    "2026-11-20;T1;;-500;XOF;199 000 010": (
        "mars.csv, line 2, amount: money that came in is above zero (D2: “-500”)"
    ),
    "2026-11-20;T1;;500;XOF;=cmd|' /C calc'!A0": (
        "mars.csv, line 2, note: a cell cannot begin with '=' (F2: “=cmd|' /C calc'!A0”)"
    ),
    "2026-11-20;T1;;500;XOF;@SUM(A1)": (
        "mars.csv, line 2, note: a cell cannot begin with '@' (F2: “@SUM(A1)”)"
    ),
    "2026-11-20;T1;;500;XOF;-2+3": "mars.csv, line 2, note: a cell cannot begin with '-' (F2: “-2+3”)",
}


@pytest.mark.parametrize("line", PLAIN_FAULTS)
def test_a_fault_says_file_row_cell_and_reason(line: str) -> None:
    assert faults(f"date;id;payer;amount;currency;note\n{line}\n") == [PLAIN_FAULTS[line]]


@pytest.mark.parametrize(
    "note", ["-101000101", "- cotisation de mars", "+223 70 00 00 01", "-500 F", "(500)", "– merci", "5+5"]
)
def test_a_dash_or_a_sign_before_words_and_figures_is_no_formula(note: str) -> None:
    assert faults(f"date;id;payer;amount;currency;note\n2026-11-20;T1;;500;XOF;{note}\n") == []


def test_an_unknown_word_of_a_type_or_a_status_is_refused_not_guessed() -> None:
    text = FILES["mtn"][0].replace("Cash out", "Airtime").replace("Failed", "On hold")
    assert faults(text) == [
        "mars.csv, line 3, Status: this word is not known here (D3: “On hold”)",
        "mars.csv, line 4, Type: this word is not known here (E4: “Airtime”)",
    ]


def test_two_equal_movements_of_a_bank_are_two_lines() -> None:
    head = "Date;Libellé;Débit;Crédit;Solde\n"
    rows = ["20/11/2026;A;;500;1500", "20/11/2026;A;500;;1000", "20/11/2026;A;;500;1500"]
    assert [line.line_id for line in read(head + "\n".join(rows)).lines] == [
        "2026-11-20 500 1500",
        "2026-11-20 -500 1000",
        "2026-11-20 500 1500 2",
    ]


@pytest.mark.parametrize(
    ("written", "wrong"),
    [
        ('verified = true\n[columns]\nid = ["a"]\namount = ["b"]', "a preset has a date"),
        ('verified = true\n[columns]\ndate = ["d"]\namount = ["b"]', "it takes an id, or a balance"),
        ('verified = true\n[columns]\ndate = ["d"]\nid = ["a"]\ncredit = ["c"]', "it takes an amount"),
        (
            'verified = true\n[columns]\ndate = ["d"]\nid = ["a"]\namount = ["b"]\nwhat = ["x"]',
            "unknown what",
        ),
        (
            'verified = true\n[columns]\ndate = ["d"]\nid = ["a"]\namount = ["b"]\ntype = ["t"]',
            "types and statuses are said of",
        ),
    ],
)
def test_a_preset_that_cannot_be_is_named(written: str, wrong: str) -> None:
    with pytest.raises(PresetError, match=f"preset mine: {wrong}"):
        read_preset("mine", written)
