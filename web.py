"""The web process: `python web.py`, configured by its environment; its routes are in `webhooks`."""

import os
import socket
import sys
from collections.abc import Mapping

import uvicorn

import settings
from service.http_limits import allow_descriptors
from settings import SettingsError

BACKLOG = 2048  # connections that may wait while the loop is busy
# Gateways and proxies usually close an idle connection after a minute. They should close first: a hop sent on a
# connection that we close at that moment is lost, and a gateway does not retry it.
KEEP_ALIVE_S = 75
DRAIN_S = 5


def bound(host: str, port: int) -> socket.socket:
    """A socket bound to this address; OSError that names the address if it cannot be bound.

    It listens only once the application is there (uvicorn calls `listen`): until then a hop is refused at once, and the
    front gives it to another web process. On a socket that listened already it would wait for our start.
    """
    own = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        own.setsockopt(
            socket.SOL_SOCKET, socket.SO_REUSEADDR, 1
        )  # as `socket.create_server`: a restart may follow
        if own.family == socket.AF_INET6:
            own.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        own.bind((host, port))
    except OSError as fault:
        own.close()
        raise OSError(fault.errno, f"{host}:{port} ({os.strerror(fault.errno or 0)})") from fault
    return own


def configuration() -> uvicorn.Config:
    """uvicorn's configuration, with the limits of `http_limits` in its protocol."""
    return uvicorn.Config(
        "webhooks:create_app",
        factory=True,
        loop="uvloop",
        http="service.http_limits:LimitedHttpTools",
        ws="none",
        access_log=False,  # its lines would hold webhook secrets
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=DRAIN_S,
        backlog=BACKLOG,
    )


def main(environ: Mapping[str, str] = os.environ) -> int:
    """Serve until SIGTERM or Ctrl-C; 2 if the environment is wrong, 1 if the address cannot be bound."""
    try:
        wanted = settings.read(environ)
        sockets = [bound(wanted.host, wanted.port)]
        if wanted.metrics_port:
            sockets.append(bound(wanted.metrics_host, wanted.metrics_port))
    except SettingsError as fault:
        sys.stderr.write(f"{fault}\n")
        return 2
    except OSError as fault:
        sys.stderr.write(f"cannot listen: {fault.strerror or fault}\n")
        return 1
    allow_descriptors()
    try:
        uvicorn.Server(configuration()).run(sockets)
    except KeyboardInterrupt:
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
