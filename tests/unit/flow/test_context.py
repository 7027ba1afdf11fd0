"""What the gateway knows of a case beside its dossier."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.flow.context import CaseFinding, Context

words = st.text(max_size=20)
by_name = st.dictionaries(words, words, max_size=3)
contexts = st.builds(
    Context,
    facts=st.dictionaries(words, by_name, max_size=3),
    choice=by_name,
    cancellation=by_name,
    findings=st.lists(st.builds(CaseFinding, words, words, words), max_size=3),
    overrides=st.dictionaries(words, st.dictionaries(words, by_name, max_size=2), max_size=2),
    days=by_name,
    declared_by=words,
    anonymous=st.booleans(),
    admitted_at=words,
    life=words,
    registered_alive=st.integers(0, 9),
)


@given(contexts)
def test_what_is_stored_comes_back(context: Context) -> None:
    """Every field survives the journal, whatever its text."""
    assert Context.decode(context.encode()) == context


def test_nothing_stored_is_an_empty_context() -> None:
    """A case that was just opened knows nothing."""
    assert Context.decode(b"") == Context()
    assert Context.decode(b"{}") == Context()


def test_learning_tells_whether_anything_changed() -> None:
    """Facts add up; the same again, or an empty one, changes nothing."""
    context = Context()
    assert context.learn("comune", {"protocollo": "P1", "attoNumero": ""})
    assert not context.learn("comune", {"protocollo": "P1"})
    assert not context.learn("comune", {"protocollo": ""})
    assert not context.learn("assistito", {})
    assert context.learn("comune", {"attoNumero": "117"})
    assert context.facts == {"comune": {"protocollo": "P1", "attoNumero": "117"}}
    assert context.learn("comune", {"protocollo": "P2"})


def test_a_provisional_number_never_takes_a_definitive_code_back() -> None:
    """Answers cross: what came late of before the definitive code says nothing about it."""
    context = Context()
    provisional = {"codiceFiscale": "00743110157", "provvisorio": "true"}
    definitive = {"codiceFiscale": "RSSGLI26C41F205V"}
    context.learn("codice_fiscale", context.newer("codice_fiscale", provisional))
    context.learn("codice_fiscale", context.newer("codice_fiscale", definitive))
    assert context.facts["codice_fiscale"] == definitive | {"provvisorio": "false"}
    late = context.newer("codice_fiscale", provisional | {"protocollo": "P"})
    assert late == {"protocollo": "P"}


def test_forgetting_tells_whether_there_was_anything() -> None:
    """An annulled step has no facts; annulling it twice changes nothing."""
    context = Context(facts={"comune": {"protocollo": "P1"}})
    assert context.forget("comune")
    assert not context.forget("comune")
    assert context.facts == {}


def test_no_fact_is_in_a_repr() -> None:
    """A context that reaches a log line shows no person."""
    context = Context(facts={"a": {"b": "ROSSI"}}, choice={"c": "VERDI"}, cancellation={"d": "X9"})
    shown = repr(context)
    assert not [word for word in ("ROSSI", "VERDI", "X9") if word in shown]


def test_a_late_wish_forgets_what_was_told_of_her_child() -> None:
    """Codice fiscale, choices, what submissions were given; the days of the terms stay."""
    context = Context(
        facts={"codice_fiscale": {"codiceFiscale": "X"}},
        choice={"pediatra": "PLS001"},
        overrides={"a": {"scelta": {"candidato": "X"}}},
        days={"born": "2026-03-01"},
    )
    context.unname()
    assert context == Context(anonymous=True, days={"born": "2026-03-01"})
