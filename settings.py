"""One frozen `Settings`, read once from the environment and handed down as values.

All faults are reported together, so that they need not be found one by one.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from asyncpg.exceptions import PostgresError
from sqlalchemy import URL, make_url, text
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from mobilemoney.credentials import Credentials, read_accounts
from service import redis_server
from service.database import connect_args
from sms.provider import SmsAdapter
from sms.routes import SmsSettings, read_sms_settings
from ussd.access import CODE, HEADER_NAME, USER, GatewayAccess, basic, networks
from ussd.gateways import described_names
from ussd.gateways.described import gateway

DEMO_SECRET = "-".join(["demo"] * 7)  # public: it is in the contract
DEMO_CODE = "*384*57#"
OF_A_GATEWAY = ("SECRET", "BASIC", "HEADER", "ADDRESSES", "CODE")  # USSD_PLAIN_SECRET and so on
SECRET_LENGTH_MIN = 32
SECRETS_MAX = 2  # the old one and the new one, during rotation
DISTINCT_MIN = (
    10  # characters of a secret: of 32 drawn ones, even hexadecimal, there are practically always more
)
OR_TRUSTED = "(or TRUSTED_NETWORK=1, where no stranger can stand between)"
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
AT_URLS = (
    "https://api.africastalking.com/version1",
    "https://api.sandbox.africastalking.com/version1",
)

TABLES_OWNED = text(
    "select count(*) from pg_class c join pg_namespace n on n.oid = c.relnamespace"
    " where c.relkind in ('r', 'p') and n.nspname not like 'pg\\_%' and n.nspname <> 'information_schema'"
    " and pg_has_role(current_user, c.relowner, 'member')"
)
IS_SUPERUSER = text("select rolsuper from pg_roles where rolname = current_user")


class SettingsError(Exception):
    """The environment is wrong: `faults` has one line for each fault; the caller prints them and exits with 2."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


class NoDatabaseError(Exception):
    """No database answers at DATABASE_URL, or it refuses the login; the caller prints the line and exits with 1."""


@dataclass(frozen=True)
class Settings:
    """All settings of the service. Its repr shows no secret."""

    database_url: str = field(repr=False)
    redis_url: str = field(repr=False)
    webhook_secrets: tuple[str, ...] = field(repr=False)
    seal_keys: tuple[str, ...] = field(repr=False)  # for PINs and codes
    ussd_gateways: tuple[GatewayAccess, ...]  # beside Africa's Talking
    migrate_database_url: str | None = field(repr=False)
    host: str
    port: int
    metrics_host: str
    metrics_port: int  # 0: metrics are on web's own port, for this machine only
    public_url: str  # the address to which gateways and operators post; no slash at the end
    operator_secrets: Mapping[str, Mapping[str, Mapping[str, str]]] = field(repr=False)
    sms: SmsSettings  # accounts at providers, and which of them sends where
    simulator: bool
    simulator_url: str | None  # the address of the simulator's process; None without it
    time_scale: float  # divides every wait
    strangers_an_hour: int  # SMS answers to strangers of one country; 0: none is answered
    log_level: str
    postgres_bin: Path | None
    redis_bin: Path | None

    def report_url(self, provider: SmsAdapter) -> str:
        """The address to which a provider on the net, or one on this machine (`callback_url`), sends its reports."""
        base = self.sms.accounts[provider.NAME].get("callback_url") or self.public_url
        return base.rstrip("/") + provider.REPORT_PATH.format(secret=self.webhook_secrets[0])

    @property
    def credentials(self) -> Credentials:
        """Of mobile money operators' accounts."""
        return Credentials(self.operator_secrets, self.simulator_url)


