"""Reading a settings file: every mistake at once, each with its line."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import ConfigurationError
from gateway.settings import Settings, Tree, build, dotted, in_order, override, read


class Door(Settings):
    name: str
    port: int = 1


class House(Settings):
    street: str
    number: int = 0
    doors: tuple[Door, ...] = ()
    rooms: dict[str, Door] = {}
    garden: Door | None = None


def written(tmp_path: Path, text: str) -> Tree:
    path = tmp_path / "house.yaml"
    path.write_text(text, encoding="utf-8")
    return read(path)


def problems(tree: Tree) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        build(House, tree)
    return list(caught.value.problems)


def test_every_scalar_is_text_until_a_field_says_otherwise(tmp_path: Path):
    """015146 stays a code and NO stays a word, where YAML alone would make a number and a false."""
    tree = written(tmp_path, "street: 015146\nnumber: 7\ndoors:\n- {name: NO}\n")
    house = build(House, tree)
    assert (house.street, house.number, house.doors[0].name) == ("015146", 7, "NO")


def test_a_key_with_nothing_behind_it_says_nothing(tmp_path: Path):
    """`number:` alone leaves the default; it is not an empty text."""
    assert build(House, written(tmp_path, "street: a\nnumber:\ngarden: ~\n")).number == 0


def test_a_quoted_empty_text_is_a_text(tmp_path: Path):
    """`''` is said on purpose."""
    assert build(House, written(tmp_path, "street: ''\n")).street == ""


def test_all_mistakes_at_once_in_the_order_of_the_lines(tmp_path: Path):
    """One look at the list mends the file."""
    tree = written(
        tmp_path,
        "number: many\ndoors:\n  - name: a\n    prot: 3\n  - port: 2\nnumber: 3\nstret: x\n",
    )
    assert problems(tree) == [
        "house.yaml:1: street: missing",
        "house.yaml:1: number: input should be a valid integer, unable to parse string as an "
        "integer",
        "house.yaml:4: doors[0].prot: unknown key; did you mean 'port'?",
        "house.yaml:5: doors[1].name: missing",
        "house.yaml:6: number: said twice",
        "house.yaml:7: stret: unknown key; did you mean 'street'?",
    ]


def test_unknown_key_like_none_lists_what_is_known(tmp_path: Path):
    """Where no key is near, all are named, in optional parts and dictionaries too."""
    tree = written(
        tmp_path, "street: a\ngarden: {name: g, zzz: 1}\nrooms: {k: {name: r, zzz: 1}}\n"
    )
    assert problems(tree) == [
        "house.yaml:2: garden.zzz: unknown key; known are name, port",
        "house.yaml:3: rooms.k.zzz: unknown key; known are name, port",
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: &x 1\n", "house.yaml:1: anchors and aliases are not used here"),
        ("a: &x {b: *x}\n", "house.yaml:1: anchors and aliases are not used here"),
        ("a: !!python/object:os.system 1\n", "house.yaml:1: tags (!…) are not used here"),
        ("- a\n", "house.yaml:1: the file must be a mapping of keys to values"),
        ("", "house.yaml:1: the file must be a mapping of keys to values"),
        ("a: [1\n", "house.yaml:2: not YAML: expected ',' or ']', but got '<stream end>'"),
        ("a: 1\n---\nb: 2\n", "house.yaml:2: not YAML: but found another document"),
        ("a: \x07\n", "house.yaml: not YAML: it has characters that YAML does not allow"),
        ("? [a]\n: 1\n", "house.yaml:1: a key must be one word"),
    ],
)
def test_what_yaml_can_and_settings_may_not(tmp_path: Path, text: str, problem: str):
    """Nothing clever: no anchors, tags, lists at the top, second documents, strange keys."""
    assert problem in written(tmp_path, text).problems


def test_a_file_that_is_not_there(tmp_path: Path):
    """A missing file is a mistake that names the file."""
    assert read(tmp_path / "house.yaml").problems == [
        f"{tmp_path / 'house.yaml'}: cannot be read: No such file or directory"
    ]


def test_a_file_that_is_not_text(tmp_path: Path):
    """Bytes that are no UTF-8 are named, not guessed."""
    (tmp_path / "house.yaml").write_bytes(b"street: \xe8\n")
    (problem,) = read(tmp_path / "house.yaml").problems
    assert problem.endswith("is not UTF-8 text")


@given(st.text(alphabet="ab:-[]{}&*!?|>'\"#%@`, \n\t1", max_size=60))
def test_no_text_breaks_the_reader(tmp_path_factory: pytest.TempPathFactory, text: str):
    """Whatever a file holds becomes values or problems, never another exception."""
    path = tmp_path_factory.mktemp("settings") / "house.yaml"
    path.write_text(text, encoding="utf-8")
    tree = read(path)
    assert isinstance(tree.values, dict)
    assert tree.values or tree.problems or text.strip()


def test_values_are_never_repeated(tmp_path: Path):
    """A password in the wrong place does not come out in a problem."""
    told = problems(written(tmp_path, "street: a\nnumber: hunter2\ngarden: hunter2\n"))
    assert len(told) == 2
    assert "hunter2" not in "\n".join(told)


def test_environment_stands_over_the_file(tmp_path: Path):
    """ICARO_DOORS__0__PORT replaces what the file says, and makes keys that it does not say."""
    tree = written(tmp_path, "street: a\ndoors:\n- {name: d, port: 1}\n")
    environment = {
        "ICARO_STREET": "b",
        "ICARO_DOORS__0__PORT": "9",
        "ICARO_GARDEN__NAME": "g",
        "ICARO_HOME": "somebody else's",
        "PATH": "/bin",
    }
    override(tree, House, environment)
    house = build(House, tree)
    assert (house.street, house.doors[0].port, house.garden) == ("b", 9, Door(name="g"))


def test_mistakes_of_the_environment_name_the_variable(tmp_path: Path):
    """A misspelt or misplaced override is a mistake like any other."""
    tree = written(tmp_path, "street: a\ndoors: []\n")
    names = ("ICARO_GARDEN__PROT", "ICARO_DOORS__0__PORT", "ICARO_STREET__X", "ICARO_NUMBER")
    override(tree, House, dict.fromkeys(names, "x"))
    told = "\n".join(problems(tree))
    assert "environment: ICARO_GARDEN__PROT: garden.prot: unknown key; did you mean 'port'" in told
    assert "environment: ICARO_DOORS__0__PORT: names nothing that the file has" in told
    assert "environment: ICARO_STREET__X: names nothing that the file has" in told
    assert "environment: ICARO_NUMBER: number: input should be a valid integer" in told


def test_what_was_copied_is_told_where_it_stands():
    """A value that came from defaults points at the defaults, and is told once."""
    tree = Tree(Path("house.yaml"))
    tree.values = {"street": "a", "rooms": {"a": {"name": "x", "port": "?"}}}
    tree.places = {("defaults", "port"): "house.yaml:3"}
    tree.copied = {("rooms", "a", "port"): ("defaults", "port")}
    (problem,) = problems(tree)
    assert problem.startswith("house.yaml:3: defaults.port: ")


def test_in_order_drops_what_is_said_twice():
    """Lines count as numbers, and each problem once."""
    assert in_order(["a:10: x", "a:9: y", "a:10: x", "b: z"]) == ["a:9: y", "a:10: x", "b: z"]


def test_dotted():
    """A way is written as a person writes it."""
    assert dotted(("senders", 0, "profile")) == "senders[0].profile"
