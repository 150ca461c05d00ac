# Two commands do everything: `make run` and `make test`. Both make .venv and install from the hashed lock.
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
# Of `make test`; 0 runs the tests one after another.
WORKERS ?= 2
export OMP_NUM_THREADS := 1
export OPENBLAS_NUM_THREADS := 1
export PYTHONUNBUFFERED := 1

.PHONY: run serve test lint types bench faults lock clean

run: $(VENV)/.run
	$(PY) -m launch_week

serve: $(VENV)/.run
	$(PY) -m launch_week --serve

test: $(VENV)/.dev
	$(PY) -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

lint: $(VENV)/.dev
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .

types: $(VENV)/.dev
	$(VENV)/bin/mypy

bench: $(VENV)/.dev
	$(PY) -m benchmarks

faults: $(VENV)/.dev
	$(PY) -m tests.faults

$(VENV)/bin/python:
	$(PYTHON) -c "import sys; sys.exit('Python 3.11 or newer is needed, this is ' + sys.version.split()[0] if sys.version_info < (3, 11) else 0)"
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: $(VENV)/bin/python requirements.lock pyproject.toml
	$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(PY) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

$(VENV)/.dev: $(VENV)/.run requirements-dev.lock
	$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	touch $@

lock: $(VENV)/.dev
	$(PY) -m pip install --quiet pip-tools
	printf 'setuptools>=77\n' > .lock.in
	$(PY) -m piptools compile -q --generate-hashes --allow-unsafe --strip-extras --no-emit-options --no-header --extra all --output-file requirements.lock pyproject.toml .lock.in
	$(PY) -m piptools compile -q --generate-hashes --allow-unsafe --strip-extras --no-emit-options --no-header --extra all --extra dev --output-file requirements-dev.lock pyproject.toml
	rm .lock.in

clean:
	rm -rf $(VENV) story-run story.html .pytest_cache .mypy_cache .ruff_cache
