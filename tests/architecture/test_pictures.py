"""The pictures of the manual show what the verbs show today, and load nothing."""

from __future__ import annotations

import re

import pytest

from docs import pictures


@pytest.mark.parametrize("name", pictures.DRAWN)
def test_a_picture_is_what_the_verb_draws(name: str) -> None:
    """Else: python docs/pictures.py."""
    assert (pictures.PICTURES / name).read_text(encoding="utf-8") == pictures.svg(name)


@pytest.mark.parametrize("name", pictures.DRAWN)
def test_a_picture_loads_nothing_from_anywhere(name: str) -> None:
    """No font, script or picture of another host; only the name of SVG itself is an address."""
    text = (pictures.PICTURES / name).read_text(encoding="utf-8")
    addresses = set(re.findall(r"https?://[^\"'\s)]+", text))
    assert addresses == {"http://www.w3.org/2000/svg"}
    assert not re.search(r"@font-face|@import|<script|<image|url\((?!#)", text)
