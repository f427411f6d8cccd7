#!/usr/bin/env bash
# Everything that only a card can show, in one command: the same numbers as the CPU, the same bits every time, and the
# speed beside PyTorch's. Exits 0 when all of it holds, 1 when something does not, 77 with the reason when this machine
# has no card or lacks something that is needed, 2 for a word it does not know.
#
#   tests/cuda/gpu.sh                     all stages, in this order
#   tests/cuda/gpu.sh [OPTION…] STAGE…    only these
#
#   build       cargo builds the program, its tests and the bench with --features cuda
#   operations  every operation against the CPU's
#   golden      the fixtures of the published implementation (NANO4M_GOLDEN has more): forward, gradients, trajectory
#   bits        experiments/synthetic.ron whole, whole again, and stopped, killed and resumed: one another's bits
#   sanitizer   the operations under compute-sanitizer: memcheck, racecheck, synccheck
#   speed       200 steps of the published size, batch 64, in turn with PyTorch; CSV and Markdown into reports/gpu
#
#   --device cuda:N    which card (default cuda:0)
#   --python PYTHON    a Python with numpy and a torch for CUDA (default python3)
#   --steps N          steps under the clock (default 200)
#   --rounds N         how often each program is measured (default 3)
#   --out FOLDER       where the results go (default reports/gpu)
#   --build FOLDER     only build, and put the programs there: for a login node, whose nodes with cards then take
#   --built FOLDER     the programs from there, and build nothing
#
# The toolkit is $CUDA_PATH's, else that of the nvcc in PATH, else /usr/local/cuda, else the pinned parts that
# toolkit.sh fetches. docs/gpu.md says which toolkit goes with which driver.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
started=$PWD
cd "$root"

usage() { sed -n '2,/^set -euo/{/^set -euo/d;s/^# \{0,1\}//;p}' "$here/gpu.sh"; }
wrong() { echo "$*; see tests/cuda/gpu.sh --help" >&2; exit 2; }
skip() { echo "skipped: $*" >&2; exit 77; }
# A folder as it was named, from where the script was started.
from_there() { case $1 in /*) echo "$1" ;; *) echo "$started/$1" ;; esac; }

device=cuda:0 python=python3 steps=200 rounds=3 out=$root/reports/gpu build_into='' built=''
all=(build operations golden bits sanitizer speed)
stages=()
while [ $# -gt 0 ]; do
    case $1 in
    -h | --help) usage; exit ;;
    --device | --python | --steps | --rounds | --out | --build | --built)
        [ $# -ge 2 ] || wrong "$1 needs a value"
        case $1 in
        --device) device=$2 ;; --python) python=$2 ;; --steps) steps=$2 ;; --rounds) rounds=$2 ;;
        --out) out=$(from_there "$2") ;; --build) build_into=$(from_there "$2") ;; --built) built=$(from_there "$2") ;;
        esac
        shift 2 ;;
    -*) wrong "unknown option $1" ;;
    *)
        [[ " ${all[*]} " == *" $1 "* ]] || wrong "no stage $1"
        stages+=("$1")
        shift ;;
    esac
done
[ ${#stages[@]} -gt 0 ] || stages=("${all[@]}")
[[ $device =~ ^cuda(:[0-9]+)?$ ]] || wrong "--device $device is no card: cuda:0, cuda:1 and so on"
[[ $steps =~ ^[1-9][0-9]*$ && $rounds =~ ^[1-9][0-9]*$ ]] || wrong "--steps and --rounds are whole numbers above 0"
[ -z "$build_into" ] || [ -z "$built" ] || wrong "--build makes what --built takes: one of them"
[[ $device == *:* ]] || device=cuda:0
ordinal=${device#cuda:}
case $python in */*) python=$(from_there "$python") ;; esac

