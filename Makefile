# Every target sets up what it needs: Python 3.11 with venv, make and a package index are enough.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help setup demo run test chaos lint format docs lineage bench lock clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(READY) ## Make .venv with everything in it (activate it: . .venv/bin/activate)

$(READY): pyproject.toml requirements.lock loader/headwater.pth
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] not in ((3, 11), (3, 12), (3, 13)))' \
		|| { echo "Headwater needs Python 3.11, 3.12 or 3.13: make PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

demo: $(READY) ## Everything on sample APIs: no key, no network, no server to install
	@$(BIN)/headwater demo

run: $(READY) ## Load, build, hand off and publish what the settings name
	@$(BIN)/headwater run

test: $(READY) ## The whole test suite; DOMAIN=academic leaves out the tests of other domains
	$(BIN)/python -m pytest $(if $(DOMAIN),--domain $(DOMAIN))

chaos: $(READY) ## Kill loads, handoffs and publications 20 times each, and compare what is left with the truth
	HEADWATER_CHAOS_KILLS=20 $(BIN)/python -m pytest tests/chaos --numprocesses 0 --capture no -p no:randomly

lint: $(READY) ## ruff, mypy and sqlfluff
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/sqlfluff lint --disable-progress-bar dbt_project/models dbt_project/tests dbt_project/analyses

format: $(READY) ## Format Python and SQL
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/sqlfluff fix --disable-progress-bar dbt_project/models dbt_project/tests dbt_project/analyses

docs: $(READY) ## The dbt docs site with lineage, as one page: data/docs/index.html
	@$(BIN)/headwater docs

lineage: $(READY) ## The picture of the README, docs/lineage.svg, from the models as they are
	@$(BIN)/headwater docs --lineage fct_papers --output docs/lineage.svg

bench: $(READY) ## Measure loading and publishing against their floors, and a second run against the first
	@$(BIN)/python -m tests.benchmarks.bench
	@$(BIN)/python -m tests.benchmarks.sync
	@$(BIN)/python -m tests.benchmarks.taxi
	@$(BIN)/python -m tests.benchmarks.trades

lock: $(READY) ## Pin the newest allowed versions in requirements.lock (needs uv)
	uv pip compile pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes \
		--no-strip-extras --no-emit-index-url --no-annotate --no-header --quiet --output-file requirements.lock

clean: ## Stop the embedded Postgres servers; remove data/ and .venv
	@if [ -x $(BIN)/headwater ]; then \
		for folder in data data/demo*; do [ -d $$folder/postgres ] && env -u PGHOST HEADWATER_DATA=$$folder $(BIN)/headwater postgres stop; done; true; fi
	rm -rf data $(VENV) .pytest_cache .mypy_cache .ruff_cache
