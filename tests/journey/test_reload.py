"""Mappings that change while the gateway runs, on both databases: a wrong edit changes nothing but
raises an alarm, a right one reaches the next birth, and one command goes back.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.demo.people import Child
from gateway.journal import Judgement
from gateway.lifecycle import Status
from tests.journey.theatre import (
    Theatre,
    documents,
    journal,
    newborn,
    once,
    prepare,
    running,
    send,
    settle,
)

pytestmark = pytest.mark.journey

ATTESTATION = "lib/notifica.yaml"
AS_IT_IS = "      denominazione: sender.nome\n"
RIGHT = "      denominazione: sender.nome | upper\n"
ONLY_THE_HOSPITAL_OF_THE_TESTS = """\
      denominazione:
        $choose:
          - $when: sender.nome == 'OSPEDALE DI PROVA'
            $value: sender.nome
          - $value: sender.nome | lookup(sesso, anpr)
"""
WRONG = "      denominazione: sender.name | upper\n"


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def house(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, pki: Path
) -> Iterator[Theatre]:
    """A running stage that looks at its mappings often."""
    options = {}
    if request.param == "postgresql":
        options["journal"] = request.getfixturevalue("new_database")()
    stage = prepare(tmp_path_factory.mktemp("reload") / "stage", pki, **options)
    with (stage.folder / "icaro.yaml").open("a", encoding="utf-8") as file:
        file.write("reload: {every: 200 ms, shadow: 20}\n")
    with running(stage):
        yield stage


def edit(stage: Theatre, name: str, old: str, new: str) -> None:
    """Edit a file of the running gateway's mappings."""
    path = stage.folder / "mappings" / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def hospital_in_the_document(stage: Theatre) -> str:
    """What the Comune is told of the birth centre for a child born now."""
    child: Child = newborn()
    assert send(stage, child.message("A01"), patience=30) == "AA"
    assert all(row.status is Status.ACCEPTED for row in settle(stage))
    told = [text for _, text in documents(stage, "comune") if child.identifier in text]
    found = re.search(r"<(?:\w+:)?denominazione>([^<]*)<", told[-1])
    assert found is not None
    return found[1]


def refused(stage: Theatre) -> bool:
    """Whether the metric says that the folder cannot be used."""
    return "\nicaro_mappings_refused 1.0" in stage.metrics()


def adopted(stage: Theatre) -> float:
    """How many editions were swapped in since the start."""
    found = re.search(r"^icaro_mappings_adopted_total (\S+)$", stage.metrics(), re.M)
    assert found is not None
    return float(found[1])


def history(stage: Theatre) -> list[dict[str, Any]]:
    """What `icaro map history` tells."""
    told: list[dict[str, Any]] = json.loads(
        stage.icaro("map", "history", "--json", "-c", str(stage.folder / "icaro.yaml"))
    )
    return told


def rollback(stage: Theatre) -> str:
    """`icaro map rollback`, by a person with a reason."""
    config = str(stage.folder / "icaro.yaml")
    person = ["--by", "m.rossi", "--reason", "the Comune asked for it"]
    return stage.icaro("map", "rollback", "-c", config, *person)


def test_a_wrong_edit_changes_nothing_but_raises_an_alarm(house: Theatre) -> None:
    """The next birth is translated as before; log, metric and history say what is wrong, where."""
    before = hospital_in_the_document(house)
    edit(house, ATTESTATION, AS_IT_IS, WRONG)
    once(lambda: refused(house), house, "the alarm", seconds=120)
    assert hospital_in_the_document(house) == before
    newest = history(house)[0]
    assert newest["verdict"] == "REFUSED"
    assert any(f"{ATTESTATION}:" in each and " M02 " in each for each in newest["reasons"])
    log = (house.folder / "logs" / "gateway.log").read_text(encoding="utf-8")
    assert f"{ATTESTATION}:" in log
    edit(house, ATTESTATION, WRONG, AS_IT_IS)
    once(lambda: not refused(house), house, "the alarm to end", seconds=60)


def test_a_right_edit_reaches_the_next_birth_and_a_rollback_undoes_it(house: Theatre) -> None:
    """Without a restart; each swap is evidence with both hashes and who."""
    before, count = hospital_in_the_document(house), adopted(house)
    edit(house, ATTESTATION, AS_IT_IS, RIGHT)
    once(lambda: adopted(house) > count, house, "the swap", seconds=120)
    assert hospital_in_the_document(house) == before.upper() != before
    assert ATTESTATION in rollback(house)
    once(lambda: adopted(house) > count + 1, house, "the swap back", seconds=120)
    assert hospital_in_the_document(house) == before
    with journal(house) as view:
        swaps = [row for row in view.evidence(limit=10_000) if row.what == "mappings.adopted"]
        there, back = swaps[-2:]
        assert there.digests["after"] == back.digests["before"]
        assert there.digests["before"] == back.digests["after"]
        assert there.note["by"]
        set_aside = view.editions(verdict=Judgement.REPLACED)[0]
    assert set_aside.by == "m.rossi"
    assert set_aside.digest == there.digests["after"]


def test_what_would_fail_on_births_that_were_sent_is_kept_out(house: Theatre) -> None:
    """Lint and the mapping's tests are content; the shadow run over stored births is not."""
    hospital_in_the_document(house)
    count = adopted(house)
    edit(house, ATTESTATION, AS_IT_IS, ONLY_THE_HOSPITAL_OF_THE_TESTS)
    once(lambda: refused(house), house, "the alarm", seconds=120)
    reasons = history(house)[0]["reasons"]
    assert adopted(house) == count
    assert any("denominazione" in each for each in reasons), reasons
    rollback(house)
    once(lambda: not refused(house), house, "the alarm to end", seconds=60)


def test_a_folder_that_cannot_be_used_at_the_start_gives_way_to_the_last_edition(
    house: Theatre,
) -> None:
    """A restart at night does not fail because somebody is in the middle of an edit."""
    before = hospital_in_the_document(house)
    house.stop("gateway")
    edit(house, ATTESTATION, AS_IT_IS, WRONG)
    house.start_gateway()
    assert refused(house)
    assert hospital_in_the_document(house) == before
    rollback(house)
    once(lambda: not refused(house), house, "the alarm to end", seconds=60)