target=${CARGO_TARGET_DIR:-$root/target}
logs=$target/gpu
mkdir -p "$logs"
work=$(mktemp -d "${TMPDIR:-/tmp}/nano4m-gpu.XXXXXX")
trap 'rm -rf "$work"' EXIT
export NANO4M_CACHE=$work/cache
# It would turn float32 products into another experiment behind everybody's back.
unset NVIDIA_TF32_OVERRIDE
# PyTorch brings libraries of its own, and does not see those that ours are shown.
{
    echo '#!/bin/sh'
    if [ -n "${LD_LIBRARY_PATH:-}" ]; then
        printf 'LD_LIBRARY_PATH=%q; export LD_LIBRARY_PATH\n' "$LD_LIBRARY_PATH"
    else
        echo 'unset LD_LIBRARY_PATH'
    fi
    printf 'exec %q "$@"\n' "$python"
} >"$work/python"
chmod +x "$work/python"

# The real one: toolkit.sh may put an answer for dfdx's build before it.
nvidia_smi=$(command -v nvidia-smi || true)
# Numbers of cards as nvidia-smi counts them; where cards are handed out, what was handed out under this number.
export CUDA_DEVICE_ORDER=PCI_BUS_ID
card=$ordinal
if [ -n "${CUDA_VISIBLE_DEVICES:-}" ]; then
    IFS=, read -ra visible <<<"$CUDA_VISIBLE_DEVICES"
    card=${visible[$ordinal]:-}
    [ -n "$card" ] || skip "$device was asked for, and CUDA_VISIBLE_DEVICES is $CUDA_VISIBLE_DEVICES"
fi
smi() { "$nvidia_smi" --query-gpu="$1" --format=csv,noheader -i "$card" 2>/dev/null | sed 's/^ *//;s/ *$//;1q' || true; }
result() { printf '%-10s %s\n' "$stage" "$*"; }
# What the Markdown says below its table.
note() { result "$*"; echo "$stage: $*" >>"$work/notes"; }
log() { echo "$logs/$stage.log"; }
quietly() {
    "$@" >>"$(log)" 2>&1 && return
    local code=$?
    echo "--- the end of $(log), after: $*" >&2
    tail -n 30 "$(log)" >&2
    return $code
}

# ---- what must be there

need_card() {
    [ -n "$nvidia_smi" ] ||
        skip "there is no nvidia-smi: NVIDIA's driver is not installed here, or this is not a node with a card"
    "$nvidia_smi" -L >"$work/cards" 2>&1 || skip "nvidia-smi finds no card: $(head -n 1 "$work/cards")"
    local cards
    cards=$(grep -c '^GPU ' "$work/cards" || true)
    [ "$cards" -gt 0 ] || skip "nvidia-smi lists no card: $(head -n 1 "$work/cards")"
    [ -n "${CUDA_VISIBLE_DEVICES:-}" ] || [ "$ordinal" -lt "$cards" ] ||
        skip "$device was asked for, and nvidia-smi lists $cards: $(tr '\n' ';' <"$work/cards")"
}

toolkit_of_nvcc() { # where the nvcc in PATH belongs: the first folder above it that has headers
    local nvcc
    nvcc=$(command -v nvcc) || return 1
    local candidate
    for candidate in "$(dirname "$(dirname "$nvcc")")" "$(dirname "$(dirname "$(readlink -f "$nvcc")")")"; do
        [ ! -f "$candidate/include/cuda.h" ] || { echo "$candidate"; return; }
    done
    return 1
}

# Newest CUDA of the driver, e.g. 13.0; nothing if nvidia-smi does not say.
driver_cuda() {
    [ -n "$nvidia_smi" ] || return 0
    "$nvidia_smi" 2>/dev/null | sed -n 's/.*CUDA[A-Za-z ]*Version: *\([0-9][0-9]*\.[0-9]*\).*/\1/p' | head -n 1 || true
}

