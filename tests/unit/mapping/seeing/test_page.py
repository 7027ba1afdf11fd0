"""The page of a preview: alone, escaped, and let to do nothing but what is written in it."""

from __future__ import annotations

import base64
import hashlib
import re

from gateway import shipped
from gateway.hl7.message import Message
from gateway.mapping import Library
from gateway.mapping.seeing import traced
from gateway.mapping.seeing.page import preview_page, shell
from gateway.mapping.seeing.panes import panes
from gateway.mapping.tests import cases_of, given

HEAD = "lang: 1\nmapping: m\nsource: {hl7: '2.5'}\ntarget: {xsd: doc.xsd, root: doc}\n"
MSH = "MSH|^~\\&|HIS|BG|ICARO|ICARO|20260302090000||ADT^A01^ADT_A01|1|P|2.5"
HOSTILE = "<script>alert(1)</script>\"' onclick=x"


def page(library: Library, value: str) -> str:
    text = HEAD + "emit:\n  testo: PID-5\n  corto: PID-5 | left(3)\n"
    (library.mappings / "m.yaml").write_text(text)
    known = traced(Library(library.mappings, library.xsd), "m.yaml", "default")
    source = Message.parse(f"{MSH}\rPID|1||{value}||{value}".encode())
    return preview_page(value, panes(known, source, *known.run(source, {})))


def test_what_a_message_says_is_never_markup(library: Library) -> None:
    """A name with angle brackets and quotes is shown, not obeyed."""
    found = page(library, HOSTILE)
    assert found.count("<script>") == 1
    assert "alert(1)" in found
    assert not re.search(r"<[^>]*\bonclick", found)


def test_nothing_is_loaded_from_anywhere(library: Library) -> None:
    """No address, no link, no import, no picture."""
    found = page(library, "ROSSI")
    assert not re.search(r"https?:|//[a-z]|\b(src|href)\s*=|@import|url\(", found)


def test_the_policy_names_the_very_style_and_script(library: Library) -> None:
    """A browser that holds the page to its policy runs it; a changed script would not run."""
    found = page(library, "ROSSI")
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', found)
    assert policy.startswith("default-src 'none'; ")
    for tag in ("style", "script"):
        (text,) = re.findall(rf"<{tag}>(.*?)</{tag}>", found, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy


def test_a_page_without_a_script_lets_none_run() -> None:
    """Coverage needs none."""
    found = shell("title", ["<p>x</p>"])
    assert "script" not in found


def test_a_leaf_names_its_fields_and_its_element(library: Library) -> None:
    """What the script joins: the leaf's line, the fields' lines, the element's line."""
    found = page(library, "ROSSI")
    assert re.search(r'class="l leaf written" data-target="testo" data-read="PID-5"', found)
    assert re.search(r'class="l read" data-path="PID-5"', found)
    assert re.search(r'class="l unread" data-path="PID-3"', found)
    assert re.search(r'class="l written" data-target="testo"', found)


def test_a_problem_stands_at_the_head_and_at_its_element() -> None:
    """The two ends that do not meet are seen without scrolling."""
    library = Library(shipped.mappings(), shipped.xsd())
    known = traced(library, "comune/annullamento.yaml", "default")
    case = cases_of(library, "comune/annullamento.yaml")[1]
    source, inputs = given(library, known.compiled, case)
    found = preview_page("x", panes(known, source, *known.run(source, inputs)))
    head, _, rest = found.partition("<main>")
    assert "REQUIRED motivo comune/annullamento.yaml:21" in head
    assert rest.count("✗ an annulment gives its reason") == 2
