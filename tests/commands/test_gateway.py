"""`keneya gateway try`: both sides of each hop, and nothing that nobody else should read."""

import argparse
import io
import re

import pytest

import cli
from commands import gateway
from commands.command import CommandError
from tests.support.running_service import SECRET, House
from tests.support.town import AWA


async def tried(
    house: House, name: str, typed: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> str:
    """What the command prints when these lines are typed."""
    monkeypatch.setattr(gateway, "environment", lambda: house.environ)
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    words = ["gateway", "try", name, "--phone", AWA, "--url", str(house.http.base_url).rstrip("/")]
    assert await gateway.try_gateway(cli.parser().parse_args(words)) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("name", ["africastalking", "comviva", "nalo", "mtn-rwanda"])
async def test_both_sides_of_a_call_are_shown_without_secret_and_without_pin(
    name: str, house: House, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    told = await tried(house, name, "7\n4071\n", capsys, monkeypatch)
    assert len(re.findall(r"^> (GET|POST) /", told, re.MULTILINE)) >= 3
    assert "Keneya, votre mutuelle" in told
    assert "Mutuelle Benso" in told
    assert "4071" not in told
    assert "****" in told
    assert SECRET not in told
    assert f"/{'at/SECRET/ussd' if name == 'africastalking' else f'ussd/{name}/SECRET'}" in told


async def test_the_end_of_what_is_typed_hangs_up_and_a_call_that_ends_says_so(
    house: House, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "terminé" in await tried(house, "madapi", "7\n", capsys, monkeypatch)
    told = await tried(house, "plain", "8\n2\n1\n", capsys, monkeypatch)
    assert told.endswith("(the call has ended)\n")


async def test_a_gateway_that_is_not_on_and_a_service_that_is_away_are_one_line(
    house: House, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway, "environment", lambda: house.environ)
    away = argparse.Namespace(name="plain", phone=AWA, code=None, url="http://127.0.0.1:9")
    with pytest.raises(CommandError, match="does not answer"):
        await gateway.try_gateway(away)
    away.name = "orange"
    with pytest.raises(CommandError, match="africastalking, advanta"):
        await gateway.try_gateway(away)
