# make            this help
# make install    the environment in .venv, and nothing else
# make bikes      data, training, evaluation, pictures, page and a forecast of bike rentals   [DATA=a table of hours]
# make sentiment  the same for film reviews, or your own texts   [DATA=any table TEXT=its column LABEL=its column]
# make exercises  which exercises of docs/learn are right, with a hint for the others
# make playground  write docs/learn/playground.html, a page that trains a network while you look
# make test       the tests                                      [PYTEST_OPTIONS='-k resume']
# make fuzz       thousands of random inputs for all that reads files or texts (minutes), and how many there were
# make test-fast  those of them that train little and need neither data, Dask nor a browser, for while you write
# make coverage   the tests, and which lines and branches they never reach: runs/coverage/index.html
# make check      what must pass before a change lands: make lint, make types, make test
# make lint       format and style: ruff
# make types      mypy, strict
# make format     bring the code into the format that make lint asks for
# make test-oldest  the tests with the lowest versions that pyproject.toml allows, in .venv-oldest [EXTRAS=dev]
# make lock       write constraints.txt: the versions that are in .venv now
# make docs       write docs/cli.md from the commands, and the names of the tests into docs/reliability.md
# make benchmark  speed and accuracy beside scikit-learn, PyTorch, LightGBM, fastText and plain loops;
#                 then up to 1.6 million reviews; writes docs/results.md (an hour)
# make benchmark-quick  a part of it in two minutes, beside scikit-learn alone; writes nothing
# make torture    kill trainings at random moments and resume them; change every byte of model files (some minutes)
# make clean      remove the environments and the runs (data stay)

PYTHON ?= python3
PYTHON_OLDEST ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
OLDEST := .venv-oldest
INSTALL := -m pip install --quiet --disable-pip-version-check
EXTRAS ?= dev,dask,onnx,browser
PYTEST_OPTIONS ?=
PYTEST = -m pytest --numprocesses auto --dist loadfile $(PYTEST_OPTIONS)
DATA ?=
DATA_OPTION = $(if $(DATA),--data "$(DATA)")
TEXT ?=
LABEL ?=
COLUMNS = $(if $(TEXT),--text-column "$(TEXT)") $(if $(LABEL),--label-column "$(LABEL)")

.PHONY: help install bikes sentiment exercises playground test test-fast test-oldest coverage fuzz check lint types format lock docs benchmark \
    benchmark-quick torture clean
.DEFAULT_GOAL := help

help:
	@sed -n 's/^# //p' Makefile

install: $(VENV)/installed

$(BIN)/activate:
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: $(BIN)/activate pyproject.toml
	$(BIN)/python $(INSTALL) --editable .
	@touch $@
	@echo 'Installed. To type the commands by name in this terminal:  export PATH="$$PWD/.venv/bin:$$PATH"'

$(VENV)/installed-dev: $(VENV)/installed
	$(BIN)/python $(INSTALL) --editable '.[dev]'
	@touch $@

$(OLDEST)/installed: pyproject.toml constraints-oldest.txt
	$(PYTHON_OLDEST) -m venv --clear $(OLDEST)
	$(OLDEST)/bin/python $(INSTALL) --constraint constraints-oldest.txt --editable '.[$(EXTRAS)]'
	@touch $@

bikes: $(VENV)/installed
	$(if $(DATA),,$(BIN)/bikes download --sample-if-offline)
	$(BIN)/bikes train $(DATA_OPTION)
	$(BIN)/bikes evaluate $(DATA_OPTION)
	$(BIN)/bikes plot
	$(BIN)/bikes report
	$(if $(DATA),$(BIN)/bikes forecast $(DATA_OPTION) --days 7,$(BIN)/bikes predict --when 2012-12-24T17 \
	    --temperature 4 --humidity 60 --wind 12 --weather clear)

sentiment: $(VENV)/installed
	$(if $(DATA),,$(BIN)/sentiment download --sample-if-offline)
	$(BIN)/sentiment train $(DATA_OPTION) $(COLUMNS)
	$(BIN)/sentiment evaluate $(DATA_OPTION)
	$(BIN)/sentiment plot
	$(BIN)/sentiment report
	$(BIN)/sentiment predict "a dull, lifeless film" --explain

exercises: $(VENV)/installed
	@$(BIN)/python docs/learn/exercises/grade.py || true  # what is not solved yet is no error of make

playground: $(VENV)/installed
	$(BIN)/python docs/learn/playground/build.py

test: $(VENV)/installed-dev
	$(BIN)/python $(PYTEST)

test-fast: $(VENV)/installed-dev
	$(BIN)/python $(PYTEST) -m "not slow and not real_data and not dask and not browser"

coverage: $(VENV)/installed-dev
	$(BIN)/python $(PYTEST) --cov=nn --cov=projects --cov-branch --cov-report=term:skip-covered --cov-report=html:runs/coverage

test-oldest: $(OLDEST)/installed
	$(OLDEST)/bin/python $(PYTEST)

fuzz: $(VENV)/installed-dev
	HYPOTHESIS_PROFILE=long $(BIN)/python -m pytest tests/test_fuzz.py tests/test_faults.py -k "any or changed_byte" \
	    --hypothesis-show-statistics

check: lint types test

lint: $(VENV)/installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(VENV)/installed-dev
	$(BIN)/mypy

format: $(VENV)/installed-dev
	$(BIN)/ruff format .

lock: $(VENV)/installed-dev
	echo '# What `make lock` found in .venv: the versions with which all tests passed. CONTRIBUTING.md says what for.' \
	    > constraints.txt
	$(BIN)/python -m pip --disable-pip-version-check freeze --exclude-editable | sed 's/+cpu$$//' >> constraints.txt

docs: $(VENV)/installed
	$(BIN)/python docs/reliability.py
	$(BIN)/python docs/cli.py

benchmark: $(VENV)/installed
	$(BIN)/python $(INSTALL) --editable '.[benchmark]'
	$(BIN)/python -m benchmarks.network
	$(BIN)/python -m benchmarks.classes
	$(BIN)/python -m benchmarks.one_by_one
	$(BIN)/python -m benchmarks.bikes
	$(BIN)/python -m benchmarks.ablation
	$(BIN)/python -m benchmarks.sentiment
	$(BIN)/python -m benchmarks.labels
	$(BIN)/python -m benchmarks.typed
	$(BIN)/python -m benchmarks.noise_reduction
	$(BIN)/python -m benchmarks.scale

benchmark-quick: $(VENV)/installed-dev
	$(BIN)/python -m benchmarks.quick

torture: $(VENV)/installed
	$(BIN)/python -m benchmarks.torture

clean:
	rm -rf $(VENV) $(OLDEST) runs
