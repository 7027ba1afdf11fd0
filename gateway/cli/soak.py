"""`icaro soak`: invented families against a staging deployment, and what became of each."""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

import click
from rich.progress import Progress

from adapters.mllp import Answered, MllpSender
from gateway.cli.console import AS_JSON, printer, table
from gateway.cli.loop import complete
from gateway.cli.values import AddressType, DurationType
from gateway.demo.proof import broken, effects
from gateway.demo.region import ALONE, Family, Region, Said
from gateway.units import Address

_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
_PAUSE = 1.0
"""Seconds between two looks at the administrations' logs."""


@click.command()
@click.option("--to", required=True, type=AddressType(), help="The gateway's MLLP listener.")
@click.option("--families", type=click.IntRange(1), default=26, show_default=True)
@click.option("--seed", type=int, help="Of an earlier run; else by chance, and told.")
@click.option(
    "--simulators", type=_FOLDER, help="Folder of the simulators' stores; then all is checked."
)
@click.option("--wait", type=DurationType(), default="2 min", show_default=True)
@click.option("--timeout", type=DurationType(), default="30 s", show_default=True)
@click.option(
    "--production-processing", is_flag=True, help="MSH-11 = P: partners that count get it too."
)
@AS_JSON
@click.pass_context
def soak(
    context: click.Context,
    to: Address,
    families: int,
    seed: int | None,
    simulators: Path | None,
    wait: float,
    timeout: float,
    production_processing: bool,
    as_json: bool,
) -> None:
    """Send invented families to a staging deployment, and check what became of them.

    Every story that ends well by its messages alone, then again by chance: single births, twins,
    stillborn, a mother who is not named, foreign parents, corrections, a cancellation before
    sending, two records of one child, and messages that are no birth. MSH-11 is T, which partners
    in production never get. A message without an acknowledgment is sent again. With --simulators
    the stores of `icaro simulate --store` are read until each child is where it belongs, once,
    in its last state; without, the acknowledgments are counted and nothing more is claimed.
    Exit code 1 if anything is not as it must be.

    \b
      icaro soak --to staging.example:2575 --families 100
      icaro soak --to 127.0.0.1:2575 --simulators .demo/simulators --production-processing
    """
    seed = random.SystemRandom().randrange(2**32) if seed is None else seed
    prefix = f"K{_letters(seed)}"
    processing = "P" if production_processing else "T"
    region = Region(seed, datetime.now(), prefix=prefix, processing=processing)
    told = list(islice(region.families(ALONE), families))
    codes = _sent(told, to, timeout, quiet=as_json)
    faults = _checked(told, simulators, wait) if simulators and not _refused(codes) else []
    _show(seed, told, codes, faults, checked=simulators is not None, as_json=as_json)
    context.exit(1 if faults or _refused(codes) else 0)


def _sent(families: Sequence[Family], to: Address, timeout: float, *, quiet: bool) -> Counter[str]:
    """Send everything in its order; how often each MSA-1 was heard ('-': none)."""
    messages = [said for family in families for said in family.messages]

    async def exchange(reactor: Any) -> Counter[str]:
        sender = MllpSender(reactor, to, timeout=timeout)
        codes: Counter[str] = Counter()
        with Progress(disable=quiet, transient=True) as progress:
            for said in progress.track(messages, description="messages"):
                codes[await _ask(sender, said)] += 1
        await sender.close()
        return codes

    return complete(exchange)


async def _ask(sender: MllpSender, said: Said, tries: int = 3) -> str:
    for _ in range(tries):
        outcome = await sender.send(said.payload)
        if isinstance(outcome, Answered):
            return outcome.reply.code
    return "-"


def _checked(families: Sequence[Family], simulators: Path, wait: float) -> list[str]:
    """What is still not as it must be when the time is over; looks until nothing is."""
    until = time.monotonic() + wait
    while True:
        faults = _faults(families, simulators)
        if not faults or time.monotonic() > until:
            return faults
        time.sleep(_PAUSE)


def _faults(families: Sequence[Family], simulators: Path) -> list[str]:
    dues = [due for family in families for due in family.dues]
    known = {name for due in dues for name in due.known_as}
    # Others may have used the same simulators before.
    return list(broken(dues, [each for each in effects(simulators) if each.child in known]))


def _refused(codes: Counter[str]) -> int:
    return sum(number for code, number in codes.items() if code not in ("AA", "CA"))


def _show(
    seed: int,
    families: Sequence[Family],
    codes: Counter[str],
    faults: Sequence[str],
    *,
    checked: bool,
    as_json: bool,
) -> None:
    stories = Counter(family.title for family in families)
    figures = {"seed": seed, "families": len(families), "messages": codes.total()}
    if as_json:
        tree = {**figures, "answers": codes, "stories": stories, "checked": checked}
        click.echo(json.dumps({**tree, "broken": list(faults)}, indent=2))
        return
    answers = [(f"answered {code}", number) for code, number in sorted(codes.items())]
    out = printer()
    out.print(table("soak", ("what", "number"), [*figures.items(), *answers]))
    out.print(table("stories", ("story", "families"), sorted(stories.items())))
    if not checked:
        out.print("not checked at the administrations: name their stores with --simulators")
    for fault in faults:
        click.secho(fault, fg="red", err=True)


def _letters(number: int) -> str:
    """Three letters of a seed: identifiers of two runs do not meet."""
    letters = "ABCDEFGHILMNOPRSTUVZ"
    return "".join(letters[number // 20**place % 20] for place in range(3))
