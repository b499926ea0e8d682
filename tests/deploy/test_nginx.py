"""nginx as it is shipped, before stand-ins of web: what passes, what is said when nobody answers, what is logged."""

import asyncio
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from engines import processes
from engines.run import HOME
from locales import DEFAULT_LANGUAGE, render
from tests.conftest import open_folder
from tests.support.launching import wait_until
from tests.support.programs import found, needs
from tests.support.servers import SECRET, Service, con
from tests.support.servers import listening as standing_in
from torture.listening import listening
from ussd import calls

SHIPPED = HOME / "deploy" / "nginx"
NAME = "keneya.example.org"
PHONE = "22370000002"
SETTINGS = """
daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/start.log; {user}
events {{ worker_connections 64; }}
http {{
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    include {folder}/keneya.conf;
}}
"""
pytestmark = needs("nginx", "nginx-light")


@pytest.fixture(scope="module")
def certificate() -> bytes:
    """A key, and a certificate that it has signed itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)]), datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    formats = (serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return signed.public_bytes(serialization.Encoding.PEM) + key.private_bytes(
        serialization.Encoding.PEM, *formats
    )


@pytest.fixture
def folder() -> Iterator[Path]:
    made = open_folder("keneya-nginx-")
    yield made
    shutil.rmtree(made)


@contextmanager
def nginx(folder: Path, certificate: bytes, *webs: int, **lists: str) -> Iterator[int]:
    """nginx with the shipped files, before these ports; yields its own. `lists`: other addresses than the shipped."""
    port, config = processes.free_port(), (SHIPPED / "keneya.conf").read_text()
    for before, after in (
        ("listen 443 ssl;", f"listen 127.0.0.1:{port} ssl;"),
        ("listen [::]:443 ssl;", ""),
        ("/etc/nginx/keneya", str(folder)),
        ("/var/log/nginx", str(folder)),
        ("127.0.0.1:8001", f"127.0.0.1:{webs[0]}"),
        ("127.0.0.1:8002", f"127.0.0.1:{webs[-1]}"),
    ):
        assert before in config, before
        config = config.replace(before, after)
    (folder / "keneya.conf").write_text(config)
    for name in ("fullchain.pem", "privkey.pem"):
        (folder / name).write_bytes(certificate)
    for shipped in (SHIPPED / "keneya").iterdir():
        (folder / shipped.name).write_text(lists.get(shipped.stem, shipped.read_text()))
    user = "user root;" if processes.OURSELVES.uid == 0 else ""
    (folder / "nginx.conf").write_text(SETTINGS.format(folder=folder, user=user))
    command = [str(found("nginx")), "-c", str(folder / "nginx.conf"), "-e", str(folder / "start.log")]
    tested = subprocess.run([*command, "-t"], capture_output=True, text=True, check=False)
    assert tested.returncode == 0, tested.stderr
    assert "warn" not in tested.stderr, tested.stderr
    (folder / "nginx.pid").write_text("")  # the trial has written one
    server = processes.start(command, output=subprocess.DEVNULL)
    try:
        wait_until(lambda: server.poll() is None and bool((folder / "nginx.pid").read_text()))
        yield port
    finally:
        server.terminate()
        server.wait(20)


@asynccontextmanager
async def caller(port: int, certificate: bytes) -> AsyncIterator[httpx.AsyncClient]:
    """A gateway that believes this certificate only, whatever address it is sent to."""
    trusting = ssl.create_default_context(cadata=certificate.partition(b"-----BEGIN PRIVATE")[0].decode())
    trusting.check_hostname = False
    base = f"https://127.0.0.1:{port}"
    async with httpx.AsyncClient(base_url=base, verify=trusting, trust_env=False, timeout=20) as http:
        yield http


async def dial(http: httpx.AsyncClient, **headers: str) -> httpx.Response:
    form = {"phoneNumber": f"+{PHONE}", "sessionId": "ATUid_1", "serviceCode": "*384*57#", "text": ""}
    return await http.post(f"/at/{SECRET}/ussd", data=form, headers=headers)


def written(folder: Path) -> str:
    """All that nginx wrote anywhere, but its settings."""
    own = {"keneya.conf", "nginx.conf", "fullchain.pem", "privkey.pem", "gateways.conf", "operators.conf"}
    files = [file for file in folder.rglob("*") if file.is_file() and file.name not in own]
    return "".join(file.read_text(errors="replace") for file in files)


def port_of(web: Service) -> int:
    return int(web.url.rpartition(":")[2])


async def test_a_call_passes_with_its_header_and_no_log_has_a_secret_or_a_phone(
    folder: Path, certificate: bytes
) -> None:
    async with standing_in() as web:
        web.screen = lambda _form: con("bonjour", **{"at-ussd-hop-metadata": "from web"})
        with nginx(folder, certificate, port_of(web)) as port:
            async with caller(port, certificate) as http:
                answer = await dial(http, **{"at-ussd-hop-metadata": "to web"})
                assert (answer.status_code, answer.text) == (200, "CON bonjour")
                assert answer.headers["at-ussd-hop-metadata"] == "from web"
                for path in ("sms", "delivery", "optout", "ussd/ended"):
                    assert (await http.post(f"/at/{SECRET}/{path}", data={"from": PHONE})).status_code == 200
                for path in (
                    f"/ussd/hubtel/{SECRET}?msisdn={PHONE}",
                    f"/sms/kannel/{SECRET}/in?from={PHONE}",
                ):
                    assert (await http.get(path)).status_code == 200
                assert (await http.put(f"/money/mtn/{SECRET}", content=b"{}")).status_code == 200
                for path in ("/", "/health/live", "/health/ready", "/metrics", "/phone", "/simulator/sms"):
                    assert (await http.get(path)).status_code == 404, path
    (first,) = web.to("/ussd")
    assert first.headers["at-ussd-hop-metadata"] == "to web"
    assert first.headers["x-forwarded-for"] == "127.0.0.1"
    assert [
        heard.path for heard in web.heard if heard.path.startswith(("/health", "/metrics", "/phone"))
    ] == []
    logged = written(folder)
    assert SECRET not in logged
    assert PHONE not in logged
    for kind in (
        "/at/*/ussd",
        "/at/*/ussd/ended",
        "/at/*/delivery",
        "/ussd/hubtel/*",
        "/sms/kannel/*/in",
        "/money/mtn/*",
    ):
        assert f'"path": "{kind}"' in logged, kind
    assert '"path": "other"' in logged


async def test_without_web_a_caller_reads_a_sentence_and_a_sender_tries_again(
    folder: Path, certificate: bytes
) -> None:
    with nginx(folder, certificate, processes.free_port(), processes.free_port()) as port:
        async with caller(port, certificate) as http:
            answer = await dial(http)
            assert (answer.status_code, answer.headers["content-type"]) == (200, "text/plain; charset=utf-8")
            assert answer.text == f"END {render(calls.DOWN, DEFAULT_LANGUAGE)}"
            for path in (f"/at/{SECRET}/sms", f"/at/{SECRET}/delivery", f"/money/mtn/{SECRET}"):
                assert (await http.post(path, data={"from": PHONE})).status_code == 503, path
            assert (await http.post(f"/money/mtn/{SECRET}", content=bytes(70_000))).status_code == 413
    assert SECRET not in written(folder)


async def test_a_hop_whose_web_process_dies_is_answered_by_the_other(
    folder: Path, certificate: bytes
) -> None:
    cut = 0

    async def dies(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal cut
        await reader.readuntil(b"\r\n\r\n")
        cut += 1
        writer.transport.abort()

    async with listening(dies) as dying, standing_in() as web:
        with nginx(folder, certificate, dying, port_of(web)) as port:
            async with caller(port, certificate) as http:
                answers = [(await dial(http)).text for _call in range(4)]
    assert answers == ["CON vous: "] * 4
    assert cut >= 1
    assert len(web.to("/ussd")) == 4


async def test_an_address_that_is_on_no_list_is_turned_away(folder: Path, certificate: bytes) -> None:
    only = "allow 192.0.2.10; deny all;"
    async with standing_in() as web:
        with nginx(folder, certificate, port_of(web), gateways=only) as port:
            async with caller(port, certificate) as http:
                assert (await dial(http)).status_code == 403
                for path in (f"/at/{SECRET}/sms", f"/ussd/hubtel/{SECRET}", f"/sms/kannel/{SECRET}/in"):
                    assert (await http.post(path)).status_code == 403, path
                assert (await http.post(f"/money/mtn/{SECRET}")).status_code == 200
    assert [heard.path for heard in web.heard] == [f"/money/mtn/{SECRET}"]
    assert SECRET not in written(folder)


async def test_one_cut_connection_while_the_other_web_is_restarted_leaves_somebody_to_answer(
    folder: Path, certificate: bytes
) -> None:
    cuts = [True]

    async def web(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        if not cuts:
            writer.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 11\r\n\r\nCON bonjour")
            await writer.drain()
        cuts.clear()

    async with listening(web) as living:
        with nginx(folder, certificate, living, processes.free_port()) as port:
            async with caller(port, certificate) as http:
                answers = [(await dial(http)).text for _call in range(3)]
    assert answers[1:] == ["CON bonjour"] * 2
