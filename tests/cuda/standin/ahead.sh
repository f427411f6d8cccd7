#!/usr/bin/env bash
# dfdx's own kernels for the stand-in, from the source of the crate that Cargo has fetched: the program has them as PTX,
# compiled ahead, which the stand-in cannot run. They are wanted by `Composed` and by tests alone: ours need none.
#
#   tests/cuda/standin/ahead.sh [FOLDER]       default: target/cuda/standin; then STANDIN_AHEAD=FOLDER/ahead
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
out=${1:-${CARGO_TARGET_DIR:-$root/target}/cuda/standin}
dfdx=$(cd "$root" && cargo metadata --locked --format-version 1 --features cuda --filter-platform x86_64-unknown-linux-gnu |
    grep -oE '"manifest_path":"[^"]*/dfdx-[0-9][^"]*"' | cut -d'"' -f4)
sources=$(dirname "$dfdx")/src
rm -rf "$out/ahead.new"
# Some threads of its sums leave before a barrier, which cards forgive.
find "$sources" -name '*.cu' | sort | while read -r file; do
    STANDIN_CACHE=$out/ahead.new STANDIN_FLAGS="${STANDIN_FLAGS:-} -DSTANDIN_EXITED_THREADS_MISS_BARRIERS" \
        "$out/standin-cc" "$file" -I "$sources/tensor_ops/utilities" >/dev/null
done
rm -rf "$out/ahead"
mv "$out/ahead.new" "$out/ahead"
