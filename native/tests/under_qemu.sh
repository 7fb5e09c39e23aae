#!/bin/sh
# The C tests on emulated ARM cores; kernels on each core that the project is built for.
# Needs on Debian: gcc-aarch64-linux-gnu gcc-arm-linux-gnueabihf qemu-user. Give CMake's folder as $1.
set -eu
cd "$(dirname "$0")/.."
PATH=${1:+$1:}$PATH

for tool in aarch64-linux-gnu-gcc arm-linux-gnueabihf-gcc qemu-aarch64 qemu-arm; do
  command -v $tool >/dev/null && continue
  echo "skipped: $tool is not installed (apt: gcc-aarch64-linux-gnu gcc-arm-linux-gnueabihf qemu-user)"
  exit 0
done

# qemu-user takes its core from QEMU_CPU.
on() {
  echo "== $2 on $1"
  QEMU_CPU=$1 ctest --preset "$2" --output-on-failure $3
}

for machine in aarch64 armv7; do
  cmake --preset $machine >/dev/null
  cmake --build --preset $machine
done
on cortex-a72 aarch64 ""
on cortex-a53 aarch64 "-R kernels"
on cortex-a76 aarch64 "-R kernels"
on max aarch64 "-R kernels" # every extension, i8mm among them
on cortex-a7 armv7 ""
