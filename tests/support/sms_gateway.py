"""A small server that answers as Africa's Talking does, as other providers of SMS do, and worse."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from sms.africastalking.sending import AfricasTalking
from tests.support.sms_people import AWA

ID = "ATXid_9a8b7c6d5e4f30211203f4e5d6c7b8a9"


def told(code: object, status: str, message_id: object = ID) -> str:
    recipient = {
        "cost": "XOF 15",
        "messageId": message_id,
        "number": AWA,
        "status": status,
        "statusCode": code,
    }
    return json.dumps(
        {"SMSMessageData": {"Message": "Sent to 1/1 Total Cost: XOF 15", "Recipients": [recipient]}}
    )


TAKEN = told(102, "Success")
BAD_SENDER = json.dumps({"SMSMessageData": {"Message": "InvalidSenderId", "Recipients": []}})


@dataclass
class Reply:
    """One HTTP answer; `hang_up` closes the connection instead, `wait_s` delays the answer."""

    body: str = TAKEN
    status: int = 201
    content_type: str = "application/json"
    wait_s: float = 0
    hang_up: bool = False
    location: str = ""


@dataclass
class Gateway:
    """Answers `replies` in turn, then accepts everything; stores the received forms and headers.

    A form is a query, a form's body or the body itself under "". `origin` has no path; `paths` are those asked for.
    """

    url: str = ""
    origin: str = ""
    paths: list[str] = field(default_factory=list)
    replies: list[Reply] = field(default_factory=list)
    forms: list[dict[str, str]] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)


@contextmanager
def listening() -> Iterator[Gateway]:
    known = Gateway()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.answer(dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True)))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            is_form = self.headers["content-type"].startswith("application/x-www-form-urlencoded")
            self.answer(dict(parse_qsl(body, keep_blank_values=True)) if is_form else {"": body})

        def answer(self, form: dict[str, str]) -> None:
            known.forms.append(form)
            known.paths.append(urlsplit(self.path).path)
            known.keys.append(self.headers["apiKey"] or self.headers["authorization"])
            reply = known.replies.pop(0) if known.replies else Reply()
            time.sleep(reply.wait_s)
            if reply.hang_up:
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            self.send_response(reply.status)
            self.send_header("content-type", reply.content_type)
            if reply.location:
                self.send_header("location", reply.location)
            self.send_header("content-length", str(len(reply.body.encode())))
            self.end_headers()
            self.wfile.write(reply.body.encode())

        def log_message(self, *arguments: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, *arguments: Any) -> None:
            pass  # the client left before a late answer

    with Server(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
        known.origin = f"http://127.0.0.1:{server.server_port}"
        known.url = f"{known.origin}/version1"
        yield known
        server.shutdown()


def account(gateway: Gateway, sender_id: str | None = None) -> AfricasTalking:
    return AfricasTalking("demo", "the-key", gateway.url, sender_id)
