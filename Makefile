# Two commands: `make run` shows a living demonstration, `make test` runs every test. PYTHON and PORT may be set.
PYTHON ?= python3
PORT ?= 8080
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes
WORKERS ?= 2

.PHONY: run test check bench lock format clean

run: .venv/ready
	@exec $(BIN)/python main.py run --port $(PORT)

test: .venv/ready-dev
	@$(BIN)/python -m tests.e2e.chromium > /dev/null
	@$(BIN)/python -m tests.e2e.mosquitto > /dev/null
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal

check: .venv/ready-dev
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

bench: .venv/ready-dev
	$(BIN)/python -m tests.bench

format: .venv/ready-dev
	$(BIN)/ruff check --fix .

# The locks name no index: any registry that has the packages will do.
lock:
	uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -o requirements.lock
	uv pip compile pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -o requirements-dev.lock

clean:
	rm -rf .venv var

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/ready: requirements.lock | .venv/bin/python
	@echo "Installing (once)…"
	$(PIP) -r requirements.lock
	@touch $@

.venv/ready-dev: requirements-dev.lock | .venv/bin/python
	@echo "Installing what tests need (once)…"
	$(PIP) -r requirements-dev.lock
	@touch $@ .venv/ready
