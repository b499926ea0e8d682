"""Providers are found by being there, each with paths of its own; who only reads forms loads no library for sending."""

import subprocess
import sys
from pathlib import Path

from sms.providers import providers
from tests.conftest import Database
from tests.support.running_service import SECRET

HOME = Path(__file__).parents[2]

WEB = """
import os, sys
import web, webhooks
app = webhooks.create_app(dict(os.environ))
assert any(route.path == "/at/{secret}/delivery" for route in app.routes)
print([name for name in ("africastalking", "requests", "schema") if name in sys.modules])
"""


def test_each_provider_has_paths_of_its_own() -> None:
    found = providers()
    assert [provider.NAME for provider in found] == [
        "africastalking",
        "jasmin",
        "kannel",
        "orange",
        "simulated",
    ]
    paths = [path for p in found for path in (p.SMS_PATH, p.REPORT_PATH, getattr(p, "OPTOUT_PATH", p.NAME))]
    assert len(set(paths)) == len(paths)
    assert all("{secret}" in path for p in found for path in (p.SMS_PATH, p.REPORT_PATH))


def test_web_does_not_load_the_sdk(database: Database, redis_url: str) -> None:
    environ = {
        "DATABASE_URL": database.url,
        "REDIS_URL": redis_url,
        "WEBHOOK_SECRET": SECRET,
        "SEAL_KEY": SECRET[::-1],
        "AT_USERNAME": "keneya",
        "AT_API_KEY": "key-of-the-tests",
    }
    done = subprocess.run(
        [sys.executable, "-c", WEB], cwd=HOME, env=environ, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "[]\n"), done.stderr
