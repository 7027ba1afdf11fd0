"""Findings: what refuses a message, and what only people are told."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.hl7.conformance import check, structure
from gateway.hl7.finding import Finding
from gateway.hl7.location import Location
from gateway.hl7.message import Message

GOOD = (
    "MSH|^~\\&|IRIS|OSP|ICARO|REG|20260302100000+0100||ADT^A01^ADT_A01|42|P|2.5\r"
    "EVN||20260302100000\rPID|1||1^^^OSP^PI||ROSSI^ANNA||20260301|F\rNK1|1|BIANCHI^EVA|MTH\r"
    "PV1|1|I\rOBX|1|NM|8339-4^Peso^LN||3250|g|||||F\rZNE|x\r"
)


def message(text: str = GOOD) -> Message:
    return Message.parse(text.encode())


def said(findings: list[Finding]) -> list[tuple[str, int, str]]:
    return [(str(finding.location), finding.code, finding.severity) for finding in findings]


def test_a_good_message_has_no_findings() -> None:
    """Nothing is found where nothing is wrong, Z segments included."""
    assert check(message(), ["PID-3", "NK1"]) == []


HEADERS = {
    "ADX^A01|42|P|2.5": ("MSH-9.1", 200, "MSH^1^9^1^1"),
    "ADT^Z99|42|P|2.5": ("MSH-9.2", 201, "MSH^1^9^1^2"),
    "ADT|42|P|2.5": ("MSH-9.2", 101, "MSH^1^9^1^2"),
    "|42|P|2.5": ("MSH-9", 101, "MSH^1^9"),
    "ADT^A01||P|2.5": ("MSH-10", 101, "MSH^1^10"),
    "ADT^A01|42||2.5": ("MSH-11", 101, "MSH^1^11"),
    "ADT^A01|42|X|2.5": ("MSH-11.1", 202, "MSH^1^11^1^1"),
    "ADT^A01|42|P|": ("MSH-12", 101, "MSH^1^12"),
    "ADT^A01|42|P|2.9": ("MSH-12.1", 203, "MSH^1^12^1^1"),
    "ADT^A01|42|P|pizza": ("MSH-12.1", 203, "MSH^1^12^1^1"),
}


@pytest.mark.parametrize("header", HEADERS)
def test_a_wrong_header_is_refused_at_its_place(header: str) -> None:
    """Type, event, control id, processing id and version: each has its code and its place."""
    path, code, err2 = HEADERS[header]
    (finding,) = structure(message(f"MSH|^~\\&|||||||{header}\rPID|1\r"))
    assert (str(finding.location), finding.code, finding.location.err2) == (path, code, err2)
    assert finding.rejects == (code >= 200)


@pytest.mark.parametrize(
    "header",
    [
        "ADT^A01|42|P|2.5^ITA",
        "ADT^A01^ADT_A01|42|T^I| 2.3.1 ",
        "ADT^A62|42|D|2.8",
        "ADT^A01|4|P|2.7.1",
    ],
)
def test_headers_as_feeds_write_them_pass(header: str) -> None:
    """Country codes, blanks and modes beside the value do no harm."""
    assert structure(message(f"MSH|^~\\&|||||||{header}\r")) == []


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("PID-3", []),
        ("PID-99", [("PID-99", 101, "E")]),
        ("PID-3.4", []),
        ("PID-3[2]", [("PID-3[2]", 101, "E")]),
        ("NK1", []),
        ("NK1[2]", [("NK1[2]", 101, "E")]),
        ("PV2-36", [("PV2-36", 101, "E")]),
    ],
)
def test_what_the_profile_requires_must_be_there(
    path: str, found: list[tuple[str, int, str]]
) -> None:
    """A required path that is absent is 101 at that path."""
    assert said(structure(message(), [path])) == found


def test_null_and_blanks_are_missing() -> None:
    """Deleting a required field does not fill it."""
    assert said(structure(message(GOOD.replace("|1^^^OSP^PI|", '|""|')), ["PID-3"]))
    assert said(structure(message(GOOD.replace("|1^^^OSP^PI|", "|  |")), ["PID-3"]))


def test_four_mistakes_are_four_findings() -> None:
    """Each mistake of a message is found once, with its place and code, in the message's order."""
    text = (
        GOOD.replace("A01^ADT_A01|42|", "A01^ADT_A01||")
        .replace("|20260301|", "|3 marzo|")
        .replace("|ROSSI^ANNA|", "||")
        .replace("|3250|", "|tre chili|")
    )
    assert said(check(message(text))) == [
        ("MSH-10", 101, "E"),
        ("PID-5", 101, "E"),
        ("PID-7", 102, "E"),
        ("OBX-5", 102, "E"),
    ]


