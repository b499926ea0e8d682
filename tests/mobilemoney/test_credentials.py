"""Credentials of operators' accounts: read from a file that nobody else may read, said missing by name, never shown."""

from pathlib import Path

import pytest

from mobilemoney.credentials import Credentials, read_accounts

SIK = '[SIK.simulated-ML]\nurl = "https://pay.example.org"\n'


def written(tmp_path: Path, text: str, mode: int = 0o600) -> Path:
    path = tmp_path / "secrets.toml"
    path.write_text(text)
    path.chmod(mode)
    return path


def test_the_fields_of_an_account_are_those_of_its_section(tmp_path: Path) -> None:
    known = Credentials(read_accounts(written(tmp_path, SIK)))
    assert known.of("SIK", "simulated-ML", "simulated") == {"url": "https://pay.example.org"}
    assert known.of("ATA", "simulated-ML", "simulated") == {}
    assert "pay.example.org" not in repr(known)


@pytest.mark.parametrize(
    ("text", "mode", "complaint"),
    [
        (SIK, 0o640, "can be read by others"),
        ("[SIK.simulated-ML]\nurl = ", 0o600, "is not TOML"),
        ('[SIK]\nurl = "https://pay.example.org"', 0o600, "needs sections"),
        ("[SIK.simulated-ML]\nurl = 7", 0o600, "needs sections"),
        ("#" * 300_000, 0o600, "too large"),
    ],
)
def test_a_file_that_is_none_is_refused_without_its_words(
    tmp_path: Path, text: str, mode: int, complaint: str
) -> None:
    with pytest.raises(ValueError, match=complaint) as refused:
        read_accounts(written(tmp_path, text, mode))
    assert "example" not in str(refused.value)


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"url": "https://pay.example.org"}, None),
        ({"url": "http://127.0.0.1:8001/simulator"}, None),
        ({"url": "http://pay.example.org"}, "begins with https://"),
        ({"url": "ftp://localhost"}, "begins with https://"),
        ({"url": "https://"}, "has a host"),
        ({"url": "https:pay.example.org"}, "has a host"),
        ({"url": "https://[pay"}, "has a host"),
        ({"url": "https://pay .example.org"}, "has a host"),
        ({"url": "https://pay.example.org/v1?key=a"}, "no ? or #"),
        ({"url": "https://pay.example.org/v1#a"}, "no ? or #"),
        ({"url": "https://user:secret@pay.example.org"}, "begins with https://"),
        ({"url": "pay.example.org"}, "begins with https://"),
    ],
)
def test_what_an_account_lacks_is_said(fields: dict[str, str], why: str | None) -> None:
    refusal = Credentials({"SIK": {"simulated-ML": fields}}, "http://127.0.0.1:9").refusal(
        "SIK", "simulated-ML", "simulated"
    )
    if why is None:
        assert refusal is None
    else:
        assert why in (refusal or "")
        assert "[SIK.simulated-ML]" in (refusal or "")


def test_an_operator_that_nobody_knows_is_refused() -> None:
    assert "does not know" in (Credentials().refusal("SIK", "pigeon-ML", "pigeon") or "")
