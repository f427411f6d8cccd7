#!/usr/bin/env bash
# The stand-in's own tests: right kernels give right numbers, the same bits in every order; each mistake is caught.
#
#   tests/cuda/standin/test.sh [FOLDER]        where build.sh put it; default: target/cuda/standin
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
out=${1:-${CARGO_TARGET_DIR:-$root/target}/cuda/standin}
export SELFTEST_KERNELS=$here/selftest.cu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
g++ -std=c++17 -O1 "$here/selftest.cpp" -o "$work/selftest" -L"$out" -l:libcuda.so.1 -l:libcublas.so -l:libnvrtc.so \
    -Wl,-rpath,"$out"

fail() {
    echo "FAILED: $*" >&2
    [ ! -f "$work/log" ] || tail -n 5 "$work/log" >&2
    exit 1
}
run() { "$work/selftest" "$@" >"$work/bits" 2>"$work/log"; }

for order in 0 1 2; do
    EMU_ORDER=$order run || fail "order $order"
    cp "$work/bits" "$work/bits.$order"
    cmp -s "$work/bits.0" "$work/bits" || fail "order $order gives other bits than order 0"
done
EMU_ORDER=1 STANDIN_FLAGS='-fsanitize=address,undefined -fno-sanitize-recover' LD_PRELOAD=$(g++ -print-file-name=libasan.so) \
    ASAN_OPTIONS=detect_leaks=0:detect_stack_use_after_return=0 run || fail "under the address sanitizer"
STANDIN_STATS=$work/stats.csv run || fail "with counts"
awk -F, 'NR > 1 { for (i = 3; i < NF; i++) sum[i] += $i; last = $2 }
    END { exit !(last == "exit" && sum[3] == 8 + 9 && sum[4] == 9) }' "$work/stats.csv" || fail "the counts are not those of the launches"

mapfile -t mistakes < <("$work/selftest" --mistakes)
for mistake in "${mistakes[@]}"; do
    # In a shell of its own, which reports the signal that ends it into the log.
    (run "$mistake") 2>/dev/null && fail "not caught: $mistake"
    grep -q '^stand-in: ' "$work/log" || fail "caught without a word: $mistake"
done

# Faults planted into right kernels: sed scripts, each of which must change something and be caught in some order.
plant() { # NAME SCRIPT
    echo "$2" >"$work/plant"
    for order in 0 1 2; do
        code=0
        (EMU_ORDER=$order STANDIN_PLANT=$work/plant run) 2>/dev/null || code=$?
        grep -q '^stand-in: planted' "$work/log" || fail "the plant changes nothing: $1"
        cmp -s "$work/bits.0" "$work/bits" || code=1
        [ $code = 0 ] || return 0
    done
    fail "not caught: $1"
}
plant "a barrier removed before a read" '/__syncthreads\(\); \/\/ written/d'
plant "a barrier removed before a write" '/__syncthreads\(\); \/\/ before/d'
plant "a barrier removed after a tile is written" '/__syncthreads\(\); \/\/ tile/d'
plant "a barrier that some threads do not reach" 's/__syncthreads\(\); \/\/ tile/if (c < columns) __syncthreads();/'
plant "an index that goes too far" 's/if \(i < count\) y/if (i <= count) y/'
plant "shared memory too small" 's/T part\[32\]/T part[4]/'
plant "shared memory read and not written" 's/if \(lane == 0\) part\[warp\] = v/if (lane == 0 \&\& warp > 0) part[warp] = v/'
plant "a lane missing from a shuffle" 's/__ballot_sync\(0xffffffffu, v \& 1\)/(lane ? __ballot_sync(0xffffffffu, v \& 1) : 0)/'
plant "an output that is not written" 's/if \(threadIdx.x == 0\) mean/if (threadIdx.x == 1 \&\& width > 1) mean/; s/i < width; i \+= blockDim.x\) y/i + 1 < width; i += blockDim.x) y/'
echo "the stand-in holds: ${#mistakes[@]} mistakes and 9 planted faults caught"
