"""The program of a later release: our own, with one step of the schema more.

What an empty database is made from would have the same change; here it has not, so that the step shows.
"""

import shutil
from pathlib import Path

import pytest

import migrations

LATER = "0002"
STEP = f'''
from alembic import op

revision = "{LATER}"
down_revision = "0001"


def upgrade() -> None:
    op.execute("alter table place add column region text not null default 'Sikasso'")
'''


def add_step(patch: pytest.MonkeyPatch, folder: Path) -> None:
    """From now on `migrate` brings a database to LATER: each place has a region."""
    shutil.copytree(migrations.STEPS / "versions", folder / "versions")
    shutil.copy(migrations.STEPS / "env.py", folder)
    (folder / "versions" / f"{LATER}_region.py").write_text(STEP, encoding="utf-8")
    patch.setattr(migrations, "STEPS", folder)
