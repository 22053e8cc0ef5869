# Two commands matter: `make run` and `make test`. Both set up what they need; both work twice in a row.

PYTHON ?= python3
SHELL := /bin/sh
BIN := .venv/bin

.PHONY: run test check guides layout messages screenshots bench lock clean

run: .venv/.run
	@exec $(BIN)/newsletter up

# Three processes share the tests, which wait for databases and browsers some of their time; those that start the whole
# product (tests/real) come last.
test: .venv/.dev
	@$(BIN)/python tests/setup.py
	@$(BIN)/python -m pytest -n 3 --ignore=tests/real
	@$(BIN)/python -m pytest -n 3 --dist loadgroup tests/real

# Before each commit: style, types, the import rules and the rules of the house, and the fast tests of what has changed.
check: .venv/.dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m pytest -q -n 2 -m "not real" $$($(BIN)/python scripts/touched.py)

# With CHECK=1 veraPDF validates both PDFs against PDF/UA-1, where Java is to be had.
guides: .venv/.dev
	@$(BIN)/python guides/build.py $(if $(filter-out 0,$(CHECK)),--check)

# The layout of mails in the first look, after a change of templates/email/layout.mjml or its compiler
layout: .venv/.run
	@$(BIN)/python scripts/layout.py

# Sentences that are marked, into every catalogue under locale/; a new one begins with: make messages LANGUAGE=de
messages: .venv/.run
	@$(BIN)/python scripts/messages.py $(LANGUAGE)

screenshots: .venv/.dev
	@$(BIN)/python scripts/screenshots.py

# The whole product beside Postfix's smtp-source, twenty-five minutes; ten minutes with: make bench ARGS=--quick
bench: .venv/.dev
	@$(BIN)/python bench/run.py $(ARGS)

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "Python 3.11 or newer is needed; '$(PYTHON)' is not. Name one with: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@$(PYTHON) -m venv .venv || { echo "Python's venv module is missing (Debian: apt install python3-venv)."; rm -rf .venv; exit 1; }

# --require-hashes: what is installed is what was locked, or nothing is.
.venv/.run: .venv/bin/python requirements.lock pyproject.toml
	@echo "Setting up (once, about a minute) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python scripts/link.py
	@touch $@

.venv/.dev: .venv/bin/python requirements-dev.lock pyproject.toml
	@echo "Setting up with the tools for tests (once, about a minute) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@$(BIN)/python scripts/link.py
	@touch $@ .venv/.run

# Needs uv: writes the newest versions that fit, with hashes and without addresses.
lock:
	@uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --no-header pyproject.toml -o requirements.lock
	@uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --no-header pyproject.toml --group dev -c requirements.lock -o requirements-dev.lock

clean:
	rm -rf .venv var .mypy_cache .ruff_cache .pytest_cache .hypothesis