def test_a_missing_version_is_said_once() -> None:
    """Two rules that say the same thing of the same place make one finding."""
    assert said(check(message(GOOD.replace("|P|2.5", "|P|")))) == [("MSH-12", 101, "E")]


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("ZNE|x", "zne|x", ("???", 100, "E")),
        ("ZNE|x", "ABC|x", ("ABC", 100, "W")),
        ("ADT_A01|", "ADT_A08|", ("MSH-9.3", 103, "W")),
        ("EVN||", "EVN|A08|", ("EVN-1", 103, "W")),
        ("NK1|1|", "NK1|uno|", ("NK1-1", 102, "E")),
        ("|F\rNK1", "~M|F\rNK1", ("PID-7", 102, "W")),
        ("3250|g|||||F", "3250|g|||||Q", ("OBX-11", 103, "W")),
        ("^^^OSP^PI", "^^^OSP^PI^^domani", ("PID-3.7", 102, "E")),
        ("PI||ROSSI", "PI~2^^^^^^31||ROSSI", ("PID-3[2].7", 102, "E")),
    ],
)
def test_what_the_dictionary_says_is_found(old: str, new: str, found: tuple[str, int, str]) -> None:
    """Names, order, types and HL7's own tables, each at its place."""
    text = GOOD.replace(old, new)
    assert text != GOOD
    findings = check(message(text))
    assert found in said(findings)
    assert all(value not in finding.text for finding in findings for value in ("ROSSI", "domani"))


def test_values_of_site_tables_are_the_sites_own() -> None:
    """User-defined tables and foreign code systems raise no finding."""
    assert check(message(GOOD.replace("|MTH\r", "|MADRE^^99LOC\r").replace("|I\r", "|NB\r"))) == []


def test_a_message_of_another_type_is_checked_without_order() -> None:
    """Only ADT structures are held against."""
    assert said(check(message(GOOD.replace("ADT^A01^ADT_A01", "ORU^R01")))) == [
        ("MSH-9.1", 200, "E")
    ]


def test_an_observation_is_checked_by_the_type_it_says() -> None:
    """OBX-2 decides what OBX-5 may hold; without it nothing is judged."""
    assert said(check(message(GOOD.replace("|NM|", "|ST|")))) == []
    assert said(check(message(GOOD.replace("|NM|", "||")))) == []


def test_a_finding_can_be_printed() -> None:
    """One line: severity, code, place, sentence."""
    finding = Finding(Location("PID", 1, 7), 102, "E", "cannot be read")
    assert str(finding) == "E 102 PID-7: cannot be read"


@given(st.text(alphabet='MSHPIDNK1Z|^~\\&\r\n"0 ', max_size=200))
def test_any_message_can_be_checked(noise: str) -> None:
    """Whatever stands after the header, checking ends and names places."""
    for finding in check(message(GOOD + noise)):
        assert finding.code in range(100, 104) or finding.code in range(200, 204)


@pytest.mark.parametrize(
    ("more", "segments", "place"),
    [
        ("||P42", "NK1|2|NERI^UGO|FTH\r", "MSH-14"),
        ("", "PID|1||9\rOBX|1|TX|||half\rADD\rDSC|P42|F\r", "DSC-1"),
        ("", "PID|1||9\rOBX|1|TX|||half\rADD|the rest\r", "ADD"),
    ],
    ids=["a later piece", "the first piece", "a continued segment"],
)
def test_a_piece_of_a_message_is_refused_with_its_place(
    more: str, segments: str, place: str
) -> None:
    """AE 100: half a birth is never taken for a whole one."""
    raw = f"MSH|^~\\&|A|B|C|D|2026||ADT^A01|1|P|2.5{more}\r{segments}"
    found = structure(Message.parse(raw.encode()))
    assert [finding.code for finding in found] == [100] * len(found)
    assert place in [str(finding.location).replace("[1]", "") for finding in found]
    assert not any(finding.rejects for finding in found)


@pytest.mark.parametrize("segments", ["", "DSC\r", "DSC|\r", 'DSC|""\r'])
def test_what_is_whole_is_no_continuation(segments: str) -> None:
    """DSC-1 empty or null; and an MSH-14 of a message that has its beginning, as real feeds do."""
    raw = f"MSH|^~\\&|A|B|C|D|2026||ADT^A01|1|P|2.5||456\rPID|1||9\r{segments}"
    assert structure(Message.parse(raw.encode())) == []


@pytest.mark.parametrize("field", [2, 3, 4, 5, 6, 10, 11, 12, 18])
def test_what_an_answer_would_repeat_has_a_length(field: int) -> None:
    """Each field that is said back is refused at its place when no standard knows it so long."""
    parts = GOOD.split("\r")[0].split("|") + [""] * 6

    def found(length: int) -> list[tuple[str, int, str]]:
        longer = [*parts]
        longer[field - 1] += "^" + "x" * (length - len(parts[field - 1]) - 1)
        return said(structure(message("|".join(longer) + "\rPID|1\r")))

    assert found(255) == []
    assert found(256) == [(f"MSH-{field}", 102, "E")]
