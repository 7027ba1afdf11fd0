"""The kinds of value a settings file may hold: `30 s`, `4 MiB`, `127.0.0.1:2575`, a path.

Each is text in the file and a Python value afterwards; a refusal says what would pass and never
repeats what was written. Relative paths count from the folder of the file that names them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv6Address
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, WithJsonSchema

_SECONDS = {
    "ms": 0.001,
    **dict.fromkeys(("s", "sec", "second", "seconds"), 1.0),
    **dict.fromkeys(("min", "minute", "minutes"), 60.0),
    **dict.fromkeys(("h", "hour", "hours"), 3600.0),
    **dict.fromkeys(("d", "day", "days"), 86400.0),
}
_CENTURY = timedelta(days=36_525)
_BYTES = {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
_HOST = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9._-]*[A-Za-z0-9])?")


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen or to connect: a host (name, IPv4 or IPv6) and a port."""

    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def _matched(pattern: str, value: Any, wanted: str) -> re.Match[str]:
    found = re.fullmatch(pattern, value, re.ASCII) if isinstance(value, str) else None
    if not found:
        raise ValueError(wanted)
    return found


def duration(value: Any) -> timedelta:
    """`30 s`, `5 min`, `12 h`, `10 days`, `500 ms`. Raises ValueError."""
    if isinstance(value, timedelta):
        return value
    wanted = "must be a duration such as '30 s', '5 min', '12 h' or '10 days'"
    number, unit = _matched(r"([0-9]{1,9}(?:\.[0-9]{1,3})?) ?([a-z]+)", value, wanted).groups()
    if unit not in _SECONDS:
        raise ValueError(wanted)
    length = timedelta(seconds=float(number) * _SECONDS[unit])
    if length > _CENTURY:  # a date that far away could not be written
        raise ValueError("is longer than a hundred years")
    return length


def size(value: Any) -> int:
    """`4 MiB`, `512 KiB`, `1000 B`, or a bare number of bytes. Raises ValueError."""
    if isinstance(value, int):
        return value
    wanted = "must be a size such as '4 MiB' or '512 KiB'"
    number, unit = _matched(r"([0-9]{1,12}) ?(B|KiB|MiB|GiB)?", value, wanted).groups()
    return int(number) * _BYTES[unit or "B"]


def address(value: Any) -> Address:
    """`HOST:PORT`, with an IPv6 address in brackets. Raises ValueError."""
    if isinstance(value, Address):
        return value
    wanted = "must be HOST:PORT, such as '127.0.0.1:2575' or '[::1]:2575'"
    six, host, port = _matched(
        r"(?:\[([0-9a-fA-F:.]+)\]|([^:\[\]/@ ]+)):([0-9]{1,5})", value, wanted
    ).groups()
    if int(port) > 65535:
        raise ValueError("the port must be at most 65535")
    if six:
        try:
            host = str(IPv6Address(six))
        except ValueError:
            raise ValueError(wanted) from None
    elif not _HOST.fullmatch(host):
        raise ValueError(wanted)
    return Address(host, int(port))


def _spelt(text: str, pattern: str, wanted: str) -> str:
    _matched(pattern, text, wanted)
    return text


def _from_folder(path: Path, info: ValidationInfo) -> Path:
    folder = (info.context or {}).get("folder")
    return folder / path.expanduser() if folder else path.expanduser()


def _file(path: Path, info: ValidationInfo) -> Path:
    path = _from_folder(path, info)
    if not path.is_file():
        raise ValueError("names no file that is there")
    return path


def _folder(path: Path, info: ValidationInfo) -> Path:
    path = _from_folder(path, info)
    if not path.is_dir():
        raise ValueError("names no folder that is there")
    return path


def _positive(value: timedelta) -> timedelta:
    if value <= timedelta(0):
        raise ValueError("must be more than nothing")
    return value


Duration = Annotated[
    timedelta,
    BeforeValidator(duration),
    AfterValidator(_positive),
    WithJsonSchema({"type": "string", "examples": ["30 s", "5 min", "12 h", "10 days"]}),
]
Size = Annotated[
    int,
    BeforeValidator(size),
    Field(ge=1),
    WithJsonSchema({"type": "string", "examples": ["4 MiB", "512 KiB"]}),
]
HostPort = Annotated[
    Address,
    BeforeValidator(address),
    WithJsonSchema({"type": "string", "examples": ["127.0.0.1:2575"]}),
]
AnyPath = Annotated[Path, AfterValidator(_from_folder)]
"""A file that may come to be later."""
ExistingFile = Annotated[Path, AfterValidator(_file)]
ExistingFolder = Annotated[Path, AfterValidator(_folder)]
Count = Annotated[int, Field(ge=1, le=1_000_000)]
Istat = Annotated[
    str,
    AfterValidator(lambda text: _spelt(text, r"[0-9]{6}", "must be an ISTAT code of six digits")),
    WithJsonSchema({"type": "string", "pattern": "^[0-9]{6}$", "examples": ["015146"]}),
]
"""The ISTAT code of a comune: the first three digits are its province."""
MailAddress = Annotated[
    str,
    AfterValidator(
        lambda text: _spelt(
            text,
            r"[A-Za-z0-9][A-Za-z0-9._%+-]{0,63}@(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z]{2,63}",
            "must be a mail address such as protocollo@pec.comune.example",
        )
    ),
    WithJsonSchema({"type": "string", "examples": ["protocollo@pec.comune.example"]}),
]
"""It stands in a mail's header as it is: nothing in it can end the line."""
Label = Annotated[
    str,
    AfterValidator(
        lambda text: _spelt(
            text,
            r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}",
            "must be a short name of letters, digits and . _ @ - (it stands in logs and metrics)",
        )
    ),
    WithJsonSchema({"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$"}),
]
"""A name that may stand in a log line or as the label of a metric."""
