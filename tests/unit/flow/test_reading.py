"""What messages say to the flow, for the standard profile and for dialects."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from gateway.errors import ConfigurationError, MessageRefused
from gateway.flow.definition import Flow
from gateway.flow.reading import Reader
from gateway.hl7.message import Message, Segment
from tests.births import GIULIA, ROOT, SAMPLES, flow_of, library, reader_of

INPUTS: Mapping[str, Mapping[str, object]] = {
    "sender": {"comune": "015146", "struttura": "030001", "nome": "Prova", "asl": "321"},
    "scelta": {},
    "partner": {"assegnaCodiceFiscale": False},
}


def sample(name: str, *changes: tuple[str, str]) -> Message:
    """A shipped sample, changed."""
    text = (SAMPLES / f"{name}.hl7").read_bytes()
    text = text.replace(b"\r\n", b"\n").replace(b"\n", b"\r")
    for old, new in changes:
        assert old.encode() in text, old
        text = text.replace(old.encode(), new.encode())
    return Message.parse(text)


def reader(profile: str = "default") -> Reader:
    """The shipped flow for a profile."""
    return reader_of(flow_of(), profile)


def changed(folder: Path, old: str, new: str) -> Flow:
    """The shipped flow with one place changed."""
    text = (ROOT / "mappings" / "nascita.flow.yaml").read_text(encoding="utf-8")
    assert old in text
    return flow_of(text.replace(old, new, 1), folder)


def test_a_birth_is_recognised() -> None:
    """An A01 of a newborn opens a case; of an adult, or under another event, it does not."""
    assert reader().of(sample("femmina"), INPUTS).opens()
    assert not reader().of(sample("femmina", ("|N||||||NEO|", "|R||||||NEO|")), INPUTS).opens()
    assert (
        not reader().of(sample("femmina", ("ADT^A01^ADT_A01", "ADT^A02^ADT_A02")), INPUTS).opens()
    )


@pytest.mark.parametrize(
    ("name", "profile"), [("dialetto_nnita", "dialect_nnita"), ("dialetto_cf", "dialect_cf")]
)
def test_a_dialect_is_read_by_its_profile(name: str, profile: str) -> None:
    """Another hospital's way of saying the same needs a profile and no other flow."""
    assert reader(profile).of(sample(name), INPUTS).opens()
    assert reader(profile).of(sample(name), INPUTS).key() is not None
    assert reader(profile).of(sample(name), INPUTS).declared()


def test_the_key_is_authority_and_identifier() -> None:
    """The child is known by PI, then MR; without an identifier there is no key."""
    assert reader().of(sample("femmina"), INPUTS).key() == ("HIS", "26000123")
    other = sample("femmina", ("26000123^^^HIS^PI", "777^^^^PI"))
    assert reader().of(other, INPUTS).key() == ("", "777")
    assert reader().of(sample("femmina", ("26000123^^^HIS^PI", "")), INPUTS).key() is None


def test_a_merge_names_the_record_that_disappears() -> None:
    """MRG-1, in the order of the case's key."""
    raw = GIULIA.message("A40").replace(b"PV1|", b"MRG|OLD^^^HIS^PI\rPV1|", 1)
    assert reader().of(Message.parse(raw), INPUTS).old_key() == ("HIS", "OLD")
    assert reader().of(sample("femmina"), INPUTS).old_key() is None


@pytest.mark.parametrize(
    ("name", "declared"),
    [("femmina", True), ("femmina_senza_nome", False), ("anonima", True), ("nato_morto", True)],
)
def test_a_birth_is_declared_by_the_profiles_rule(name: str, declared: bool) -> None:
    """A real name and a mother; an unnamed mother or a stillborn child needs no name."""
    assert reader().of(sample(name), INPUTS).declared() is declared


def test_an_unnamed_mother_is_heard() -> None:
    """Wherever the hospital marks it."""
    assert reader().of(sample("anonima"), INPUTS).anonymous()
    assert not reader().of(sample("femmina"), INPUTS).anonymous()


def test_a_wish_that_cannot_be_read_refuses_the_message(tmp_path: Path) -> None:
    """Neither stored with her name nor lost: the hospital keeps it and hears the place."""
    flow = changed(tmp_path, "anonymous: anonymous", "anonymous: (PV1-2 | number) == 1")
    made = Reader(flow, library(), library().profile("default"))
    with pytest.raises(MessageRefused, match="whether the mother may be named") as caught:
        made.of(sample("femmina"), INPUTS).anonymous()
    assert (caught.value.code, caught.value.location) == (102, "NK1")
    assert not caught.value.rejects


