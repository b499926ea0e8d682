"""Debian's Kannel as processes of a test: a bearerbox that is bound to an SMS centre, and a smsbox that we send by.

Its configuration is the one of docs/sms-providers.md, with ports and folders of the test.
"""

import shutil
import signal
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from engines import processes
from tests.support.patience import until
from tests.support.sms_centre import SmsCentre

BEARERBOX, SMSBOX = (shutil.which(name, path="/usr/sbin:/usr/bin") for name in ("bearerbox", "smsbox"))
KANNEL = [
    pytest.mark.kannel,
    pytest.mark.skipif(
        BEARERBOX is None or SMSBOX is None, reason="KANNEL IS ABSENT (apt-get install kannel)"
    ),
]
USERNAME, PASSWORD = "keneya", "hush-hush-kannel"

CONFIGURATION = """
group = core
admin-port = {admin}
admin-password = {password}
admin-allow-ip = "127.0.0.1"
admin-deny-ip = "*.*.*.*"
smsbox-port = {boxes}
box-allow-ip = "127.0.0.1"
box-deny-ip = "*.*.*.*"
store-type = file
store-file = "{folder}/kannel.store"
dlr-storage = internal
sms-combine-concatenated-mo = {combines}
log-file = "{folder}/bearerbox.log"
log-level = 1

group = smsc
smsc = smpp
smsc-id = operator
host = 127.0.0.1
port = {centre}
transceiver-mode = true
smsc-username = keneya
smsc-password = hush
system-type = ""
reconnect-delay = 1
enquire-link-interval = 10

group = smsbox
bearerbox-host = 127.0.0.1
sendsms-port = {sendsms}
global-sender = 38457
http-request-retry = 100
http-queue-delay = 1
mo-recode = true
log-file = "{folder}/smsbox.log"
log-level = 1

group = sendsms-user
username = {username}
password = {password}
max-messages = 5
concatenation = true

group = sms-service
keyword = default
catch-all = true
omit-empty = true
max-messages = 0
get-url = "{service}/in?id=%I&from=%p&to=%P&text=%b&udh=%u"
"""


@dataclass
class KannelBoxes:
    """The two running boxes; `url` is where SMS are handed over."""

    folder: Path
    url: str
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, box: str) -> None:
        """Start `bearerbox` or `smsbox`."""
        program = BEARERBOX if box == "bearerbox" else SMSBOX
        assert program is not None
        output = (self.folder / f"{box}.out").open("ab")
        self.running[box] = subprocess.Popen(
            [program, "-v", "4", str(self.folder / "kannel.conf")],
            stdout=output,
            stderr=output,
            cwd=self.folder,
        )
        output.close()

    async def start_smsbox(self) -> None:
        """Start the smsbox; returns once it takes messages."""
        self.start("smsbox")
        await until(self._listens)

    def _listens(self) -> bool:
        port = int(self.url.split(":")[2].split("/")[0])
        return any(
            line.split()[1].endswith(f":{port:04X}") and line.split()[3] == "0A"
            for table in ("/proc/net/tcp", "/proc/net/tcp6")
            for line in Path(table).read_text().splitlines()[1:]
        )

    def kill(self, box: str, number: int = signal.SIGKILL) -> None:
        self.running[box].send_signal(number)
        self.running[box].wait(timeout=60)


def _configure(folder: Path, centre: SmsCentre, service: str, sendsms: int, combines: str) -> None:
    folder.mkdir()
    ports = {"admin": processes.free_port(), "boxes": processes.free_port()}
    ports |= {"centre": centre.port, "sendsms": sendsms}
    words = {"folder": folder, "service": service, "username": USERNAME, "password": PASSWORD}
    words["combines"] = combines
    (folder / "kannel.conf").write_text(CONFIGURATION.format(**ports, **words))


@asynccontextmanager
async def kannel(
    folder: Path, centre: SmsCentre, service: str, sendsms: int, *, combines: str = "true"
) -> AsyncIterator[KannelBoxes]:
    """The boxes, bound to `centre`; SMS of phones go to `service`, SMS to phones are taken at the port `sendsms`.

    `combines`: "false" brings the parts of a long SMS one by one, as those that are not complete in time.
    """
    _configure(folder, centre, service, sendsms, combines)
    boxes = KannelBoxes(folder, f"http://127.0.0.1:{sendsms}/cgi-bin/sendsms")
    try:
        boxes.start("bearerbox")
        await until(lambda: centre.is_bound)
        await boxes.start_smsbox()
        yield boxes
    finally:
        for process in boxes.running.values():
            if process.poll() is None:
                process.kill()
                process.wait()
