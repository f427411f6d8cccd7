#!/usr/bin/env bash
# Faults put into a copy of the kernels one by one, each of which the checks must catch: barriers removed, an atomic,
# indices out of range, memory that is read and was not written. Fails if one is not caught, or if there is nothing left
# to plant it in. Wants the stand-in built (standin/build.sh, standin/ahead.sh).
#
#   tests/cuda/planted.sh TESTS [FILTER]     TESTS: the library's test program, built with CUDA; FILTER: faults by name
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
out=${CARGO_TARGET_DIR:-$root/target}/cuda
tests=$1 filter=${2:-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$root"

caught=0
missed=()
missed() {
    missed+=("$1")
    echo "NOT CAUGHT: $1"
}

# A sed script, and the operation whose tests must fail with it, under some order of threads.
plant() { # NAME OPERATION SCRIPT
    [[ "$1" == *"$filter"* ]] || return 0
    echo "$3" >"$work/script"
    local order
    for order in 0 1 2; do
        local code=0
        # In a shell of its own, which keeps quiet about the signal that ends the tests.
        (EMU_ORDER=$order STANDIN_PLANT=$work/script LD_LIBRARY_PATH=$out/standin STANDIN_AHEAD=$out/standin/ahead \
            NANO4M_CACHE=$work/cache timeout 600 "$tests" "ops::$2" ops::large:: --test-threads 2 >"$work/log" 2>&1 || exit $?) \
            2>/dev/null || code=$?
        if ! grep -q '^stand-in: planted' "$work/log"; then
            missed "$1 (it changes nothing)"
            return
        fi
        if [ $code != 0 ]; then
            caught=$((caught + 1))
            echo "caught, order $order: $1: $(grep -m 1 -E '^stand-in: [^p]|^tensor|^assertion' "$work/log" | head -c 120)"
            return
        fi
    done
    missed "$1"
}

# Every barrier in turn: the k-th line with one, in the order of the one translation unit. Not that before `block_max`
# writes its parts: it is for callers that have read them before, of which there is none.
ops=src/ops
mapfile -t files < <(grep -oE 'include_str!\("[^"]+"\)' "$ops/cuda/program.rs" | cut -d'"' -f2 | sed "s|^|$ops/cuda/|")
k=0
for file in "${files[@]}"; do
    operation=$(basename "$(dirname "$(realpath "$file")")")
    while IFS=: read -r line before; do
        k=$((k + 1))
        [[ "$before" != *"value = warp_max(value);"* ]] || continue
        plant "barrier $k, $operation line $line" "${operation#cuda}" "
            /__syncthreads\(\)/ { x; s/\$/|/; /^\|{$k}\$/ { x; s/__syncthreads\(\);/;/; b; }; x; }"
    done < <(awk '/__syncthreads\(\)/ { print NR ":" before } { before = $0 }' "$file")
done

plant "an index one too far in a sum of tensors" "" 's/if \(i < count\) to\[i\] \+=/if (i <= count) to[i] +=/'
plant "a row of the table that is not there" embed 's/tokens\[size_t\(ids\[t\]\) \* dim/tokens[size_t(ids[t] + 4096) * dim/'
plant "a column too many in layer norm" layer_norm 's/for \(unsigned c = threadIdx\.x; c < dim; c \+= blockDim\.x\) sum \+= row\[c\]/for (unsigned c = threadIdx.x; c <= dim; c += blockDim.x) sum += row[c]/'
plant "a mean that nobody writes" layer_norm 's/^ *means\[blockIdx\.x\] = mean;//'
plant "a part of a column sum that nobody writes" "" 's/^( *)parts\[size_t\(blockIdx\.y\) \* (columns|dim) \+ c\] = sum;/\1if (c > 0) parts[size_t(blockIdx.y) * \2 + c] = sum;/'
plant "a loss that nobody writes" cross_entropy 's/if \(threadIdx\.x == 0\) ce\[r\] =/if (threadIdx.x == 0 \&\& r > 0) ce[r] =/'

# An atomic is right on this machine: it must be found in the PTX.
name="an atomic"
if [[ "$name" == *"$filter"* ]]; then
    echo 's/to\[i\] \+= from\[i\];/atomicAdd(\&to[i], from[i]);/' >"$work/script"
    if "$here/kernels.sh" "$work" "$work/script" >"$work/log" 2>&1; then
        missed "$name"
    elif grep -q 'an atomic in the PTX' "$work/log"; then
        caught=$((caught + 1))
        echo "caught in the PTX: $name"
    else
        missed "$name (the kernels were refused for something else: $(tail -n 1 "$work/log"))"
    fi
fi

[ ${#missed[@]} = 0 ] || { echo "${#missed[@]} planted faults were not caught" >&2; exit 1; }
[ $caught -gt 0 ] || { echo "nothing was planted" >&2; exit 1; }
echo "$caught faults planted into the kernels, all caught"
