#!/bin/sh
# The C tests on emulated ARM cores; kernels on each core that the project is built for.
# $1: CMake's folder. $2: "-asan" for builds with ASan and UBSan.
# Needs on Debian: gcc-aarch64-linux-gnu gcc-arm-linux-gnueabihf qemu-user.
set -eu
cd "$(dirname "$0")/.."
PATH=${1:+$1:}$PATH
build=${2:-}
# LeakSanitizer traces its own process, which qemu-user does not let it. Freed memory that ASan holds
# back soon fills the 32-bit addresses that it can shadow.
export ASAN_OPTIONS=detect_leaks=0:quarantine_size_mb=8:thread_local_quarantine_size_kb=64

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
  cmake --preset $machine$build >/dev/null
  cmake --build --preset $machine$build
done
on cortex-a72 aarch64$build ""
on cortex-a53 aarch64$build "-R kernels"
on cortex-a76 aarch64$build "-R kernels"
on max aarch64$build "-R kernels" # every extension, i8mm among them
on cortex-a7 armv7$build ""
