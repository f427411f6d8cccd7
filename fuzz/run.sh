#!/usr/bin/env bash
# Every fuzz target for SECONDS, one after another: bash fuzz/run.sh SECONDS [TARGET…]
# New inputs are kept in fuzz/target/corpus, what crashes in fuzz/artifacts. Ends with executions by target.
set -uo pipefail
cd "$(dirname "$0")"

seconds=${1:?seconds for each target}
shift
targets=("$@")
if [ ${#targets[@]} = 0 ]; then
    mapfile -t targets < <(cd fuzz_targets && ls -- *.rs | sed 's/\.rs$//')
fi
if ! cargo fuzz --version >/dev/null 2>&1; then
    echo "cargo-fuzz is needed: cargo install cargo-fuzz" >&2
    exit 2
fi
# The sanitizer is an option of nightly compilers, for which dfdx 0.13 turns on code that they no longer take:
# so the stable one is asked for it.
export RUSTC_BOOTSTRAP=1
[ -d /dev/shm ] && export TMPDIR=/dev/shm
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export TMPDIR=$scratch
cargo fuzz build || exit 1

failed=0
for target in "${targets[@]}"; do
    mkdir -p "target/corpus/$target" "corpus/$target"
    limits=(-max_total_time="$seconds" -rss_limit_mb=1024 -malloc_limit_mb=512 -timeout=60 -max_len=65536)
    cargo fuzz run "$target" "target/corpus/$target" "corpus/$target" -- \
        "${limits[@]}" -print_final_stats=1 >"$scratch/log" 2>&1
    code=$?
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$scratch/log" | tail -1)
    peak=$(sed -n 's/^stat::peak_rss_mb: *//p' "$scratch/log" | tail -1)
    if [ $code = 0 ]; then
        echo "$target: ${runs:-?} executions, peak ${peak:-?} MB, clean"
    else
        failed=1
        echo "$target: FAILED after ${runs:-?} executions"
        grep -aE 'panicked|ERROR|SUMMARY|Test unit written' "$scratch/log" | head -5
    fi
done
exit $failed