def read(environ: Mapping[str, str]) -> Settings:
    """The settings in `environ`; SettingsError with all faults."""
    reader = _Reader(environ)
    simulator = reader.flag("SIMULATOR")
    host, port = reader.text("HOST", "127.0.0.1"), reader.number("PORT", 8000, most=65535)
    simulator_url = reader.simulator_url(simulator)
    at = reader.africas_talking(simulator=simulator)
    webhook_secrets, seal_keys = reader.webhook_secrets_and_seal_keys(simulator=simulator)
    trusted = reader.flag("TRUSTED_NETWORK") or simulator
    settings = Settings(
        database_url=reader.database("DATABASE_URL", trusted=trusted) or "",
        migrate_database_url=reader.database("MIGRATE_DATABASE_URL", trusted=trusted, required=False),
        redis_url=reader.redis("REDIS_URL", trusted=trusted),
        webhook_secrets=webhook_secrets,
        seal_keys=seal_keys,
        ussd_gateways=reader.gateways(webhook_secrets, seal_keys, simulator=simulator),
        host=host,
        port=port,
        metrics_host=reader.text("METRICS_HOST", "127.0.0.1"),
        metrics_port=reader.number("METRICS_PORT", 0, most=65535),
        public_url=reader.url("PUBLIC_URL", ("http", "https"), local_url(host, port)),
        operator_secrets=reader.operator_secrets("OPERATOR_SECRETS"),
        sms=reader.sms_settings("SMS_PROVIDERS", at, simulator_url),
        simulator=simulator,
        simulator_url=simulator_url,
        time_scale=reader.time_scale("TIME_SCALE", allowed=simulator),
        strangers_an_hour=reader.number("STRANGERS_AN_HOUR", 100, most=1_000_000),
        log_level=reader.log_level("LOG_LEVEL"),
        postgres_bin=reader.path("POSTGRES_BIN"),
        redis_bin=reader.path("REDIS_BIN"),
    )
    if reader.faults:
        raise SettingsError(reader.faults)
    return settings


