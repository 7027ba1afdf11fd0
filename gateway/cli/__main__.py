"""`python -m gateway.cli` is `icaro`."""

from gateway.cli import main

main(prog_name="icaro")
