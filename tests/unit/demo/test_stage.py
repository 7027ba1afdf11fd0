"""The stage, as far as it runs nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.demo.stage import Stage, free_port


def test_an_effect_that_is_being_written_is_none_yet(tmp_path: Path):
    """Wherever the last line is cut, the whole ones before it are read and it is not."""
    stage = Stage(tmp_path)
    folder = tmp_path / "simulators" / "comune"
    folder.mkdir(parents=True)
    assert stage.effects("comune") == []
    first, last = '{"seq": 1}\n', '{"seq": 2, "nome": "NICOLÒ\u2028"}\n'.encode()
    for cut in range(len(last)):
        (folder / "effects.jsonl").write_bytes(first.encode() + last[:cut])
        assert stage.effects("comune") == [{"seq": 1}]
    (folder / "effects.jsonl").write_bytes(first.encode() + last)
    assert [effect["seq"] for effect in stage.effects("comune")] == [1, 2]


def test_a_port_is_kept_from_connections():
    """Nobody's connection is given the port of a gateway that is being started again."""
    given = Path("/proc/sys/net/ipv4/ip_local_port_range")
    if not given.exists():
        pytest.skip("the system does not tell which ports it gives")
    first, last = (int(each) for each in given.read_text("ascii").split())
    if first <= 20_000:
        pytest.skip("the system gives nearly every port to connections")
    assert all(not first <= free_port() <= last for _ in range(50))
