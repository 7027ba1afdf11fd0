"""When what belongs to a case was last purged: two columns that are no evidence."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the two columns; an older node neither sees nor needs them."""
    op.add_column("cases", sa.Column("bodies_purged_at", sa.Text(), nullable=True))
    op.add_column("cases", sa.Column("documents_purged_at", sa.Text(), nullable=True))


def downgrade() -> None:
    """Drop them."""
    op.drop_column("cases", "documents_purged_at")
    op.drop_column("cases", "bodies_purged_at")
