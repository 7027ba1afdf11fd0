"""The folders: what is read, kept, pinned, and what is never opened."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.errors import ConfigurationError, TranslationError
from gateway.mapping import Library
from gateway.mapping.finding import Findings

from .conftest import HEAD, message

Write = Callable[..., Library]


def refused(library: Library, name: str) -> list[str]:
    with pytest.raises(ConfigurationError) as raised:
        library.mapping(name, library.profile("default"))
    return list(raised.value.problems)


def test_a_mapping_is_compiled_once_for_a_profile(library: Library) -> None:
    """The same object is given again."""
    profile = library.profile("default")
    assert library.mapping("comune/nascita.yaml", profile) is library.mapping(
        "comune/nascita.yaml", profile
    )
    assert library.profile("default") is profile


def test_every_file_a_mapping_depends_on_is_pinned(library: Library, folder: Path) -> None:
    """Mapping, tables, all XSD files and the profile, each by its SHA-256."""
    compiled = library.mapping("comune/nascita.yaml", library.profile("default"))
    assert set(compiled.pins) == {
        *("mappings/comune/nascita.yaml", "mappings/profiles/default.yaml"),
        *("mappings/tables/sesso.csv", "mappings/tables/comuni.csv"),
        *("xsd/comune/nascita.xsd", "xsd/comune/tipi.xsd"),
    }
    for name, digest in compiled.pins.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest


@pytest.mark.parametrize(
    "name",
    ["mappings/tables/sesso.csv", "xsd/comune/tipi.xsd", "mappings/profiles/default.yaml"],
)
def test_the_content_hash_changes_with_any_of_them(
    library: Library, folder: Path, name: str
) -> None:
    """One byte more in a table, an included XSD or the profile is another content."""
    before = library.mapping("comune/nascita.yaml", library.profile("default")).content_hash
    path = folder / name
    path.write_bytes(path.read_bytes() + b"\n")
    changed = Library(folder / "mappings", folder / "xsd")
    after = changed.mapping("comune/nascita.yaml", changed.profile("default")).content_hash
    assert before != after


@pytest.mark.parametrize("name", ["../secret.yaml", "/etc/passwd", "comune/../../secret.yaml"])
def test_nothing_outside_the_folder_is_read(library: Library, folder: Path, name: str) -> None:
    """Not by name, not by way of `..`."""
    (folder / "secret.yaml").write_text("lang: 1")
    assert "outside the folder" in refused(library, name)[0]


def test_a_link_out_of_the_folder_is_not_followed(library: Library, folder: Path) -> None:
    """What a link points to counts."""
    (folder / "secret.yaml").write_text("lang: 1")
    (folder / "mappings" / "link.yaml").symlink_to(folder / "secret.yaml")
    assert "outside the folder" in refused(library, "link.yaml")[0]


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("{xsd: ../secret.xsd, root: doc}", "outside"),
        ("{xsd: none.xsd, root: doc}", "no such file"),
        ("{xsd: doc.xsd, root: doc2}", "no root element doc2; did you mean doc?"),
        ("{xsd: evil.xsd, root: doc}", "not inside"),
    ],
)
def test_schemas_come_from_their_folder(
    written: Write, folder: Path, target: str, reason: str
) -> None:
    """Missing, outside, or importing from outside: a finding, not a crash."""
    (folder / "xsd" / "evil.xsd").write_text(
        '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">'
        '<xs:include schemaLocation="http://example.org/x.xsd"/></xs:schema>'
    )
    library = written(
        m=HEAD.replace("{xsd: doc.xsd, root: doc}", target) + "emit:\n  testo: PID-5\n"
    )
    assert reason in refused(library, "m.yaml")[0]


def test_all_mistakes_of_a_file_are_told_at_once(written: Write) -> None:
    """Three mistakes are three problems, with line and column."""
    library = written(m=HEAD + "emit:\n  tesot: PID-5\n  testo: madri\n  giorno: PID-5 | dat\n")
    problems = refused(library, "m.yaml")
    assert [problem.split(" ")[0] for problem in problems] == [
        "m.yaml:6:3:",
        "m.yaml:7:10:",
        "m.yaml:8:19:",
    ]


def test_a_profile_extends_another_and_its_own_definitions_win(written: Write) -> None:
    """In what it inherits too; settings it does not say are those of the other."""
    library = written(
        profiles__other="lang: 1\nprofile: other\nextends: default\n"
        "define:\n  cf_of(ids): ids[5 == 'CODE'].1\nnaks: []\n"
    )
    profile = library.profile("other")
    assert profile.required == ("PID-3",)
    assert profile.naks == ()
    assert profile.names == {"newborn", "named", "cf_of", "cf_nato"}
    expression = library.expression("cf_nato", profile)
    assert expression(message("PID|1||X^^^^CODE"), {}) == "X"
    assert set(profile.pins) == {"mappings/profiles/other.yaml", "mappings/profiles/default.yaml"}
    assert profile.content_hash != library.profile("default").content_hash


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("profile: p\n", "lang: 1"),
        ("lang: 1\nprofile: p\nnewer: never\n", "recorded, sent or arrival"),
        ("lang: 1\nextends: p\n", "does not end"),
        ("lang: 1\nextends: nobody\n", "no such file"),
        ("lang: 1\nacknowledgment: maybe\n", "auto, original or enhanced"),
        ("lang: 1\nhl7: '9'\n", "HL7 versions are"),
        ("lang: 1\nrequire: [PID-3]\n", "did you mean required?"),
        ("lang: 1\nrequired: PID-3\n", "must be a list"),
        ("lang: 1\ndefine: [a]\n", "must be a table"),
        ("lang: 1\ndefine:\n  a: [b]\n", "must be one expression"),
        ("lang: 1\ndefine:\n  a-b!: PID-3\n", "is no name"),
    ],
)
def test_a_bad_profile_says_why(written: Write, text: str, reason: str) -> None:
    """Every mistake has its place in the file."""
    library = written(profiles__p=text)
    with pytest.raises(ConfigurationError) as raised:
        library.profile("p")
    assert any(reason in problem for problem in raised.value.problems)


def test_settings_of_a_profile(written: Write) -> None:
    """What it says of acknowledgments, character set and findings."""
    library = written(
        profiles__p="lang: 1\nprofile: p\nacknowledgment: enhanced\ncharset: 8859/1\n"
        "hl7: '2.4'\nkeeps: [MSH]\nnaks: [TWO]\nnewer: sent\n"
    )
    profile = library.profile("p")
    assert (profile.acknowledgment, profile.charset, profile.version) == (
        "enhanced",
        "8859/1",
        "2.4",
    )
    assert (profile.keeps, profile.naks) == (("MSH",), ("TWO",))
    assert (profile.newer, library.profile("default").newer) == ("sent", "recorded")


def test_a_definition_is_held_against_the_version_it_was_written_for(written: Write) -> None:
    """A profile for 2.1 inherits what 2.5 names, and finds it absent; its own text is for 2.1."""
    library = written(
        profiles__old="lang: 1\nprofile: old\nextends: default\nhl7: '2.1'\n"
        "define:\n  mine: PID-39\n"
    )
    profile = library.profile("old")
    assert library.expression("cf_nato", profile)(message("PID|1"), {}) is None
    with pytest.raises(ConfigurationError, match=r"no field 39 in HL7 2\.1"):
        library.expression("mine", profile)


def test_an_expression_knows_its_place(library: Library) -> None:
    """Mistakes and data errors name the flow's line."""
    profile = library.profile("default")
    with pytest.raises(ConfigurationError, match=r"nascita\.flow\.yaml:12:1: error M02"):
        library.expression("nobody", profile, {}, "nascita.flow.yaml:12")
    expression = library.expression("PID-3", profile, {}, "nascita.flow.yaml:12")
    with pytest.raises(TranslationError, match=r"VALUE nascita\.flow\.yaml:12: PID-3 repeats 2"):
        expression(message("PID|1||A~B"), {})


