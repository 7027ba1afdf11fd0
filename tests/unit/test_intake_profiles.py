"""What a sender's profile decides at the door: fields that a birth must have, and findings that
this hospital wants to hear of at once.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.config import Configuration
from gateway.errors import ConfigurationError
from gateway.flow.reading import Reader
from gateway.hl7.acknowledgment import Reply, read_acknowledgment
from gateway.intake import Intake
from gateway.mapping import Library
from tests.births import GIULIA, ROOT, SENDER, House, flow_of, now, run

Hears = Callable[[bytes], Reply]


def strict(folder: Path, settings: str) -> Library:
    """The shipped mappings with a profile of a demanding hospital."""
    mappings = folder / "mappings"
    shutil.copytree(ROOT / "mappings", mappings)
    profile = f"lang: 1\nprofile: strict\nextends: default\n{settings}\n"
    (mappings / "profiles" / "strict.yaml").write_text(profile, "utf-8")
    return Library(mappings, ROOT / "xsd")


@pytest.fixture
def hears(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Hears]:
    """A door read with the profile that the test asks for."""
    library = strict(tmp_path, request.param)
    reader = Reader(flow_of(), library, library.profile("strict"))
    with House(tmp_path) as house:
        intake = Intake(
            Configuration.model_construct(senders=(SENDER,), unknown_senders="refuse"),
            house.journal,
            house.casebook,
            lambda _: reader,
            now,
            lambda: datetime.now(UTC),
            lambda _: None,
        )

        def hear(message: bytes) -> Reply:
            answer = run(intake.accept(message))
            assert answer is not None
            return read_acknowledgment(answer)

        yield hear


def told(reply: Reply) -> tuple[str, list[str]]:
    """Code, and code and place of each error."""
    return reply.code, [" ".join(error.split(" ")[:2]) for error in reply.errors]


@pytest.mark.parametrize("hears", ["required: [PID-3, PID-8, NK1-3]"], indirect=True)
def test_a_birth_lacks_what_the_profile_requires(hears: Hears) -> None:
    """AE 101 with the place; with it, AA; a message that is no birth is not held to it."""
    message = GIULIA.message("A01")
    assert told(hears(message.replace(b"|F|||", b"||||", 1))) == ("AE", ["101 PID^1^8"])
    assert told(hears(message)) == ("AA", [])
    transfer = replace(GIULIA, identifier="S77").message("A02").replace(b"|N\r", b"|\r")
    assert told(hears(transfer.replace(b"|F|||", b"||||", 1))) == ("AA", [])


@pytest.mark.parametrize("hears", ["naks: [NO_MOTHER, PID-7, NK1-MTH]"], indirect=True)
def test_named_findings_are_answered_ae(hears: Hears) -> None:
    """By the rule's name or by the place that is checked; what is not named stays AA."""
    message = GIULIA.message("A01")
    orphan = message.replace(b"MTH^Mother", b"OTH^Other")
    assert told(hears(orphan)) == ("AE", ["102 NK1^1"])
    unborn = message.replace(b"||202603011030|F", b"||20269999|F")
    assert told(hears(unborn)) == ("AE", ["102 PID^1^7"])
    mother = next(line for line in message.split(b"\r") if line.startswith(b"NK1|1|"))
    two = message.replace(mother, mother + b"\r" + mother)
    assert told(hears(two)) == ("AE", ["102 NK1^1"])
    elsewhere = message.replace(b"^N^^015146", b"^N^^999998")
    assert told(hears(elsewhere)) == ("AA", [])


@pytest.mark.parametrize("hears", ["naks: []"], indirect=True)
def test_content_is_aa_unless_a_profile_wants_otherwise(hears: Hears) -> None:
    """A NAK stops many feeds: without a word in the profile everything readable is taken."""
    orphan = GIULIA.message("A01").replace(b"MTH^Mother", b"OTH^Other")
    assert told(hears(orphan)) == ("AA", [])


def test_a_required_path_that_is_none_is_told_at_the_start(tmp_path: Path) -> None:
    """Not at the first birth."""
    with pytest.raises(ConfigurationError, match="PID_3 is no path"):
        strict(tmp_path, "required: [PID_3]").profile("strict")
