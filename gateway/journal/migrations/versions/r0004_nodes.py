"""Nodes that are drained, and which revisions older code cannot live with."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add a column and a table; nothing else changes, so an older node may go on beside."""
    op.add_column("nodes", sa.Column("drained_at", sa.Text(), nullable=True))
    op.create_table(
        "contracted",
        sa.Column("revision", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("revision"),
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_table("contracted")
    op.drop_column("nodes", "drained_at")