def test_content_that_cannot_be_read_is_a_finding_and_no_error() -> None:
    """Two mothers, an impossible day: the message is taken, a person sees why nothing goes."""
    message = sample("femmina", ("FTH^Father", "MTH^Mother"), ("|202603011030|", "|202613991030|"))
    found = reader().of(message, INPUTS).findings()
    assert {"NK1-MTH", "PID-7"} <= {each.at for each in found if each.code == "CONTENT"}
    assert not [each for each in found if "BIANCHI" in each.text or "202613991030" in each.text]
    assert not reader().of(message, INPUTS).declared()
    # The mother's residence cannot be told from two: the rules that remain decide.
    assert reader().of(message, INPUTS).step("comune").route == "015146"


def test_rules_of_the_flow_are_findings() -> None:
    """A child without a mother is one, at the place that the flow names."""
    orphan = sample("femmina", ("MTH^Mother", "OTH^Other"))
    assert [(e.code, e.at) for e in reader().of(orphan, INPUTS).findings()] == [
        ("NO_MOTHER", "NK1")
    ]
    assert reader().of(sample("femmina"), INPUTS).findings() == []


# ---------------------------------------------------------------- which office


@pytest.mark.parametrize(
    ("changes", "istat"),
    [
        ((), "015209"),
        ((("PID|1||26000123", "ZNA|016024\rPID|1||26000123"),), "016024"),
        (
            (
                ("20099^ITA^L^^015209~^^MILANO^MI^^ITA^N", "20099^ITA^L^^~^^MILANO^MI^^ITA^N"),
                ("20099^ITA^L^^015209~^^MONZA", "20099^ITA^L^^108033~^^MONZA"),
            ),
            "108033",
        ),
    ],
)
def test_the_competent_comune(changes: tuple[tuple[str, str], ...], istat: str) -> None:
    """What the parents asked for, then the mother's residence, then the father's."""
    assert reader().of(sample("femmina", *changes), INPUTS).step("comune").route == istat


def test_without_a_residence_the_comune_of_birth_is_competent() -> None:
    """If neither parent has one."""
    message = sample("femmina", ("^L^^015209~", "^L^^~"))
    assert reader().of(message, INPUTS).step("comune").route == "015146"


@pytest.mark.parametrize("name", ["anonima", "nato_morto"])
def test_the_exceptions_come_first(name: str) -> None:
    """An unnamed mother, a stillborn child: always the Comune of birth, whatever is asked."""
    message = sample(name, ("PID|1|", "ZNA|016024\rPID|1|"))
    assert reader().of(message, INPUTS).step("comune").route == "015146"
    for step in ("codice_fiscale", "assistito", "pediatra", "riscontro"):
        assert not reader().of(message, INPUTS).step(step).wanted


def test_no_place_at_all_is_no_route() -> None:
    """Nothing is guessed."""
    nowhere = {**INPUTS, "sender": {}}
    raw = GIULIA.message("A01").replace(b"015146", b"").replace(b"015209", b"")
    assert reader().of(Message.parse(raw), nowhere).step("comune").route is None
    unnamed = sample("anonima", ("015146", ""))
    assert reader().of(unnamed, nowhere).step("comune").route is None


def test_a_choice_is_made_or_not() -> None:
    """By the message or by an operator; a step without a choice needs none."""
    assert reader().of(sample("femmina"), INPUTS).step("pediatra").chosen
    without = Message.parse(GIULIA.message("A01"))
    assert not reader().of(without, INPUTS).step("pediatra").chosen
    operator = {**INPUTS, "scelta": {"pediatra": "PLS001"}}
    assert reader().of(without, operator).step("pediatra").chosen
    assert reader().of(without, INPUTS).step("comune").chosen


def test_a_comune_that_gets_the_code_itself_makes_the_step_unwanted() -> None:
    """The codice fiscale is not asked for twice."""
    assigns = {**INPUTS, "partner": {"assegnaCodiceFiscale": True}}
    assert reader().of(sample("femmina"), INPUTS).step("codice_fiscale").wanted
    assert not reader().of(sample("femmina"), assigns).step("codice_fiscale").wanted


def test_an_expression_that_does_not_compile_is_told_with_its_line(tmp_path: Path) -> None:
    """At start-up, with the line of the flow file."""
    flow = changed(tmp_path, "when: exists(newborn_id)", "when: exists(newborn_di)")
    with pytest.raises(ConfigurationError, match=r"test\.flow\.yaml:\d+"):
        Reader(flow, library(), library().profile("default"))


def test_what_several_questions_read_of_a_message_is_read_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A message is asked about thirty times; its mother is looked for once."""
    looked: list[str] = []

    class Watched(Message):
        def all(self, name: str) -> tuple[Segment, ...]:
            looked.append(name)
            return super().all(name)

    parsed = sample("femmina")
    monkeypatch.setattr(parsed, "__class__", Watched)
    account = reader().of(parsed, INPUTS)
    assert account.declared()
    assert account.findings() == []
    assert all(account.step(name).wanted for name in ("comune", "codice_fiscale", "assistito"))
    assert len(looked) == len(set(looked))
