"""The manual says what the code says: errors with advice, the table of statuses, verbs, links."""

from __future__ import annotations

import ast
import configparser
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from docs import generate
from gateway import cli, errors
from gateway.config import Limits
from gateway.lifecycle import MEANINGS, Status
from gateway.partners import EntrySettings
from gateway.pec.receipt import Kind
from gateway.postman import Given
from gateway.telemetry import KEYS, Metrics
from tests.architecture.sources import ROOT, Source, calls, sources, tracked

PAGES = [ROOT / name for name in tracked() if name.endswith(".md")]
LIMITS = "What a listener bears"
OFFICES = "The partner directory"


def test_every_error_has_its_own_advice():
    """Each class that can be raised tells the operator, in one sentence, what to do."""
    for error in generate.tree(errors.GatewayError)[1:]:
        assert error.__doc__, error
        assert error.advice != errors.GatewayError.advice, error
        assert error.advice.endswith("."), error
        assert "\n" not in error.advice, error


def test_the_tree_in_the_docstring_is_the_tree():
    """The drawing at the top of errors.py names every class, and no other."""
    drawing = (errors.__doc__ or "").split("\n\n")[1]
    names = [re.findall(r"[A-Z][A-Za-z]+", line)[0] for line in drawing.splitlines()]
    assert sorted(names) == sorted(each.__name__ for each in generate.tree(errors.GatewayError))


@pytest.mark.parametrize("name", generate.PAGES)
def test_generated_pages_are_fresh(name: str):
    """A page written from the code says what the code says today (python docs/generate.py)."""
    assert (ROOT / "docs" / name).read_text(encoding="utf-8") == generate.PAGES[name]()


def test_every_status_is_explained():
    """No status stands in the operator's lists without a meaning in the manual."""
    assert set(MEANINGS) == set(Status)


