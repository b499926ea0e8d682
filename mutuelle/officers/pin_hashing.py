"""Hashing of PINs with argon2id, in one thread of low priority: calls go on while PINs are checked.

No PIN leaves here, and a hash only to be sealed; with a full queue the caller is asked to try again.
"""

import asyncio
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

from locales import _
from talk.trouble import RefusedError

T = TypeVar("T")

MEMORY_KIB, PASSES, LANES = (
    19_456,
    2,
    1,
)  # OWASP's minimum: a slower hash protects no PIN of five digits
MOST_WAITING = 20  # half a second of work: later callers are asked to try again
LOWER_PRIORITY = 10
BUSY = _("Too many people at once. Nothing was done. Please dial again in a minute.")

_hasher = PasswordHasher(time_cost=PASSES, memory_cost=MEMORY_KIB, parallelism=LANES)
_waiting = 0


def _step_back() -> None:
    """Lower this thread's priority below the one that answers calls, where threads have their own priority."""
    if hasattr(os, "setpriority") and os.uname().sysname == "Linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), LOWER_PRIORITY)


_thread = ThreadPoolExecutor(1, thread_name_prefix="pins", initializer=_step_back)


async def hash_pin(pin: str) -> bytes:
    """The argon2id hash of `pin` in its own notation; RefusedError where too many wait."""
    return (await _aside(lambda: _hasher.hash(pin))).encode()


async def pin_matches(hashed: bytes, pin: str) -> bool:
    """Whether `hashed` is of `pin`; RefusedError where too many wait. Any other error is raised, never a yes."""
    return await _aside(lambda: _matches(hashed.decode(), pin))


def _matches(hashed: str, pin: str) -> bool:
    try:
        return _hasher.verify(hashed, pin)
    except VerifyMismatchError:
        return False


async def _aside(work: Callable[[], T]) -> T:
    global _waiting
    if _waiting >= MOST_WAITING:
        raise RefusedError(BUSY)
    _waiting += 1
    try:
        return await asyncio.get_running_loop().run_in_executor(_thread, work)
    finally:
        _waiting -= 1
