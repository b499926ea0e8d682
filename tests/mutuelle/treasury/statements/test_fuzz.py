"""Whatever stands in a file: it is read, or it is refused with reasons; nothing else happens."""

from hypothesis import given, settings
from hypothesis import strategies as st

from mutuelle.sheets.lines import UnreadFileError
from mutuelle.treasury.statements.presets import PresetError
from tests.mutuelle.treasury.statements.test_reading import FILES, read
from tests.support.statements import HEAD, workbook

CELLS = st.one_of(
    st.text(max_size=30),
    st.from_regex(r"[-+(]?\d{0,6}[ .,]?\d{0,4}[.,]?\d{0,3}[)-]? ?[A-Z]{0,4}", fullmatch=True),
    st.from_regex(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}[T ]?[\d:]{0,8}[Z+-]?[\d:]{0,5}", fullmatch=True),
    st.datetimes().map(lambda at: at.isoformat()),
    st.sampled_from(["XOF", "199 000 010", "=1", "2026-11-20", "T1", "", "1.2E+17"]),
)
ROWS = st.lists(st.lists(CELLS, min_size=6, max_size=7), min_size=1, max_size=8)


def accounts_for_every_line(raw: bytes, lines: int | None = None) -> None:
    try:
        found = read(raw)
    except (UnreadFileError, PresetError):
        return
    assert found.count == len({line.position for line in found.lines}) + found.skipped + len(found.faulty)
    assert not {line.position for line in found.lines} & found.faulty
    if lines is not None:
        assert found.count <= lines
    for line in found.lines:
        assert line.amount_minor
        assert line.line_id
        assert line.currency == "XOF"


@settings(max_examples=400, deadline=None)
@given(ROWS)
def test_cells_of_any_text_are_read_or_refused(rows: list[list[str]]) -> None:
    text = "\n".join([HEAD, *(";".join(cell.replace(";", " ") for cell in row) for row in rows)])
    accounts_for_every_line(text.encode("utf-8", "replace"))


@settings(max_examples=60, deadline=None)
@given(ROWS)
def test_a_workbook_of_any_text_is_read_or_refused(rows: list[list[str]]) -> None:
    printable = [["".join(filter(str.isprintable, cell)) for cell in row] for row in rows]
    accounts_for_every_line(workbook([HEAD.split(";"), *printable]), len(rows))


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(sorted(FILES)), st.data())
def test_a_file_that_was_cut_or_hurt_is_read_or_refused(name: str, data: st.DataObject) -> None:
    raw = bytearray(FILES[name][0].encode())
    for _hurt in range(data.draw(st.integers(0, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    accounts_for_every_line(bytes(raw[: data.draw(st.integers(0, len(raw)))]))


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_refused(raw: bytes) -> None:
    accounts_for_every_line(raw)
    accounts_for_every_line(b"PK\x03\x04" + raw)