def headings(page: Path) -> set[str]:
    """The anchors of a page, as Markdown viewers make them."""
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def broken_links(page: Path) -> Iterator[str]:
    """Links to files that are not there, or to headings that a page does not have."""
    text = re.sub(r"```.*?```|`[^`]*`", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" in target:
            continue
        name, _, anchor = target.partition("#")
        found = (page.parent / name).resolve() if name else page
        if not found.exists() or (anchor and anchor not in headings(found)):
            yield f"{page.relative_to(ROOT)}: {target}"


def test_links_lead_somewhere():
    """Every link between the project's pages has its page and its heading."""
    assert [link for page in PAGES for link in broken_links(page)] == []


def test_every_page_of_the_manual_is_in_its_index():
    """Who opens docs/README.md finds every page of docs/, and the folder of decisions."""
    index = (ROOT / "docs/README.md").read_text(encoding="utf-8")
    pages = {page.name for page in PAGES if page.parent == ROOT / "docs"} - {"README.md"}
    assert {name for name in pages if f"({name})" not in index} == set()


def verbs(group: click.Command, prefix: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every verb of the command, groups too: ('case', 'list')."""
    yield prefix
    if isinstance(group, click.Group):
        context = click.Context(group)
        for name in group.list_commands(context):
            command = group.get_command(context, name)
            assert command is not None, f"icaro {' '.join(prefix)} {name}"
            yield from verbs(command, (*prefix, name))


def named_verbs(text: str) -> set[tuple[str, ...]]:
    """What a page calls a verb: the words after `icaro` in code, alternatives (a|b) spread."""
    code = " \n".join(re.findall(r"```.*?```|`[^`\n]*`|^    .*$", text, re.DOTALL | re.MULTILINE))
    found = set()
    for words in re.findall(r"(?:^|[`\s/])icaro ((?:[a-z][a-z0-9|-]*(?: |$|`|\n))+)", code):
        first, *rest = words.strip("`\n ").split()
        seconds = rest[0].split("|") if rest else [""]
        found |= {(a, b) if b else (a,) for a in first.split("|") for b in seconds}
    return found


def test_the_manual_names_only_verbs_that_exist():
    """No page tells a reader to type a verb that the command does not have."""
    known = set(verbs(cli.main))
    groups = {verb[:1] for verb in known if len(verb) > 1}
    for page in PAGES:
        for verb in named_verbs(page.read_text(encoding="utf-8")):
            assert verb[:1] in known, f"{page.name}: icaro {' '.join(verb)}"
            if verb[:1] in groups and len(verb) > 1:
                assert verb in known, f"{page.name}: icaro {' '.join(verb)}"


def named_options(text: str) -> Iterator[tuple[list[str], list[str]]]:
    """The words of each `icaro …` in a page, and the options behind them."""
    for line in re.findall(r"(?:^|[`\s])icaro ([a-z][^`\n]*)", text):
        said = line.split(" #")[0]
        yield said.split(), re.findall(r"(?<= )--?[a-z][a-z-]*", said)


def options(words: list[str]) -> set[str]:
    """Every option of the verb that a line begins with; of the group where it ends there."""
    command: click.Command = cli.main
    for word in words:
        found = (
            command.get_command(click.Context(command), word)
            if isinstance(command, click.Group)
            else None
        )
        if found is None:
            break
        command = found
    declared = [each for each in command.params if isinstance(each, click.Option)]
    return {"--help", *(name for each in declared for name in each.opts + each.secondary_opts)}


def test_the_manual_names_only_options_that_exist():
    """No page tells a reader to type an option that the verb does not have."""
    wrong = [
        f"{page.name}: icaro {' '.join(words)}"
        for page in PAGES
        for words, said in named_options(page.read_text(encoding="utf-8"))
        if set(said) - options(words)
    ]
    assert wrong == []


def test_every_verb_is_in_the_manual():
    """What an operator can type stands in docs/operations.md."""
    said = named_verbs((ROOT / "docs/operations.md").read_text(encoding="utf-8"))
    alone = {verb[:1] for verb in said}
    wanted = set(verbs(cli.main)) - {()}
    groups = {verb[:1] for verb in wanted if len(verb) > 1}
    missing = {v for v in wanted if len(v) == 1 and v not in alone | groups}
    assert missing | {v for v in wanted if len(v) > 1 and v[:2] not in said} == set()


def test_every_figure_and_key_is_in_the_manual():
    """What monitoring and log searches rest on stands in docs/operations.md."""
    text = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
    metrics = Metrics()
    metrics.ask(
        evidence=float,
        queue=float,
        circuits=float,
        certificates=dict,
        submissions=dict,
        pauses=dict,
    )
    names = set(re.findall(r"# HELP (icaro_\w+)", metrics.exposition().decode()))
    wanted = {name for name in names if not name.endswith("_created")} | KEYS
    assert {name for name in wanted if f"`{name}" not in text} == set()


def section(page: str, heading: str) -> str:
    """What stands below a heading of a page of docs/, up to the next one."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    return re.split(r"^#+ ", text.split(f"# {heading}\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]


def texts(value: ast.expr) -> Iterator[str]:
    """What an argument may be: a text, one of two, or the beginning of one (`pec.…`)."""
    match value:
        case ast.Constant(value=str() as text):
            yield text
        case ast.IfExp(body=body, orelse=orelse):
            yield from [*texts(body), *texts(orelse)]
        case ast.JoinedStr(values=[ast.Constant(value=str() as text), *_]):
            yield f"{text}…"


def alarms(source: Source) -> Iterator[str]:
    """The path of every alarm that a module raises or writes."""
    for name, call in calls(source.tree):
        if name.rpartition(".")[2].lstrip("_") == "alarm":
            yield from texts(call.args[0])
        elif name.endswith("log") and call.args and "alarm" in texts(call.args[0]):
            yield from (
                t for word in call.keywords if word.arg == "path" for t in texts(word.value)
            )


def test_every_alarm_is_in_the_manual():
    """Each path of an alarm stands in docs/operations.md, and no path that never comes."""
    raised = {path for source in sources("gateway", "adapters") for path in alarms(source)}
    mail = {path for path in raised if path.startswith("pec.")}
    table = re.findall(r"^\| (`.+?`) \|", section("operations.md", "Paths of alarms"), re.MULTILINE)
    told = {name for cell in table for name in re.findall(r"`(.+?)`", cell)} - {"path"}
    assert raised - mail | {"pec.…"} == told
    page = (ROOT / "docs/pec.md").read_text(encoding="utf-8")
    kinds = {each.value for each in (*Given, *Kind)} - {Given.TAKEN.value, Kind.ACCEPTED.value}
    mail |= {f"pec.{kind}" for kind in kinds}
    assert mail - {"pec.…"} == set(re.findall(r"`(pec\.[^`…]+)`", page))


def test_every_limit_of_a_listener_is_in_the_manual():
    """Each has its row in docs/deployment.md, with the default that it has."""
    found = re.findall(r"^\| `(\w+)` \| (.+?) \|", section("deployment.md", LIMITS), re.MULTILINE)
    assert dict(found).keys() == Limits.model_fields.keys()
    assert Limits.model_validate(dict(found)) == Limits()


def test_every_setting_of_an_office_is_in_the_manual():
    """What partners.yaml may say of an office has its row in docs/deployment.md."""
    cells = re.findall(r"^\| (`.+?) \|", section("deployment.md", OFFICES), re.MULTILINE)
    told = [name for cell in cells for name in re.findall(r"`(\w+)`", cell)]
    assert sorted(told) == sorted(EntrySettings.model_fields)


def test_every_library_is_explained():
    """What is installed with the gateway stands in docs/libraries.md, with its reason."""
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    needs = setup["options"]["install_requires"].split("\n")
    page = (ROOT / "docs/libraries.md").read_text(encoding="utf-8").lower()
    names = [re.split(r"[\[<>=!; ]", need)[0].lower() for need in needs if need]
    assert [name for name in names if not re.search(rf"[|,] {re.escape(name)}\b", page)] == []


def test_every_room_is_on_the_map():
    """README's map of folders names every folder that holds code or what travels with it."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    rooms = {name.split("/")[0] + "/" for name in tracked() if "/" in name}
    rooms |= {
        "/".join(name.split("/")[:2]) + "/"
        for name in tracked()
        if name.startswith(("gateway/", "adapters/")) and name.count("/") > 1
    }
    assert {room for room in rooms if room not in readme and not room.startswith(".")} == set()
