"""Child processes that never outlive us: each has its own session and gets a signal when we die.

Start them from the main thread only: the kernel sends that signal when the *thread* that started the
child ends.
"""

import contextlib
import ctypes
import os
import pwd
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

PR_SET_PDEATHSIG = 1
LOOPBACK = "127.0.0.1"

BACKOFF_S = 0.5  # doubled with each death in a row
BACKOFF_MAX_S = 30.0
STEADY_S = 60.0  # alive this long: the deaths before are forgotten
LOG_LINES_SHOWN = 8

_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


@dataclass(frozen=True)
class Identity:
    """Who a child runs as."""

    uid: int
    gid: int


OURSELVES = Identity(os.geteuid(), os.getegid())


def unprivileged() -> Identity:
    """The identity for servers that refuse to run as root; ourselves when we are not root."""
    if os.geteuid() != 0:
        return OURSELVES
    nobody = pwd.getpwnam("nobody")
    return Identity(nobody.pw_uid, nobody.pw_gid)


def plain_environment() -> dict[str, str]:
    """An environment for programs that must see none of our secrets and no PG… variable."""
    kept = ("PATH", "LD_LIBRARY_PATH", "TMPDIR")
    return {name: os.environ[name] for name in kept if name in os.environ} | {"LC_ALL": "C.UTF-8"}


def can_start(command: Sequence[str], identity: Identity) -> bool:
    """Whether `command` exits with 0 under `identity`, which may lack the right to reach the program."""
    try:
        child = start(command, identity=identity, output=subprocess.DEVNULL, directory=Path("/"))
    except (OSError, subprocess.SubprocessError):
        return False
    return child.wait() == 0


def start(
    command: Sequence[str],
    *,
    death_signal: signal.Signals = signal.SIGTERM,
    identity: Identity = OURSELVES,
    output: IO[bytes] | int | None = None,
    directory: Path | None = None,
    environment: Mapping[str, str] | None = None,
    keep_open: Sequence[int] = (),
    piped_input: bool = False,
) -> subprocess.Popen[bytes]:
    """Start `command` in a session of its own; it gets `death_signal` when we die, however we die.

    `output` takes both streams (None: ours); `keep_open` are descriptors that it inherits.
    Raises OSError or subprocess.SubprocessError when it cannot be started.
    """
    if threading.current_thread() is not threading.main_thread():
        raise RuntimeError("children are started from the main thread: they die with the thread")
    other = identity != OURSELVES
    return subprocess.Popen(
        list(command),
        stdin=subprocess.PIPE if piped_input else subprocess.DEVNULL,
        stdout=output,
        stderr=None if output is None else subprocess.STDOUT,
        cwd=directory,
        env=None if environment is None else dict(environment),
        pass_fds=tuple(keep_open),
        start_new_session=True,
        user=identity.uid if other else None,
        group=identity.gid if other else None,
        extra_groups=[] if other else None,
        preexec_fn=dying_with_us(death_signal),
    )


def dying_with_us(death_signal: signal.Signals = signal.SIGTERM) -> Callable[[], None]:
    """The `preexec_fn` of a child, which runs it before its program, after any change of user; main thread only."""
    parent = os.getpid()

    def prepare() -> None:
        if _libc is not None:
            _libc.prctl(PR_SET_PDEATHSIG, int(death_signal))  # last: a change of user would clear it
            if os.getppid() != parent:  # died before the line above
                os._exit(1)

    return prepare


def tell(child: subprocess.Popen[bytes], text: str) -> None:
    """Write `text` to the child's piped input and close it; a child that died meanwhile hears nothing."""
    if child.stdin is not None:
        with contextlib.suppress(BrokenPipeError), child.stdin as pipe:
            pipe.write(text.encode())


def stop(child: subprocess.Popen[bytes], first: signal.Signals, timeout_s: float) -> bool:
    """Ask `child` to end with `first`, kill it after `timeout_s`; True if it ended by itself."""
    if child.poll() is not None:
        return True
    child.send_signal(first)
    try:
        child.wait(timeout_s)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
        return False
    return True


def free_port() -> int:
    """A TCP port of the loopback address that nobody listens on now; it may be lost before it is used."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
    return port


@dataclass
class Service:
    """A child that is brought back when it dies, later and later if it keeps dying; its output is `log`."""

    name: str
    command: list[str]
    environment: dict[str, str]
    home: Path
    stop_timeout_s: float
    probe_url: str = ""  # answers 200 when it works; empty: it listens to nobody
    child: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    deaths: int = 0
    start_at: float = 0.0

    @property
    def log(self) -> Path:
        """Where its output goes."""
        return self.home / "var" / "log" / f"{self.name}.log"

    def start(self) -> None:
        """Start it now."""
        with self.log.open("ab") as log:
            self.child = start(self.command, output=log, directory=self.home, environment=self.environment)
        self.started_at = time.monotonic()

    def watch(self) -> str:
        """Bring it back if its time has come; what to tell a person about a death, or nothing."""
        now = time.monotonic()
        if self.child is None:
            if now >= self.start_at:
                self.start()
            return ""
        if (code := self.child.poll()) is None:
            return ""
        self.deaths = 1 if now - self.started_at > STEADY_S else self.deaths + 1
        wait_s = min(BACKOFF_S * 2 ** (self.deaths - 1), BACKOFF_MAX_S)
        self.child, self.start_at = None, now + wait_s
        return f"{self.name} ended with {code} and comes back in {wait_s:g} s; {self.last_words()}"

    def last_words(self) -> str:
        """The end of its log, for a person."""
        lines = self.log.read_text(errors="replace").splitlines()[-LOG_LINES_SHOWN:]
        return f"{self.log} ends with:\n" + "\n".join(f"    {line}" for line in lines)

    def stop(self) -> bool:
        """Stop it and wait; False if it had to be killed."""
        return self.child is None or stop(self.child, signal.SIGTERM, self.stop_timeout_s)
