"""What the repository holds: nothing of this machine, and all that the wheel must carry."""

from __future__ import annotations

import configparser
import re
import zipfile
from importlib import metadata
from pathlib import Path

import pytest

from tests.architecture.sources import ROOT, imported, sources, tracked
from tests.distribution import build

# Written in pieces, so that this file does not find itself.
HOSTS = ("pypi" + ".org", "python" + "hosted", "npmjs" + ".org", "deb.debian" + ".org")
MACHINE = re.compile(r"(?<![\w./{}$-])/(?:work|root|home/\w+|opt/" + r"pypi)/[\w.]")
TEXT = (
    ".py",
    ".md",
    ".cfg",
    ".toml",
    ".txt",
    ".yaml",
    ".yml",
    ".csv",
    ".xsd",
    ".wsdl",
    ".lark",
    "",
)


def lines() -> list[tuple[str, int, str]]:
    """Every line of every committed text file, with file and number."""
    found = []
    for name in tracked():
        path = ROOT / name
        if path.suffix in TEXT and not path.is_symlink():
            text = path.read_text(encoding="utf-8", errors="replace")
            found += [(name, number, line) for number, line in enumerate(text.splitlines(), 1)]
    return found


def test_no_file_names_a_registry_or_this_machine():
    """A checkout works anywhere: no committed file names a package registry or a machine's path."""
    wrong = [
        f"{name}:{number}: {line.strip()[:80]}"
        for name, number, line in lines()
        if any(host in line for host in HOSTS) or MACHINE.search(line)
    ]
    assert wrong == []


def test_no_private_key_is_committed():
    """Private keys are made where they are used and never committed."""
    marker = "-----BEGIN " + "PRIVATE KEY"
    wrong = [f"{name}:{number}" for name, number, line in lines() if marker in line]
    assert wrong == []


def pinned(name: str) -> dict[str, str]:
    """Package and version of each line of a lock file; a package may be there twice, by marker."""
    text = (ROOT / "requirements" / name).read_text()
    return dict(re.findall(r"^([\w.-]+)==([\w.]+)", text, re.MULTILINE))


def test_every_locked_package_has_digests():
    """No package is installed whose files the lock does not know by digest."""
    for name in ("run.txt", "lock.txt", "build.txt"):
        text = (ROOT / "requirements" / name).read_text()
        entries = re.split(r"\n(?=\S)", text.strip())
        assert all(re.match(r"[\w.-]+==", each) and "--hash=sha256:" in each for each in entries)


def test_locks_agree():
    """What runs in production is what was tested: both locks pin the same versions."""
    whole = pinned("lock.txt")
    assert {name: whole.get(name) for name in pinned("run.txt")} == pinned("run.txt")
    assert pinned("build.txt")["setuptools"] == whole["setuptools"]


def normal(name: str) -> str:
    """A package's name as registries compare it."""
    return re.sub(r"[-_.]+", "-", re.split(r"[\[<>=!; ]", name.strip(), maxsplit=1)[0]).lower()


def test_everything_required_is_locked():
    """A requirement added to setup.cfg is in the lock, or `make lock` was forgotten."""
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    wanted = setup["options"]["install_requires"].split("\n")
    tested = setup["options.extras_require"]["test"].split("\n")
    for name, needs in (("run.txt", wanted), ("lock.txt", wanted + tested)):
        locked = {normal(each) for each in pinned(name)}
        assert {normal(need) for need in needs if need.strip()} - locked == set()


def test_nothing_is_required_that_nobody_imports():
    """What must be installed is used, by the gateway or by its tests as a second opinion."""
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    needs = {normal(need) for need in setup["options"]["install_requires"].split("\n") if need}
    used = {name.split(".")[0] for source in sources() for name, _ in imported(source.tree)}
    owners = metadata.packages_distributions()
    found = {normal(owner) for name in used for owner in owners.get(name, ())}
    assert needs - found == {"legacy-cgi"}  # spyne's need, which it does not tell


def test_every_package_is_listed():
    """A new folder of code is named in setup.cfg, or the wheel would lack it."""
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    listed = set(setup["options"]["packages"].split())
    folders = {
        str(Path(name).parent).replace("/", ".")
        for name in tracked()
        if name.startswith(("gateway/", "adapters/")) and name.endswith(".py")
    }
    assert listed - {"gateway.shipped.mappings", "gateway.shipped.xsd"} == folders


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The distribution, built from a copy of what is committed."""
    return build(tmp_path_factory.mktemp("wheel"))


def test_the_wheel_carries_code_mappings_and_contracts(wheel: Path):
    """Whatever is committed under gateway, adapters, mappings and xsd travels in the wheel."""
    shipped = {"mappings": "gateway/shipped/mappings", "xsd": "gateway/shipped/xsd"}
    wanted = set()
    for name in tracked():
        first, _, rest = name.partition("/")
        if first in ("gateway", "adapters"):
            wanted.add(name)
        elif first in shipped:
            wanted.add(f"{shipped[first]}/{rest}")
    with zipfile.ZipFile(wheel) as archive:
        assert wanted - set(archive.namelist()) == set()


def test_the_wheel_carries_nothing_else(wheel: Path):
    """No test, bench or stray file is installed beside the two packages."""
    with zipfile.ZipFile(wheel) as archive:
        tops = {name.split("/")[0] for name in archive.namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"gateway", "adapters"}
