#!/usr/bin/env bash
# Every kernel compiled by NVRTC, without a card, for sm_80, sm_90 and sm_120 if the compiler knows it: PTX and cubin in
# FOLDER, and what ptxas says of registers, spills and shared memory in FOLDER/kernels.txt. Fails on a spill and on an
# atomic. Wants the environment that toolkit.sh prints. Says one line.
#
#   tests/cuda/kernels.sh [FOLDER [SED_SCRIPT]]      default: target/cuda; the script changes a copy of the kernels first
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
out=${1:-${CARGO_TARGET_DIR:-$root/target}/cuda}
mkdir -p "$out"

# The files of the one translation unit, as the program names them; none may be left out.
ops=$root/src/ops
mapfile -t files < <(grep -oE 'include_str!\("[^"]+"\)' "$ops/cuda/program.rs" | cut -d'"' -f2 | sed "s|^|$ops/cuda/|")
for file in "$ops"/*/kernels.cu; do
    printf '%s\n' "${files[@]}" | xargs realpath | grep -qxF "$file" || {
        echo "$file is not in src/ops/cuda/program.rs" >&2
        exit 1
    }
done
if [ -n "${2:-}" ]; then
    mkdir -p "$out/planted"
    for i in "${!files[@]}"; do
        sed -E -f "$2" "${files[i]}" >"$out/planted/$i.cu"
        files[i]=$out/planted/$i.cu
    done
fi

nvrtc=$(find -L "$CUDA_PATH" -name 'libnvrtc.so.[0-9]*' ! -name '*.alt.*' | sort | head -n 1)
[ -n "$nvrtc" ] || { echo "no libnvrtc in $CUDA_PATH" >&2; exit 77; }
# Recompiled whenever it is older than its source.
[ "$out/ptx" -nt "$here/ptx.cpp" ] || g++ -std=c++17 -O1 "$here/ptx.cpp" -o "$out/ptx" -ldl
rm -f "$out"/kernels.*
mapfile -t archs < <(LD_LIBRARY_PATH=$(dirname "$nvrtc") "$out/ptx" "$nvrtc" "$out" sm_80,sm_90,sm_120 "${files[@]}")
[ "${#archs[@]}" -ge 2 ] || { echo "the kernels do not compile for sm_80 and sm_90" >&2; exit 1; }

for arch in "${archs[@]}"; do
    # Atomics add in an order that nobody knows beforehand.
    if grep -nE '^[[:space:]]*(@!?%p[0-9]+[[:space:]]+)?(atom|red)\.' "$out/kernels.$arch.ptx" >&2; then
        echo "an atomic in the PTX for $arch, above" >&2
        exit 1
    fi
    "$CUDA_PATH/bin/ptxas" -v "-arch=$arch" "$out/kernels.$arch.ptx" -o /dev/null 2>"$out/ptxas.$arch.log"
    # ptxas: "Compiling entry function 'NAME'", then "N bytes stack frame, N bytes spill stores, N bytes spill loads",
    # then "Used N registers, …, N bytes smem".
    awk -v arch="$arch" '
        /Compiling entry function/ { split($0, quoted, "\047"); name = quoted[2] }
        /bytes stack frame/ { match($0, /[0-9]+ bytes stack/); stack = $1; for (i = 1; i < NF; i++) {
                if ($(i + 2) ~ /^spill/ && $(i + 3) ~ /^stores/) stores = $i
                if ($(i + 2) ~ /^spill/ && $(i + 3) ~ /^loads/) loads = $i
            }
            sub(/^[^0-9]*/, "", stack) }
        /Used [0-9]+ registers/ {
            registers = shared = 0
            for (i = 1; i < NF; i++) { if ($i == "Used") registers = $(i + 1); if ($(i + 2) ~ /^smem/) shared = $i }
            printf "%-7s %-32s %9d %11d %11d %11d %12d\n", arch, name, registers, stack, stores, loads, shared
        }' "$out/ptxas.$arch.log"
done | sort -k2,2 -k1,1 >"$out/kernels.rows"
{
    printf '%-7s %-32s %9s %11s %11s %11s %12s\n' arch kernel registers stack_bytes spill_store spill_load static_shared
    cat "$out/kernels.rows"
} >"$out/kernels.txt"
rm "$out/kernels.rows"
awk -v archs="${archs[*]}" -v file="$out/kernels.txt" 'NR > 1 {
        seen[$2]; if ($3 > most) { most = $3; which = $2 }
        if ($5 + $6 > 0) { print "spills: " $0; bad = 1 } else if ($4 > 0) { stacked = stacked " " $2 }
    } END {
        for (k in seen) count++
        if (bad || !count) exit 1
        printf "%d kernels for %s: at most %d registers (%s), no spills, no atomics; %s\n", count, archs, most, which, file
    }' "$out/kernels.txt"
