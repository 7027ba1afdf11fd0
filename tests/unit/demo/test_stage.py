"""The stage, as far as it runs nothing."""

from __future__ import annotations

from pathlib import Path

from gateway.demo.stage import Stage


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
