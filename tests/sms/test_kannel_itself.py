"""Through Debian's own Kannel to an SMS centre and back: nothing is lost, and only what is in doubt comes twice."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from engines import processes
from sms.outbox import Message, enqueue
from sms.tables import inbox, outbox
from tests.conftest import Database
from tests.support.kannel_boxes import KANNEL, PASSWORD, USERNAME, KannelBoxes, kannel
from tests.support.patience import until
from tests.support.running_service import SECRET, House, housed
from tests.support.sms_centre import SmsCentre, sms_centre
from tests.support.town import found_town

pytestmark = KANNEL
MANY = 120


@dataclass
class Linked:
    """The service with a Kannel and an SMS centre behind it."""

    house: House
    boxes: KannelBoxes
    centre: SmsCentre

    async def write(self, many: int) -> None:
        """Put `many` messages into the outbox, each to a phone of its own."""
        messages = [
            Message("SIK", str(number), phone(number), "receipt", f"Payé {number} à Sikasso", str(number))
            for number in range(many)
        ]
        async with self.house.pool.begin() as db:
            await enqueue(db, messages, await db.scalar(text("select clock_timestamp()")))

    async def work_until(self, *done: str) -> None:
        """Send and read reports until every message is in one of these states."""
        while not set(await self.states()) <= set(done):
            await self.house.rounds["send kannel"]()
            await self.house.rounds["reports"]()
            await asyncio.sleep(0.02)

    async def states(self) -> Counter[str]:
        async with self.house.pool.connect() as db:
            return Counter(await db.scalars(select(outbox.c.state)))


def phone(number: int) -> str:
    return f"+2237011{number:04}"


@asynccontextmanager
async def linked_to_kannel(
    database: Database, redis_url: str, folder: Path, pool: AsyncEngine, *, combines: str = "true"
) -> AsyncIterator[Linked]:
    sendsms, providers = processes.free_port(), folder / "providers.toml"
    providers.write_text(
        f'[kannel]\nurl = "http://127.0.0.1:{sendsms}/cgi-bin/sendsms"\n'
        f'username = "{USERNAME}"\npassword = "{PASSWORD}"\n[routes]\n"*" = ["kannel"]\n'
    )
    providers.chmod(0o600)
    async with (
        housed(database.url, redis_url, folder / "simulator", pool, SMS_PROVIDERS=str(providers)) as house,
        sms_centre() as centre,
    ):
        service = f"{house.environ['PUBLIC_URL']}/sms/kannel/{SECRET}"
        async with kannel(folder / "kannel", centre, service, sendsms, combines=combines) as boxes:
            yield Linked(house, boxes, centre)


@pytest.fixture
async def linked(
    database: Database, redis_url: str, tmp_path: Path, pool: AsyncEngine, request: pytest.FixtureRequest
) -> AsyncIterator[Linked]:
    await found_town(pool)
    (tmp_path / "simulator").mkdir()
    combines = getattr(request, "param", "true")
    async with linked_to_kannel(database, redis_url, tmp_path, pool, combines=combines) as running:
        yield running


async def test_messages_go_out_once_and_are_reported(linked: Linked) -> None:
    await linked.write(MANY)
    await asyncio.wait_for(linked.work_until("DELIVERED"), timeout=300)
    assert Counter((sms.phone, sms.text) for sms in linked.centre.taken) == Counter(
        (phone(number).removeprefix("+"), f"Payé {number} à Sikasso") for number in range(MANY)
    )


async def test_sms_of_phones_come_in_once_whatever_their_letters_and_are_answered(linked: Linked) -> None:
    long = "".join(f"{number:03} " for number in range(60))
    centre, awa = linked.centre, "22370000001"
    await centre.bring(awa, b"aide")
    await centre.bring("22370000002", "aide ɛ é".encode("utf-16-be"), coding=8)
    await centre.bring("22370000003", b"\x05\x00\x03\x0a\x02\x01" + long[:150].encode(), udh=True)
    await centre.bring("22370000003", b"\x05\x00\x03\x0a\x02\x02" + long[150:].encode(), udh=True)

    async def came() -> list[tuple[str, str, int | None]]:
        async with linked.house.pool.connect() as db:
            found = select(inbox.c.phone, inbox.c.body, inbox.c.part).order_by(inbox.c.phone)
            return [(row.phone, row.body, row.part) for row in await db.execute(found)]

    async def all_came() -> bool:
        return len(await came()) == 3

    await linked.house.work_until(all_came)
    assert await came() == [
        ("+22370000001", "aide", None),
        ("+22370000002", "aide ɛ é", None),
        ("+22370000003", long, None),
    ]
    await linked.house.work_until(lambda: _answered(centre, awa))


@pytest.mark.parametrize("linked", ["false"], indirect=True)
@pytest.mark.parametrize(
    "header",
    [b"\x05\x00\x03%c", b"\x06\x08\x04\x01%c"],
    ids=["a reference of one byte", "a reference of two bytes"],
)
async def test_parts_that_kannel_brings_one_by_one_are_put_together(linked: Linked, header: bytes) -> None:
    long = "".join(f"{number:03} " for number in range(60))
    first, second = long[:152], long[152:]
    references = (0, 10, 38, 200, 195)
    for reference in references:
        for number, part in ((2, second), (1, first)):
            written = header % reference + bytes([2, number]) + part.encode()
            await linked.centre.bring(f"2237000{reference:04}", written, udh=True)
    await linked.centre.bring("22370009999", header % 7 + b"\x03\x01" + first.encode(), udh=True)

    async def played() -> list[tuple[str, str]]:
        async with linked.house.pool.connect() as db:
            found = select(inbox.c.phone, inbox.c.body).where(inbox.c.handled_as != "part")
            return sorted((row.phone, row.body) for row in await db.execute(found))

    async def all_played() -> bool:
        return len(await played()) == len(references)

    await linked.house.work_until(all_played)
    assert await played() == sorted((f"+2237000{reference:04}", long) for reference in references)
    async with linked.house.pool.connect() as db:
        waiting = (
            await db.execute(select(inbox.c.phone, inbox.c.part).where(inbox.c.state == "WAITING"))
        ).all()
    assert [tuple(row) for row in waiting] == [("+22370009999", 1)]


async def _answered(centre: SmsCentre, number: str) -> bool:
    return any(sms.phone == number for sms in centre.taken)


async def test_a_smsbox_that_is_killed_loses_nothing_and_doubles_only_what_is_in_doubt(
    linked: Linked, capsys: pytest.CaptureFixture[str]
) -> None:
    await linked.write(MANY)
    working = asyncio.create_task(linked.work_until("DELIVERED", "SENT"))
    await until(lambda: len(linked.centre.taken) >= MANY // 4)
    linked.boxes.kill("smsbox")
    brought = [linked.centre.bring(f"2237022{number:04}", b"merci") for number in range(20)]
    await asyncio.gather(*brought)  # the bearerbox keeps them
    await linked.boxes.start_smsbox()
    await asyncio.wait_for(working, timeout=300)
    shown = Counter(sms.text for sms in linked.centre.taken)
    async with linked.house.pool.connect() as db:
        resent = await db.scalar(select(func.count()).select_from(outbox).where(outbox.c.resends > 0))
    twice = sum(count - 1 for count in shown.values())
    assert len(shown) == MANY
    assert max(shown.values()) <= 2
    assert twice <= (resent or 0)

    async def all_came() -> bool:
        async with linked.house.pool.connect() as db:
            return await db.scalar(select(func.count()).select_from(inbox)) == 20

    await linked.house.work_until(all_came)
    with capsys.disabled():
        print(  # noqa: T201 (the counts are what this test is read for)
            f"\nKannel killed: {MANY} out, {resent} resent, {twice} twice, 20 in, 0 lost"
        )
