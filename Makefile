# `make up` and `make test` need git, make and Python (with pip and venv) only: where no working uv is found, it is
# installed into .uv/, a folder of this project's own.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.DEFAULT_GOAL := help

# `command -v uv` can find a shim that does not work here, or a uv that is too old, so uv is asked for its version.
UV_NEEDED := 0.9
UV := $(shell version=$$(uv --version 2>/dev/null | cut -d' ' -f2 || true); \
	[ -n "$$version" ] && printf '%s\n' $(UV_NEEDED) "$$version" | sort -VC && echo uv || echo .uv/bin/uv)
RUN := $(UV) run --frozen

.PHONY: help up test test-all lint format types imports lock train audit sbom compose-up compose-down
help: ## List the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## */  make \1\t/' | expand -t 24

# A virtual environment of its own also works where the system's Python is externally managed (PEP 668). Any Python 3.8
# or later will do: uv itself then finds, or downloads, the one in .python-version.
.uv/bin/uv:
	@for python in python3 python /usr/bin/python3 none; do
		"$$python" -c 'import ensurepip, venv' 2>/dev/null && break
	done
	[ "$$python" != none ] || { echo 'error: no python3 with venv and pip on the PATH' >&2; exit 1; }
	echo 'installing uv into .uv/'
	"$$python" -m venv --clear .uv
	printf '*\n' >.uv/.gitignore
	.uv/bin/python -m pip install --quiet --disable-pip-version-check 'uv>=$(UV_NEEDED)'

.PHONY: uv
uv: $(filter .uv/bin/uv,$(UV))

# make hands on no SIGINT that it alone gets, so the runner watches make ($$PPID) and ends with it.
up: uv ## Train if needed, then serve: tracking server, model servers, orchestrator (Ctrl-C ends it)
	@exec $(RUN) housing-price up --stop-with $$PPID $(ARGS)

# `make test` has one pytest worker for each core. In `make test-all` the workers wait for other processes during a third
# of the time, so it has half as many again. `ARGS="-n 0"` runs the tests in one process, for a debugger.
test: WORKERS ?= auto
test-all: WORKERS ?= $(shell echo $$(( ($$(getconf _NPROCESSORS_ONLN) * 3 + 1) / 2 )))

test: lint types imports ## Check style, types and imports; run the unit, contract and property tests and one path through real servers (minutes)
	@$(RUN) pytest -n $(WORKERS) -m 'not full' $(ARGS)

test-all: lint types imports ## Run every test: also containers, MLServer, Postgres, browser, monitoring, faults and whole stacks
	@$(RUN) --extra spark pytest -n $(WORKERS) $(ARGS)

lint: uv ## Check style and format
	@$(RUN) ruff check .
	$(RUN) ruff format --check .

format: uv ## Rewrite style and format
	@$(RUN) ruff check --fix .
	$(RUN) ruff format .

types: uv ## Check types
	@$(RUN) mypy
	for tests in */tests; do
		MYPYPATH=$${tests%/tests} $(RUN) --no-sync mypy "$$tests"
	done

imports: uv ## Check who may import whom
	@$(RUN) lint-imports

lock: uv ## Check that uv.lock matches pyproject.toml
	@$(UV) lock --check

train: uv ## Train, evaluate and register the model (needs a tracking server: see `housing-price up`)
	@exec $(RUN) housing-price-model train $(ARGS)

audit: uv ## Look up every locked package's known vulnerabilities (ends with 3 where the service cannot be asked)
	@exec $(RUN) python -m supply_chain audit $(ARGS)

sbom: uv ## Write a CycloneDX SBOM for each image into sbom/
	@exec $(RUN) python -m supply_chain sbom $(ARGS)

# The numbers of fields and enum values are read from the modules that this replaces, so they never change.
PROTO := housing-price-orchestrator/proto
PROTO_MODULES := housing-price-orchestrator/src/housing_price_orchestrator/interface/grpc/generated
.PHONY: proto
proto: uv ## Generate the gRPC contract from the fields of a house, and its Python modules
	@new=$$(mktemp -d)
	trap 'rm -r "$$new"' EXIT
	mkdir -p "$$new/housing/price/v1"
	$(RUN) housing-price-orchestrator proto >"$$new/housing/price/v1/price.proto"
	$(RUN) python -m grpc_tools.protoc -I "$$new" --python_out="$$new" --pyi_out="$$new" housing/price/v1/price.proto
	cp "$$new/housing/price/v1/price.proto" $(PROTO)/housing/price/v1/
	cp "$$new"/housing/price/v1/price_pb2.py* $(PROTO_MODULES)/

.PHONY: clients
clients: uv ## Generate typed Python and TypeScript clients and a Postman collection into clients/ (needs Node 20.19 or newer)
	@exec $(RUN) python -m client_tools $(ARGS)

compose-up: ## Build and start the stack in containers; ends when it answers
	@docker compose up --build --wait $(ARGS)

compose-down: ## Stop the containers of the stack
	@docker compose --profile '*' down $(ARGS)

.PHONY: bench bench-quick
bench: uv ## Measure everything beside its alternatives (needs wrk; about 18 minutes) and write the tables
	@$(RUN) python -m benchmarks run $(ARGS)
	@$(RUN) python -m benchmarks valuations
	$(RUN) python -m benchmarks report

bench-quick: uv ## Measure a little, in under 2 minutes
	@$(RUN) python -m benchmarks run --quick $(ARGS)

.PHONY: faults faults-quick
faults: uv ## Really cause every fault and show what holds (over an hour; needs nginx) and write the table
	@$(RUN) python -m benchmarks faults $(ARGS)

faults-quick: uv ## Cause most faults for a moment; figures are not judged
	@$(RUN) python -m benchmarks faults --quick $(ARGS)
