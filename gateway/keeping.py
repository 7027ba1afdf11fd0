"""What a deployment says of its journal: where it lies, its keys, how long it keeps what."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from pydantic import Field, ValidationInfo, field_validator

from gateway.settings import Settings
from gateway.units import AnyPath, Count, Duration, ExistingFile


class Group(Settings):
    """How many messages one commit may take."""

    most: Count = 256


class JournalSettings(Settings):
    """Where the journal is and which keys guard it."""

    url: str = Field(repr=False, description="sqlite:///icaro.db or postgresql+psycopg://…")
    master_key: ExistingFile = Field(description="wraps the key of every case")
    checkpoint_key: ExistingFile = Field(description="signs the heads of the evidence")
    checkpoints_file: AnyPath | None = Field(
        default=None, description="a second place for checkpoints"
    )
    key_ring: AnyPath | None = Field(
        default=None, description="the back-ups' key ring; back-up.ring beside the master key"
    )
    checkpoint_every: Duration = timedelta(minutes=5)
    group: Group = Group()
    queue: Count = Field(default=10_000, description="units of work that may wait for the disk")
    patience: Duration = Field(
        default=timedelta(seconds=10),
        description="how long a message waits for a slow or full disk before AR/CR 207",
    )

    @property
    def ring_file(self) -> Path:
        """The back-ups' key ring."""
        return self.key_ring or self.master_key.with_name("back-up.ring")

    @field_validator("url")
    @classmethod
    def _from_folder(cls, url: str, info: ValidationInfo) -> str:
        scheme, separator, rest = url.partition(":///")
        if scheme.startswith("sqlite"):
            if not separator or not rest:
                raise ValueError("a SQLite journal is a file: sqlite:///icaro.db")
            folder = (info.context or {}).get("folder", Path())
            return f"{scheme}:///{folder.resolve() / rest}"
        if not scheme.startswith("postgresql"):
            raise ValueError("must begin with sqlite:/// or postgresql+psycopg://")
        return url.replace("postgresql://", "postgresql+psycopg://", 1)


class Retention(Settings):
    """How long after its end a case keeps what; nothing that is not said is ever purged."""

    bodies: Duration | None = Field(default=None, description="messages as they came")
    documents: Duration | None = Field(default=None, description="what was made, sent, answered")
    cases: Duration | None = Field(
        default=None, description="the key of the case; a birth kept for a person, since it came"
    )
    rejects: Duration | None = Field(
        default=None, description="refused bytes and callbacks of no case, since they came"
    )
    every: Duration = Field(default=timedelta(minutes=10), description="how often it is looked at")
