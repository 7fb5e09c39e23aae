#!/usr/bin/env bash
# libFuzzer under ASan and UBSan: both targets, FUZZ_SECONDS each (15). Seeds are the models that the
# tests run. A gate should say the same of the same tree, so models and mutations start from fixed
# random numbers; FUZZ_SEED=0 draws others, for long runs. Called by `make fuzz` with the folder of
# python and cmake.
set -euo pipefail
PATH=$1:$PATH
cd "$(dirname "$0")/../.."
if ! command -v clang-19 >/dev/null; then
  echo "fuzzing skipped: there is no clang-19"
  exit 0
fi

folder=build/fuzz
mkdir -p $folder/seeds $folder/new
if [ -z "$(ls -A $folder/seeds)" ]; then
  CI=true EDGERT_KEEP_MODELS=$folder/seeds python -m pytest -q \
    tests/native/test_{float,data_movement,quantize}_ops.py tests/native/test_{int,uint8}*.py \
    tests/native/test_{blockwise,dynamic,function_fusing,fusing,litert_int4}.py
fi
(cd native && cmake --preset fuzz && cmake --build --preset fuzz --target load load_run)
for target in load load_run; do
  $folder/fuzz/$target -max_total_time="${FUZZ_SECONDS:-15}" -max_len=8192 -timeout=20 -verbosity=0 \
    -seed="${FUZZ_SEED:-1}" -print_final_stats=1 -artifact_prefix=$folder/ \
    $folder/new $folder/seeds native/fuzz/corpus native/tests/data
done
