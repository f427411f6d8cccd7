#!/usr/bin/env bash
# The CUDA build held to the CPU's, on a machine without a card: its kernels compiled for real, the program built for
# real and run on the stand-in driver. Each stage says one line. Exits 77 when there is no toolkit to build with.
#
#   tests/cuda/run.sh                  all stages, in this order
#   tests/cuda/run.sh STAGE…           only these; what they need is built first
#
#   standin     the stand-in driver, cuBLAS and NVRTC are built, and pass their own tests
#   kernels     every kernel to PTX and cubin by NVRTC; registers, spills, no atomics (kernels.sh)
#   build       cargo build --release --features cuda; the program sees the stand-in's card
#   operations  every operation against the CPU's, under three orders of threads
#   golden      the fixtures of the published implementation (NANO4M_GOLDEN has more): forward, gradients, trajectory
#   sanitizer   operations once more, kernels under the address and undefined-behaviour sanitizers
#   resume      a run killed and resumed: the bits of one that was not
#   counts      what a training step of the published size asks of a card
#   planted     faults put into the kernels, each of which must be caught (planted.sh)
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}
out=$target/cuda
standin=$out/standin
mkdir -p "$out"
work=$(mktemp -d "${TMPDIR:-/tmp}/nano4m-cuda.XXXXXX")
trap 'rm -rf "$work"' EXIT
export NANO4M_CACHE=$work/cache
cd "$root"

failed=()
result() { printf '%-10s %s\n' "$stage" "$*"; }
# Runs a command with its output in the stage's log, whose end is shown when it fails.
quietly() {
    "$@" >>"$out/$stage.log" 2>&1 && return
    local code=$?
    echo "--- the end of $out/$stage.log, after: $*" >&2
    tail -n 30 "$out/$stage.log" >&2
    return $code
}
emulated() { env LD_LIBRARY_PATH="$standin" STANDIN_AHEAD="$standin/ahead" "$@"; }
once() { # NAME COMMAND…: at most once in this run of the script
    [ ! -e "$work/done.$1" ] || return 0
    "${@:2}" # alone, so that what fails in it ends the stage
    touch "$work/done.$1"
}

need_standin() {
    quietly "$here/standin/build.sh"
    # dfdx's own kernels, for what is composed of them; again only when the stand-in's shim has changed.
    local key
    key=$(cat "$here"/standin/{emu,device,launch}.h "$here/standin/ahead.sh" | sha256sum)
    [ "$(cat "$standin/ahead.key" 2>/dev/null)" = "$key" ] || quietly "$here/standin/ahead.sh"
    echo "$key" >"$standin/ahead.key"
}
need_toolkit() {
    local code=0 environment
    environment=$("$here/toolkit.sh" 2>>"$out/$stage.log") || code=$?
    [ $code = 0 ] || { tail -n 1 "$out/$stage.log" >"$work/no-toolkit"; return $code; }
    echo "$environment" >"$work/toolkit"
}
toolkit() {
    [ ! -e "$work/no-toolkit" ] || return 77
    once toolkit need_toolkit
    # shellcheck disable=SC1091
    source "$work/toolkit"
}
cargo_build() { quietly cargo build --locked --release --features cuda; }
build_tests() {
    cargo test --locked --release --features cuda --no-run --lib --test model >"$work/tests" 2>&1 ||
        { tail -n 30 "$work/tests" >&2; return 1; }
}
test_program() { sed -nE "s|.*Executable.*[ /]$1.*\((.*)\)\$|\1|p" "$work/tests"; } # src/lib.rs or tests/model
passed() { grep -oE '[0-9]+ passed' "$out/$stage.log" | awk '{ sum += $1 } END { print sum }'; }

stage_standin() {
    once standin need_standin
    quietly "$here/standin/test.sh"
    result "$(tail -n 1 "$out/$stage.log")"
}
stage_kernels() {
    toolkit
    result "$("$here/kernels.sh" "$out")"
}
stage_build() {
    ready
    local card
    card=$(emulated "$target/release/nano4m" doctor | grep -o 'cuda:0.*')
    result "the program is built with CUDA, and sees $card"
}
ready() { # to run the program on the stand-in
    toolkit
    once standin need_standin
    once program cargo_build
}
ready_to_test() {
    ready
    once tests build_tests
}
stage_operations() {
    ready_to_test
    for order in 0 1 2; do
        quietly emulated EMU_ORDER=$order "$(test_program src/lib.rs)" ops:: --test-threads 2
    done
    result "$(passed) tests of operations passed, under three orders of threads"
}
stage_golden() {
    ready_to_test
    for order in 0 1 2; do
        quietly emulated EMU_ORDER=$order "$(test_program tests/model)" golden --test-threads 2
    done
    result "$(passed) golden tests passed, under three orders of threads"
}
stage_sanitizer() {
    ready_to_test
    quietly emulated LD_PRELOAD="$(g++ -print-file-name=libasan.so)" \
        ASAN_OPTIONS=detect_leaks=0:detect_stack_use_after_return=0 \
        STANDIN_FLAGS='-fsanitize=address,undefined -fno-sanitize-recover' \
        "$(test_program src/lib.rs)" ops:: --test-threads 2
    result "$(passed) tests of operations passed, with the kernels under the sanitizers"
}

