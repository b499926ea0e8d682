"""Alembic's entry: the connection is always handed in by `migrations.migrate`."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
