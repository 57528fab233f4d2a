# `make demo` shows the package at work, `make test` runs what CI runs. Both create the environment first.
PYTHON ?= python3.11
BIN = .venv/bin
export OMP_NUM_THREADS ?= 1

help:  ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

env: $(BIN)/.installed  ## the environment in .venv, at the tested versions
$(BIN)/.installed: settings.ini setup.py constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt "torch==2.13.0"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev]"
	touch $@

demo: env  ## the 8-cell ablation on simulated MEG: runs/demo/report.html
	$(BIN)/megssl ablate demo --out runs/demo

test: env  ## everything that CI runs
	$(BIN)/python .ci/test.py

bench: env  ## speed and memory, side by side: the notebooks of nbs/bench/, with their figures
	pages=$$(ls nbs/bench/*.ipynb); \
	$(BIN)/python -c "import torch; raise SystemExit(not torch.cuda.is_available())" || { \
	    pages=$$(ls nbs/bench/*.ipynb | grep -v gpu); echo "no GPU here: nbs/bench/85_gpu.ipynb keeps its figures"; }; \
	$(BIN)/jupyter nbconvert --log-level WARN --to notebook --execute --inplace --ExecutePreprocessor.timeout=3600 $$pages
	$(BIN)/nbdev_clean --fname nbs/bench

# pages of which `make test` runs a part
LONG = nbs/commands/42b_pretraining.ipynb nbs/pretext/27e_two_findings.ipynb nbs/evaluation/32_baselines.ipynb nbs/evaluation/32k_real_recordings.ipynb nbs/reporting/43_report.ipynb

soak: env  ## the long campaigns of nbs/soak/, and the whole of the longest pages
	for path in nbs/soak $(LONG); do MEGSSL_SOAK=1 $(BIN)/nbdev_test --path $$path --timing --do_print --n_workers 1 || exit 1; done

lab: env  ## the notebooks in JupyterLab
	$(BIN)/jupyter lab nbs/

docs: env  ## the site in _docs/ (needs Quarto)
	@command -v quarto >/dev/null || { echo "make docs needs Quarto (https://quarto.org); notebooks and tests work without it"; exit 1; }
	$(BIN)/nbdev_docs

readme: env  ## README.md from nbs/index.ipynb
	$(BIN)/python .ci/readme.py

hooks: env  ## git hooks that keep notebooks clean
	$(BIN)/nbdev_install_hooks

clean:  ## remove the environment and everything generated
	rm -rf .venv build dist *.egg-info _proc _docs

.PHONY: help env demo test bench soak lab docs readme hooks clean
