"""`icaro journal` and `icaro case export`: what an operator does with a deployment's journal."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from adapters.keys import DevelopmentPki
from gateway.cli import main
from gateway.journal import look
from gateway.journal.verification import verify
from gateway.lifecycle import Status
from tests.births import GIULIA, House, deployment


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A running node with a declared birth, and beside it an `icaro.yaml`."""
    with House(tmp_path) as made:
        deployment(tmp_path)
        made.hears(GIULIA.message("A01"))
        yield made


def run(folder: Path, *arguments: str) -> Result:
    """`icaro … -c icaro.yaml`."""
    return CliRunner().invoke(main, [*arguments, "-c", str(folder / "icaro.yaml")])


def lose(house: House, folder: Path) -> None:
    """The machine's journal is gone."""
    house.journal.close()
    for path in folder.glob("icaro.db*"):
        path.unlink()


def on_the_wire(house: House) -> str:
    """The Comune's document is claimed and its bytes are about to be sent."""

    def work(unit):
        (row,) = unit.claim("n1", limit=1, lease=timedelta(minutes=2))
        moved = unit.move(
            row, expect=row.status, to=Status.SUBMITTING, attempts=1, document=b"<a/>"
        )
        unit.add_attempt(row.id, 1, "urn:uuid:1", b"<e/>", "https://comune.example/")
        return moved.id

    return house.journal.run(work)


def partner(folder: Path, kind: str) -> None:
    """Every partner is of this kind."""
    file = folder / "partners.yaml"
    file.write_text(file.read_text().replace("idempotence: idempotent", f"idempotence: {kind}"))


@pytest.mark.parametrize(
    ("kind", "sent", "expected"),
    [
        ("idempotent", False, (Status.READY, None)),
        ("can_be_asked", False, (Status.HELD, "RESTORED")),
        ("neither", False, (Status.HELD, "RESTORED")),
        ("idempotent", True, (Status.IN_DOUBT, None)),
        ("can_be_asked", True, (Status.IN_DOUBT, None)),
        ("neither", True, (Status.HELD, "DOUBT")),
    ],
)
def test_a_restored_journal_doubts_what_may_have_been_sent(
    house: House, tmp_path: Path, kind: str, sent: bool, expected: tuple[Status, str | None]
) -> None:
    """Nothing is sent again where the partner would register the child twice."""
    partner(tmp_path, kind)
    if sent:
        on_the_wire(house)
    made = run(tmp_path, "journal", "backup", str(tmp_path / "b.icaro"))
    assert made.exit_code == 0, made.output
    lose(house, tmp_path)
    done = run(tmp_path, "journal", "restore", str(tmp_path / "b.icaro"))
    assert done.exit_code == 0, done.output
    with look(house.url, house.keyring) as view:
        (case,) = view.cases()
        row = next(r for r in view.submissions(case_id=case.id) if r.step == "comune")
        assert (row.status, row.reason or None) == expected
        assert "case.restored" in [e.what for e in view.evidence(subject=case.id)]
    assert verify(house.url, house.keyring.public_key) == []
    assert run(tmp_path, "journal", "check").exit_code == 0


def test_what_was_held_after_a_restore_has_a_way_out(house: House, tmp_path: Path) -> None:
    """A person who asked the partner says so, although no attempt of it is known here."""
    partner(tmp_path, "neither")
    run(tmp_path, "journal", "backup", str(tmp_path / "b.icaro"))
    lose(house, tmp_path)
    run(tmp_path, "journal", "restore", str(tmp_path / "b.icaro"))
    with look(house.url, house.keyring) as view:
        held = view.submissions(status=Status.HELD)[0].id
    who = ("--by", "m.rossi", "--reason", "asked them")
    done = run(tmp_path, "submission", "resolve", held, "--not-received", *who)
    assert done.exit_code == 0, done.output
    with look(house.url, house.keyring) as view:
        assert view.submission(held).status is Status.READY


def test_a_restore_over_a_journal_is_refused(house: House, tmp_path: Path) -> None:
    """Exit code 1 and the reason; there is no option to force it."""
    run(tmp_path, "journal", "backup", str(tmp_path / "b.icaro"))
    result = run(tmp_path, "journal", "restore", str(tmp_path / "b.icaro"))
    assert result.exit_code == 1
    assert "not empty" in result.output
    assert "--force" not in run(tmp_path, "journal", "restore", "--help").output


def test_check_tells_what_is_wrong(house: House, tmp_path: Path) -> None:
    """Exit code 1 with the place, 0 with one line where all is sound."""
    good = run(tmp_path, "journal", "check")
    assert (good.exit_code, good.output) == (0, "good: the journal is sound\n")
    (tmp_path / "icaro.db.checkpoints").write_text("not a checkpoint\n")
    bad = run(tmp_path, "journal", "check")
    assert bad.exit_code == 1
    assert "checkpoint invalid" in bad.output


def test_purge_counts_first_and_vacuum_follows(house: House, tmp_path: Path) -> None:
    """Without a retention nothing goes; with one, what is open stays."""
    assert "nothing is ever purged" in run(tmp_path, "journal", "purge", "--dry-run").output
    file = tmp_path / "icaro.yaml"
    file.write_text(file.read_text() + "retention: {bodies: 1 s, documents: 1 s, rejects: 1 s}\n")
    assert "bodies: 0 would be purged" in run(tmp_path, "journal", "purge", "--dry-run").output
    done = run(tmp_path, "journal", "purge")
    assert "documents: 0 purged" in done.output
    assert run(tmp_path, "journal", "vacuum").output == "done\n"


def test_a_case_is_exported_and_verified(house: House, tmp_path: Path) -> None:
    """Signed with the node's key, checked with its certificate; who asked is evidence."""
    DevelopmentPki(datetime.now(UTC)).write(tmp_path / "certs", ("gateway",))
    sign = tmp_path / "certs" / "gateway"
    file = tmp_path / "icaro.yaml"
    pair = f"{{certificate: {sign}/sign.pem, key: {sign}/sign.key}}"
    file.write_text(
        file.read_text().replace("sign: {certificate: certificate.pem}", f"sign: {pair}")
    )
    with house.journal.view() as view:
        case = view.cases()[0].id
    to = str(tmp_path / "case.zip")
    who = ("--by", "m.rossi", "--reason", "the court asked")
    done = run(tmp_path, "case", "export", case[:18], "--to", to, *who)
    assert done.exit_code == 0, done.output
    with house.journal.view() as view:
        assert view.evidence(subject=case)[-1].what == "case.exported"
    public = str(tmp_path / "keys" / "checkpoint.pub")
    checked = CliRunner().invoke(
        main,
        ["case", "verify-export", to, "--certificate", f"{sign}/sign.pem", "--public-key", public],
    )
    assert checked.exit_code == 0, checked.output
    assert checked.output.startswith(f"good: case {case}")
    other = CliRunner().invoke(
        main, ["case", "verify-export", to, "--certificate", f"{sign}/tls.pem"]
    )
    assert other.exit_code == 1
    assert "not signed by this key" in other.output
