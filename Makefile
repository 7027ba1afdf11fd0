# One command each. Every target first makes its own environment from the lock; a second run is fast.
#
#   make demo     births over MLLP become signed documents and come back with a codice fiscale
#   make test     unit, contract, journey and architecture tests, and the floor under coverage
#   make check    format, lint, types, one-way imports
#   make crash    death at every commit and every send of a birth's life, on both databases
#   make proof    the long tests: nodes, fail-over, the crash matrix, chaos
#   make bench    what an acknowledged message and a delivered birth cost
#   make chaos    births while everything breaks, then the proof (MINUTES, SEED, NODES, DATABASE)
#   make lock     write requirements/*.txt anew from setup.cfg
#   make clean    remove what these make
#
# PYTHON=… chooses the interpreter (3.11, 3.12 or 3.13), VENV=… where the environment lies.

VENV ?= .venv
# The distribution's own first: it is built with profile-guided optimisation, which others often
# are not, and is then half again as fast.
PYTHON ?= $(shell for each in /usr/bin/python3 python3 python3.13 python3.12 python3.11; do \
	$$each -c 'import ensurepip, sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null \
	&& echo $$each && break; done)
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
STAMP := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help demo test check proof crash bench lock clean chaos

help:
	@sed -n 's/^#   //p' Makefile

demo: $(STAMP)
	$(BIN)/icaro demo

test: $(STAMP)
	$(BIN)/python -m pytest --cov --cov-report= --numprocesses auto --dist loadfile
	$(BIN)/python -m tests.floor

check: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

proof: $(STAMP)
	$(BIN)/python -m pytest -m long tests/journey tests/chaos

crash: $(STAMP)
	ICARO_CRASH=all $(BIN)/python -m pytest -m long tests/journey/test_crash_matrix.py -s

bench: $(STAMP)
	$(BIN)/python -m bench

MINUTES ?= 15
NODES ?= 1
DATABASE ?= sqlite

chaos: $(STAMP)
	$(BIN)/python -m tests.chaos --minutes $(MINUTES) --nodes $(NODES) --database $(DATABASE) \
		$(if $(SEED),--seed $(SEED))

$(STAMP): requirements/lock.txt requirements/build.txt setup.cfg pyproject.toml
	@test -n "$(PYTHON)" || { echo "No Python 3.11, 3.12 or 3.13 found; say make PYTHON=/path/to/python"; exit 2; }
	@echo "Making $(VENV) with $$($(PYTHON) --version)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(PIP) install --quiet --require-hashes -r requirements/build.txt
	@$(PIP) install --quiet --require-hashes --no-build-isolation -r requirements/lock.txt
	@$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

COMPILE := .venv-lock/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 \
	--generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --no-header

lock:
	@test -x .venv-lock/bin/uv || { $(PYTHON) -m venv .venv-lock && .venv-lock/bin/python -m pip install --quiet uv; }
	$(COMPILE) setup.cfg --extra test --output-file requirements/lock.txt
	$(COMPILE) setup.cfg --constraints requirements/lock.txt --output-file requirements/run.txt
	echo setuptools | $(COMPILE) - --constraints requirements/lock.txt --output-file requirements/build.txt

clean:
	rm -rf $(VENV) .venv-* .demo build dist *.egg-info .coverage .coverage.* htmlcov \
		.pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
