"""Which provider gets a message: by its network, then the other one, but never both unless the first sent nothing."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from sms.leases import ACCOUNT_WAIT, LEASE, SILENCE, claim_due
from sms.outbox import send_due
from sms.routes import Routes, read_sms_settings
from tests.support.sms_people import (
    AWA,
    BROKE,
    HOUR,
    LATER,
    MINUTE,
    MOUSSA,
    NOON,
    REFUSED,
    ScriptedProvider,
    only_row,
    receipt,
    rows,
    write,
)
from tests.support.sms_people import (
    SILENCE as NO_ANSWER,
)
from timing import Clock

ROUTES = Routes(
    {"ML-orange": ("orange", "kannel"), "*": ("kannel",)}, frozenset({"orange", "kannel", "jasmin"})
)
SECOND = timedelta(seconds=1)
MOOV = "+22366000001"


def both(
    first: list[object], second: list[object] | None = None
) -> tuple[ScriptedProvider, ScriptedProvider]:
    return (
        ScriptedProvider(list(first), name="orange"),  # type: ignore[arg-type]
        ScriptedProvider(list(second or []), name="kannel"),  # type: ignore[arg-type]
    )


async def send(pool: AsyncEngine, *providers: ScriptedProvider, after: timedelta = timedelta()) -> None:
    for nth, provider in enumerate(
        providers
    ):  # what one gives back is due at once: a little later than its claim
        await send_due(pool, provider, Clock.at(NOON + after + nth * 5 * SECOND), ROUTES)


async def test_the_network_decides(pool: AsyncEngine) -> None:
    orange, kannel = both([])
    await write(pool, [receipt(), receipt(MOOV, "receipt:2")])
    await send(pool, orange, kannel)
    assert [phone for phone, _body in orange.handed] == [AWA]
    assert [phone for phone, _body in kannel.handed] == [MOOV]


async def test_what_the_first_refuses_goes_to_the_second_and_fails_only_there(pool: AsyncEngine) -> None:
    orange, kannel = both([REFUSED], [REFUSED])
    await write(pool, [receipt()])
    await send(pool, orange)
    row = await only_row(pool)
    assert (row["state"], row["provider"], row["refused_by"]) == ("DUE", "kannel", "orange")
    await send(pool, orange, kannel)
    assert (await only_row(pool))["state"] == "FAILED"
    assert (len(orange.handed), len(kannel.handed)) == (1, 1)


@pytest.mark.parametrize("unsent", [LATER, BROKE])
async def test_what_the_first_cannot_send_now_goes_to_the_second_at_once(
    pool: AsyncEngine, unsent: object
) -> None:
    orange, kannel = both([unsent])
    await write(pool, [receipt()])
    await send(pool, orange, kannel)
    row = await only_row(pool)
    assert (row["state"], row["provider"]) == ("SENT", "kannel")


async def test_when_both_cannot_it_waits_and_begins_with_the_first_again(pool: AsyncEngine) -> None:
    orange, kannel = both([BROKE], [BROKE])
    await write(pool, [receipt()])
    await send(pool, orange, kannel)
    row = await only_row(pool)
    assert (row["state"], row["provider"]) == ("DUE", None)
    assert row["due_at"] - NOON >= ACCOUNT_WAIT
    await send(pool, kannel, orange, after=ACCOUNT_WAIT + MINUTE)
    row = await only_row(pool)
    assert (row["state"], row["provider"], len(kannel.handed)) == ("SENT", "orange", 1)


async def test_silence_is_resent_by_the_same_provider_and_never_by_the_other(pool: AsyncEngine) -> None:
    orange, kannel = both([NO_ANSWER, REFUSED])
    await write(pool, [receipt()])
    await send(pool, orange, kannel)
    await send(pool, kannel, orange, kannel, after=11 * MINUTE)
    await send(pool, kannel, orange, kannel, after=2 * HOUR)
    assert ((await only_row(pool))["state"], len(orange.handed), kannel.handed) == ("FAILED", 2, [])


async def test_new_messages_go_round_a_silent_provider_for_a_while(pool: AsyncEngine) -> None:
    orange, kannel = both([NO_ANSWER])
    await write(pool, [receipt()])
    await send(pool, orange)
    await write(pool, [receipt(MOUSSA, "receipt:2")])
    await send(pool, orange, kannel, after=MINUTE)
    assert [phone for phone, _body in kannel.handed] == [MOUSSA]
    await write(pool, [receipt(MOUSSA, "receipt:3")])
    await send(pool, kannel, orange, after=SILENCE + MINUTE)
    assert [phone for phone, _body in orange.handed] == [AWA, MOUSSA]


async def test_a_sender_that_dies_makes_its_provider_silent_and_nothing_twice(pool: AsyncEngine) -> None:
    orange, kannel = both([])
    await write(pool, [receipt()])
    async with pool.begin() as db:
        await claim_due(db, orange, ROUTES, Clock.at(NOON), 10)  # and here it is killed
    await send(pool, kannel, orange, after=LEASE)
    await send(pool, kannel, orange, after=LEASE + MINUTE)
    assert (kannel.handed, orange.handed) == ([], [])


async def test_a_reply_leaves_by_the_provider_that_the_message_came_by(pool: AsyncEngine) -> None:
    orange, kannel = both([])
    jasmin = ScriptedProvider(name="jasmin")
    await write(
        pool,
        [replace(receipt(), reply=True, provider="jasmin"), replace(receipt(MOUSSA, "k"), provider="gone")],
    )
    await send(pool, orange, kannel, jasmin)
    assert [len(one.handed) for one in (orange, kannel, jasmin)] == [1, 0, 1]
    assert {row["phone"]: row["provider"] for row in await rows(pool)} == {AWA: "jasmin", MOUSSA: "orange"}


GOOD = """
[kannel]
url = "http://127.0.0.1:13013/cgi-bin/sendsms"
username = "keneya"
password = "hush-hush"
[orange]
client_id = "id"
client_secret = "hush-hush"
sender_address = "+22300000000"
[routes]
ML-orange = ["orange", "kannel"]
"*" = ["kannel"]
[senders]
ML = "38457"
ML-orange = "BENKADI"
"""


def settings_of(tmp_path: Path, words: str, at: dict[str, str] | None = None) -> tuple[str, ...]:
    """The faults of a file."""
    path = tmp_path / "providers.toml"
    path.write_text(words)
    path.chmod(0o600)
    return read_sms_settings(path, {"africastalking": at or {}}, None).faults


def test_a_file_of_providers(tmp_path: Path) -> None:
    path = tmp_path / "providers.toml"
    path.write_text(GOOD)
    path.chmod(0o600)
    read = read_sms_settings(path, {"africastalking": {}}, None)
    assert read.faults == ()
    assert set(read.accounts) == {"kannel", "orange"}
    assert (read.routes.of(AWA), read.routes.of(MOOV)) == (("orange", "kannel"), ("kannel",))
    assert (read.routes.sender(AWA), read.routes.sender(MOOV), read.routes.sender("+22890000000")) == (
        "BENKADI",
        "38457",
        "",
    )
    assert "hush-hush" not in repr(read)


def test_a_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "providers.toml"
    path.write_text(GOOD)
    path.chmod(0o644)
    with pytest.raises(ValueError, match="chmod 600"):
        read_sms_settings(path, {"africastalking": {}}, None)


@pytest.mark.parametrize(
    ("was", "becomes", "fault"),
    [
        ("[orange]", "[apple]", "[apple] is no provider of SMS"),
        ('password = "hush-hush"', "", "[kannel] needs password"),
        ('password = "hush-hush"', "password = 5", "[kannel] needs fields with text in quotes"),
        ('username = "keneya"', 'username = "keneya"\nuser = "x"', "[kannel] has user, which nothing reads"),
        ("http://127.0.0.1:13013", "http://kannel.example", "[kannel] needs a url that begins with https://"),
        (
            'sender_address = "+22300000000"',
            'sender_address = "Keneya"',
            "[orange] sender_address is no phone",
        ),
        ('"*" = ["kannel"]', "", '[routes] needs "*"'),
        ('"*" = ["kannel"]', '"*" = ["jasmin"]', "[routes] *: jasmin has no account here"),
        ('"*" = ["kannel"]', '"*" = []', "[routes] *: needs one provider"),
        ("ML-orange = [", "ML-apple = [", "[routes] ML-apple is no network"),
        ('ML = "38457"', 'ML = ""', "[senders] ML needs a text"),
        (
            "[orange]",
            "[simulated]\nurl = 'http://127.0.0.1'\n[orange]",
            "[simulated] exists with SIMULATOR=1 only",
        ),
        (
            "[orange]",
            "[africastalking]\nusername = 'x'\n[orange]",
            "[africastalking] is set by the environment",
        ),
    ],
)
def test_each_fault_of_a_file_is_named(tmp_path: Path, was: str, becomes: str, fault: str) -> None:
    found = settings_of(tmp_path, GOOD.replace(was, becomes))
    assert any(one.startswith(fault) for one in found), found
    assert not any("hush" in one for one in found)
