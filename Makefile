# `make demo` shows tinytracker at work; `make test` checks it. Both make their own virtual environment first.
# Needed beforehand: git, make and Python 3.11 or newer with venv (Debian, Ubuntu: apt install git make python3 python3-venv).
# A new enough python3 is found by itself; another one: make test PYTHON=/path/to/python3.12

PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$python; break; }; done)
TORCH ?= 2.13.0
WORKERS ?= 2
DEMO := .venv-demo
DEV ?= .venv

.PHONY: help demo test lowest install toolchain lint types docs unit reproduce clean

help:
	@echo "make demo        light runtime (no torch), then: tinytracker demo -> out/demo/"
	@echo "make test        everything tests need, then ruff, mypy, the documentation and pytest"
	@echo "make docs        the documentation site, built strictly -> out/site/"
	@echo "make lowest      the light tests on the lowest versions of the dependencies"
	@echo "make install     the development environment in $(DEV) alone"
	@echo "make toolchain   the Cortex-M compiler and emulator, Java, two browsers, from Debian or Ubuntu (needs root)"
	@echo "make reproduce   the study in small: tinytracker reproduce --quick -> out/reproduce/"

demo: $(DEMO)/installed
	$(DEMO)/bin/tinytracker demo

test: lint types docs unit

install: $(DEV)/installed

# Without these the tests on emulated microcontrollers, those of Sony's converter, those of the page in a browser, and
# those that fuzz and lint the C skip, saying so; nothing else needs them.
TOOLCHAIN := gcc-arm-none-eabi libnewlib-arm-none-eabi qemu-system-arm cmake
CHROMIUM := chromium-headless-shell
FIREFOX := firefox-esr
JAVA := openjdk-17-jre-headless
CLANG := clang clang-tidy libclang-rt-dev
# $(call apt,name,commands that must be there,packages that bring them)
define apt
@if (for tool in $(2); do command -v $$tool >/dev/null || exit 1; done); then echo "$(1): there already"; \
elif ! command -v apt-get >/dev/null; then echo "$(1): skipped, there is no apt-get; install $(3) by hand"; \
elif [ "$$(id -u)" != 0 ]; then echo "$(1): skipped, not root; run: sudo apt-get install $(3)"; \
elif apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(3) >/dev/null; \
then echo "$(1): installed"; else echo "$(1): skipped, apt-get could not fetch $(3)"; fi
endef
toolchain:
	$(call apt,toolchain,arm-none-eabi-gcc qemu-system-arm cmake,$(TOOLCHAIN))
	$(call apt,clang,clang clang-tidy,$(CLANG))
	$(call apt,java,java,$(JAVA))
	$(call apt,chromium,chromium-headless-shell,$(CHROMIUM))
	$(call apt,firefox,firefox-esr,$(FIREFOX))

lint: $(DEV)/installed
	$(DEV)/bin/ruff check src tests benchmarks examples tools
	$(DEV)/bin/ruff format --check --quiet src tests benchmarks examples tools

types: $(DEV)/installed
	$(DEV)/bin/mypy

docs: $(DEV)/installed
	NO_MKDOCS_2_WARNING=1 $(DEV)/bin/mkdocs build --quiet --strict

# The lowest versions of the dependencies that pyproject.toml allows: the runtime, and the extras that install together.
LOWEST := .venv-lowest
LOWEST_EXTRAS := data,synth,dask,plot,demo,web,lsl,onnx,mcu,ethos-u
LIGHT_TESTS := tests/test_images.py tests/test_files.py tests/test_devices.py tests/tracking tests/cli/test_hostile.py \
	tests/cli/test_demo.py tests/cli/test_idle.py tests/data tests/link tests/engines/test_nameless.py tests/targets/ethos_u tests/web/test_parts.py
lowest:
	@if ! $(MAKE) --no-print-directory $(LOWEST)/installed; then \
	if $(PYTHON) -m pip download --quiet --disable-pip-version-check --no-deps --dest $(LOWEST)/asked -c tests/lowest.txt numpy; \
	then echo "lowest: the versions of tests/lowest.txt do not install together"; exit 1; \
	else echo "lowest: skipped, no package index gives the versions of tests/lowest.txt"; fi; \
	else OMP_NUM_THREADS=1 $(LOWEST)/bin/pytest -q $(LIGHT_TESTS); fi

unit: $(DEV)/installed
	OMP_NUM_THREADS=1 $(DEV)/bin/pytest -n $(WORKERS) --dist loadfile

reproduce: $(DEV)/installed
	$(DEV)/bin/tinytracker reproduce --quick

clean:
	rm -rf $(DEMO) $(LOWEST) $(DEV) build .pytest_cache .mypy_cache .ruff_cache

# The stamp is newer than pyproject.toml only after an installation that went through.
$(DEMO)/installed: pyproject.toml
	@test -n "$(PYTHON)" || { echo "error: no Python 3.11 or newer with venv; run: apt install python3 python3-venv"; exit 1; }
	$(PYTHON) -m venv $(DEMO)
	$(DEMO)/bin/pip install --quiet --disable-pip-version-check -e '.[demo]'
	touch $@

$(LOWEST)/installed: pyproject.toml tests/lowest.txt
	$(PYTHON) -m venv $(LOWEST)
	$(LOWEST)/bin/pip install --quiet --disable-pip-version-check --prefer-binary -e '.[$(LOWEST_EXTRAS)]' smbus2 -c tests/lowest.txt \
		'pytest>=9' hypothesis pillow 'scikit-image<0.26' httpx
	touch $@

# torch goes first and with an exact version, so that no other package's wish replaces it. PyPI's build for x86-64 carries
# CUDA (2 GB more); TORCH_INDEX=URL takes it from another index, such as PyTorch's own of CPU builds.
$(DEV)/installed: pyproject.toml
	@test -n "$(PYTHON)" || { echo "error: no Python 3.11 or newer with venv; run: apt install python3 python3-venv"; exit 1; }
	$(PYTHON) -m venv $(DEV)
	$(DEV)/bin/pip install --quiet --disable-pip-version-check $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)) torch==$(TORCH)
	$(DEV)/bin/pip install --quiet --disable-pip-version-check -e '.[dev]'
	touch $@
