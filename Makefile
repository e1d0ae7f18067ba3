# Every target sets up what it needs; `make help` lists them.
VENV   ?= .venv
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.set-up

# Kernels run in folders of their own: a relative path would mislead them.
ifdef COURSE_DATA_DIR
export COURSE_DATA_DIR := $(abspath $(COURSE_DATA_DIR))
endif

comma := ,

.DEFAULT_GOAL := help
.PHONY: help setup sandbox postgresql browser demo desk docs pictures test test-thorough test-stand-ins quick-test lint format release lock mutants clean

help:  ## list what make can do
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-15s %s\n", $$1, $$2}'

setup: $(STAMP)  ## make the virtual environment in .venv, with the packages that constraints.txt pins; install bubblewrap

$(STAMP): pyproject.toml nbjudge/pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or newer is needed: make setup PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable nbjudge --editable '.[dev]'
	@$(MAKE) --no-print-directory sandbox
	@touch $@

# Without bubblewrap everything works, but nothing confines students' code: no reason to fail here.
APT := apt-get -qq -o Acquire::http::Timeout=20 -o DPkg::Lock::Timeout=60

# What is wanted of the system's packages: $(call installed,PROGRAM,PACKAGE,WHAT IS TOLD WITHOUT IT)
define installed
	@[ "$$(uname -s)" = Linux ] || exit 0; PATH="$$PATH:$$(echo /usr/lib/postgresql/*/bin)"; \
	command -v $(1) > /dev/null && exit 0; \
	as_root=; [ "$$(id -u)" = 0 ] || as_root="sudo -n"; \
	install="$$as_root env DEBIAN_FRONTEND=noninteractive $(APT) install --yes --no-install-recommends $(2)"; \
	if command -v apt-get > /dev/null; then \
	  { $$install || { $$as_root $(APT) update && $$install; }; } < /dev/null > /dev/null 2>&1; \
	fi; \
	PATH="$$PATH:$$(echo /usr/lib/postgresql/*/bin)"; command -v $(1) > /dev/null || echo "$(3)"
endef

sandbox:  ## on Linux: install bubblewrap, which confines students' code, if it is missing and may be installed
	$(call installed,bwrap,bubblewrap,There is no bubblewrap$(comma) so nothing confines students' code. Install it (sudo apt install bubblewrap)$(comma) then try $(BIN)/course doctor.)

postgresql:  ## on Linux: install PostgreSQL, which one test grades with, if it is missing and may be installed
	$(call installed,postgres,postgresql,There is no PostgreSQL$(comma) so its test is skipped.)

# Without them the tests that need a browser are skipped, and say so.
browser: $(STAMP)  ## on Linux: install Chromium, axe-core and JupyterHub's proxy, which try the pages, if they are missing and may be installed
	$(call installed,chromium,chromium,There is no Chromium$(comma) so the tests with a browser are skipped.)
	@[ -e $(VENV)/node_modules/axe-core/axe.min.js ] && [ -e $(VENV)/node_modules/.bin/configurable-http-proxy ] || { command -v npm > /dev/null \
	  && npm install --silent --no-save --no-fund --no-audit --fetch-retries 1 --fetch-timeout 60000 --prefix $(VENV) axe-core configurable-http-proxy > /dev/null 2>&1; } \
	  || echo "There is no axe-core, or no configurable-http-proxy (both need npm), so nothing tries how accessible the pages are, or the desk in a JupyterHub."

demo: $(STAMP)  ## build a small course in demo/, grade a dozen made-up submissions, show the class's table
	@$(BIN)/course demo

desk: $(STAMP)  ## open a desk where a made-up class hands in over the web, on this machine alone; Ctrl-C ends it
	@$(BIN)/course desk --demo

docs: $(STAMP)  ## build the documentation as a site in site/, for a browser
	@NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet
	@echo "Open site/index.html in a browser; the search works there, too."

pictures: $(STAMP) browser  ## take the pictures of the documentation anew, of a made-up class
	@$(BIN)/python docs/pictures/make.py

# Three at once also on two processors: half of the time a test waits, for a page, a limit or a lock.
PYTEST := $(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder

test: $(STAMP) postgresql browser lint  ## run the linters, and every test but those of test-thorough
	@$(PYTEST) -m "not thorough"

test-thorough: $(STAMP) postgresql browser  ## run what `make test` leaves out: long walks through the whole, and further examples
	@$(PYTEST) -m thorough

test-stand-ins: $(STAMP)  ## run the tests of data and notebooks on generated data, as without a network
	@env -u COURSE_DATA_DIR COURSE_OFFLINE=1 $(BIN)/python -m pytest -n 2 tests/course_utils/test_data.py tests/course_utils/test_notebooks.py \
	  -k "not release and not solution_gets"

quick-test: $(STAMP)  ## run all but the slow tests and those in a browser: some minutes
	@$(BIN)/python -m pytest -n 2 -m "not slow and not browser and not thorough"

lint: $(STAMP)  ## ruff, mypy and the notebook check
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/mypy
	@$(BIN)/course tidy --check

format: $(STAMP)  ## put code and notebooks in their one committed form
	@$(BIN)/ruff check --quiet --fix .
	@$(BIN)/ruff format --quiet .
	@$(BIN)/course tidy

release: $(STAMP)  ## generate the student versions of all assignments from source/
	@$(BIN)/course release

lock: $(STAMP)  ## write constraints.txt anew from what is installed in .venv
	@$(BIN)/python -m pip freeze --exclude-editable | sed 's/+cpu$$//' > constraints.txt

mutants: $(STAMP)  ## change the modules that decide marks and names, thousands of times, and list what no test notices: some hours
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable nbjudge --editable '.[mutants]'
	@$(BIN)/mutmut run
	@$(BIN)/mutmut results

clean:  ## delete the virtual environment, caches, the demonstration and the site
	rm -rf $(VENV) demo mutants site .mypy_cache .pytest_cache .ruff_cache .hypothesis *.egg-info
