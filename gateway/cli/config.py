"""`icaro config`: whether a deployment can run as it is written, and what may be written."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TypeVar

import click

from adapters.keys import load_certificates, load_identity
from gateway.config import Configuration, KeyPair, load
from gateway.errors import ConfigurationError
from gateway.ground import Ground
from gateway.partners import Directory, Partners

T = TypeVar("T")

FILE = click.option(
    "-c",
    "--config",
    "path",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    default="icaro.yaml",
    show_default=True,
    help="The deployment's icaro.yaml.",
)


@click.group("config")
def config_group() -> None:
    """Check icaro.yaml and partners.yaml; print their JSON Schema for an editor."""


@config_group.command()
@FILE
def check(path: Path) -> None:
    """Name every mistake of icaro.yaml and what it points to, with its line.

    Partners, keys, certificates, then the flow, the profiles and the mappings in use. Exit code 1
    if there is any.

    \b
      icaro config check -c /etc/icaro/icaro.yaml
      icaro.yaml:12: listeners[0].adress: unknown key; did you mean 'address'?
    """
    problems: list[str] = []
    configuration = _tried(lambda: load(path), problems)
    directory = _directory(path, configuration, problems)
    if configuration is not None:
        problems += _certificates(configuration)
    if configuration is not None and not problems:
        _tried(lambda: Ground.of(configuration).compile_all(), problems)
    for problem in problems:
        click.echo(problem)
    if configuration is None or directory is None or problems:
        raise click.exceptions.Exit(1)
    click.echo(
        f"good: {len(configuration.listeners)} listeners, {len(configuration.senders)} senders, "
        f"{len(directory.entries)} partners"
    )


def _tried(read: Callable[[], T], problems: list[str]) -> T | None:
    try:
        return read()
    except ConfigurationError as error:
        problems += error.problems
        return None


def _directory(
    path: Path, configuration: Configuration | None, problems: list[str]
) -> Directory | None:
    """The partners, looked for beside an icaro.yaml that is itself full of mistakes."""
    if configuration is not None:
        partners, xsd = configuration.partners, configuration.xsd
        return _tried(lambda: Directory.load(partners, xsd=xsd), problems)
    beside = path.with_name("partners.yaml")
    return _tried(lambda: Directory.load(beside), problems) if beside.is_file() else None


def _certificates(configuration: Configuration) -> list[str]:
    """What is wrong with our own keys, and with the CAs of listeners."""
    problems: list[str] = []
    own = {"certs.tls": configuration.certs.tls, "certs.sign": configuration.certs.sign}
    for name, pair in own.items():
        problems += [f"{name}: {problem}" for problem in _pair(pair)]
    for listener in configuration.listeners:
        if listener.tls is not None:
            _tried(partial(load_certificates, listener.tls.ca), problems)
    return problems


def _pair(pair: KeyPair) -> list[str]:
    problems: list[str] = []
    read = partial(load_identity, pair.certificate, pair.key, password_file=pair.password_file)
    identity = _tried(read, problems)
    if identity is not None and identity.days_left(datetime.now(UTC)) <= 0:
        problems.append(f"{pair.certificate.name}: the certificate has expired")
    return problems


@config_group.command()
@click.option("--partners", is_flag=True, help="Of partners.yaml instead.")
def schema(partners: bool) -> None:
    """Print the JSON Schema of icaro.yaml, for an editor that completes and explains.

    \b
      icaro config schema > icaro.schema.json
      # and as the first line of icaro.yaml:
      # yaml-language-server: $schema=./icaro.schema.json
    """
    model = Partners if partners else Configuration
    click.echo(json.dumps(model.model_json_schema(), ensure_ascii=False, indent=2))
