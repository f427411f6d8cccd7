#!/usr/bin/env bash
# A CUDA toolkit to build `--features cuda` with, on any machine: $CUDA_PATH's when there is one, else the parts pinned
# in wheels.txt, laid out as nvcc expects them. Prints the environment to build with; says on stderr what it did.
# Exits 77 with the reason when there is no toolkit and none can be had.
#
#   eval "$(tests/cuda/toolkit.sh)" && cargo build --release --features cuda
#
# CUDA_TOOLKIT   where the parts are laid out (default: target/cuda-toolkit)
# CUDA_WHEELS    a folder that has the wheels, or will (default: $CUDA_TOOLKIT/wheels)
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
toolkit=${CUDA_TOOLKIT:-${CARGO_TARGET_DIR:-$root/target}/cuda-toolkit}
wheels=${CUDA_WHEELS:-$toolkit/wheels}

skip() {
    echo "no CUDA toolkit: $*" >&2
    exit 77
}

# What dfdx's build asks of a card and of the driver, answered where there is neither (a login node, CI): the
# capability to compile for, and a library to link with in place of the driver's own.
environment() { # TOOLKIT
    local answer=$toolkit/answer
    if [ -z "${CUDA_COMPUTE_CAP:-}" ] && command -v nvidia-smi >/dev/null && nvidia-smi >/dev/null 2>&1; then
        answer=
    else
        local cap=${CUDA_COMPUTE_CAP:-80}
        mkdir -p "$answer"
        printf '#!/bin/sh\nprintf "compute_cap\\n%s.%s\\n"\n' "${cap%?}" "${cap#"${cap%?}"}" >"$answer/nvidia-smi"
        chmod +x "$answer/nvidia-smi"
        echo "export CUDA_COMPUTE_CAP=$cap"
    fi
    echo "export CUDA_PATH='$1'"
    echo "export PATH='${answer:+$answer:}$1/bin':\$PATH"
}

# A shared library that links and does nothing: every function of the prefix that cudarc declares.
stub() { # SONAME PREFIX SOURCE FILE
    grep -oE "pub fn $2[A-Za-z_0-9]+" "$3" | sort -u | awk '{ print "int " $3 "(void) { return 100; }" }' |
        cc -shared -fPIC -w -fno-builtin -Wl,-soname,"$1" -x c - -o "$4"
}

if [ -n "${CUDA_PATH:-}" ]; then
    [ -x "$CUDA_PATH/bin/nvcc" ] || skip "\$CUDA_PATH is $CUDA_PATH, which has no bin/nvcc"
    echo "the toolkit in \$CUDA_PATH: $CUDA_PATH" >&2
    environment "$CUDA_PATH"
    exit
fi

tree=$toolkit/nvidia/cu13
pinned=$(cat "$here/wheels.txt" "$here/toolkit.sh" | sha256sum)
if [ "$(cat "$toolkit/laid-out" 2>/dev/null)" = "$pinned" ]; then
    environment "$tree"
    exit
fi

[ "$(uname -sm)" = "Linux x86_64" ] || skip "the pinned wheels are of Linux x86-64, this is $(uname -sm); set CUDA_PATH"
for tool in python3 cc cargo; do
    command -v $tool >/dev/null || skip "there is no $tool to fetch and lay it out with; set CUDA_PATH"
done
python3 -m pip --version >/dev/null 2>&1 || skip "python3 has no pip to fetch it with; set CUDA_PATH"
mkdir -p "$wheels"
python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: --require-hashes \
    --find-links "$wheels" --dest "$wheels" --requirement "$here/wheels.txt" >&2 ||
    skip "pip could not fetch the wheels of tests/cuda/wheels.txt"

rm -rf "$toolkit/nvidia" "$toolkit/laid-out"
for wheel in $(awk -F'[= ]+' '/^nvidia/ { gsub("-", "_", $1); print $1 "-" $2 }' "$here/wheels.txt"); do
    python3 -m zipfile -e "$wheels/$wheel"-*.whl "$toolkit"
done
chmod +x "$tree"/bin/* "$tree"/nvvm/bin/*
# NVRTC stays out of the folders that are linked from: Cargo puts those before LD_LIBRARY_PATH when they are in target.
mkdir -p "$tree/lib64/stubs" "$tree/nvrtc"
mv "$tree"/lib/libnvrtc* "$tree/nvrtc"
cudarc=$(cd "$root" && cargo metadata --locked --format-version 1 --features cuda --filter-platform x86_64-unknown-linux-gnu |
    python3 -c 'import json, sys
print(next(p["manifest_path"] for p in json.load(sys.stdin)["packages"] if p["name"] == "cudarc"))')
sources=$(dirname "$cudarc")/src
stub libcuda.so.1 cu "$sources/driver/sys.rs" "$tree/lib64/stubs/libcuda.so"
stub libcublas.so.13 cublas "$sources/cublas/sys.rs" "$tree/lib64/stubs/libcublas.so"
stub libcublasLt.so.13 cublas "$sources/cublaslt/sys.rs" "$tree/lib64/stubs/libcublasLt.so"
stub libnvrtc.so.13 nvrtc "$sources/nvrtc/sys.rs" "$tree/lib64/stubs/libnvrtc.so"
echo "$pinned" >"$toolkit/laid-out"
echo "CUDA 13.0 from tests/cuda/wheels.txt, laid out in $tree" >&2
environment "$tree"
