# Every target sets up what it needs by itself. `make` alone lists them.

ifeq ($(value CONDA_DEFAULT_ENV),shockcheck)
PREFIX := $(value CONDA_PREFIX)
BIN := $(value CONDA_PREFIX)/bin
else
PREFIX := $(CURDIR)/.venv
BIN := .venv/bin
endif

# What is given to a target, on the command line or by the environment, is data: neither make nor a shell expands it. Recipes
# find it in their environment; OPTIONS are split at blanks.
override PYTHON := $(or $(value PYTHON),python3)
override OPTIONS := $(value OPTIONS)
override PREFIX := $(value PREFIX)
override BIN := $(value BIN)
export PYTHON OPTIONS BIN

# The kernel python3 is this environment's, even where the user has another of that name in a place that comes first.
export JUPYTER_PATH := $(PREFIX)/share/jupyter$(if $(value JUPYTER_PATH),:$(value JUPYTER_PATH))

# Modules are compiled once, not in every process that imports them. What is set for another Python, or for work on
# libraries, is no matter of this environment; nor are packages that the user has outside of it.
unexport PYTHONDONTWRITEBYTECODE PYTHONHOME PYTHONPATH PYTHONSAFEPATH PYTHONSTARTUP PYTHONWARNINGS PYTHONDEVMODE
export PYTHONNOUSERSITE := 1

.DEFAULT_GOAL := help
.PHONY: help report test verify watch bench lab notebooks data checksums lint lock clean setup

help:  ## this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1|\2/p' Makefile | awk -F'|' '{printf "%-16s %s\n", $$1, $$2}'

report: setup  ## build all pages into reports/
	@"$$BIN/python" -m shockcheck report

test: export IPYTHONDIR := $(CURDIR)/.cache/ipython
test: setup  ## run every test, the notebooks' stored outputs included
	@"$$BIN/python" -m pytest

verify: setup  ## build anew in a clean folder: do all claims and pages come out as recorded?
	@"$$BIN/python" -m shockcheck verify

watch: setup  ## serve the report on 127.0.0.1; what is saved is built and shown again
	@set -f; "$$BIN/python" -m shockcheck watch $$OPTIONS

bench: setup  ## measure the build beside other tools, about half an hour; OPTIONS='--rounds 1' and others are handed on
	@set -f; "$$BIN/python" -m benchmarks $$OPTIONS

lab: setup  ## open the notebooks in JupyterLab; OPTIONS='--no-browser' and others are handed on
	@set -f; "$$BIN/jupyter" lab --notebook-dir=notebooks $$OPTIONS

notebooks: setup  ## run the notebooks in place, the examples' too: refresh their outputs, READMEs' tables, pages' checksums
	@"$$BIN/python" -m shockcheck notebooks
	@rm -rf .cache/project && "$$BIN/python" -m shockcheck new .cache/project >/dev/null
	@for one in .cache/project examples/*/; do SHOCKCHECK_ROOT=$$one "$$BIN/python" -m shockcheck notebooks || exit 1; done
	@cp .cache/project/notebooks/*.ipynb shockcheck/templates/project/notebooks/
	@cp .cache/project/README.md shockcheck/templates/project/

data: setup  ## compare the embedded prices with Yahoo's of today, and show which verdicts would flip
	@"$$BIN/python" -m shockcheck prices compare

checksums: setup  ## accept changed tables in data/: check them and renew their SHA-256
	@"$$BIN/python" -m shockcheck checksums

lint: setup  ## check and format the code
	@"$$BIN/ruff" check --fix . && "$$BIN/ruff" format .

lock:  ## resolve the dependencies of pyproject.toml anew (needs uv and the network)
	@uv pip compile pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --custom-compile-command "make lock" --upgrade --quiet -o requirements.lock

clean:  ## remove everything that was built, the environment included
	@rm -rf .venv .setup.log .setup.lock .cache/benchmarks .pytest_cache .ruff_cache .hypothesis build dist
	@find reports -mindepth 1 ! -name README.md ! -name CHECKSUMS.sha256 -delete
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

setup:
	@command -v "$$PYTHON" >/dev/null || { echo "set-up: $$PYTHON is not installed; install Python 3.11, 3.12 or 3.13" >&2; exit 1; }
	@"$$PYTHON" tools/bootstrap.py
