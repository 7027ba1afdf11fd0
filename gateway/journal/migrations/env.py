"""Run by alembic: upgrades over the connection that `gateway.journal.migrate` gives it."""

from __future__ import annotations

from alembic import context

from gateway.journal.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
)
context.run_migrations()
