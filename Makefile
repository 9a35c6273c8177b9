# make            this help
# make bikes      data, training, evaluation, pictures, page and a forecast of bike rentals   [DATA=hour.csv or its zip]
# make sentiment  the same for film reviews                      [DATA=archive, folder, CSV, TSV or JSONL]
# make exercises  which exercises of docs/learn are right, with a hint for the others
# make playground write docs/learn/playground.html, a page that trains a network while you look
# make test       the tests
# make fuzz       thousands of random inputs for all that reads files or texts (minutes), and how many there were
# make check      what must pass before a change lands: ruff, mypy, the tests
# make benchmark  speed and accuracy beside scikit-learn, PyTorch, LightGBM, fastText and plain loops;
#                 then up to 1.6 million reviews; writes benchmarks/RESULTS.md (an hour)
# make torture    kill trainings at random moments and resume them; change every byte of model files (some minutes)
# make clean      remove the environment and the runs (data stay)

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DATA ?=
DATA_OPTION = $(if $(DATA),--data "$(DATA)")

.PHONY: help bikes sentiment exercises playground test fuzz check benchmark torture clean
.DEFAULT_GOAL := help

help:
	@sed -n 's/^# //p' Makefile

$(BIN)/activate:
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: $(BIN)/activate pyproject.toml
	$(BIN)/pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/installed-dev: $(VENV)/installed
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

bikes: $(VENV)/installed
	$(if $(DATA),,$(BIN)/bikes download --sample-if-offline)
	$(BIN)/bikes train $(DATA_OPTION)
	$(BIN)/bikes evaluate $(DATA_OPTION)
	$(BIN)/bikes plot
	$(BIN)/bikes report
	$(BIN)/bikes predict --when 2012-12-24T17 --temperature 4 --humidity 60 --wind 12 --weather clear

sentiment: $(VENV)/installed
	$(if $(DATA),,$(BIN)/sentiment download --sample-if-offline)
	$(BIN)/sentiment train $(DATA_OPTION)
	$(BIN)/sentiment evaluate $(DATA_OPTION)
	$(BIN)/sentiment plot
	$(BIN)/sentiment report
	$(BIN)/sentiment predict "a dull, lifeless film" --explain

exercises: $(VENV)/installed
	@$(BIN)/python docs/learn/exercises/grade.py || true  # what is not solved yet is no error of make

playground: $(VENV)/installed
	$(BIN)/python docs/learn/playground/build.py

test: $(VENV)/installed-dev
	$(BIN)/python -m pytest --numprocesses auto --dist loadfile

fuzz: $(VENV)/installed-dev
	HYPOTHESIS_PROFILE=long $(BIN)/python -m pytest tests/test_fuzz.py tests/test_faults.py -k "any or changed_byte" \
	    --hypothesis-show-statistics

check: $(VENV)/installed-dev
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(MAKE) test

benchmark: $(VENV)/installed
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[benchmark]'
	$(BIN)/python -m benchmarks.network
	$(BIN)/python -m benchmarks.classes
	$(BIN)/python -m benchmarks.one_by_one
	$(BIN)/python -m benchmarks.bikes
	$(BIN)/python -m benchmarks.ablation
	$(BIN)/python -m benchmarks.sentiment
	$(BIN)/python -m benchmarks.noise_reduction
	$(BIN)/python -m benchmarks.scale

torture: $(VENV)/installed
	$(BIN)/python -m benchmarks.torture

clean:
	rm -rf $(VENV) runs
