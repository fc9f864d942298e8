# `make up` and `make test` need git, make and Python (with pip and venv) only: where no working uv is found, it is
# installed into .uv/, a folder of this project's own.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.DEFAULT_GOAL := help

# `command -v uv` can find a shim that does not work here, so uv is asked for its version.
UV := $(shell uv --version >/dev/null 2>&1 && echo uv || echo .uv/bin/uv)
RUN := $(UV) run --frozen

.PHONY: help up test lint format types imports train compose-up compose-down
help: ## List the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## */  make \1\t/' | expand -t 24

.uv/bin/uv:
	@python=$$(command -v python3 || command -v python)
	"$$python" -m venv .uv
	.uv/bin/python -m pip install --quiet --disable-pip-version-check uv

.PHONY: uv
uv: $(filter .uv/bin/uv,$(UV))

up: uv ## Train if needed, then serve: tracking server, model server, orchestrator (Ctrl-C ends it)
	@exec $(RUN) housing-price up $(ARGS)

test: uv lint types imports ## Lint, types, import rules and the whole test suite
	@$(RUN) pytest $(ARGS)

lint: uv ## Check style and format
	@$(RUN) ruff check .
	$(RUN) ruff format --check .

format: uv ## Rewrite style and format
	@$(RUN) ruff check --fix .
	$(RUN) ruff format .

types: uv ## Check types
	@$(RUN) mypy

imports: uv ## Check who may import whom
	@$(RUN) lint-imports

train: uv ## Train, evaluate and register the model (needs a tracking server: see `housing-price up`)
	@exec $(RUN) housing-price-model train $(ARGS)

compose-up: ## Build and start the stack in containers; ends when it answers
	@docker compose up --build --wait $(ARGS)

compose-down: ## Stop the containers of the stack
	@docker compose down $(ARGS)
