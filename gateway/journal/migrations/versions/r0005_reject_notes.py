"""Why refused or kept bytes are kept, beside them: a code, as in the evidence."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add a column that may be empty, so an older node may go on beside."""
    op.add_column("rejects", sa.Column("note", sa.Text(), nullable=True))


def downgrade() -> None:
    """Drop it."""
    with op.batch_alter_table("rejects") as table:
        table.drop_column("note")
