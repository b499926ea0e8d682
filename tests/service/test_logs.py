"""Logs: one JSON object a line, and no line from which a person could be called."""

import errno
import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from service import logs

PHONE = "+22370000001"
MASKED = "+223…0001"


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """What a process configured by `logs` writes; pytest's own handlers come back afterwards."""
    root, access = logging.getLogger(), logging.getLogger("uvicorn.access")
    handlers, level, propagate = root.handlers[:], root.level, access.propagate
    root.handlers = []
    written = io.StringIO()
    logs.configure("INFO", written)
    yield written
    root.handlers, root.level = handlers, level
    access.propagate, access.disabled = propagate, False


def line(stream: io.StringIO) -> dict[str, Any]:
    """The only line written."""
    read: dict[str, Any] = json.loads(stream.getvalue())
    return read


def test_an_event_is_one_json_line_with_its_facts(stream: io.StringIO) -> None:
    logging.getLogger("keneya.sms").info("sms_sent", extra={"template": "receipt", "attempts": 2})
    read = line(stream)
    assert (read["event"], read["logger"], read["level"]) == ("sms_sent", "keneya.sms", "INFO")
    assert next(iter(read)) == "at", "lines are read by their time"
    assert (read["template"], read["attempts"]) == ("receipt", 2)
    assert read["at"].endswith("+00:00")


@pytest.mark.parametrize(
    "extra",
    [
        {"phone": PHONE},
        {"facts": {"to": [PHONE, "x"]}},
        {"facts": {PHONE: 1}},
        {"url": "/simulator/sms?to=%2B22370000001"},
        {"fault": ValueError(PHONE)},
    ],
)
def test_a_forgotten_phone_number_is_masked_in_the_extra_fields(
    stream: io.StringIO, extra: dict[str, object]
) -> None:
    logging.getLogger("keneya.sms").warning("odd", extra=extra)
    assert "70000001" not in stream.getvalue()
    assert MASKED in stream.getvalue()


def test_it_is_masked_in_message_arguments_and_traceback(stream: io.StringIO) -> None:
    try:
        raise ValueError(f"no household of {PHONE}")
    except ValueError:
        logging.getLogger("keneya.x").exception("call from %s failed", PHONE)
    assert "70000001" not in stream.getvalue()
    assert line(stream)["event"] == f"call from {MASKED} failed"
    assert "Traceback" in line(stream)["exc_info"]


def test_amounts_and_dates_are_left_alone(stream: io.StringIO) -> None:
    logging.getLogger("keneya.x").info(
        "paid", extra={"amount_minor": 6000, "at": "2026-11-22T00:00:00+00:00"}
    )
    assert line(stream)["amount_minor"] == 6000


def test_the_access_log_which_would_hold_the_webhook_secret_is_off(stream: io.StringIO) -> None:
    logging.getLogger("uvicorn.access").error("POST /at/secret/ussd")
    assert stream.getvalue() == ""


def test_uvicorn_itself_speaks_json_too(stream: io.StringIO) -> None:
    logging.getLogger("uvicorn.error").error("Exception in ASGI application")
    assert line(stream)["event"] == "Exception in ASGI application"


class FullDisk(io.StringIO):
    """A file that takes nothing while it is full."""

    full = False

    def write(self, words: str) -> int:
        if self.full:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(words)


def test_what_a_full_disk_loses_is_said_on_standard_error_and_counted(
    stream: io.StringIO, capfd: pytest.CaptureFixture[str]
) -> None:
    disk = FullDisk()
    logs.configure("INFO", disk)
    before, log = logs.LosingHandler.lost, logging.getLogger("keneya.test")
    disk.full = True
    for _nth in range(3):
        log.info("lost")
    assert capfd.readouterr().err.splitlines() == ["the log cannot be written: No space left on device"]
    disk.full = False
    log.info("kept")
    written = [json.loads(one) for one in disk.getvalue().splitlines()]
    assert [(one["event"], one.get("lines")) for one in written] == [("kept", None), ("logs.lost", 3)]
    assert logs.LosingHandler.lost - before == 3
