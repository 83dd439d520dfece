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

# The modules that verdicts rest on: every line and branch is reached by a test, and every change noticed by one.
override CORE := shockcheck/verdicts.py,shockcheck/quantities/*,shockcheck/data/tables.py,shockcheck/measures.py

.DEFAULT_GOAL := help
.PHONY: help report test test-fast coverage check mutants docs verify watch bench wheel lab notebooks data checksums lock clean setup

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1|\2/p' Makefile | awk -F'|' '{printf "%-16s %s\n", $$1, $$2}'

report: setup  ## build all pages into reports/
	@"$$BIN/python" -m shockcheck report

test: export IPYTHONDIR := $(CURDIR)/.cache/ipython
test: setup  ## run every test, the notebooks' stored outputs included, on all cores; OPTIONS='-k word' are handed on
	@set -f; "$$BIN/python" -m pytest -n auto $$OPTIONS

test-fast: setup  ## run the tests that take no kernel, browser or cluster: seconds
	@set -f; "$$BIN/python" -m pytest -n auto -p no:nbval -o addopts= -m "not slow and not browser and not cluster" -q tests $$OPTIONS

coverage: export COVERAGE_FILE := $(CURDIR)/.coverage
coverage: setup  ## run every test, show the lines and branches that none reaches, and fail where the core has any
	@"$$BIN/python" -m coverage erase
	@set -f; "$$BIN/python" -m coverage run -m pytest -n auto $$OPTIONS; tested=$$?; \
	"$$BIN/python" -m coverage combine -q && "$$BIN/python" -m coverage report && \
	"$$BIN/python" -m coverage report --include="$(CORE)" --fail-under=100 && exit $$tested

check: setup  ## lint, format, types, import contracts and spelling: what continuous integration asks besides the tests
	@PATH="$$BIN:$$PATH" "$$BIN/pre-commit" run --all-files --show-diff-on-failure

mutants: setup  ## change the core on purpose and list the changes that no test notices; a quarter of an hour
	@set -f; "$$BIN/python" tools/mutants.py $$OPTIONS

docs: export NO_MKDOCS_2_WARNING := 1
docs: setup  ## build the documentation into site/; a broken link is an error
	@"$$BIN/python" -m mkdocs build --strict --quiet && echo site/index.html

verify: setup  ## build anew in a clean folder: do all claims and pages come out as recorded?
	@"$$BIN/python" -m shockcheck verify

watch: setup  ## serve the report on 127.0.0.1; what is saved is built and shown again
	@set -f; "$$BIN/python" -m shockcheck watch $$OPTIONS

bench: setup  ## measure the build beside other tools, about half an hour; OPTIONS='--rounds 1' and others are handed on
	@set -f; "$$BIN/python" -m benchmarks $$OPTIONS

wheel: setup  ## build the wheel into dist/, to install the command shockcheck from elsewhere
	@mkdir -p dist && "$$BIN/python" -m flit_core.wheel --outdir dist . && ls dist/*.whl

lab: setup  ## open the notebooks in JupyterLab; OPTIONS='--no-browser' and others are handed on
	@set -f; "$$BIN/jupyter" lab --notebook-dir=notebooks $$OPTIONS

notebooks: setup  ## run the notebooks in place, the examples' too: refresh their outputs, READMEs' tables, pages' checksums
	@"$$BIN/python" -m shockcheck notebooks
	@rm -rf .cache/project && "$$BIN/python" -m shockcheck new .cache/project >/dev/null
	@for one in .cache/project examples/*/; do SHOCKCHECK_ROOT=$$one "$$BIN/python" -m shockcheck notebooks || exit 1; done
	@cp .cache/project/notebooks/*.ipynb shockcheck/authoring/project/notebooks/
	@cp .cache/project/README.md shockcheck/authoring/project/

data: setup  ## compare the embedded prices with Yahoo's of today, and show which verdicts would flip
	@"$$BIN/python" -m shockcheck prices compare

checksums: setup  ## accept changed tables in data/: check them and renew their SHA-256
	@"$$BIN/python" -m shockcheck checksums

lock:  ## resolve the dependencies of pyproject.toml anew (needs uv and the network)
	@uv pip compile pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --custom-compile-command "make lock" --upgrade --quiet -o requirements.lock

clean:  ## remove everything that was built, the environment included
	@rm -rf site .venv .setup.log .setup.lock .cache/benchmarks .pytest_cache .ruff_cache .mypy_cache .import_linter_cache .hypothesis mutants .coverage* build dist
	@find reports -mindepth 1 ! -name README.md ! -name CHECKSUMS.sha256 -delete
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

setup:
	@command -v "$$PYTHON" >/dev/null || { echo "set-up: $$PYTHON is not installed; install Python 3.11 to 3.14" >&2; exit 1; }
	@"$$PYTHON" tools/bootstrap.py
