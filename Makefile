# The verbs of the project. Each does all the set-up that it needs; CI calls the same ones.

PYTHON ?= python3
BROKER ?= embedded
ARGS ?=
SUITE ?= serve

UV := .uv/bin/uv
RUN := .venv/bin
DEV := .venv-dev/bin
JARS := .kafka/lib
COMPILED := $(wildcard streams/serve/compiled/*) deploy/build_press.py
COMPILE := $(UV) pip compile --quiet --universal --generate-hashes --no-annotate --python-version 3.11 \
	--custom-compile-command "make pins" pyproject.toml

export UV_NO_PROGRESS := 1
# The machine's own certificates, as pip uses them: a company's registry is often signed by the company.
export UV_SYSTEM_CERTS := 1
export PYTHONUTF8 := 1

.PHONY: setup setup-dev demo test lint kafka jars bench pins docs clean

setup: .venv/.done
setup-dev: .venv-dev/.done

demo: setup $(if $(filter local,$(BROKER)),jars)
	@mkdir -p .patter
	$(RUN)/patter demo --broker $(BROKER) --json .patter/demo.json $(ARGS)

test: setup-dev jars
	$(DEV)/ruff check .
	$(DEV)/ruff format --check .
	$(DEV)/lint-imports
	$(DEV)/mypy
	OMP_NUM_THREADS=1 $(DEV)/pytest tests/contract tests/property tests/unit --numprocesses auto --maxprocesses 4 --dist loadfile
	$(DEV)/pytest tests/e2e
	$(DEV)/pytest tests/integration --numprocesses 3 --dist loadfile

# Writes the reference pages again from the code.
docs: setup-dev
	$(DEV)/python -m patter.reference

lint: setup-dev
	$(DEV)/ruff check . && $(DEV)/ruff format --check . && $(DEV)/lint-imports && $(DEV)/mypy

kafka: setup jars
	$(RUN)/patter broker start --fetch

# The subjects of `generate` are in the development environment only.
bench: $(if $(filter generate,$(SUITE)),setup-dev,setup jars)
	@mkdir -p benchmarks/results
	$(if $(filter generate,$(SUITE)),$(DEV),$(RUN))/patter bench $(SUITE) --json benchmarks/results/$(SUITE)-$$(date -u +%Y%m%dT%H%M%SZ).json $(ARGS)

# The jars of a real Kafka. Without Java or Maven there are none: what needs them says so.
jars:
	@if command -v java >/dev/null && command -v mvn >/dev/null; then \
	  if [ ! -e $(JARS)/.done ]; then \
	    mvn -q -B -f deploy/kafka/pom.xml dependency:copy-dependencies && touch $(JARS)/.done; fi; \
	else echo "no Java or no Maven here: no local Kafka" >&2; fi

# Writes the hashed pins again. They hold no address of any index.
pins: $(UV)
	rm -f requirements/dev.txt requirements/run.txt
	$(COMPILE) --extra train --group build --group dev -o requirements/dev.txt
	$(COMPILE) --group build -c requirements/dev.txt -o requirements/run.txt
	printf 'uv\n' | $(UV) pip compile --quiet --universal --generate-hashes --python-version 3.11 \
	  --custom-compile-command "make pins" - -o requirements/uv.txt

# Plain pip is several times slower than uv, so pip only fetches uv, into a folder of the checkout.
$(UV): requirements/uv.txt
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || \
	  { echo "error[dependency_missing]: Python 3.11 to 3.13 is needed, PYTHON=$(PYTHON), make PYTHON=python3.12 ..." >&2; exit 3; }
	$(PYTHON) -m pip install --quiet --disable-pip-version-check --require-hashes --upgrade --target .uv -r requirements/uv.txt
	@touch $(UV)

.venv/.done: $(UV) requirements/run.txt pyproject.toml $(COMPILED)
	$(UV) venv --quiet --clear --python $(PYTHON) .venv
	$(UV) pip install --quiet --python .venv --require-hashes -r requirements/run.txt
	$(UV) pip install --quiet --python .venv --no-deps --no-build-isolation -e .
	env -u PYTHONDONTWRITEBYTECODE .venv/bin/python deploy/import_once.py
	@touch $@

.venv-dev/.done: $(UV) requirements/dev.txt pyproject.toml $(COMPILED)
	$(UV) venv --quiet --clear --python $(PYTHON) .venv-dev
	$(UV) pip install --quiet --python .venv-dev --require-hashes -r requirements/dev.txt
	$(UV) pip install --quiet --python .venv-dev --no-deps --no-build-isolation -e .
	env -u PYTHONDONTWRITEBYTECODE .venv-dev/bin/python deploy/import_once.py
	@touch $@

clean:
	rm -rf .venv .venv-dev .uv .patter .kafka