nano4m() { emulated "$target/release/nano4m" "$@"; }
stage_resume() {
    ready
    quietly nano4m run "$here/small.ron" --device cuda:0 --runs "$work/whole"
    # Not by the function: what is killed must be the program, not a shell that waits for it.
    env LD_LIBRARY_PATH="$standin" "$target/release/nano4m" run "$here/small.ron" --device cuda:0 --runs "$work/killed" \
        >>"$out/$stage.log" 2>&1 &
    local child=$! at=0 waited=0
    # In the second quarter: after a checkpoint, between two.
    until at=$(tail -qn 1 "$work"/killed/*/digests.csv 2>/dev/null | cut -d, -f1) && [ "${at:-step}" != step ] && [ "$at" -ge 6 ]; do
        kill -0 $child 2>/dev/null || { result "the run to be killed has ended early"; return 1; }
        sleep 0.1
        ((++waited < 6000)) || { result "the run to be killed takes no steps"; return 1; }
    done
    kill -9 $child
    wait $child 2>/dev/null || true
    quietly nano4m run "$here/small.ron" --device cuda:0 --runs "$work/killed"
    local file
    for file in digests.csv eval.csv record.json; do
        cmp "$work"/whole/small-*/$file "$work"/killed/small-*/$file || { result "$file differs"; return 1; }
    done
    result "killed at step $at of 24 and resumed: digests, evaluations and record are those of the run that was not"
}

# Sums of a column over a file of counts.
counted() { # COLUMN FILE
    awk -F, -v column="$1" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == column) at = i; next } { sum += $at }
        END { printf "%.0f", sum }' "$2"
}
stage_counts() {
    ready
    # What steps 9 to 12 ask for: a run of twelve steps less one of eight.
    local steps name per=() bad=() value limit
    for steps in 8 12; do
        local code=0
        STANDIN_DRY=1 STANDIN_MEMORY=85899345920 STANDIN_STATS=$out/counts.$steps.csv nano4m run "$here/published_size.ron" \
            --device cuda:0 --runs "$work/counts.$steps" --stop-after $steps >>"$out/$stage.log" 2>&1 || code=$?
        [ $code = 4 ] || { tail -n 5 "$out/$stage.log" >&2; result "a run of $steps steps ends with exit $code"; return 1; }
    done
    for name in launches syncs htod_bytes htod_pageable htod_waiting dtoh_bytes driver_allocations; do
        value=$((($(counted $name "$out/counts.12.csv") - $(counted $name "$out/counts.8.csv"))))
        case $name in
        launches) limit=900 ;; syncs) limit=1 ;; htod_bytes) limit=4194304 ;; dtoh_bytes) limit=65536 ;;
        htod_pageable) limit=1 ;; # dfdx's seed of the backward pass
        *) limit=0 ;;
        esac
        [ $value -le $((4 * limit)) ] || bad+=("$name")
        per+=("$(awk -v v=$value -v n=$name 'BEGIN { printf "%g %s", v / 4, n }')")
    done
    local IFS=';'
    result "a training step of the published size: ${per[*]}${bad[*]:+ TOO MANY: ${bad[*]}}"
    [ ${#bad[@]} = 0 ]
}
stage_planted() {
    ready_to_test
    quietly "$here/planted.sh" "$(test_program src/lib.rs)"
    result "$(tail -n 1 "$out/$stage.log")"
}

stages=(standin kernels build operations golden sanitizer resume counts planted)
[ $# = 0 ] || stages=("$@")
skipped=0
for stage in "${stages[@]}"; do
    [ "$(type -t "stage_$stage")" = function ] || { echo "no stage $stage; see the head of tests/cuda/run.sh" >&2; exit 2; }
    : >"$out/$stage.log"
    code=0
    # In a shell of its own: a command that fails ends the stage, not the script.
    (set -e; "stage_$stage") & wait $! || code=$?
    if [ $code = 77 ]; then
        result "skipped: $(cat "$work/no-toolkit" 2>/dev/null || echo "there is no toolkit")"
        skipped=77
    elif [ $code != 0 ]; then
        result "FAILED (exit $code): $out/$stage.log"
        failed+=("$stage")
    fi
done
[ ${#failed[@]} = 0 ] || { echo "failed: ${failed[*]}" >&2; exit 1; }
exit $skipped
