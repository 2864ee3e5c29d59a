# The first python that is new enough; set PYTHON=... to choose another.
PYTHON ?= $(firstword $(foreach p,python3.14 python3.13 python3.12 python3.11 python3,$(if $(shell command -v $(p) && $(p) -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo $(p)),$(p))))
BIN := .venv/bin
OUT ?= out/demo

# Small tensors are fastest on one thread; parallel work uses processes.
export OMP_NUM_THREADS ?= 1
export MPLBACKEND ?= Agg

.PHONY: install demo test check bench docs weights clean

install: .venv/installed

.venv/installed: pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "Deepfield needs Python 3.11 or newer: apt install python3-venv, brew install python, or set PYTHON=..."; exit 1; }
	$(PYTHON) -m venv .venv
	@echo "Installing (PyTorch is several GB; about a minute on a fast line) ..."
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[check,dev]'
	@touch $@

demo: install
	$(BIN)/deepfield demo --out $(OUT)

test: install
	$(BIN)/python -m pytest -q -n 2 --dist worksteal

check: install
	$(BIN)/ruff format --check . && $(BIN)/ruff check . && $(BIN)/mypy

bench: install
	@for b in benchmarks/*.py; do echo "== $$b"; $(BIN)/python $$b || exit 1; done

docs: install
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[docs]'
	$(BIN)/python -m sphinx docs out/site

# Retrains the shipped weights; replace them rarely, git keeps each version.
weights: install
	$(BIN)/deepfield train morphology --epochs 18 --batch-size 64 --rate 2e-3 --weight-decay 1e-4 \
	  --dropout 0.1 --zoom 1 --shift 0 --display 0.25 --out out/morphology --resume
	$(BIN)/deepfield evaluate morphology --run out/morphology --objects 4000 --seed 1 \
	  --out out/morphology/judged
	$(BIN)/python -m deepfield.weights.ship out/morphology
	$(BIN)/deepfield train galaxy_zoo --epochs 16 --dropout 0 --out out/galaxy_zoo --resume
	$(BIN)/deepfield evaluate galaxy_zoo --run out/galaxy_zoo --objects 2000 --seed 31 \
	  --out out/galaxy_zoo/judged
	$(BIN)/python -m deepfield.weights.ship out/galaxy_zoo
	$(BIN)/deepfield train candels_morphology --start src/deepfield/weights/morphology.safetensors \
	  --out out/candels_morphology --resume
	$(BIN)/deepfield evaluate candels_morphology --run out/candels_morphology --objects 2000 \
	  --seed 31 --out out/candels_morphology/judged
	$(BIN)/python -m deepfield.weights.ship out/candels_morphology
	for r in structure sersic photoz spectra stellar_parameters quenching paradigm; do \
	  $(BIN)/deepfield train $$r --out out/$$r --resume && \
	  $(BIN)/deepfield evaluate $$r --run out/$$r --objects 1000 --seed 1 --out out/$$r/judged && \
	  $(BIN)/python -m deepfield.weights.ship out/$$r || exit 1; \
	done

clean:
	rm -rf .venv out .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +
