"""Ports of a test process's own: no other test process takes one between its being found free and its being used."""

import itertools
import os
import random
import socket
from collections.abc import Callable

from engines.processes import LOOPBACK

PORTS = range(12_000, 32_000)  # below those that a system gives to whoever asks for any


def own_ports() -> Callable[[], int]:
    """In place of `processes.free_port`: each worker of a run asks for others, and a run beside it starts elsewhere."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    share = PORTS[worker :: int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))]
    ports = itertools.islice(itertools.cycle(share), random.randrange(len(share)), None)
    return lambda: next(filter(_is_free, ports))


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True
