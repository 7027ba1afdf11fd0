"""All that a mapping can be tried on: its tests, the samples of the folder, and a corpus.

A sample that some mapping's test reads with a profile is read with it everywhere. What cannot be
read as the mapping's source (an answer with another root, no message at all) is passed over.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property

from gateway.errors import ConfigurationError, GatewayError
from gateway.hl7.message import Message
from gateway.mapping.compiled import Source
from gateway.mapping.library import Library
from gateway.mapping.lint import mappings_in
from gateway.mapping.samples import BadPatch, with_hl7_ends
from gateway.mapping.seeing.coverage import Coverage
from gateway.mapping.seeing.inputs import facts_of, likeliest
from gateway.mapping.seeing.traced import Traced, traced
from gateway.mapping.tests import Case, cases_of, given
from gateway.xml import parse

SAMPLES = "samples"


class Runs:
    """Runs mappings of one library and counts in `coverage`.

    `corpus` are messages and answers as bytes; each mapping takes those it can read.
    `passed_over` counts tests that could not be begun.
    """

    def __init__(
        self, library: Library, profile: str | None = None, corpus: Iterable[bytes] = ()
    ) -> None:
        self.coverage = Coverage()
        self.passed_over = 0
        self._library = library
        self._profile = profile
        self._corpus = tuple(corpus)
        self._builds: dict[tuple[str, str], Traced] = {}
        self._cases: dict[str, list[Case]] = {}

    def of(self, name: str) -> None:
        """Every run of one mapping. Raises ConfigurationError if it cannot be compiled."""
        usual = self._profile or self._library.profile_of(name)
        self.coverage.mapping(self._build(name, usual))
        for case in self._cases_of(name):
            build = self._build(name, case.profile)
            try:
                source, inputs = given(self._library, build.compiled, case)
            except (GatewayError, BadPatch):
                self.passed_over += 1
                continue
            self.coverage.run(build, source, inputs)
        own = {case.given for case in self._cases_of(name) if not case.patch}
        for content, sample, profile in self._others(usual):
            if sample in own:
                continue  # run just now, with the test's own facts
            self._try(self._build(name, profile), content, sample)

    def _cases_of(self, name: str) -> list[Case]:
        if name not in self._cases:
            self._cases[name] = cases_of(self._library, name, self._profile)
        return self._cases[name]

    def _build(self, name: str, profile: str) -> Traced:
        if (name, profile) not in self._builds:
            self._builds[name, profile] = traced(self._library, name, profile)
        return self._builds[name, profile]

    def _others(self, usual: str) -> Iterator[tuple[bytes, str, str]]:
        """Samples and corpus: content, name of the sample or '', profile."""
        for path in sorted((self._library.mappings / SAMPLES).rglob("*")):
            if path.is_file():
                sample = path.relative_to(self._library.mappings).as_posix()
                yield self._library.content(sample), sample, self._profiles.get(sample, usual)
        for content in self._corpus:
            yield content, "", usual

    @cached_property
    def _profiles(self) -> dict[str, str]:
        """The profile with which tests read each sample; the first test's word counts."""
        found: dict[str, str] = {}
        for name in mappings_in(self._library):
            try:
                for case in self._cases_of(name):
                    found.setdefault(case.given, case.profile)
            except ConfigurationError:
                continue
        return found

    def _try(self, build: Traced, content: bytes, sample: str) -> None:
        source = _source(build, content)
        if source is not None:
            case = likeliest(self._cases_of(build.compiled.name), sample)
            facts = facts_of(self._library, build.compiled, case)
            self.coverage.run(build, source, facts)


def _source(build: Traced, content: bytes) -> Source | None:
    """The content as this mapping reads it; None if it is nothing of that kind."""
    xml = content.lstrip().startswith(b"<")
    try:
        if build.compiled.direction != "xml_to_facts":
            if xml:
                return None
            return Message.parse(with_hl7_ends(content), charset=build.profile.charset)
        root = parse(content) if xml else None
    except (GatewayError, ValueError):
        return None
    return root if root is not None and root.tag == build.compiled.root else None
