"""The same messages through every provider, over HTTP on the simulator: sent, reported, received and answered."""

from time import monotonic

import pytest
from sqlalchemy import select, text

import settings
from sms.delivery import apply_reports
from sms.outbox import Message, enqueue, send_due
from sms.provider import SmsAccount
from sms.providers import providers
from sms.routes import Routes
from sms.tables import inbox, outbox
from tests.support.patience import PATIENCE_S
from tests.support.running_service import SECRET, House
from tests.support.town import AWA
from timing import Clock

NAMES = [adapter.NAME for adapter in providers()]
# The end of a number (`simulator/sms.py`), what becomes of its message, and how often its phone shows it.
ENDS = {
    "0100": ("DELIVERED", 1),
    "0403": ("FAILED", 0),
    "0405": ("DUE", 0),  # the account is empty: it waits for a person
    "0500": ("DUE", 0),
    "0601": ("DELIVERED", 1),  # the report comes before the answer
    "0602": ("FAILED", 1),
    "0604": ("SENT", 1),
    "0606": ("DELIVERED", 1),
    "0607": ("DELIVERED", 1),  # an answer in HTML proves nothing: in doubt, until the report
    "0609": ("SENT", 1),  # a word that nobody knows
}


async def states(house: House) -> dict[str, str]:
    async with house.pool.connect() as db:
        found = await db.execute(select(outbox.c.phone, outbox.c.state))
        return {row.phone[-4:]: row.state for row in found}


@pytest.mark.parametrize("name", NAMES)
async def test_what_becomes_of_a_message(house: House, name: str) -> None:
    wanted = settings.read(house.environ)
    adapter = next(one for one in providers() if name == one.NAME)
    account = SmsAccount(wanted.sms.accounts[name], house.http, wanted.report_url(adapter))
    provider = adapter.connect(account)
    clock = await house_clock(house)
    async with house.pool.begin() as db:
        messages = [Message("SIK", end, f"+2237000{end}", "receipt", f"Payé {end}", end) for end in ENDS]
        await enqueue(db, messages, clock())

    wanted_states = {end: state for end, (state, _shown) in ENDS.items()}
    deadline = monotonic() + PATIENCE_S
    while await states(house) != wanted_states and monotonic() < deadline:
        clock = await house_clock(house)
        await send_due(house.pool, provider, clock, Routes.only(name))
        await apply_reports(house.pool, clock())
    assert await states(house) == wanted_states
    for end, (_state, shown) in ENDS.items():
        assert await house.messages(f"+2237000{end}") == [f"Payé {end}"] * shown, end


async def house_clock(house: House) -> Clock:
    """The database's time, which web gives to reports."""
    async with house.pool.connect() as db:
        return Clock.at(await db.scalar(text("select clock_timestamp()")))


@pytest.mark.parametrize("name", NAMES)
async def test_an_sms_comes_in_once_and_is_answered_the_same_way(house: House, name: str) -> None:
    for _again in range(2):
        form = {"from": AWA, "text": "aide", "id": "m-1", "provider": name}
        assert (await house.http.post("/simulator/sms/incoming", data=form)).status_code == 202
    await house.message("")
    await house.work()
    assert len(await house.messages()) == 1
    async with house.pool.connect() as db:
        came = (await db.execute(select(inbox.c.provider, inbox.c.phone, inbox.c.body))).all()
        answers = (await db.execute(select(outbox.c.provider, outbox.c.phone).where(outbox.c.is_reply))).all()
    assert [tuple(row) for row in came] == [(name, AWA, "aide")]
    assert [tuple(row) for row in answers] == [(name, AWA)]


@pytest.mark.parametrize("name", NAMES)
async def test_forms_are_taken_with_the_secret_only_and_answered_as_the_provider_wants(
    house: House, name: str
) -> None:
    adapter = next(one for one in providers() if name == one.NAME)
    method, kind = adapter.METHODS[0], {"content-type": adapter.MEDIA_TYPE}
    content = b"{}" if "json" in adapter.MEDIA_TYPE else b"a=b"
    for path in (adapter.SMS_PATH, adapter.REPORT_PATH):
        answer = await house.http.request(method, path.format(secret=SECRET), content=content, headers=kind)
        assert (answer.status_code, answer.text) == (200, adapter.ANSWER)
        wrong = await house.http.request(method, path.format(secret="x" * 40), content=content, headers=kind)
        assert wrong.status_code == 404
        if method == "POST":
            other = {"content-type": "text/xml"}
            asked = await house.http.post(path.format(secret=SECRET), content=content, headers=other)
            assert asked.status_code == 415
            large = await house.http.post(path.format(secret=SECRET), content=b"x" * 9000, headers=kind)
            assert large.status_code == 413
