"""What gateways of this kind were broken by is not in ours: the lint half of the security rules."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tests.architecture.sources import SHIPPED, Source, breaches, calls, imported

PARSERS = {
    *("fromstring", "fromstringlist", "XML", "HTML", "iterparse", "set_default_parser"),
    *("XMLParser", "XMLPullParser", "ETCompatXMLParser", "HTMLParser"),
}
OTHER_XML = ("xml.etree", "xml.dom", "xml.sax", "xml.parsers", "lxml.html", "lxml.objectify")
SERIALISERS = {"pickle", "marshal", "shelve", "dill", "jsonpickle"}
CODE = {"eval", "exec", "compile", "__import__", "os.system", "os.popen"}
YAML = {"yaml.load", "yaml.load_all", "yaml.unsafe_load", "yaml.full_load"}
UNCHECKED = {"verify", "check_hostname", "require_x509"}
WEAK = {"hashlib.sha1", "hashlib.md5", "hashes.SHA1", "hashes.MD5"}
STATEMENT = re.compile(
    r"^\s*(SELECT\s.+\sFROM|INSERT\s+INTO|UPDATE\s+\w+\s+SET|DELETE\s+FROM|CREATE\s+TABLE)\b",
    re.IGNORECASE | re.DOTALL,
)


def parsers(source: Source) -> Iterator[str]:
    """Anything that reads XML without passing through gateway/xml.py."""
    if source.name == "gateway/xml.py":
        return
    for name, call in calls(source.tree):
        if name.rpartition(".")[2] in PARSERS or name.endswith("etree.parse"):
            yield f"{call.lineno}: {name}"
    for name, line in imported(source.tree):
        if name.startswith(OTHER_XML):
            yield f"{line}: {name}"


def test_one_parser_for_all_xml():
    """XML from outside has one door, gateway/xml.py, so entities and DTDs have none."""
    assert breaches(parsers, *SHIPPED) == []


def revivals(source: Source) -> Iterator[str]:
    """Anything that turns bytes into code or objects."""
    for name, call in calls(source.tree):
        if name in CODE | YAML:
            yield f"{call.lineno}: {name}"
    for name, line in imported(source.tree):
        if name.split(".")[0] in SERIALISERS:
            yield f"{line}: {name}"


def test_nothing_turns_bytes_into_code_or_objects():
    """No pickle, no eval, no exec, no YAML that builds objects."""
    assert breaches(revivals, *SHIPPED) == []


def keywords(source: Source) -> Iterator[tuple[str, ast.keyword]]:
    """Every named argument of every call."""
    for _, call in calls(source.tree):
        for keyword in call.keywords:
            yield f"{call.lineno}: {keyword.arg}={ast.unparse(keyword.value)}", keyword


def shells(source: Source) -> Iterator[str]:
    """Any `shell=` that is not the literal False."""
    for text, keyword in keywords(source):
        if keyword.arg == "shell" and getattr(keyword.value, "value", True) is not False:
            yield text


def test_no_shell():
    """Programs are started with a list of arguments; what a message says never meets a shell."""
    assert breaches(shells, *SHIPPED) == []


def switched_off(source: Source) -> Iterator[str]:
    """Any check of a certificate, signature or host name that a literal False turns off."""
    for text, keyword in keywords(source):
        if keyword.arg in UNCHECKED and getattr(keyword.value, "value", None) is False:
            yield text
    for name, call in calls(source.tree):
        if name.endswith("_create_unverified_context"):
            yield f"{call.lineno}: {name}"


def test_no_check_is_switched_off():
    """No call turns the verification of a certificate or a host name off."""
    assert breaches(switched_off, *SHIPPED) == []


def statements(source: Source) -> Iterator[str]:
    """SQL text outside the journal, and SQL text built from pieces anywhere."""
    prose = {id(node.value) for node in ast.walk(source.tree) if isinstance(node, ast.Expr)}
    inside = source.name.startswith("gateway/journal/")
    for node in ast.walk(source.tree):
        if isinstance(node, ast.JoinedStr):
            text = "".join(str(p.value) for p in node.values if isinstance(p, ast.Constant))
            if STATEMENT.match(text):
                yield f"{node.lineno}: built from pieces"
        elif isinstance(node, ast.Constant) and not inside and id(node) not in prose:
            text = node.value if isinstance(node.value, str) else ""
            if STATEMENT.match(text):
                yield f"{node.lineno}: outside the journal"


def test_sql_text_stays_in_one_room():
    """No SQL statement is written outside the journal, and none is built from pieces inside it."""
    assert breaches(statements, *SHIPPED) == []


def weak(source: Source) -> Iterator[str]:
    """Calls of digests that nobody may trust."""
    for name, call in calls(source.tree):
        if name in WEAK:
            yield f"{call.lineno}: {name}"


def test_weak_digests_are_not_used():
    """SHA-1 and MD5 are neither accepted nor produced; no code of ours calls them."""
    assert breaches(weak, *SHIPPED) == []


def sleepers(source: Source) -> Iterator[str]:
    """Calls that stop the whole thread; the verbs and the demo have one to wait in."""
    for name, call in calls(source.tree):
        if name == "time.sleep" and not source.name.startswith(("gateway/cli/", "gateway/demo/")):
            yield f"{call.lineno}: {name}"


def test_nobody_sleeps():
    """Waiting is the reactor's; a sleeping thread would hold the acknowledgments of all senders."""
    assert breaches(sleepers, *SHIPPED) == []
