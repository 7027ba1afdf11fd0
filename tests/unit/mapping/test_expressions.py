"""Any expression at all is refused with findings or gives an answer."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.errors import ConfigurationError, TranslationError
from gateway.mapping import Library

from .conftest import CONTRACT, message

LIBRARY = Library(CONTRACT / "mappings", CONTRACT / "xsd")
PROFILE = LIBRARY.profile("default")
INPUTS = {"sender": {"comune": "text"}, "flow": {"today": "date", "vero": "boolean"}}
MESSAGE = message(
    "PID|1||A^^^X^PI~B^^^Y^CF||ROSSI^Anna||20260302|F", "NK1|1|R^A|MTH", "NK1|2|B|FTH"
)

LEAVES = st.sampled_from(
    [
        *("PID-3", "PID-3[1].4.1", "PID-3[5 == 'CF'].1", "PID-3[*].1", "PID-5.1", "PID-7", "PID"),
        *("NK1", "NK1[3 == 'MTH']", "NK1[*]-2.1", "newborn", "cf_nato", "cf_of(PID-3)", "nobody"),
        *(
            "sender.comune",
            "flow.today",
            "flow.vero",
            "'x'",
            "''",
            "7",
            "3.5",
            "true",
            "'20260302'",
        ),
    ]
)


STAGES = [
    *("upper", "date", "datetime('Europe/Rome')", "integer", "number", "cf", "left(2)", "words(2)"),
    *("exists", "count", "is_null", "matches('istat')", "grams('kg')", "age_on(flow.today)"),
    *("round(1)", "join", "lookup(a, b)", "anpr_name", "pad(500)", "time", "trim", "before('')"),
    *("cm('mm')", "right(9)", "integer | round(12)", "number | round(12)", "grams('lb')", "lower"),
]


def _more(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    functions = st.sampled_from(STAGES)
    operators = st.sampled_from([" and ", " or ", " ?? ", " == ", " != ", " < ", " >= "])
    return st.one_of(
        st.tuples(inner, functions).map(lambda pair: f"({pair[0]} | {pair[1]})"),
        st.tuples(inner, operators, inner).map(lambda three: f"({''.join(three)})"),
        inner.map(lambda text: f"not {text}"),
        st.tuples(inner, inner).map(lambda pair: f"({pair[0]} in ({pair[1]}, 'F'))"),
        inner.map(lambda text: f"PID-3[{text}].1"),
    )


def outcome(text: str) -> str:
    """What becomes of an expression; any other exception is a mistake of ours."""
    try:
        expression = LIBRARY.expression(text, PROFILE, INPUTS, "test:1")
    except ConfigurationError as error:
        told = all(problem.startswith("test:1:") for problem in error.problems)
        return "refused" if told else "without its place"
    try:
        expression(MESSAGE, {"flow": {"today": "2026-03-03", "vero": "true"}})
    except TranslationError:
        return "unreadable"
    return "answered"


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.recursive(LEAVES, _more, max_leaves=8))
def test_every_expression_has_an_outcome(text: str) -> None:
    """Compiled or refused with its place; run or a TranslationError; nothing else, ever."""
    assert outcome(text) in ("refused", "unreadable", "answered")


HL7_TEXTS = st.one_of(
    st.text(max_size=40),
    st.text(alphabet="0123456789", min_size=1, max_size=40),
    st.from_regex(r"[0-9]{4,14}(\.[0-9]{1,4})?([+-][0-9]{4})?", fullmatch=True),
    st.from_regex(r"[+-]?[0-9]{1,30}(\.[0-9]{1,30})?", fullmatch=True),
    st.just("99991231240000"),
)


@settings(max_examples=200, deadline=None)
@given(HL7_TEXTS, st.sampled_from(STAGES))
def test_every_function_has_an_outcome_for_every_text(text: str, stage: str) -> None:
    """Whatever stands in a field, a function gives a value or says why not."""
    quoted = "".join(each for each in text if each.isprintable()).replace("'", "''")
    assert outcome(f"'{quoted}' | {stage}") in ("refused", "unreadable", "answered")


def test_the_three_outcomes_are_told_apart() -> None:
    """The property above means something."""
    assert outcome("nobody") == "refused"
    assert outcome("PID-3") == "unreadable"
    assert outcome("PID-5.1 | upper") == "answered"
