"""icaro hl7 check and show."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.cli import main

BAD = (
    "MSH|^~\\&|HIS|OSP|||20261121120000||ADT^A01|1|P|2.5\n"
    "EVN|A01|yesterday\n"
    "PID|1|||||DELLA ROSA|20261121|F\n"
    "PV1|1\n"
)
GOOD = (
    "MSH|^~\\&|HIS|OSP|||20261121120000||ADT^A01^ADT_A01|1|P|2.5\n"
    "EVN||20261121120000\n"
    "PID|1||7^^^OSP&1.2.3&ISO^PI~8^^^OSP^MR||BIANCHI^LIA^^^^^L||20261120||F\n"
    "PV1|1|I||||||||||||||||N\n"
    "ZBE|x\n"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "bad.hl7").write_text(BAD, encoding="ascii")
    (tmp_path / "good.hl7").write_text(GOOD, encoding="ascii")
    return tmp_path


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["hl7", *map(str, arguments)])


def test_four_mistakes_four_findings(folder: Path):
    """Each finding on its line, with file, location and code; exit code 1."""
    done = run("check", folder / "bad.hl7")
    assert done.exit_code == 1
    lines = done.stdout.splitlines()
    starts = [" ".join(line.split(" ")[:3]) for line in lines]
    assert starts == [
        "bad.hl7:EVN-2: E 102",
        "bad.hl7:PID-3: E 101",
        "bad.hl7:PID-5: E 101",
        "bad.hl7:PV1-2: E 101",
    ]
    assert "4 findings in 1 file" in done.stderr


def test_no_finding_shows_a_value(folder: Path):
    """Texts name the field and the rule."""
    done = run("check", folder / "bad.hl7")
    assert "DELLA ROSA" not in done.output
    assert "yesterday" not in done.output


def test_a_good_message(folder: Path):
    """Exit code 0 and nothing on standard output."""
    done = run("check", folder / "good.hl7")
    assert (done.exit_code, done.stdout) == (0, "")
    assert "nothing wrong in 1 file" in done.stderr


def test_findings_for_a_program(folder: Path):
    """--json has location, ERR-2, code, severity, and which message of which file."""
    done = run("check", "--json", folder / "good.hl7", folder / "bad.hl7")
    assert done.exit_code == 1
    first = json.loads(done.stdout)[0]
    assert {key: first[key] for key in ("file", "message", "location", "err2", "code")} == {
        "file": "bad.hl7",
        "message": 1,
        "location": "EVN-2",
        "err2": "EVN^1^2^1",
        "code": 102,
    }


def test_the_second_message_of_a_file_is_named(folder: Path):
    """One looks for it in the right place."""
    (folder / "two.hl7").write_text(GOOD + BAD, encoding="ascii")
    assert "two.hl7#2:EVN-2: E 102" in run("check", folder / "two.hl7").stdout


def test_a_message_that_cannot_be_read_is_a_finding(folder: Path):
    """An MSH without delimiters: code 100, no traceback."""
    (folder / "x.hl7").write_bytes(b"MSH|\r")
    done = run("check", folder / "x.hl7")
    assert done.exit_code == 1
    assert done.stdout.startswith("x.hl7:MSH: E 100 ")


def test_a_profile_asks_for_more(folder: Path):
    """--profile reads the profile's required paths from the shipped mappings, or from others."""
    profiles = folder / "mappings" / "profiles"
    profiles.mkdir(parents=True)
    text = "lang: 1\nprofile: strict\nhl7: '2.5'\nrequired: [PID-3, PID-26]\n"
    (profiles / "strict.yaml").write_text(text, encoding="ascii")
    arguments = ("--mappings", folder / "mappings", folder / "good.hl7")
    done = run("check", "--profile", "strict", *arguments)
    assert done.stdout.startswith("good.hl7:PID-26: E 101")
    assert run("check", "--profile", "default", folder / "good.hl7").exit_code == 0


def test_show_names_every_filled_part(folder: Path):
    """Segments, fields and components with HL7's names; Z segments too."""
    lines = [line.split() for line in run("show", folder / "good.hl7").stdout.splitlines()]
    assert ["PID-5.2", "Patient", "name", "/", "Given", "name", "LIA"] in lines
    assert ["PID-3[2].1", "Patient", "identifier", "list", "/", "Id", "number", "8"] in lines
    assert [line[-1] for line in lines if line[0] == "PID-3.4.2"] == ["1.2.3"]
    assert ["ZBE-1", "x"] in lines


def test_show_for_a_program(folder: Path):
    """--json has the same, by segment."""
    (shown,) = json.loads(run("show", "--json", folder / "good.hl7").stdout)
    assert [segment["segment"] for segment in shown["segments"]] == [
        "MSH", "EVN", "PID", "PV1", "ZBE",
    ]  # fmt: skip


def test_show_never_drives_the_terminal(folder: Path):
    """A control sequence in a value is shown, not obeyed."""
    (folder / "x.hl7").write_bytes(b"MSH|^~\\&|A\rNTE|1||\x1b[2Jx\r")
    shown = run("show", folder / "x.hl7").stdout
    assert "\x1b[2J" not in shown
    assert "\\x1b[2Jx" in shown


def test_show_of_no_message_is_told(folder: Path):
    """What cannot be read is an error of ours, with advice."""
    (folder / "x.hl7").write_bytes(b"MSH|\r")
    assert run("show", folder / "x.hl7").exit_code == 1
    assert run("show", folder / "absent.hl7").exit_code == 2
