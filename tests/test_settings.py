"""Settings: every fault at once, each in a line that says what to do, and no secret in a repr."""

from pathlib import Path

import pytest
from sqlalchemy import make_url

import settings
from engines.embedded import Engines
from settings import DEMO_SECRET, SettingsError
from tests.conftest import Database

SECRET = "a-secret-of-the-tests-0123456789abcdef"
OTHER = "another-secret-of-the-tests-0123456789"
KEY = "a-seal-key-of-the-tests-0123456789abcdef"
LIVE = {
    "DATABASE_URL": "postgresql://service:hush@db/keneya?sslmode=verify-full",
    "REDIS_URL": "rediss://:hush@cache:6379/0",
    "WEBHOOK_SECRET": SECRET,
    "SEAL_KEY": KEY,
    "AT_USERNAME": "mutuelle",
    "AT_API_KEY": "hush",
}


def faults(**changes: str) -> list[str]:
    """What `read` complains about when these variables differ from a good environment."""
    try:
        settings.read(LIVE | changes)
    except SettingsError as fault:
        return fault.faults
    return []


def test_a_live_service_needs_six_variables_and_has_safe_defaults() -> None:
    read = settings.read(LIVE)
    assert (read.host, read.port, read.public_url) == ("127.0.0.1", 8000, "http://127.0.0.1:8000")
    assert (read.simulator, read.simulator_url, read.operator_secrets) == (False, None, {})
    assert read.sms.accounts == {
        "africastalking": {
            "username": "mutuelle",
            "api_key": "hush",
            "url": "https://api.africastalking.com/version1",
            "sender_id": "",
        }
    }
    assert read.sms.routes.of("+22370000001") == ("africastalking",)
    assert (read.time_scale, read.log_level) == (1, "INFO")
    assert read.database_url == "postgresql+asyncpg://service:hush@db/keneya?ssl=verify-full"
    assert (read.webhook_secrets, read.seal_keys) == ((SECRET,), (KEY,))
    assert read.migrate_database_url is None


def test_the_sandbox_account_sends_to_the_sandbox() -> None:
    read = settings.read(LIVE | {"AT_USERNAME": "sandbox"})
    assert read.sms.accounts["africastalking"]["url"] == "https://api.sandbox.africastalking.com/version1"


def test_the_simulator_has_an_address_of_its_own() -> None:
    read = settings.read(
        LIVE | {"SIMULATOR": "1", "SIMULATOR_URL": "http://127.0.0.1:9000/", "TIME_SCALE": "20"}
    )
    assert read.simulator_url == "http://127.0.0.1:9000"
    fields = read.credentials.of("SIK", "simulated-ML", "simulated")
    assert fields == {"url": "http://127.0.0.1:9000/simulator/operator"}
    assert read.time_scale == 20


def test_without_the_simulator_its_address_counts_for_nothing() -> None:
    assert settings.read(LIVE | {"SIMULATOR_URL": "http://127.0.0.1:9000"}).simulator_url is None


