"""What a source fills, and what of it was read."""

from __future__ import annotations

from gateway.hl7.location import Location
from gateway.hl7.message import Message
from gateway.mapping.seeing.filled import Filled, filled
from gateway.mapping.seeing.watched import watched
from gateway.mapping.tracing import Reading
from gateway.xml import parse

HEAD = "MSH|^~\\&|HIS|BG|ICARO|ICARO|20260302090000||ADT^A01^ADT_A01|1|P|2.5"


def message(*segments: str) -> Message:
    return Message.parse("\r".join([HEAD, *segments]).encode())


def by_path(source: Message, *read: Location, unmapped: tuple[str, ...] = ()) -> dict[str, Filled]:
    found = filled(source, dict.fromkeys(read, "x"), unmapped)
    return {one.path: one for one in found}


def test_a_repetition_is_read_where_one_of_its_components_was() -> None:
    """And the others of its components are told apart."""
    source = message("PID|1||A^B~C^D")
    found = by_path(source, Location("PID", 1, 3, 2, 2, 1))
    assert not found["PID-3"].read
    assert [(part.text, part.read) for part in found["PID-3[2]"].parts] == [
        ("C", False),
        ("^", False),
        ("D", True),
    ]


def test_the_whole_of_a_repetition_reads_all_its_components() -> None:
    """As `exists(PID-3)` does."""
    found = by_path(message("PID|1||A^B"), Location("PID", 1, 3, 1))
    assert [part.text for part in found["PID-3"].parts if part.read] == ["A", "B"]


def test_header_and_set_ids_need_no_reading() -> None:
    """The gateway reads MSH itself; a number that counts says nothing."""
    found = by_path(message("PID|1||A"))
    assert found["MSH-10"].exempt
    assert found["PID-1"].exempt
    assert not found["PID-3"].exempt


def test_what_is_unmapped_needs_no_reading() -> None:
    """A whole segment, or one field of it."""
    source = message("EVN|A01|20260302", "PID|1||A||B")
    found = by_path(source, unmapped=("EVN", "PID-3"))
    assert [path for path, one in found.items() if not one.exempt] == ["PID-5"]


def test_observations_and_kin_are_told_apart_by_their_code() -> None:
    """A weight that is read does not hide a paper that nobody reads."""
    source = message("OBX|1|NM|8339-4||3250", "OBX|2|ED|51851-4||x", "NK1|1|A|MTH")
    kinds = {one.kind for one in by_path(source).values()}
    assert {"OBX[3.1 == '8339-4']-5", "OBX[3.1 == '51851-4']-5", "NK1[3.1 == 'MTH']-2"} <= kinds


def test_escapes_are_shown_decoded() -> None:
    """As the mapping reads them."""
    found = by_path(message("PID|1||||D\\T\\A"))
    assert "".join(part.text for part in found["PID-5"].parts) == "D&A"


def test_an_answer_is_told_by_its_elements_and_attributes() -> None:
    """Numbers where an element repeats; `unmapped` takes all below a path."""
    root = parse(b"<r><a x='1'>A</a><b><c>C</c></b><b><c>D</c></b></r>")
    found = {one.path: one for one in filled(root, {"a": "A", "b[2]/c": "D"}, ["b"])}
    assert list(found) == ["a", "a/@x", "b[1]/c", "b[2]/c"]
    assert [one.read for one in found.values()] == [True, False, False, True]
    assert [one.exempt for one in found.values()] == [False, False, True, True]


def test_what_stands_in_for_a_message_answers_as_the_message_does() -> None:
    """Counting and naming is no reading; a text is."""
    told: list[Reading] = []
    source = message("PID|1||A^B~C", "NK1|1|X", "NK1|2|Y")
    seen = watched(source, told.append)
    assert [segment.count(3) for segment in seen.all("PID")] == [2]
    assert seen.first("ZZZ") is None
    assert seen.control_id == "1"
    assert told == []
    assert seen.all("NK1")[1].text(2) == "Y"
    assert seen.first("PID").whole(3) == "A^B"
    assert [(str(one.location), one.value) for one in told] == [
        ("NK1[2]-2.1.1", "Y"),
        ("PID-3", "A^B"),
    ]


def test_what_stands_in_for_an_answer_answers_as_the_answer_does() -> None:
    """Texts and attributes are told with their paths; names and numbers of children are not."""
    told: list[Reading] = []
    seen = watched(parse(b"<r><a x='1'>A</a><b>B</b><b>C</b></r>"), told.append)
    assert [child.tag for child in seen.iterchildren("b")] == ["b", "b"]
    assert (len(seen), seen.tag) == (3, "r")
    assert told == []
    first, _, last = list(seen)
    assert (first.get("x"), last.text, first.attrib["x"]) == ("1", "C", "1")
    assert [one.location for one in told] == ["a/@x", "b[2]"]