need_toolkit() {
    command -v cargo >/dev/null || skip "there is no cargo to build with: install Rust, or build elsewhere (--build, --built)"
    if [ -z "${CUDA_PATH:-}" ]; then
        if CUDA_PATH=$(toolkit_of_nvcc); then
            export CUDA_PATH
        elif [ -x /usr/local/cuda/bin/nvcc ]; then
            export CUDA_PATH=/usr/local/cuda
        else
            unset CUDA_PATH
        fi
    fi
    local code=0 environment
    environment=$("$here/toolkit.sh" 2>"$work/toolkit") || code=$?
    [ $code = 0 ] || skip "$(tail -n 1 "$work/toolkit") (set CUDA_PATH to a CUDA toolkit, or load its module)"
    eval "$environment"
    local toolkit driver
    toolkit=$(nvcc --version | sed -n 's/.*release \([0-9]*\.[0-9]*\).*/\1/p')
    [ -n "$toolkit" ] || skip "$CUDA_PATH/bin/nvcc does not say its version"
    [ "${toolkit%.*}" -ge 12 ] || skip "the toolkit in $CUDA_PATH is CUDA $toolkit; 12 or 13 is needed"
    # Without a card this is a login node: whoever builds there has to know the driver.
    driver=$(driver_cuda)
    if [ -n "$driver" ]; then
        [ "${toolkit%.*}" -le "${driver%.*}" ] ||
            skip "the driver takes CUDA $driver at most, and the toolkit in $CUDA_PATH is $toolkit: set CUDA_PATH to an older one"
        [ "${toolkit%.*}" -lt "${driver%.*}" ] || [ "${toolkit#*.}" -le "${driver#*.}" ] ||
            echo "the toolkit ($toolkit) is newer than the driver ($driver): what dfdx brings compiled ahead will not load" >&2
        local capability
        capability=$(smi compute_cap | tr -d .)
        [ -z "$capability" ] || nvcc --list-gpu-code | grep -qw "sm_$capability" ||
            skip "nvcc of CUDA $toolkit does not know the card's sm_$capability: set CUDA_PATH to a toolkit that does"
    fi
    echo "CUDA $toolkit in $CUDA_PATH${driver:+, driver for CUDA $driver}" >&2
}