def test_all_faults_are_told_together() -> None:
    with pytest.raises(SettingsError) as raised:
        settings.read({"PORT": "eight", "SIMULATOR": "yes", "WEBHOOK_SECRET": "short"})
    named = [fault.partition(":")[0] for fault in raised.value.faults]
    assert sorted(named) == [
        "AT_API_KEY",
        "AT_USERNAME",
        "DATABASE_URL",
        "PORT",
        "REDIS_URL",
        "SEAL_KEY",
        "SIMULATOR",
        "WEBHOOK_SECRET",
    ]
    assert all("\n" not in fault for fault in raised.value.faults)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "mysql://service@db/keneya"),
        ("DATABASE_URL", "not a url"),
        ("DATABASE_URL", "postgresql://service@/keneya"),
        ("DATABASE_URL", "postgresql://service@db"),
        ("MIGRATE_DATABASE_URL", "sqlite:///keneya.db"),
        ("REDIS_URL", "http://cache"),
        ("REDIS_URL", "redis://"),
        ("PORT", "65536"),
        ("PORT", "-1"),
        ("STRANGERS_AN_HOUR", "many"),
        ("STRANGERS_AN_HOUR", "1000001"),
        ("PORT", "٨٠٠٠"),
        ("WEBHOOK_SECRET", "a" * 31),
        ("WEBHOOK_SECRET", f"{SECRET},{OTHER[:31]}"),
        ("WEBHOOK_SECRET", f"{SECRET},"),
        ("WEBHOOK_SECRET", ",".join([SECRET, OTHER, KEY[::-1]])),
        ("WEBHOOK_SECRET", "a" * 32),
        ("WEBHOOK_SECRET", "abcdefghi" * 4),
        ("SEAL_KEY", ""),
        ("SEAL_KEY", "b" * 32),
        ("SEAL_KEY", SECRET),
        ("SEAL_KEY", f"{KEY},{SECRET}"),
        ("SEAL_KEY", DEMO_SECRET),
        ("DATABASE_URL", "postgresql://service:hush@db/keneya"),
        ("DATABASE_URL", "postgresql://service:hush@10.0.0.5/keneya?sslmode=require"),
        ("DATABASE_URL", "postgresql://service:hush@127.0.0.1/keneya?host=10.0.0.5"),
        ("DATABASE_URL", "postgresql://service:hush@db/keneya?sslmode=verify-full&sslrootcert=/ca.pem"),
        ("MIGRATE_DATABASE_URL", "postgresql://owner:hush@db/keneya?sslmode=verify-ca"),
        ("REDIS_URL", "redis://cache"),
        ("REDIS_URL", "rediss://cache/0?ssl_cert_reqs=none"),
        ("REDIS_URL", "rediss://cache/0?ssl_check_hostname=False"),
        ("TRUSTED_NETWORK", "yes"),
        ("WEBHOOK_SECRET", SECRET.replace("-", "/")),
        ("WEBHOOK_SECRET", DEMO_SECRET),
        ("WEBHOOK_SECRET", f"{SECRET},{DEMO_SECRET}"),
        ("AT_SMS_URL", "https://api.africastalking.com/version2"),
        ("AT_SMS_URL", "https://api.africastalking.com.evil.example/version1"),
        ("AT_SMS_URL", "http://api.africastalking.com/version1"),
        ("SIMULATOR", "true"),
        ("TIME_SCALE", "10"),
        ("TIME_SCALE", "0"),
        ("TIME_SCALE", "nan"),
        ("TIME_SCALE", "inf"),
        ("TIME_SCALE", "fast"),
        ("PUBLIC_URL", "keneya.example"),
        ("PUBLIC_URL", "http://keneya.example:99999"),
        ("LOG_LEVEL", "CHATTY"),
        ("POSTGRES_BIN", "/nowhere"),
    ],
)
def test_a_wrong_value_is_one_fault_that_names_it(name: str, value: str) -> None:
    found = faults(**{name: value})
    assert len(found) == 1, found
    assert found[0].startswith(f"{name}: ")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WEBHOOK_SECRET", DEMO_SECRET),
        ("WEBHOOK_SECRET", "a" * 32),
        ("SEAL_KEY", ""),
        ("DATABASE_URL", "postgresql://service:hush@db/keneya"),
        ("REDIS_URL", "redis://cache"),
        ("AT_SMS_URL", "http://127.0.0.1:8000/simulator/at/version1"),
        ("TIME_SCALE", "0.5"),
    ],
)
def test_with_the_simulator_it_is_allowed(name: str, value: str) -> None:
    assert len(faults(**{name: value})) == 1
    assert faults(SIMULATOR="1", **{name: value}) == []


def test_two_secrets_hold_while_rotating() -> None:
    read = settings.read(LIVE | {"WEBHOOK_SECRET": f"{SECRET}, {OTHER}"})
    assert read.webhook_secrets == (SECRET, OTHER)


PLAIN = {"DATABASE_URL": "postgresql://service:hush@db/keneya", "REDIS_URL": "redis://cache"}


def test_servers_that_prove_nothing_are_taken_where_somebody_says_that_the_network_is_trusted() -> None:
    assert [fault.partition(":")[0] for fault in faults(**PLAIN)] == ["DATABASE_URL", "REDIS_URL"]
    assert faults(**PLAIN, TRUSTED_NETWORK="1") == []


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]", "db/keneya?host=/run/postgresql#"])
def test_servers_of_this_machine_need_no_proof(host: str) -> None:
    url = (
        f"postgresql://service:hush@{host.rstrip('#')}" if "?" in host else f"postgresql://s:h@{host}/keneya"
    )
    assert faults(DATABASE_URL=url) == []
    assert "?" in host or faults(REDIS_URL=f"redis://{host}:6379/0") == []


