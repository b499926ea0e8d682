"""Structured logs: one JSON object a line, the event's name as message and its facts as fields.

No full phone number is written: rooms mask them, and the formatter masks what they missed.
"""

import logging
import re
import sys
from contextlib import suppress
from typing import Any, TextIO

from pythonjsonlogger.json import JsonFormatter

PHONE = re.compile(r"(?:\+|%2[Bb])\d{8,15}(?!\d)")
QUOTED_ROW = re.compile(r"DETAIL:.*?(?=\n\n|\Z)", re.DOTALL)  # PostgreSQL quotes the row that broke a rule
NOISY = ("httpx", "httpcore", "asyncio", "urllib3", "alembic")


def mask_phone(phone: str) -> str:
    """`+22370000001` as `+223…0001`: enough to recognise, not to call."""
    return f"{phone[:4]}…{phone[-4:]}"


def mask_phones(value: Any) -> Any:
    """`value` without phone numbers and quoted rows, in the lists and mappings inside it too."""
    if isinstance(value, str):
        value = QUOTED_ROW.sub("DETAIL: left out", value)
        return PHONE.sub(lambda found: mask_phone(found[0].replace("%2B", "+").replace("%2b", "+")), value)
    if isinstance(value, dict):
        return {mask_phones(key): mask_phones(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [mask_phones(inner) for inner in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return mask_phones(str(value))


class LosingHandler(logging.StreamHandler[TextIO]):
    """Counts lines that cannot be written (a full disk); the next one that can be is followed by their number.

    The first lost line is reported on the terminal, unless the log goes there.
    """

    lost = 0  # since the process began
    _unreported = 0

    def emit(self, record: logging.LogRecord) -> None:
        unreported = self._unreported
        super().emit(record)
        if unreported and self._unreported == unreported:  # this line was written
            self._unreported = 0
            report = {"name": "keneya.logs", "levelname": "ERROR", "msg": "logs.lost", "lines": unreported}
            super().emit(logging.makeLogRecord(report))

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 (the library's name)
        fault = sys.exc_info()[1]
        if not isinstance(fault, OSError):
            super().handleError(record)
            return
        if not self._unreported and sys.__stderr__ is not None and sys.__stderr__ is not self.stream:
            with suppress(OSError):
                print(f"the log cannot be written: {fault.strerror}", file=sys.__stderr__, flush=True)
        self._unreported += 1
        LosingHandler.lost += 1


class MaskingFormatter(JsonFormatter):
    """The time first; the phone numbers in every line masked, as the last defence."""

    def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
        log_data.pop("color_message", None)  # uvicorn's second copy of its message, for terminals
        record = super().process_log_record(log_data)
        return {"at": record.pop("at")} | {name: mask_phones(value) for name, value in record.items()}


def configure(level: str = "INFO", stream: TextIO | None = None) -> None:
    """Send the logs of this process to `stream` (standard error) as JSON, uvicorn's own included."""
    handler = LosingHandler(stream or sys.stderr)
    handler.setFormatter(
        MaskingFormatter(
            "{levelname}{name}{message}",
            style="{",
            timestamp="at",
            rename_fields={"levelname": "level", "name": "logger", "message": "event"},
            json_ensure_ascii=False,
        )
    )
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.asgi"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    access = logging.getLogger("uvicorn.access")  # its lines hold webhook secrets
    access.handlers.clear()
    access.propagate = False
    access.disabled = True
    for name in NOISY:
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLevelNamesMapping()[level]))
