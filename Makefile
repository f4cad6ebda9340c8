# make demo: the main job on a fresh clone. make test: all tests, two at a time with a thread each. make check: lint and types.
# make install: only the environment that the other targets use. PYTHON chooses the interpreter.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test check install clean

demo: $(VENV)/installed
	$(BIN)/lm-eval-illusion demo

install: $(VENV)/installed

test: $(VENV)/installed
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist worksteal

check: $(VENV)/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# --no-compile: to compile all 21,000 modules takes 40 s; Python compiles the 3,000 that are used at their first import.
$(VENV)/installed: pyproject.toml setup.py constraints.txt lm_eval_illusion.pth
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --no-compile --constraint constraints.txt --editable '.[dev,ray]'
	touch $@

clean:
	rm -rf $(VENV) build *.egg-info