def test_the_command_that_prints_pins_takes_no_other_key_either() -> None:
    assert settings.read_keyring(LIVE) == (KEY,)
    assert settings.read_keyring({"SIMULATOR": "1", "WEBHOOK_SECRET": DEMO_SECRET}) == (DEMO_SECRET,)
    with pytest.raises(SettingsError):
        settings.read_keyring({"WEBHOOK_SECRET": SECRET})


def test_no_secret_shows_in_the_repr() -> None:
    shown = repr(settings.read(LIVE | {"MIGRATE_DATABASE_URL": "postgresql://owner:hush@localhost/keneya"}))
    assert "hush" not in shown
    assert SECRET not in shown


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("postgres://a:b@db/k", "postgresql+asyncpg://a:b@db/k"),
        ("postgresql+asyncpg://a:b@db:5433/k", "postgresql+asyncpg://a:b@db:5433/k"),
        ("postgresql://a:b%40c@db/k?sslmode=require", "postgresql+asyncpg://a:b%40c@db/k?ssl=require"),
    ],
)
def test_a_database_address_is_put_into_the_drivers_words(given: str, read: str) -> None:
    assert settings.database_url(given) == read


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("0.0.0.0", "http://127.0.0.1:80"),
        ("::", "http://[::1]:80"),
        ("::1", "http://[::1]:80"),
        ("localhost", "http://localhost:80"),
    ],
)
def test_our_own_address_can_be_called_from_here(host: str, url: str) -> None:
    assert settings.local_url(host, 80) == url


async def test_a_superuser_is_refused(engines: Engines) -> None:
    with pytest.raises(SettingsError, match="superuser"):
        await settings.refuse_owner(engines.superuser_url)


async def test_the_services_role_is_welcome_and_the_owner_is_not(database: Database) -> None:
    await settings.refuse_owner(database.url)
    with pytest.raises(SettingsError, match=r"its role owns \d+ tables"):
        await settings.refuse_owner(database.owner_url)


def test_the_file_of_secrets_is_read_and_its_fault_is_told_with_the_others(tmp_path: Path) -> None:
    path = tmp_path / "secrets.toml"
    path.write_text('[SIK.paygate-TG]\nauth_token = "hush-hush"\n')
    path.chmod(0o600)
    read = settings.read(LIVE | {"OPERATOR_SECRETS": str(path)})
    assert read.credentials.of("SIK", "paygate-TG", "paygate") == {"auth_token": "hush-hush"}
    assert "hush-hush" not in repr(read)
    path.chmod(0o644)
    assert faults(OPERATOR_SECRETS=str(path)) == ["OPERATOR_SECRETS: can be read by others: chmod 600"]
    assert "does not exist" in faults(OPERATOR_SECRETS=str(tmp_path / "nowhere"))[0]


def test_several_hosts_are_a_primary_and_its_standbys() -> None:
    url = "postgresql://service:hush@db1,db2:5433/keneya?sslmode=verify-full"
    read = make_url(settings.read(LIVE | {"DATABASE_URL": url}).database_url)
    assert settings.hosts_of(read) == [("db1", 5432), ("db2", 5433)]
    assert (read.query["target_session_attrs"], read.query["ssl"]) == ("read-write", "verify-full")
    assert (read.username, read.password, read.database) == ("service", "hush", "keneya")
    assert settings.hosts_of(make_url("postgresql://service@db/keneya")) == [("db", 5432)]
    assert faults(DATABASE_URL="postgresql://s:h@127.0.0.1,10.0.0.2/keneya")[0].startswith(
        "DATABASE_URL: needs ?sslmode=verify-full"
    )
    assert faults(DATABASE_URL="postgresql://s:h@127.0.0.1,localhost:5433/keneya") == []
    assert "HOST:PORT" in faults(DATABASE_URL="postgresql://s:h@a b,c/keneya")[0]
