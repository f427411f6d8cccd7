#!/usr/bin/env bash
# Builds the stand-in: libcuda, libcublas and libnvrtc that run a CUDA program on the CPU, and `standin-cc`.
#
#   tests/cuda/standin/build.sh [FOLDER]       default: target/cuda/standin
#   LD_LIBRARY_PATH=FOLDER program             runs the program there
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
out=${1:-${CARGO_TARGET_DIR:-$root/target}/cuda/standin}
mkdir -p "$out/include/cuda" "$out/cache"
cp "$here"/{emu,device,launch}.h "$out/include"
cp "$here"/cuda/* "$out/include/cuda"
for header in cstdint math.h; do echo "// empty: the shim has it all" >"$out/include/cuda/$header"; done

cudarc=$(cd "$root" && cargo metadata --locked --format-version 1 --features cuda --filter-platform x86_64-unknown-linux-gnu |
    grep -oE '"manifest_path":"[^"]*/cudarc-[^"]*"' | cut -d'"' -f4)
missing() { # PREFIX SOURCE: every function that cudarc declares and the stand-in may lack
    echo 'int standin_missing(const char *);'
    grep -oE "pub fn $1[A-Za-z_0-9]+" "$2" | awk '{ print $3 }' | sort -u | while read -r name; do
        echo "__attribute__((weak, visibility(\"default\"))) int $name(void) { return standin_missing(\"$name\"); }"
    done
}
sources=$(dirname "$cudarc")/src
missing cu "$sources/driver/sys.rs" >"$out/missing-cuda.c"
missing cublas "$sources/cublas/sys.rs" >"$out/missing-cublas.c"
cd "$out"
gcc -O1 -fPIC -w -fno-builtin -c missing-cuda.c missing-cublas.c
build() { g++ -std=c++17 -O2 -g1 -Wall -Wextra -fPIC -fvisibility=hidden "$@"; }
build -shared -Wl,-soname,libcuda.so.1 "$here"/{driver,launch,queue,memory,stats}.cpp missing-cuda.o -o libcuda.so.1 -ldl
build -O3 -march=native -ffp-contract=off -shared -Wl,-soname,libcublas.so "$here"/blas.cpp missing-cublas.o \
    -L. -l:libcuda.so.1 -Wl,-rpath,'$ORIGIN' -o libcublas.so
build -shared -Wl,-soname,libnvrtc.so "$here"/{nvrtc,compile}.cpp -o libnvrtc.so -ldl
build "$here"/{cc,compile}.cpp -o standin-cc -ldl
for toolkit in 11 12 13; do ln -sf libcublas.so libcublas.so.$toolkit; done
for toolkit in 11.2 12 13; do ln -sf libnvrtc.so libnvrtc.so.$toolkit; done
