# `make help` lists the targets; each makes the environment first where it needs one.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
F1 := $(VENV)/bin/f1
FORMATTED := f1lib tests benchmarks lambda_runner
export UV_COMPILE_BYTECODE := 1
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help setup run test campaign nightly check fmt docs lab pictures bench lock dist clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-9s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

setup: $(VENV)/.ready  ## make .venv, or renew it after a change of the pinned requirements

$(VENV)/.ready: requirements.txt requirements-dev.txt pyproject.toml .ci/requirements-tools.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; set PYTHON=..."; exit 1; }
	@rm -rf $(VENV)
	$(PYTHON) -m venv $(VENV)
	@if ! { $(VENV)/bin/python -m pip install --quiet --require-hashes -r .ci/requirements-tools.txt && \
		VIRTUAL_ENV=$(VENV) $(VENV)/bin/uv pip install --quiet --require-hashes -r requirements-dev.txt && \
		VIRTUAL_ENV=$(VENV) $(VENV)/bin/uv pip install --quiet --no-deps --no-build-isolation -e . ; }; then \
		echo "uv could not install (a proxy's certificate, say); pip does it, more slowly"; \
		$(VENV)/bin/python -m pip install --quiet --require-hashes -r requirements-dev.txt && \
		$(VENV)/bin/python -m pip install --quiet --no-deps --no-build-isolation -e . ; \
	fi
	@$(VENV)/bin/python -m compileall -q f1lib
	@touch $@

run: setup  ## do what is due and print the predicted order of the next race
	$(F1) run

# Three workers for two cores: a fifth of the time a worker waits for a server, a kernel or a browser.
test: setup  ## run the tests
	$(VENV)/bin/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder

campaign: setup  ## run the long tests that `make test` leaves out (hours; as root for the power cuts)
	$(VENV)/bin/python -m pytest -m campaign --timeout=3000

nightly: setup  ## run the property tests with five times as many examples (a quarter of an hour)
	$(VENV)/bin/python -m pytest -m hypothesis --hypothesis-profile=nightly --timeout=7200

check: setup  ## lint, formatting, types, the laws of the architecture, the style of the notebooks
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check $(FORMATTED)
	$(VENV)/bin/mypy
	$(VENV)/bin/python -m pytest -q tests/architecture tests/notebooks/test_style.py

fmt: setup  ## format the code and mend what the linter can
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format $(FORMATTED)

# Offline: the gallery's notebooks run on simulated data; DOCS_LAKE names another lake.
DOCS_LAKE ?= .cache/docs-lake
docs: setup $(VENV)/.docs  ## build the documentation site in build/docs
	test -e $(DOCS_LAKE)/reports/run_summary.json || $(F1) replay --season 2025 --event qatar --source simulated --now 2025-12-31T00:00:00Z --lake $(DOCS_LAKE)
	rm -rf build/docs build/gallery docs/_generated
	$(VENV)/bin/python docs/gallery.py $(DOCS_LAKE) build/gallery
	$(VENV)/bin/python -m benchmarks.chart docs/_generated/performance.svg
	$(VENV)/bin/sphinx-build -q -W --keep-going -b html docs build/docs
	@echo "the site: build/docs/index.html"

$(VENV)/.docs: requirements-docs.txt $(VENV)/.ready
	$(VENV)/bin/uv pip install --quiet --python $(VENV)/bin/python --require-hashes -r requirements-docs.txt || \
		$(VENV)/bin/python -m pip install --quiet --require-hashes -r requirements-docs.txt
	@touch $@

# The notebooks read the lake; a first one is filled when there is none. The server listens on this machine only and asks for
# its token, also of who comes through a proxy (whose name stands in the Host header) and of root.
PORT ?= 8888
BASE_URL ?= /
LAB_OPTIONS ?=
lab: setup  ## open JupyterLab on the notebooks; PORT=8888 BASE_URL=/ LAB_OPTIONS=...
	@test -e lake -o -e lake-simulated -o -n "$$F1_LAKE_URL" || $(F1) run
	$(VENV)/bin/jupyter lab --notebook-dir=notebooks --port=$(PORT) --ServerApp.port_retries=0 \
		--ServerApp.base_url=$(BASE_URL) --ServerApp.allow_remote_access=True --ServerApp.trust_xheaders=True \
		$(if $(filter 0,$(shell id -u)),--allow-root) $(LAB_OPTIONS)

# The README's pictures, from F1DB's data (CC BY 4.0); F1_F1DB names a release that is at hand. Needs chromium.
pictures: setup  ## make the README's pictures
	$(F1) run --source f1db --now 2025-11-29T20:00:00Z --lake .cache/pictures
	$(F1) run --source f1db --now 2025-12-06T16:00:00Z --lake .cache/pictures
	$(VENV)/bin/python .pictures/make.py .cache/pictures
	$(VENV)/bin/python .pictures/aws.py docs/aws.svg

# F1_F1DB names an F1DB release: without one, what needs real data is left out. BENCH=quick (what CI runs), caches,
# durability or sandbox; AGAINST=path/to/checkout measures in turns with another one; RECORD=1 keeps the figures.
BENCH ?= full
bench: setup  ## run the benchmarks
	$(VENV)/bin/python -m benchmarks $(BENCH) $(if $(AGAINST),--against $(AGAINST)) $(if $(RECORD),--record)

lock: setup  ## renew the pinned requirements; UPGRADE=--upgrade takes the newest versions
	$(VENV)/bin/uv pip compile $(UPGRADE) pyproject.toml --universal --generate-hashes --no-header --no-annotate --no-emit-index-url -q -o requirements.txt
	$(VENV)/bin/uv pip compile $(UPGRADE) pyproject.toml --extra aws --group lambda --universal --generate-hashes --no-header --no-annotate --no-emit-index-url -q -c requirements.txt -o requirements-lambda.txt
	$(VENV)/bin/uv pip compile $(UPGRADE) pyproject.toml --all-extras --group dev --universal --generate-hashes --no-header --no-annotate --no-emit-index-url -q -o requirements-dev.txt
	$(VENV)/bin/uv pip compile $(UPGRADE) --group pyproject.toml:docs --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url -q -c requirements-dev.txt -o requirements-docs.txt
	for tools in uv=tools "cyclonedx-bom pip-audit pip-licenses detect-secrets=supply" aws-sam-cli=deploy; do \
		printf '%s\n' $${tools%=*} | $(VENV)/bin/uv pip compile $(UPGRADE) - --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url -q -o .ci/requirements-$${tools#*=}.txt || exit 1; \
	done

# Wheel and sdist, and the check that the wheel has the code version of the checkout (docs/releasing.md).
dist: setup  ## build wheel and sdist, and check the wheel
	rm -rf dist build
	$(VENV)/bin/uv build --quiet --build-constraints requirements-dev.txt --require-hashes
	$(VENV)/bin/python -m zipfile -e dist/*.whl build/wheel
	test "$$(cd build/wheel && $(CURDIR)/$(VENV)/bin/python -m f1lib --version)" = "$$($(F1) --version | cut -d' ' -f1,2)"

clean:  ## remove .venv and what the tools keep
	rm -rf $(VENV) dist build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
