"""What `--help` tells to type can be typed: every example is understood, the harmless ones run.

An example is a line under `\\b` that begins with `icaro`. All stand in a deployment as `icaro init`
lays it out, with a message `birth.hl7` and a folder `messages/`.
"""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import click
import pytest
from click.testing import CliRunner

from gateway import shipped
from gateway.cli import main
from gateway.deployment import lay_out


class Example(NamedTuple):
    """The words of a command, without what a shell does with its output."""

    words: tuple[str, ...]

    def __str__(self) -> str:
        return " ".join(self.words)


HARMLESS: Final = ("map", "config", "hl7", "init", "certs")
"""Verbs that neither listen nor send nor need what a journal holds."""

WAITING: Final = {
    "lsp": "it speaks to an editor until that leaves",
    "--watch": "it goes on until ^C",
    "rollback": "there must be an edition to go back to",
    "history": "there must be a journal",
}

NAMED: Final = (
    *("sent.xml", "ca.pem", "me.p12", "checkpoint.pub", "certs/gateway/ca.pem"),
    *("case.zip", "sign.pem", "copies/2026-11-21.icaro"),
)
"""Files that examples speak of as being there."""

FINDING: Final = frozenset({"--findings"})
"""What of the shipped mappings has findings, so that the exit code is 1."""


def verbs(command: click.Command) -> Iterator[click.Command]:
    """The command and all below it."""
    yield command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None
            yield from verbs(found)


def examples_of(command: click.Command) -> Iterator[Example]:
    """The examples of one help; a line that ends with a backslash goes on."""
    text = re.sub(r"\\\n\s*", "", command.help or "")
    for line in re.findall(r"^ +(icaro .*)$", text, re.MULTILINE):
        for part in line.split(" && "):
            words = shlex.split(part, comments=True)
            end = next((at for at, word in enumerate(words) if word in ("|", ">")), len(words))
            yield Example(tuple(words[:end]))


EXAMPLES: Final = list(dict.fromkeys(one for verb in verbs(main) for one in examples_of(verb)))


def is_run(example: Example) -> bool:
    """Whether a test may run it to its end."""
    return example.words[1] in HARMLESS and not WAITING.keys() & set(example.words)


@pytest.fixture
def typed_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A deployment that one stands in, and the files that examples name."""
    folder = tmp_path / "icaro"
    lay_out(folder)
    birth = shipped.mappings() / "samples/femmina.hl7"
    shutil.copy(birth, folder / "birth.hl7")
    (folder / "messages").mkdir()
    shutil.copy(birth, folder / "messages")
    shutil.copytree(folder / "mappings", folder / "mappings.old")
    for name in (".demo/simulators", "certs/comune"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for name in NAMED:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"")
    monkeypatch.chdir(folder)
    return folder


def placed(example: Example, folder: Path, new: Path) -> list[str]:
    """Its words in this deployment; what is to be laid out is a folder that is not there yet."""
    made = example.words[1] in ("init", "certs")
    etc = str(new if made else folder)
    return [word.replace("/etc/icaro", etc).replace("*.hl7", "birth.hl7") for word in example.words]


@pytest.mark.parametrize("example", EXAMPLES, ids=str)
def test_every_example_of_a_help_is_understood(
    example: Example, typed_in: Path, tmp_path: Path
) -> None:
    """The verb is there, and takes these options and arguments."""
    _, *words = placed(example, typed_in, tmp_path / "new")
    command: click.Command = main
    while isinstance(command, click.Group):
        name = words.pop(0)
        found = command.get_command(click.Context(command), name)
        assert found is not None, name
        command = found
    command.make_context("icaro", words)


@pytest.mark.parametrize("example", [one for one in EXAMPLES if is_run(one)], ids=str)
def test_a_harmless_example_of_a_help_succeeds(
    example: Example, typed_in: Path, tmp_path: Path
) -> None:
    """On the shipped mappings, as one who reads the help would try it first."""
    shutil.rmtree(typed_in / "certs")
    if example.words[1] == "config":
        CliRunner().invoke(main, ["certs", "init", str(typed_in / "certs")])
    result = CliRunner().invoke(main, placed(example, typed_in, tmp_path / "new")[1:])
    assert result.exit_code == (1 if FINDING & set(example.words) else 0), result.output


def test_every_verb_of_map_teaches_with_an_example() -> None:
    """Also those that are not run here."""
    group = main.get_command(click.Context(main), "map")
    assert group is not None
    for verb in list(verbs(group))[1:]:
        assert any(one.words[:3] == ("icaro", "map", verb.name) for one in examples_of(verb))


def test_what_is_not_run_is_only_what_never_ends_or_needs_more() -> None:
    """No verb of mappings is left out for another reason."""
    left = {str(one) for one in EXAMPLES if one.words[1] == "map" and not is_run(one)}
    assert all(set(text.split()) & WAITING.keys() for text in left)
    assert any("preview" in one.words and is_run(one) for one in EXAMPLES)