def test_truth_is_true_only_of_true(library: Library) -> None:
    """Absent and false are not; an alias that is there is."""
    profile = library.profile("default")
    newborn = library.expression("newborn", profile)
    assert newborn.truth(message("PV1|1|I||N"), {})
    assert not newborn.truth(message("PV1|1|I||E"), {})
    assert not newborn.truth(message("PV1|1|I"), {})
    assert library.expression("PID", profile).truth(message("PID|1"), {})
    assert library.expression("NK1", profile)(message("PID|1"), {}) is None


def test_a_profile_sees_its_tables_and_the_birth_centre(written: Write) -> None:
    """Definitions read `sender.…` whatever the caller declares, and the profile's own tables."""
    library = written(
        profiles__p="lang: 1\nprofile: p\ntables:\n  s: {file: sesso.csv, key: hl7}\n"
        "define:\n  sex: PID-8 | lookup(s, anpr)\n  here: sender.comune\n"
    )
    profile = library.profile("p")
    ask = message("PID|1|||||||F")
    assert library.expression("sex", profile)(ask, {}) == "F"
    assert library.expression("here", profile)(ask, {"sender": {"comune": "015146"}}) == "015146"


def test_libraries_of_an_editor_read_a_sheet_once(library: Library) -> None:
    """Each keystroke makes one, of the same library, which itself compiles nothing."""
    name, file = "comune/nascita.yaml", "tables/sesso.csv"
    content = library.content(file)
    for text in (content, b"unread: the sheet is there"):
        opened = library.with_open({name: library.content(name)})
        opened._contents[library.mappings / file] = text
        opened.mapping(name, opened.profile("default"))
    edited = library.with_open({file: b"hl7,other\nF,F\n"})
    with pytest.raises(ConfigurationError, match="anpr"):
        edited.mapping(name, edited.profile("default"))
    library.mapping(name, library.profile("default"))


