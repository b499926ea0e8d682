"""An SMS centre that speaks SMPP, made of smpplib's messages: it takes SMS, reports on them, brings SMS of phones."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from smpplib import consts
from smpplib.smpp import make_pdu, parse_pdu

from locales.letters import BASIC

UNICODE = 8
HEAD = 16


@dataclass
class TakenSms:
    """An SMS that the centre took, in its parts."""

    phone: str
    sender: str
    text: str


@dataclass
class SmsCentre:
    """`taken` is what a phone would have got, in order. `silent` phones are never reported on."""

    port: int = 0
    taken: list[TakenSms] = field(default_factory=list)
    silent: set[str] = field(default_factory=set)
    _bound: set[asyncio.StreamWriter] = field(default_factory=set)
    _ids: Any = field(default_factory=lambda: itertools.count(1001))
    sequence: int = 0
    _answers: dict[int, asyncio.Future[None]] = field(default_factory=dict)

    def next_sequence(self) -> int:
        self.sequence += 1
        return self.sequence

    @property
    def is_bound(self) -> bool:
        return bool(self._bound)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readexactly(4)
                pdu = parse_pdu(
                    head + await reader.readexactly(int.from_bytes(head) - 4),
                    client=self,
                    allow_unknown_opt_params=True,
                )
                self._hear(pdu, writer)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            return  # the end of the test cancels it
        finally:
            self._bound.discard(writer)
            writer.close()

    def _hear(self, pdu: Any, writer: asyncio.StreamWriter) -> None:
        if pdu.command.startswith("bind_") and not pdu.command.endswith("_resp"):
            self._reply(writer, pdu, system_id="centre")
            self._bound.add(writer)
        elif pdu.command == "enquire_link":
            self._reply(writer, pdu)
        elif pdu.command == "submit_sm":
            self._take(pdu, writer)
        elif pdu.command == "deliver_sm_resp" and pdu.sequence in self._answers:
            self._answers.pop(pdu.sequence).set_result(None)
        elif pdu.command == "unbind":
            self._reply(writer, pdu)

    def _take(self, pdu: Any, writer: asyncio.StreamWriter) -> None:
        message_id = str(next(self._ids))
        phone, sender = pdu.destination_addr.decode(), pdu.source_addr.decode()
        self.taken.append(TakenSms(phone, sender, _text(pdu)))
        self._reply(writer, pdu, message_id=message_id)
        if phone not in self.silent:
            now = datetime.now(UTC).strftime("%y%m%d%H%M")
            words = f"id:{message_id} sub:001 dlvrd:001 submit date:{now} done date:{now} stat:DELIVRD err:000 text:"
            report = {"source_addr": phone, "destination_addr": sender, "esm_class": 4}
            self._deliver(writer, words.encode(), report)

    async def bring(self, phone: str, text: bytes, *, coding: int = 0, udh: bool = False) -> None:
        """Bring an SMS of a phone to our short code; returns once it was taken over."""
        told = {"source_addr": phone, "destination_addr": "38457", "data_coding": coding}
        told["esm_class"] = consts.SMPP_GSMFEAT_UDHI if udh else 0
        await asyncio.wait_for(self._deliver(next(iter(self._bound)), text, told), timeout=60)

    def _deliver(
        self, writer: asyncio.StreamWriter, words: bytes, told: dict[str, Any]
    ) -> asyncio.Future[None]:
        pdu = make_pdu(
            "deliver_sm",
            client=self,
            short_message=words,
            source_addr_ton=consts.SMPP_TON_INTL,
            source_addr_npi=consts.SMPP_NPI_ISDN,
            **told,
        )
        self._answers[pdu.sequence] = answer = asyncio.get_running_loop().create_future()
        self._say(writer, pdu)
        return answer

    def _reply(self, writer: asyncio.StreamWriter, pdu: Any, **told: str) -> None:
        reply = make_pdu(f"{pdu.command}_resp", **told)
        reply.sequence = pdu.sequence
        self._say(writer, reply)

    def _say(self, writer: asyncio.StreamWriter, pdu: Any) -> None:
        if not writer.is_closing():
            writer.write(pdu.generate())


def _text(pdu: Any) -> str:
    message: bytes = pdu.short_message
    if pdu.data_coding == UNICODE:
        return message.decode("utf-16-be")
    return "".join(ALPHABET[one] if one < len(ALPHABET) else "?" for one in message)


# GSM 03.38, by its codes.
ALPHABET = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
assert set(ALPHABET) - {"\x1b"} == BASIC


@asynccontextmanager
async def sms_centre() -> AsyncIterator[SmsCentre]:
    centre = SmsCentre()
    server = await asyncio.start_server(centre.serve, "127.0.0.1", 0)
    centre.port = server.sockets[0].getsockname()[1]
    async with server:
        yield centre
        server.close()
        for writer in tuple(centre._bound):
            writer.close()
