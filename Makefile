# make test    lint, types and tests
# make demo    one photograph all the way; PHOTO=path for your own
# make clean   remove what these have made
#
# Needs Python 3.11 or newer and make; the rest is installed into .venv.
# PIP_ARGS is handed to pip install, as in PIP_ARGS="--extra-index-url https://download.pytorch.org/whl/cpu",
# which takes the small build of torch.

VENV = .venv
PY = $(VENV)/bin/python
PIP_ARGS =
PHOTO =

.PHONY: test lint types check demo clean

test: lint types check

lint: $(VENV)/.dev
	$(PY) -m ruff check limner tests examples

types: $(VENV)/.dev
	$(PY) -m mypy

check: $(VENV)/.dev $(VENV)/.browser
	OMP_NUM_THREADS=1 $(PY) -m pytest -n auto --dist loadfile

demo: $(VENV)/.bench
	$(PY) -m limner.bench.demo --photo "$(PHOTO)" --out demo

# The first Python that is new enough; half an environment is removed again.
$(PY):
	@for python in python3.11 python3 python3.12 python3.13 python3.14; do \
	  if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	    echo "$$python -m venv $(VENV)"; \
	    $$python -m venv $(VENV) || { rm -rf $(VENV); exit 1; }; \
	    exit 0; \
	  fi; \
	done; \
	echo "limner needs Python 3.11 or newer" >&2; exit 1

# Stamps: a second run installs nothing unless pyproject.toml has changed.
$(VENV)/.bench: $(PY) pyproject.toml
	$(PY) -m pip install --quiet $(PIP_ARGS) -e '.[bench]'
	touch $@

$(VENV)/.dev: $(PY) pyproject.toml
	$(PY) -m pip install --quiet $(PIP_ARGS) -e '.[dev]'
	touch $@ $(VENV)/.bench

# A browser for the tests of the pages. Without it, and without the right to install it, those tests are skipped.
$(VENV)/.browser: | $(PY)
	@if [ -x /usr/bin/chromium ] && [ -x /usr/bin/chromedriver ]; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get > /dev/null; then \
	  echo "apt-get install chromium chromium-driver"; \
	  apt-get -qq update && \
	  DEBIAN_FRONTEND=noninteractive apt-get -qq -y install --no-install-recommends chromium chromium-driver > /dev/null || \
	  echo "chromium cannot be installed: tests of pages are skipped"; \
	else \
	  echo "no chromium here: tests of pages are skipped (as root: apt-get install chromium chromium-driver)"; \
	fi
	@touch $@

clean:
	rm -rf $(VENV) demo dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
