"""Alembic's environment and the revisions of the journal's tables."""