# Where a shared library lies: with the toolkit, or with the PyTorch that is here anyway.
folder_of() { # LIBRARY
    local folders=()
    if [ -n "${CUDA_PATH:-}" ]; then
        folders+=("$CUDA_PATH/lib64" "$CUDA_PATH/lib" "$CUDA_PATH/targets/x86_64-linux/lib" "$CUDA_PATH/nvrtc")
    fi
    folders+=(/usr/local/cuda/lib64)
    mapfile -t -O ${#folders[@]} folders < <("$work/python" -c 'import sys, glob, os
for path in sys.path:
    print(*sorted(glob.glob(os.path.join(path, "nvidia", "*", "lib"))), sep="\n")' 2>/dev/null | grep . || true)
    local folder
    for folder in "${folders[@]}"; do
        [ ! -e "$folder/$1" ] || { echo "$folder"; return; }
    done
    return 1
}

# Every library that the program is linked with can be found at its start.
need_libraries() { # PROGRAM
    local library folder
    for _ in 1 2 3 4 5 6; do
        library=$(ldd "$1" 2>/dev/null | awk '/not found/ { print $1; exit }')
        [ -n "$library" ] || return 0
        [ "$library" != libcuda.so.1 ] || skip "libcuda.so.1 is not found: it comes with NVIDIA's driver, not with the toolkit"
        folder=$(folder_of "$library") ||
            skip "$library is not found, which the program was linked with: add its folder to LD_LIBRARY_PATH"
        export LD_LIBRARY_PATH=$folder${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
        echo "$library is taken from $folder" >>"$(log)"
    done
    skip "libraries of $1 are still not found: $(ldd "$1" | grep 'not found' | tr '\n' ' ')"
}

# ---- the programs

kept() { # NAME KIND TARGET LIST: the program that cargo has made of a target, under a name of its own
    local made
    made=$(sed -n "/\"kind\":\[\"$2\"\]/{/\"name\":\"$3\"/s/.*\"executable\":\"\([^\"]*\)\".*/\1/p}" "$4" | tail -n 1)
    [ -n "$made" ] || { result "cargo does not say where the $2 $3 is"; return 1; }
    cp "$made" "$programs/$1"
}
cargo_makes() { # LIST ARGUMENT…: what it says goes to the log, what it made to the list
    local list=$1
    shift
    echo "cargo $*" >>"$(log)"
    cargo "$@" --locked --release --features cuda --message-format=json-render-diagnostics >"$list" 2>>"$(log)" && return
    tail -n 30 "$(log)" >&2
    return 1
}
stage_build() {
    if [ -n "$built" ]; then
        local name
        for name in nano4m operations model step; do
            [ -x "$built/$name" ] || skip "$built has no program $name: make it with --build $built"
        done
        [ -d "$(cat "$built/project" 2>/dev/null)" ] ||
            skip "built in $(cat "$built/project" 2>/dev/null), whose fixtures are read there: that folder is not on this machine"
        programs=$built
    else
        need_toolkit
        programs=${build_into:-$work/programs}
        cargo_makes "$work/tests.json" test --no-run --lib --test model || return
        cargo_makes "$work/programs.json" build --bin nano4m --bench step || return
        mkdir -p "$programs"
        kept operations lib nano4m "$work/tests.json" || return
        kept model test model "$work/tests.json" || return
        kept nano4m bin nano4m "$work/programs.json" || return
        kept step bench step "$work/programs.json" || return
        echo "$root" >"$programs/project"
    fi
    if [ -n "$build_into" ]; then
        result "the programs are in $build_into"
        return
    fi
    need_libraries "$programs/nano4m"
    need_libraries "$programs/step"
    "$programs/nano4m" doctor >"$work/doctor" 2>&1 ||
        { cat "$work/doctor" >&2; result "the program does not start"; return 1; }
    cat "$work/doctor" >>"$(log)"
    grep -q "$device" "$work/doctor" ||
        { cat "$work/doctor" >&2; result "the program does not see $device"; return 1; }
    result "the program sees $device: $(smi name)"
}

# ---- the stages

# Tests of a program, one at a time on the card; their number, for the result.
tests_pass() { # PROGRAM FILTER
    quietly "$1" "$2" --test-threads 1 --nocapture
    grep -q "Cuda($ordinal)" "$(log)" || { result "no test of $2 says that it ran on $device"; return 1; }
    passed=$(sed -n 's/^test result: ok\. \([0-9]*\) passed.*/\1/p' "$(log)")
    [ "${passed:-0}" -gt 0 ] || { result "no test of $2 has run"; return 1; }
}
stage_operations() {
    tests_pass "$programs/operations" ops::
    note "$passed tests of operations passed against the CPU's"
}
stage_golden() {
    tests_pass "$programs/model" golden
    note "$passed golden tests passed"
}

run_into() { # FOLDER [OPTION…]
    "$programs/nano4m" run experiments/synthetic.ron --device "$device" --runs "$work/$1" "${@:2}"
}
the_run() { # FOLDER
    local found=("$work/$1"/synthetic-*)
    echo "${found[0]}"
}
same_bits() { # FOLDER FOLDER
    quietly "$programs/nano4m" verify "$(the_run "$1")" "$(the_run "$2")" || { result "$1 and $2: not the same bits"; return 1; }
    # Made with two drivers or libraries they would be no evidence.
    ! grep -q 'nobody promises' "$(log)" || { result "$1 and $2 were made with different cards or libraries"; return 1; }
}
stage_bits() {
    quietly run_into whole
    quietly run_into again
    same_bits whole again
    # Stopped between two checkpoints, then killed after the next one, then left alone.
    local code=0
    run_into broken --stop-after 130 >>"$(log)" 2>&1 || code=$?
    [ $code = 4 ] || { tail -n 10 "$(log)" >&2; result "a run that is stopped ends with exit $code, not 4"; return 1; }
    # The program itself and no function: a signal to a shell around it would miss it.
    "$programs/nano4m" run experiments/synthetic.ron --device "$device" --runs "$work/broken" >>"$(log)" 2>&1 &
    local child=$! waited=0 how
    until [ -n "$(compgen -G "$work/broken/synthetic-*/checkpoints/*[23]00*")" ]; do
        kill -0 $child 2>/dev/null || break
        sleep 0.05
        ((++waited < 12000)) || { kill -9 $child; result "the resumed run takes no steps"; return 1; }
    done
    kill -9 $child 2>/dev/null || true
    code=0
    { wait $child; } 2>/dev/null || code=$?
    case $code in
    137) how="stopped at step 130, killed and resumed" ;;
    0) how="stopped at step 130 and resumed (it ended before it could be killed)" ;;
    *) tail -n 10 "$(log)" >&2; result "the resumed run ends with exit $code"; return 1 ;;
    esac
    quietly run_into broken
    same_bits whole broken
    note "experiments/synthetic.ron twice, and once $how: the same bits in every checkpoint, metric and score"
    local capability
    capability=$(smi compute_cap)
    if [[ $capability =~ ^([89]|[1-9][0-9])\. ]]; then
        quietly run_into tf32 --set train.precision=Tf32
        quietly run_into tf32-again --set train.precision=Tf32
        same_bits tf32 tf32-again
        note "twice at train.precision=Tf32: the same bits"
    fi
}

stage_sanitizer() {
    local sanitizer='' candidate tool
    for candidate in compute-sanitizer "${CUDA_PATH:-/usr/local/cuda}/bin/compute-sanitizer" \
        "${CUDA_PATH:-/usr/local/cuda}/compute-sanitizer/compute-sanitizer"; do
        if command -v "$candidate" >/dev/null; then
            sanitizer=$candidate
            break
        fi
    done
    [ -n "$sanitizer" ] || { result "left out: there is no compute-sanitizer (it comes with the toolkit)"; return; }
    for tool in memcheck racecheck synccheck; do
        "$sanitizer" --tool $tool --error-exitcode 9 "$programs/operations" ops:: --test-threads 1 >"$work/$tool" 2>&1 ||
            {
                local code=$?
                cat "$work/$tool" >>"$(log)"
                if grep -q 'Device not supported' "$work/$tool"; then
                    result "left out: compute-sanitizer cannot look into this card here ($(log))"
                    return
                fi
                grep -m 10 '^=========' "$work/$tool" >&2 || tail -n 20 "$work/$tool" >&2
                result "$tool ends with exit $code"
                return 1
            }
        cat "$work/$tool" >>"$(log)"
    done
    note "the tests of operations under compute-sanitizer: nothing found by memcheck, racecheck and synccheck"
}

stage_speed() {
    local with=() line notes=()
    if "$work/python" -c 'import numpy, torch; assert torch.cuda.is_available()' >>"$(log)" 2>&1; then
        with=(--python "$work/python")
    else
        result "$python has no numpy or no torch that sees the card: ours alone is measured (--python names another)"
    fi
    local others
    others=$("$nvidia_smi" --query-compute-apps=pid --format=csv,noheader -i "$card" 2>/dev/null | grep -c '[0-9]' || true)
    [ "$others" = 0 ] || note "measured while $others other processes had the card"
    note "power limit $(smi power.limit), SM clock at most $(smi clocks.max.sm)"
    while IFS= read -r line; do
        notes+=(--note "$line")
    done <"$work/notes"
    "$programs/step" --device "$device" --preset full --batch 64 --steps "$steps" --rounds "$rounds" "${with[@]}" \
        --out "$out" "${notes[@]}" 2> >(tee -a "$(log)" >&2) | tee -a "$(log)"
    result "results are in $out"
}

# ---- one after the other

[ -n "$build_into" ] || need_card
: >"$work/notes"
failed=()
once() { # STAGE, in this shell, so that what it finds out stays; a command that fails ends it
    stage=$1
    : >"$(log)"
    code=0
}
once build
stage_build || code=$?
[ $code = 0 ] || { result "FAILED: $(log)" >&2; exit 1; }
[ -z "$build_into" ] || exit 0
for stage in "${stages[@]}"; do
    [ "$stage" != build ] || continue
    once "$stage"
    (set -e; "stage_$stage") & wait $! || code=$?
    if [ $code != 0 ]; then
        result "FAILED (exit $code): $(log)"
        failed+=("$stage")
    fi
done
[ ${#failed[@]} = 0 ] || { echo "failed: ${failed[*]}" >&2; exit 1; }