def test_doubling_ends(written: Write) -> None:
    """Thirty lets that each use the one before twice are refused, not expanded."""
    lets = "".join(f"  a{n}(x): join(a{n - 1}(x), a{n - 1}(x))\n" for n in range(1, 24))
    library = written(
        m=HEAD + f"let:\n  a0(x): x.1\n{lets}emit:\n"
        "  testo:\n    $each: PID-3[*] as id\n    $value: a23(id)\n"
    )
    assert "names inlined" in refused(library, "m.yaml")[0]


def test_a_long_chain_of_names_ends(written: Write) -> None:
    """A let in a let in a let … has a limit well below Python's."""
    lets = "".join(f"  a{n}: a{n - 1}\n" for n in range(1, 500))
    library = written(m=HEAD + f"let:\n  a0: PID-5\n{lets}emit:\n  testo: a499\n")
    assert "names in one another" in refused(library, "m.yaml")[0]


def test_a_long_chain_of_blocks_ends(written: Write) -> None:
    """So have blocks."""
    blocks = "".join(f"  b{n}():\n    figlio:\n      $use: b{n - 1}()\n" for n in range(1, 200))
    library = written(
        m=HEAD
        + "blocks:\n  b0():\n    nome: PID-5\n"
        + blocks
        + "emit:\n  persona:\n    $use: b199()\n"
    )
    assert any("too deep" in problem for problem in refused(library, "m.yaml"))


def test_a_block_in_two_libraries_is_a_finding(written: Write) -> None:
    """Which one is meant is not guessed."""
    library = written(
        lib__a="lang: 1\nblocks:\n  p():\n    nome: PID-5\n",
        lib__b="lang: 1\nblocks:\n  p():\n    nome: PID-5\n",
        m=HEAD + "use: [lib/a.yaml, lib/b.yaml]\nemit:\n  testo: PID-5\n",
    )
    assert "block p is in two of the files" in refused(library, "m.yaml")[0]


def test_findings_are_kept_apart_from_what_is_refused(written: Write) -> None:
    """A warning does not stop a mapping."""
    library = written(m=HEAD + "emit:\n  persona:\n    nome: PID-5[1]\n")
    findings = Findings()
    compiled = library.compile("m.yaml", library.profile("default"), findings)
    assert compiled is not None
    assert [finding.code for finding in findings.all] == ["X02"]


WAITING = HEAD.replace("xsd: doc.xsd, root: doc", "xsd: theirs/doc.xsd, root: doc, optional: true")


def test_a_mapping_may_wait_for_a_schema(written: Write, folder: Path) -> None:
    """Where the file is not, the schema is named; where it is, nothing waits."""
    text = WAITING + "emit:\n  testo: PID-5\n"
    library = written(m=text)
    assert library.absent_schema("m.yaml") == "theirs/doc.xsd"
    (problem,) = refused(library, "m.yaml")
    assert problem.endswith("no such file; xsd/theirs/README.md says where it comes from")
    (folder / "xsd" / "theirs").mkdir()
    (folder / "xsd" / "theirs" / "doc.xsd").write_bytes((folder / "xsd" / "doc.xsd").read_bytes())
    library = written(m=text)
    assert library.absent_schema("m.yaml") is None
    assert library.mapping("m.yaml", library.profile("default"))


def test_only_a_mapping_that_says_so_waits(written: Write) -> None:
    """A schema that is not there and not optional is a mistake, and so is half a schema."""
    library = written(m=WAITING.replace(", optional: true", "") + "emit:\n  testo: PID-5\n")
    assert library.absent_schema("m.yaml") is None
    assert "README" not in refused(library, "m.yaml")[0]
