"""One bare RSA-2048 signature, measured beside the load, on the same busy machine.

Run as `python -m bench.signature`: signs a few times, rests, until its input closes; then prints
the median of CPU milliseconds for one signature. What shares the processor with the gateway
shares it with this too, so that the ratio of the two says something of the gateway alone.
"""

from __future__ import annotations

import select
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

CONTENT = b"x" * 600
BURST = 8
REST = 0.1


@dataclass
class Measured:
    """CPU milliseconds of one signature, known at the end."""

    milliseconds: float = 0.0


@contextmanager
def beside() -> Iterator[Measured]:
    """Measure one bare signature, in a process of its own, while what is inside runs."""
    measured, command = Measured(), [sys.executable, "-m", "bench.signature"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        yield measured
        printed, _ = process.communicate()
    measured.milliseconds = float(printed)


def burst(key: rsa.RSAPrivateKey) -> float:
    """CPU milliseconds of one signature, the mean of a few."""
    began = time.thread_time()
    for _ in range(BURST):
        key.sign(CONTENT, padding.PKCS1v15(), hashes.SHA256())
    return 1000 * (time.thread_time() - began) / BURST


def main() -> None:
    """Until standard input closes."""
    key = rsa.generate_private_key(65537, 2048)
    burst(key)
    found = [burst(key)]
    while not select.select([sys.stdin], [], [], REST)[0]:
        found.append(burst(key))
    print(statistics.median(found))


if __name__ == "__main__":
    main()
