# One command each, from a machine with nothing but Python 3.11 or newer:
#   make app         installs what is missing and starts the page
#   make test        installs what is missing and runs the linter, the type checkers and the tests
#   make notebooks   installs what is missing and opens JupyterLab on the notebooks
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
# Node for the viewer's bundle and its tests, with npm: the one on PATH from version 20 on, else the one in the environment.
NODE_FIRST := $(shell node -e 'process.exit(+(parseInt(process.versions.node) < 20))' 2> /dev/null \
	&& command -v npm > /dev/null || echo '$(CURDIR)/$(VENV)/bin:')
WITH_NODE := PATH="$(NODE_FIRST)$$PATH"
VIEWER := sifa/explorer/viewer
CHROMIUM := $(shell command -v chromium || command -v chromium-browser || command -v google-chrome)

app: $(VENV)/installed
	$(RUN) -m app $(ARGS)

# Two halves that take about as long, side by side: the page, the browser and the notebooks, and all others.
test: check $(VENV)/browser
	$(MAKE) --keep-going --jobs 2 test-pages test-others MARKED="not full"

# Also what is marked `full`, since it takes longer.
test-all: check $(VENV)/browser
	$(MAKE) --keep-going --jobs 2 test-pages test-others

test-pages test-others: export OMP_WAIT_POLICY = passive  # threads that wait leave the cores to others

test-pages:
	$(RUN) -m pytest -m "$(MARKED)" tests/app tests/notebooks tests/browser $(ARGS)

test-others:
	$(RUN) -m pytest -m "$(MARKED)" --ignore tests/app --ignore tests/browser --ignore tests/notebooks $(ARGS)

quick: $(VENV)/installed
	$(RUN) -m pytest -m "not slow and not full and not browser" $(ARGS)

check: $(VENV)/installed check-viewer
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

notebooks: $(VENV)/installed
	PYTHONPATH=$(CURDIR) $(VENV)/bin/jupyter lab --allow-root --notebook-dir=notebooks --LabApp.news_url=None \
		--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate notebooks/01_quickstart.ipynb $(ARGS)

# The notebooks, run, as pages that work without a kernel and without a network, in runs/pages.
notebook-pages: $(VENV)/installed
	PYTHONPATH=$(CURDIR) $(VENV)/bin/jupyter nbconvert --config notebooks/nbconvert.json --to html --execute \
		--output-dir runs/pages notebooks/*.ipynb

# Slides and figures for a lesson, in runs/lecture.
lecture: $(VENV)/installed
	$(RUN) notebooks/lecture.py $(ARGS)

bench: $(VENV)/installed $(VENV)/browser
	$(RUN) -m tests.bench.operator
	$(RUN) -m tests.bench.explorer

# What only a GPU can show, in at most six minutes; ARGS="--device cpu" runs what makes sense without one.
gpu: $(VENV)/installed
	$(RUN) -m tests.gpu $(ARGS)

# The wheel, in dist.
wheel: $(VENV)/installed
	$(RUN) -m build $(ARGS)

# The viewer's modules as one file, which is committed: those who use it need no Node.
viewer: node_modules/installed
	$(WITH_NODE) node $(VIEWER)/build.mjs

check-viewer: node_modules/installed
	$(WITH_NODE) node node_modules/typescript/bin/tsc
	$(WITH_NODE) node --test tests/viewer/*.test.mjs
	$(WITH_NODE) node $(VIEWER)/build.mjs --check

node_modules/installed: package.json package-lock.json | $(VENV)/installed
	$(WITH_NODE) npm ci --no-audit --no-fund --loglevel=error
	touch $@

$(VENV)/installed: requirements.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(RUN) -m pip install --quiet --disable-pip-version-check -r requirements.txt -e .
	touch $@

# A browser for the tests: the system's Chromium, else Debian's package, else Playwright's own.
$(VENV)/browser: $(VENV)/installed
ifeq ($(CHROMIUM),)
	(apt-get update -qq && apt-get install -y -qq chromium ffmpeg) || $(VENV)/bin/playwright install chromium
endif
	touch $@

.PHONY: app test test-all test-pages test-others quick check notebooks notebook-pages lecture bench gpu viewer check-viewer wheel