def read_keyring(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Only the keys of PINs and codes, for a command; SettingsError as in `read`."""
    reader = _Reader(environ)
    simulator = reader.flag("SIMULATOR")
    keys = reader.secrets("SEAL_KEY", simulator=simulator, default="" if simulator else None)
    if simulator and not keys:
        keys = reader.secrets("WEBHOOK_SECRET", simulator=simulator)
    if reader.faults:
        raise SettingsError(reader.faults)
    return keys


def read_credentials(environ: Mapping[str, str]) -> Credentials:
    """Only the credentials of operators' accounts, for a command; SettingsError as in `read`."""
    reader = _Reader(environ)
    simulator_url = reader.simulator_url(reader.flag("SIMULATOR"))
    found = Credentials(reader.operator_secrets("OPERATOR_SECRETS"), simulator_url)
    if reader.faults:
        raise SettingsError(reader.faults)
    return found


def read_public_url(environ: Mapping[str, str]) -> str:
    """Only the address to which operators post, for a command; SettingsError as in `read`."""
    reader = _Reader(environ)
    own = local_url(reader.text("HOST", "127.0.0.1"), reader.number("PORT", 8000, most=65535))
    found = reader.url("PUBLIC_URL", ("http", "https"), own)
    if reader.faults:
        raise SettingsError(reader.faults)
    return found


def read_gateways(environ: Mapping[str, str]) -> tuple[str, tuple[GatewayAccess, ...]]:
    """Only where web answers on this machine, and every USSD gateway, for a command; SettingsError as in `read`."""
    reader = _Reader(environ)
    simulator = reader.flag("SIMULATOR")
    secrets, seal_keys = reader.webhook_secrets_and_seal_keys(simulator=simulator)
    own = local_url(reader.text("HOST", "127.0.0.1"), reader.number("PORT", 8000, most=65535))
    found = (
        GatewayAccess("africastalking", secrets=secrets),
        *reader.gateways(secrets, seal_keys, simulator=simulator),
    )
    if reader.faults:
        raise SettingsError(reader.faults)
    return own, found


def local_url(host: str, port: int | str) -> str:
    """The address of our web server for clients on this machine."""
    try:
        address = ip_address(host)
    except ValueError:
        return f"http://{host}:{port}"
    if address.is_unspecified:  # listens on every address, so on the loopback too
        host = "127.0.0.1" if address.version == 4 else "::1"
    return f"http://[{host}]:{port}" if address.version == 6 else f"http://{host}:{port}"


def database_url(value: str) -> str:
    """`value` as the driver's URL: postgresql+asyncpg://…; ValueError, with a sentence, if it is not one.

    Several hosts, with commas between as libpq writes them, are a primary and its standbys: the one that takes writes.
    """
    single, hosts = _first_host(value)
    try:
        url = make_url(single)
    except (ArgumentError, ValueError):
        raise ValueError("is not a URL") from None
    if url.drivername not in ("postgres", "postgresql", "postgresql+asyncpg"):
        raise ValueError("must begin with postgresql://")
    if not url.host or not url.database:
        raise ValueError("must name a host and a database")
    if "sslrootcert" in url.query:
        raise ValueError("cannot name sslrootcert; set PGSSLROOTCERT to the file of certificates")
    if mode := url.query.get("sslmode"):  # libpq's name; our driver's is `ssl`
        url = url.difference_update_query(["sslmode"]).update_query_dict({"ssl": mode})
    if len(hosts) > 1:
        if not all(re.fullmatch(r"[\w.-]+:\d{1,5}", host) for host in hosts):
            raise ValueError("must name each of its hosts as HOST or HOST:PORT")
        url = url._replace(host=None, port=None).update_query_dict({"host": hosts})
        url = url.update_query_dict(
            {"target_session_attrs": url.query.get("target_session_attrs", "read-write")}
        )
    return url.set(drivername="postgresql+asyncpg").render_as_string(hide_password=False)


def _first_host(value: str) -> tuple[str, list[str]]:
    """`value` with the first of its hosts only, and all of them as HOST:PORT."""
    found = re.fullmatch(r"(\w[\w+]*://(?:[^/?@]*@)?)([^/?@]*)([/?].*)?", value)
    if not found or "," not in found[2]:
        return value, []
    hosts = [host if ":" in host else f"{host}:5432" for host in found[2].split(",")]
    return f"{found[1]}{hosts[0]}{found[3] or ''}", hosts


def hosts_of(url: URL) -> list[tuple[str, int]]:
    """The hosts of a database's URL, each with its port."""
    named = url.query.get("host") or ()
    if isinstance(named, str) or not named:
        return [(str(named or url.host), url.port or 5432)]
    return [(host.rpartition(":")[0], int(host.rpartition(":")[2])) for host in named]


def is_this_machine(host: str) -> bool:
    """Whether `host` is a loopback address or a socket's directory: no network lies between."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.startswith("/")


def _is_safe(url: URL) -> bool:
    """Whether no other server can pose as this database server: verified TLS, or on this machine."""
    # A socket's directory is in the query and takes precedence over the URL's host.
    return url.query.get("ssl") == "verify-full" or all(
        is_this_machine(host) for host, _port in hosts_of(url)
    )


async def refuse_owner(service_url: str) -> None:
    """SettingsError if the role of `service_url` could change the tables: web and worker must not.

    The first query of a process: NoDatabaseError if no database answers.
    """
    engine = create_async_engine(service_url, poolclass=NullPool, connect_args=connect_args())
    try:
        async with engine.connect() as db:
            superuser = await db.scalar(IS_SUPERUSER)
            owned = await db.scalar(TABLES_OWNED)
    except (OSError, PostgresError, SQLAlchemyError) as fault:
        words = str(fault).splitlines() or [type(fault).__name__]
        raise NoDatabaseError(f"cannot reach the database: {words[0]}") from None
    finally:
        await engine.dispose()
    if superuser:
        raise SettingsError(["DATABASE_URL: connects as a superuser; give the service a role of its own"])
    if owned:
        raise SettingsError([f"DATABASE_URL: its role owns {owned} tables; only migrations may be the owner"])


def _variable(gateway: str, kind: str) -> str:
    return f"USSD_{gateway.upper().replace('-', '_')}_{kind}"


def _complaint_of_secrets(values: tuple[str, ...], *, simulator: bool) -> str | None:
    """The first fault of the secrets; with the simulator they may be the public ones."""
    if len(values) > SECRETS_MAX:
        return f"has {len(values)} values, at most {SECRETS_MAX} are allowed"
    if any(len(value) < SECRET_LENGTH_MIN for value in values):
        return f"each value needs {SECRET_LENGTH_MIN} characters or more"
    if not all(re.fullmatch(r"[A-Za-z0-9._~-]*", value) for value in values):
        return "only letters, digits and . _ ~ - fit into a path"
    if simulator:
        return None
    if DEMO_SECRET in values:
        return "the demonstration's secret is known to everybody: only with SIMULATOR=1"
    if any(len(set(value)) < DISTINCT_MIN for value in values):
        return f"has fewer than {DISTINCT_MIN} different characters: draw one, do not type one"
    return None


class _Reader:
    """Reads variables one by one and collects their faults."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self.faults: list[str] = []

    def text(self, name: str, default: str | None = None) -> str:
        value = self._environ.get(name, "").strip()
        if not value and default is None:
            self._fault(name, "is missing")
        return value or default or ""

    def flag(self, name: str) -> bool:
        value = self.text(name, "0")
        if value not in ("0", "1"):
            self._fault(name, "must be 1 or 0")
        return value == "1"

    def number(self, name: str, default: int, *, most: int) -> int:
        value = self.text(name, str(default))
        if not re.fullmatch(r"[0-9]{1,9}", value) or int(value) > most:
            self._fault(name, f"must be a number from 0 to {most}")
            return default
        return int(value)

    def path(self, name: str) -> Path | None:
        value = self.text(name, "")
        if value and not Path(value).exists():
            self._fault(name, f"{value} does not exist")
        return Path(value) if value else None

    def operator_secrets(self, name: str) -> Mapping[str, Mapping[str, Mapping[str, str]]]:
        path = self.path(name)
        try:
            return read_accounts(path) if path and path.is_file() else {}
        except (OSError, ValueError) as fault:
            self._fault(name, str(fault) if isinstance(fault, ValueError) else "cannot be read")
            return {}

    def africas_talking(self, *, simulator: bool) -> dict[str, str]:
        """The account at Africa's Talking; none where a file names other providers, and no user of it."""
        others = self.text("SMS_PROVIDERS", "")
        username = self.text("AT_USERNAME", "" if others else None)
        key = self.text("AT_API_KEY", "" if others and not username else None)
        url = self.sms_url("AT_SMS_URL", AT_URLS[username == "sandbox"], any_host=simulator)
        sender_id = self.text("AT_SENDER_ID", "")
        account = {"username": username, "api_key": key, "url": url, "sender_id": sender_id}
        return account if username else {}

    def sms_settings(self, name: str, at: Mapping[str, str], simulator_url: str | None) -> SmsSettings:
        path = self.path(name)
        own = {"africastalking": at}
        try:
            read = read_sms_settings(path if path and path.is_file() else None, own, simulator_url)
        except (OSError, ValueError) as fault:
            self._fault(name, str(fault) if isinstance(fault, ValueError) else "cannot be read")
            return read_sms_settings(None, own, simulator_url)
        for complaint in read.faults:
            self._fault(name, complaint)
        return read

    def database(self, name: str, *, trusted: bool, required: bool = True) -> str | None:
        """`trusted`: the server need not prove who it is."""
        value = self.text(name, None if required else "")
        try:
            read = database_url(value) if value else None
        except ValueError as fault:
            self._fault(name, str(fault))
            return None
        if read and not trusted and not _is_safe(make_url(read)):
            self._fault(name, f"needs ?sslmode=verify-full for another machine {OR_TRUSTED}")
        return read

    def redis(self, name: str, *, trusted: bool) -> str:
        """`trusted`: the server need not prove who it is."""
        before = len(self.faults)
        if "+sentinel://" in self.text(name, ""):
            return self._sentinels(name, self.text(name), trusted=trusted)
        value = self.url(name, ("redis", "rediss"))
        if not value or trusted or len(self.faults) > before:
            return value
        parts = urlsplit(value)
        weakened = re.search(
            r"ssl_cert_reqs=(none|optional)|ssl_check_hostname=(false|0|no)", parts.query, re.I
        )
        if (parts.scheme == "redis" or weakened) and not is_this_machine(parts.hostname or ""):
            self._fault(name, f"needs rediss:// with a verified certificate for another machine {OR_TRUSTED}")
        return value

    def _sentinels(self, name: str, value: str, *, trusted: bool) -> str:
        try:
            sentinels = redis_server.sentinels_of(value)
        except ValueError as fault:
            self._fault(name, str(fault))
            return ""
        if not (trusted or sentinels.is_tls or all(is_this_machine(host) for host, _port in sentinels.hosts)):
            self._fault(name, f"needs rediss+sentinel:// for another machine {OR_TRUSTED}")
        return value

    def url(self, name: str, schemes: tuple[str, ...], default: str | None = None) -> str:
        value = self.text(name, default).rstrip("/")
        try:
            parts = urlsplit(value)
            usable = parts.scheme in schemes and bool(parts.hostname) and (parts.port or 0) >= 0
        except ValueError:
            usable = False
        if value and not usable:
            self._fault(name, f"must be a URL that begins with {schemes[0]}://")
        return value

    def simulator_url(self, simulator: bool) -> str | None:
        return self.url("SIMULATOR_URL", ("http",), "http://127.0.0.1:8001") if simulator else None

    def webhook_secrets_and_seal_keys(self, *, simulator: bool) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Real PINs need a key of their own: the webhooks' secret is in the URL that every gateway has."""
        secrets = self.secrets("WEBHOOK_SECRET", simulator=simulator)
        if simulator:
            return secrets, self.secrets("SEAL_KEY", simulator=True, default="") or secrets
        keys = self.secrets("SEAL_KEY", simulator=False)
        if set(keys) & set(secrets):
            self._fault("SEAL_KEY", "must not be a value of WEBHOOK_SECRET")
        return secrets, keys

    def secrets(self, name: str, *, simulator: bool, default: str | None = None) -> tuple[str, ...]:
        values = tuple(value.strip() for value in self.text(name, default).split(","))
        if values == ("",):
            return ()
        if complaint := _complaint_of_secrets(values, simulator=simulator):
            self._fault(name, complaint)
        return values

    def gateways(
        self, webhook_secrets: tuple[str, ...], seal_keys: tuple[str, ...], *, simulator: bool
    ) -> tuple[GatewayAccess, ...]:
        """Each gateway of USSD_GATEWAYS. With the simulator all that are described, with the webhooks' secret."""
        known = described_names()
        named = self.text("USSD_GATEWAYS", ",".join(known) if simulator else "").lower()
        names = list(dict.fromkeys(filter(None, (name.strip() for name in named.split(",")))))
        for name in [name for name in names if name not in known]:
            self._fault("USSD_GATEWAYS", f"there is no gateway {name!r}; there are {', '.join(known)}")
        names = [name for name in names if name in known]
        self._expect_on(known, names)
        found = [self.gateway(name, webhook_secrets, simulator=simulator) for name in names]
        taken = dict.fromkeys((*webhook_secrets, *seal_keys), "WEBHOOK_SECRET or SEAL_KEY")
        for one in () if simulator else found:
            for secret in one.secrets:
                if secret in taken:
                    self._fault(_variable(one.name, "SECRET"), f"must not be a value of {taken[secret]}")
                taken[secret] = _variable(one.name, "SECRET")
        return tuple(found)

    def _expect_on(self, known: list[str], names: list[str]) -> None:
        for name in (name for name in known if name not in names):
            for kind in (kind for kind in OF_A_GATEWAY if self.text(_variable(name, kind), "")):
                self._fault(_variable(name, kind), f"{name} is not in USSD_GATEWAYS")

    def gateway(self, name: str, webhook_secrets: tuple[str, ...], *, simulator: bool) -> GatewayAccess:
        secret, password, header, addresses, code = (_variable(name, kind) for kind in OF_A_GATEWAY)
        secrets = self.secrets(secret, simulator=simulator, default="")
        headers = self.passwords(password, simulator=simulator) | self.header(header, simulator=simulator)
        if not secrets and not headers and simulator:
            secrets = webhook_secrets
        if not (secrets or headers or self.text(password, "") or self.text(header, "")):
            self._fault(secret, f"is missing (or {password}, or {header})")
        dialled = self.text(code, DEMO_CODE if simulator else "")
        if dialled and not CODE.fullmatch(dialled):
            self._fault(code, f"must be a service code such as {DEMO_CODE}")
        try:
            gateway(name, dialled)
        except ValueError as fault:
            self._fault("USSD_GATEWAYS", str(fault))
        try:
            return GatewayAccess(name, dialled, secrets, headers, networks(self.text(addresses, "")))
        except ValueError as fault:
            self._fault(addresses, str(fault))
            return GatewayAccess(name)

    def passwords(self, name: str, *, simulator: bool) -> dict[str, tuple[str, ...]]:
        """`user:password`, two with a comma between while rotating, as the header in which it comes."""
        pairs = [one.strip().partition(":") for one in self.text(name, "").split(",") if one.strip()]
        if not all(USER.fullmatch(user) for user, _colon, _password in pairs):
            self._fault(name, "must be user:password, the user of letters, digits and . _ ~ -")
        elif complaint := pairs and _complaint_of_secrets(
            tuple(password for *_user, password in pairs), simulator=simulator
        ):
            self._fault(name, complaint)
        elif pairs:
            return {"authorization": tuple(basic(user, password) for user, _colon, password in pairs)}
        return {}

    def header(self, name: str, *, simulator: bool) -> dict[str, tuple[str, ...]]:
        """`Name: value`, two values with a comma between while rotating."""
        written = self.text(name, "")
        header, _colon, values = written.partition(":")
        secrets = tuple(value.strip() for value in values.split(","))
        if not written:
            return {}
        if not HEADER_NAME.fullmatch(header.strip()):
            self._fault(name, "must be a header, a colon and its value")
        elif complaint := _complaint_of_secrets(secrets, simulator=simulator):
            self._fault(name, complaint)
        else:
            return {header.strip().lower(): secrets}
        return {}

    def sms_url(self, name: str, default: str, *, any_host: bool) -> str:
        value = self.url(name, ("https", "http"), default)
        if not value.endswith("/version1"):
            self._fault(name, "must end in /version1")
        elif not any_host and value not in AT_URLS:
            self._fault(name, f"must be {' or '.join(AT_URLS)}; another one only with SIMULATOR=1")
        return value

    def time_scale(self, name: str, *, allowed: bool) -> float:
        try:
            value = float(self.text(name, "1"))
        except ValueError:
            value = 0
        if not math.isfinite(value) or value <= 0:
            self._fault(name, "must be a number above 0")
        elif value != 1 and not allowed:
            self._fault(name, "only with SIMULATOR=1")
        return value

    def log_level(self, name: str) -> str:
        value = self.text(name, "INFO").upper()
        if value not in LOG_LEVELS:
            self._fault(name, f"must be one of {', '.join(LOG_LEVELS)}")
        return value

    def _fault(self, name: str, complaint: str) -> None:
        self.faults.append(f"{name}: {complaint}")
