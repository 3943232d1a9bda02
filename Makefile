# fleetest's house: `make help` lists what there is.
#
# PYTHON=python3.12 chooses the Python, PYTHONS="python3.9 python3.13" the others that `make test`
# tries (default: all that it finds). Environments and objects are kept and brought up to date.

PYTHON ?= python3
FUZZ_SECONDS ?= 60
ARGS ?=

# Nothing of a caller's virtual environment or Python settings may leak into ours.
unexport VIRTUAL_ENV PYTHONHOME PYTHONPATH PYTEST_ADDOPTS PYTEST_PLUGINS
export PYTHON PYTHONS PARITY

environment = $(PYTHON) scripts/environments.py

.DEFAULT_GOAL := help
.PHONY: help demo test unit e2e exactness parity wheel devlink bench simulate sweep lint xdist-suite plugin-suites soak sanitize fuzz clean \
	system-build system-test system-fuzz

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "make %-13s %s\n", $$1, $$2 }' Makefile

demo: system-build ## install what is missing, build, and run fleetest on examples/shop
	@$(environment) main >/dev/null
	cd examples/shop && ../../.venv/bin/fleetest $(ARGS)

test: system-test ## install what is missing, build, and run all tests (PARITY=full: every pair)
	@scripts/test unit e2e exactness parity plugins matrix

unit: system-test ## run the unit tests of the C modules
	@scripts/test unit

e2e: system-build ## run the tests that drive the built command
	@scripts/test e2e

exactness: system-build ## compare runs after all kinds of changes with plain pytest
	@EXACTNESS=full scripts/test exactness

parity: system-build ## compare with plain pytest: the main Python, the newest pytest
	@scripts/test parity

wheel: system-build ## build a wheel for $(PYTHON) into dist/
	@mkdir -p dist
	@wheel=$$($(environment) wheel) && cp "$$wheel" dist/ && echo "dist/$$(basename "$$wheel")"

devlink: system-build ## put a debug build and links to python/fleetest into .venv
	@$(environment) main >/dev/null
	@scripts/build build/dev
	@$(PYTHON) scripts/devlink .venv build/dev

bench: wheel ## measure against pytest and pytest-xdist (ARGS="...", see bench/README.md)
	@$(PYTHON) bench/bench.py $(ARGS)

simulate: system-build ## simulate the scheduler (ARGS="--items N --workers N --seed N")
	@scripts/build build/simulate --buildtype=release
	@build/simulate/bench/simulate/simulate $(ARGS)

sweep: system-build ## measure how long what a snapshot has read takes to compare (ARGS="--check")
	@scripts/build build/simulate --buildtype=release
	@build/simulate/bench/sweep/sweep $(ARGS)

lint: system-test ## check format, style and types, and compile with warnings as errors
	@scripts/lint

xdist-suite: system-build ## run pytest-xdist's own tests with fleetest in its place (ARGS: pytest's)
	@pythons=$$($(environment) xdist) && build=$$($(environment) build) && \
		$$build tests/suites/xdist_suite.py $$pythons -- $(ARGS)

plugin-suites: system-build ## run other plugins' own tests with pytest-xdist and with fleetest (ARGS: names)
	@build=$$($(environment) build) && $$build tests/suites/plugin_suites.py $(ARGS)

soak: ## run 1,000 times through the daemon, edit 200 times, and see whether anything grows (ARGS: Pythons with fleetest)
	@$(PYTHON) tests/soak/soak.py $(or $(ARGS),.venv/bin/python)

sanitize: system-test ## run the unit and e2e tests under the address and undefined sanitizers
	@scripts/sanitize

fuzz: system-fuzz ## run each fuzz target for FUZZ_SECONDS
	fuzz/build build/fuzz $(FUZZ_SECONDS)

clean: ## remove everything that was built or installed here
	rm -rf build dist .venv .venv-lint .venv-plugins .mypy_cache .ruff_cache .pytest_cache

system-build system-test system-fuzz: system-%:
	@scripts/bootstrap $*
