# Keneya: every target is one line you can guess. `make help` lists them.
PYTHON ?= python3
BIN := .venv/bin
WORKERS ?= auto# processes that share the tests, each with servers of its own; auto: one a core
PARALLEL := --numprocesses=$(WORKERS) --dist=worksteal

.PHONY: help run test check full bench torture lint format lock clean
.DEFAULT_GOAL := help

help: ## what each target does
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

# Each lock holds all of its own: requirements.txt what production installs, -embedded the engines of `make run` too,
# -dev what tests, lint and proofs need as well.
define install
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r $(1)
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@
endef

.venv/run: requirements-embedded.txt pyproject.toml
	$(call install,$<)

.venv/ready: requirements-dev.txt pyproject.toml
	$(call install,$<)
	@touch .venv/run

run: .venv/run ## start everything on this machine and print the address of the phone page
	@exec $(BIN)/keneya run

test: .venv/ready ## every test
	$(BIN)/pytest $(PARALLEL)

check: .venv/ready lint ## before a commit: format, lint, types, import rules, and the tests of what differs from main
	$(BIN)/pytest $(PARALLEL) --touched

full: .venv/ready lint test ## before a merge: lint and every test

torture: .venv/ready ## the long proofs: processes killed in calls and postings, servers lost, the ledger tampered with, witnesses on 100 000 journals
	$(BIN)/python -m torture

bench: .venv/ready ## how fast it is, beside peers and limits measured in the same run
	$(BIN)/python -m bench

lint: .venv/ready ## format, lint, types, import rules: what a commit needs
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy .
	$(BIN)/lint-imports

format: .venv/ready ## rewrite the code in the house's format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

LOCK := uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-emit-find-links --custom-compile-command "make lock"
lock: ## pin the newest dependencies, with hashes, into the three requirements files (needs uv)
	$(LOCK) --extra embedded --extra dev --upgrade -o requirements-dev.txt
	$(LOCK) --extra embedded --constraints requirements-dev.txt --upgrade -o requirements-embedded.txt
	$(LOCK) --constraints requirements-dev.txt --upgrade -o requirements.txt

clean: ## remove the virtual environment and the caches; var/ (your data) stays
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache *.egg-info
