"""A provider on a reactor of its own, over real TLS, for as long as one piece of work takes."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, TypeVar

from adapters.keys import DevelopmentPki, load_certificates
from adapters.pec.tls import Provider
from adapters.simulation.pec_provider import PecProvider
from adapters.simulation.pec_servers import PASSWORD, USER, PecServers
from gateway.cli.loop import complete
from gateway.pec.compose import Mail, compose
from gateway.units import Address

T = TypeVar("T")
ANY = Address("127.0.0.1", 0)


@cache
def keys() -> Path:
    """Of two providers; the second's CA is nobody's of the first."""
    folder = Path(mkdtemp(prefix="icaro-test-"))
    DevelopmentPki(datetime.now(UTC)).write(folder, ("pec", "altri"))
    return folder


def mail(number: int = 1) -> Mail:
    """One of ours."""
    now = datetime(2026, 3, 2, tzinfo=UTC)
    return compose(USER.decode(), "protocollo@pec.comune.example", "0e1d", number, b"<a/>", now)


def meeting(
    store: Path,
    work: Callable[[Any, Provider], Coroutine[Any, Any, T]],
    day: str = "",
    **changes: Any,
) -> tuple[T, PecProvider]:
    """What `work` gives beside a provider on such a day. `changes`: of what we know of it."""
    store.mkdir(exist_ok=True)
    (store / "bad-day").write_text(day, "ascii")
    played = PecProvider(store)

    async def beside(reactor: Any) -> T:
        servers = PecServers(reactor, played, keys() / "pec", ANY, ANY)
        smtp, imap = Address("127.0.0.1", servers.smtp), Address("127.0.0.1", servers.imap)
        authorities = load_certificates(keys() / "pec" / "ca.pem")
        known = Provider(smtp, imap, "INBOX", USER, PASSWORD, 2.0, authorities)
        return await work(reactor, replace(known, **changes))

    return complete(beside), played
