"""`icaro map preview`: on a wide terminal, a narrow one, as a page, and again on each change."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from rich.console import Console

from gateway import shipped
from gateway.cli import main
from gateway.cli.map.drawing import draw, draw_plain
from gateway.cli.map.watching import state_of, watched_files, whenever_changed
from gateway.hl7.message import Message
from gateway.mapping import Library
from gateway.mapping.seeing import traced
from gateway.mapping.seeing.panes import Panes, panes
from gateway.mapping.tests import cases_of, given

SHIPPED = Library(shipped.mappings(), shipped.xsd())
GIRL = ("comune/nascita.yaml", "samples/femmina.hl7")


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder, so that the shipped mappings are meant."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def preview(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["map", "preview", *arguments])


def look(name: str, number: int = 0) -> Panes:
    known = traced(SHIPPED, name, "default")
    case = cases_of(SHIPPED, name)[number]
    source, inputs = given(SHIPPED, known.compiled, case)
    return panes(known, source, *known.run(source, inputs))


def drawn(found: Panes) -> str:
    console = Console(width=180, file=io.StringIO(), record=True, color_system=None)
    console.print(draw("title", found))
    return console.export_text()


def test_without_a_terminal_the_panes_are_plain_lines() -> None:
    """Message, mapping, document, problems; values beside their expressions."""
    result = preview(*GIRL)
    assert result.exit_code == 0
    assert "○ PV1-19" in result.output
    assert "● PID-8        F" in result.output
    assert "sesso: nk-15 | lookup(sesso, anpr)  → F" in result.output
    assert "genereParto SEMPLICE" in result.output
    assert "0 problems" in result.output
    assert "\x1b" not in result.output


def test_problems_make_the_exit_code_one() -> None:
    """Each is told with its place in the mapping."""
    result = preview("comune/annullamento.yaml", GIRL[1], "--inputs", "flow.motivo=")
    assert result.exit_code == 1
    assert "REQUIRED motivo comune/annullamento.yaml:21" in result.output
    assert "motivo: flow.motivo  ✗ an annulment gives its reason" in result.output


def test_facts_come_from_the_fitting_test_and_from_who_asks(elsewhere: Path) -> None:
    """A file of them, or one by one, the later ones winning."""
    facts = elsewhere / "facts.yaml"
    facts.write_text("flow: {destinatario: '058091', operationId: A}\n")
    plain = preview(*GIRL).output
    said = preview(*GIRL, "--inputs", "facts.yaml", "--inputs", "flow.operationId=B").output
    assert "codDestinatario 015209" in plain
    assert "codDestinatario 058091" in said
    assert "idOperazione B" in said
    assert "denominazione OSPEDALE DI PROVA" in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("comune/nascita.yaml", "nowhere.hl7"), "no such file"),
        (("comune/nobody.yaml", "samples/femmina.hl7"), "is no mapping"),
        ((*GIRL, "--inputs", "x"), "a fact is NAMESPACE.NAME=VALUE"),
        (("comune/nascita.yaml", "empty.hl7"), "holds no HL7 message"),
    ],
)
def test_a_mistake_of_usage_is_told(elsewhere: Path, arguments: tuple[str, ...], said: str) -> None:
    """In one sentence, without a traceback."""
    (elsewhere / "empty.hl7").write_text("\n")
    result = preview(*arguments)
    assert result.exit_code in (1, 2)
    assert said in result.output


def test_a_program_gets_json() -> None:
    """Nothing else on standard output."""
    told = json.loads(preview(*GIRL, "--json").stdout)
    assert told["problems"] == []
    assert {"source", "mapping", "document"} <= set(told)


def test_an_answer_is_previewed_as_a_message_is() -> None:
    """Elements that were read, the facts that came of them."""
    result = preview("comune/esito.yaml", "samples/risposte/comune_respinta.xml")
    assert result.exit_code == 0
    assert "● errore[2]/codice COM003" in result.output
    assert "errore[2].codice COM003" in result.output


def test_a_page_is_written(elsewhere: Path) -> None:
    """One file; standard output stays empty, for it would hold what the message says."""
    result = preview(*GIRL, "--html", "birth.html")
    assert result.exit_code == 0
    assert result.stdout == ""
    assert "ROSSI" in (elsewhere / "birth.html").read_text(encoding="utf-8")


def test_a_wide_terminal_has_three_panes() -> None:
    """Side by side; what is filled and not read is counted below."""
    text = drawn(look("comune/nascita.yaml"))
    heading = next(line for line in text.splitlines() if "mapping" in line)
    assert heading.split() == ["message", "mapping", "document"]
    assert "○ filled, not read" in text
    assert any("PID-8" in line and "F" in line for line in text.splitlines())


def test_the_two_ends_that_do_not_meet_are_red() -> None:
    """A leaf that failed, the element that is missing, and the problem itself."""
    console = Console(width=180, file=io.StringIO(), record=True, color_system="standard")
    console.print(draw("title", look("comune/annullamento.yaml", 1)))
    styled = console.export_text(styles=True)
    assert styled.count("\x1b[1;31m") >= 3


def test_what_a_message_says_sends_nothing_to_the_terminal() -> None:
    """Control characters are shown as what they are, and long texts are cut."""
    known = traced(SHIPPED, "comune/nascita.yaml", "default")
    case = cases_of(SHIPPED, "comune/nascita.yaml")[0]
    _, inputs = given(SHIPPED, known.compiled, case)
    head = "MSH|^~\\&|A|B|C|D|20260302||ADT^A01^ADT_A01|1|P|2.5"
    source = Message.parse(f"{head}\rPID|1||||A\x1b[31mB^{'x' * 5000}".encode())
    found = panes(known, source, *known.run(source, inputs))
    text = drawn(found) + "\n".join(draw_plain("title", found))
    assert "\x1b" not in text
    assert "x" * 300 not in text


def test_a_change_draws_again_and_an_interrupt_ends_it(elsewhere: Path) -> None:
    """Nothing is drawn while nothing changes."""
    file = elsewhere / "m.yaml"
    file.write_text("a")
    shown: list[str] = []
    looks = 0

    def pause() -> None:
        nonlocal looks
        looks += 1
        if looks == 2:
            file.write_text("bb")
        if looks == 4:
            file.unlink()
        if looks == 6:
            raise KeyboardInterrupt

    def show() -> None:
        shown.append(file.read_text() if file.exists() else "")

    console = Console(file=io.StringIO())
    whenever_changed(lambda: [file], show, console, pause)
    assert shown == ["a", "bb", ""]
    assert looks == 6


def test_what_a_preview_rests_on_is_watched(elsewhere: Path) -> None:
    """Mappings, profiles, tables, schemas, the message, and files of facts."""
    facts = elsewhere / "facts.yaml"
    facts.write_text("flow: {a: b}\n")
    message = elsewhere / "birth.hl7"
    message.write_text("MSH")
    files = watched_files(SHIPPED, message, ("facts.yaml", "flow.a=b"))()
    names = {path.name for path in files}
    assert {"nascita.yaml", "default.yaml", "sesso.csv", "tipi.xsd", "birth.hl7", "facts.yaml"} <= (
        names
    )
    before = state_of(files)
    os.utime(message, ns=(1, 1))
    assert state_of(files) != before


def test_a_mapping_half_written_is_told_and_looked_at_again(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """--watch goes on after a mistake in the mapping."""

    def twice(files: object, show: object, console: object) -> None:
        assert callable(show)
        show()

    monkeypatch.setattr("gateway.cli.map.preview.whenever_changed", twice)
    (elsewhere / "mappings").mkdir()
    (elsewhere / "xsd").mkdir()
    (elsewhere / "mappings" / "m.yaml").write_text("lang: 1\nmapping: m\n")
    (elsewhere / "birth.hl7").write_text("MSH|^~\\&|\r")
    result = preview("m.yaml", "birth.hl7", "--watch")
    assert result.exit_code == 0
    assert "profiles/default.yaml" in result.output or "m.yaml" in result.output
