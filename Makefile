# make run    sets everything up and opens the panel          ARGS="--help" passes arguments to ecs-localai
# make test   sets up the tests' real parts and runs them     ARGS="-k relay" passes arguments to pytest
# make lint   ruff, mypy, import-linter
# make bench  the benchmarks                                  ARGS="..." passes arguments to them
# make fuzz   fuzz and model tests, 30 times as long as in make test      ECS_LOCALAI_FUZZ=100 for longer
# make soak   faults at every byte of every answer, twenty hosts killed and revived for two minutes, 200 random orders of
#             the queue, a store killed, cut off and damaged thousands of times, every run of the command in an interpreter
#             of its own
# make clean  removes all that these made
PYTHON ?= python3
ARGS ?=
# How many processes the tests run in: they wait more than they compute.
WORKERS ?= $(shell n=$$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2); echo $$(( n < 7 ? n + 2 : 8 )))

VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.PHONY: run test lint bench fuzz soak assets rig system clean venv
.DEFAULT_GOAL := run

run: $(INSTALLED) assets
	@$(BIN)/python scripts/start.py $(ARGS)

test: $(INSTALLED) system assets rig
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)

lint: $(INSTALLED) assets
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(INSTALLED) system assets rig
	@$(BIN)/python -m benchmarks $(ARGS)

fuzz: $(INSTALLED)
	@ECS_LOCALAI_FUZZ=$${ECS_LOCALAI_FUZZ:-30} $(BIN)/python -m pytest tests/runtime -k "fuzz or model" $(ARGS)

soak: $(INSTALLED) system assets rig
	@ECS_LOCALAI_FUZZ=1 $(BIN)/python -m pytest tests/ollama/test_ollama_byte_faults.py \
		tests/systems/test_systems_hosts_in_chaos.py tests/systems/test_systems_hosts_in_disorder.py \
		tests/systems/test_systems_queue_orders.py tests/systems/test_systems_queue_hosts.py \
		tests/panel/test_panel_painting.py tests/store tests/cli \
		--timeout 1800 $(ARGS)

assets: $(INSTALLED)
	@$(BIN)/python scripts/build_assets.py >&2

rig: $(INSTALLED)
	@$(BIN)/python scripts/rig_setup.py

system:
	@sh scripts/system_packages.sh

venv: $(INSTALLED)

# The environment itself is made once; an interrupted pip runs again, because the stamp is written last.
$(INSTALLED): pyproject.toml scripts/build_assets.py scripts/hatch_build.py | $(BIN)/pip
	@echo "installing ecs-localai and its tools into $(VENV)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[test,lint,bench,assets]'
	@touch $@

$(BIN)/pip:
	@command -v $(PYTHON) >/dev/null || { \
		echo "There is no $(PYTHON) here. Install Python 3.11 or newer, or name it: make PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "ecs-localai needs Python 3.11 or newer, and $(PYTHON) is $$($(PYTHON) -V 2>&1)." \
			"Name a newer one: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "This Python has no venv module. On Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)

clean:
	rm -rf $(VENV) .rig build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	rm -rf ecs_localai/assets/fonts ecs_localai/assets/licenses
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
