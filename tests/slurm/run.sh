#!/usr/bin/env bash
# An ablation through a real Slurm (cluster.sh), disturbed in every way, against the same one run locally:
# the same bits. Exits 77 with the reason when this machine cannot run it, 0 when everything held.
#
#   NANO4M=path/to/nano4m tests/slurm/run.sh      default: target/debug/nano4m, built if need be
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)

work=$(mktemp -d "${TMPDIR:-/tmp}/nano4m-slurm.XXXXXX")
trap '"$here/cluster.sh" stop "$work/cluster" || true; rm -rf "$work"' EXIT
code=0
"$here/cluster.sh" start "$work/cluster" || code=$?
[ $code = 0 ] || exit $code
# shellcheck disable=SC1091
source "$work/cluster/env"
node=$(hostname -s)

if [ -z "${NANO4M:-}" ]; then
    (cd "$root" && cargo build --locked --quiet)
    NANO4M=$root/target/debug/nano4m
fi
# The program that submits is not the one in the build folder: it is thrown away after the submission.
mkdir "$work/project" "$work/bin"
cp "$NANO4M" "$work/bin/nano4m"
cp "$NANO4M" "$work/bin/kept"
cd "$work/project"
export NANO4M_CACHE=$work/cache
kept() { "$work/bin/kept" "$@"; }

step() { echo "== $*"; }
fail() {
    echo "FAILED: $*" >&2
    for log in "$work"/project/slurm-runs/ablations/*/slurm/*/*.log; do
        echo "--- $log" >&2
        tail -n 15 "$log" >&2
    done
    squeue --array --states=all >&2
    exit 1
}
# Waits SECONDS for a condition, then says what did not happen.
wait_for() {
    local end=$((SECONDS + $1)) what=$2
    shift 2
    until "$@" >/dev/null 2>&1; do
        ((SECONDS < end)) || fail "not within time: $what"
        sleep 0.2
    done
}
expect() { # CODE COMMAND…
    local want=$1 code=0
    shift
    "$@" >"$work/out" 2>"$work/err" || code=$?
    [ $code = "$want" ] || { cat "$work/out" "$work/err" >&2; fail "exit $code, not $want: $*"; }
}

experiment() { # NAME STEPS
    cat <<RON
Experiment(
    schema: 1,
    name: "$1",
    data: (synthetic: (classes: 4, clips: (64, 16, 32))),
    modalities: [
        (name: "tok_rgb@16", length: 16, vocab: 64),
        (name: "tok_audio@16", length: 16, vocab: 32, codebooks: 2, masking: Span(stride: 2)),
    ],
    masking: (input_tokens: (4, 16), target_tokens: (4, 16)),
    model: (dim: 32, enc_depth: 1, dec_depth: 1, head_dim: 16),
    train: (batch: 16, tokens: $((256 * $2)), tokens_per_sample: 16, warmup_tokens: 2048, lr: 3e-3,
            eval_every: 2500, checkpoint_every: 500, digest_every: 500),
    probes: [CrossEntropy(masks: 2)],
)
RON
}
mkdir ablations
# A quarter of a minute each on a fast machine: every disturbance below must find its task still training.
experiment base 10000 >base.ron
cat >ablations/tiny.ron <<'RON'
Ablation(
    schema: 1,
    name: "tiny",
    base: "../base.ron",
    axes: [(name: "audio", options: [
        (label: "span"),
        (label: "random", set: {"modalities.tok_audio@16.masking": Random}),
        (label: "unaligned", set: {"modalities.tok_audio@16.masking": Span(stride: 2, aligned: false)}),
    ])],
    seeds: [1, 2],
    metrics: ["cross_entropy/tok_audio@16"],
    claims: [(metric: "cross_entropy/tok_audio@16", a: "random", b: "span")],
)
RON
experiment endless 1000000 >endless.ron
sed -e 's/tiny/endless/; s/base\.ron/endless.ron/; s/seeds: .*/seeds: [1],/' ablations/tiny.ron >ablations/endless.ron

step "locally, undisturbed"
kept --runs local-runs ablate tiny >/dev/null

step "submitted: 6 tasks, 2 at a time"
slurm=(--runs slurm-runs ablate tiny)
expect 0 "$work/bin/nano4m" "${slurm[@]}" --engine slurm --throttle 2 --cpus 1 --grace 30 --time 10 --json
array=$(sed -n 's/.*"array": \([0-9]*\),.*/\1/p' "$work/out")
report=$(sed -n 's/.*"report": \([0-9]*\),.*/\1/p' "$work/out")
[ -n "$array" ] && [ -n "$report" ] || fail "no job numbers in $(cat "$work/out")"
# From now on neither the program nor the manifests are what was submitted.
rm "$work/bin/nano4m"
mv base.ron base.kept
echo 'Experiment(schema: 1, name: "not what was submitted")' >base.ron
mv ablations/tiny.ron tiny.kept

# A task's state in Slurm, its number of restarts, the step of its run.
job() { scontrol show job --oneliner "${array}_$1" | tr ' ' '\n' | sed -n "s/^$2=//p"; }
is() { [ "$(job "$1" JobState)" = "$2" ]; }
restarted() { [ "$(job "$1" Restarts)" -ge 1 ]; }
rows() { # TASK: rows of its metrics
    local id
    id=$(cut -c1-10 "slurm-runs/ablations/tiny/slurm/0001/tasks/$1.identity")
    cat slurm-runs/*-"$id"/metrics.csv 2>/dev/null | wc -l
}
trained() { [ "$(rows "$1")" -ge "$2" ]; }

expect 4 kept "${slurm[@]}" --status

step "task 1 is warned as before its time limit: checkpoint, requeue"
wait_for 60 "task 1 trains" trained 1 60
# scancel repeats itself while the task is being requeued; its signal has arrived by then.
timeout 3 scancel --batch --signal=USR1 "${array}_1" || true
wait_for 30 "task 1 is requeued" restarted 1
grep -q "stopped as asked at step" slurm-runs/ablations/tiny/slurm/0001/task-1.log || fail "task 1 did not stop by itself"

step "the program of task 2 is killed"
wait_for 60 "task 2 trains" trained 2 600
victim=$(pgrep -f "tasks/2\.ron" | while read -r pid; do
    [ "$(cat "/proc/$pid/comm")" = nano4m ] && echo "$pid"
done) || true
[ -n "$victim" ] || fail "task 2 had ended before it could be killed: its run is too short for this machine"
kill -KILL "$victim"
wait_for 30 "task 2 is requeued" restarted 2
grep -q "killed by signal 9" slurm-runs/ablations/tiny/slurm/0001/task-2.log || fail "task 2 was not killed"

step "the node is drained and resumed"
scontrol update nodename="$node" state=drain reason=test
drained() { [ "$(sinfo --noheader --format=%t)" = drain ]; }
wait_for 90 "the node drains" drained
kept "${slurm[@]}" --status >"$work/out" 2>&1 || [ $? = 4 ] || fail "nothing waits for the drained node: $(cat "$work/out")"
scontrol update nodename="$node" state=resume

step "all tasks finish, then the report"
finished() { kept "${slurm[@]}" --status; }
wait_for 240 "all tasks finish" finished
reported() { [ -f slurm-runs/ablations/tiny.json ]; }
wait_for 60 "the report job" reported

step "the same as locally, byte for byte"
cmp local-runs/ablations/tiny.json slurm-runs/ablations/tiny.json
restarts=0
for run in local-runs/*/record.json; do
    name=$(basename "$(dirname "$run")")
    cmp "$run" "slurm-runs/$name/record.json"
    cmp "local-runs/$name/probes/cross_entropy.csv" "slurm-runs/$name/probes/cross_entropy.csv"
    cmp "local-runs/$name/digests.csv" "slurm-runs/$name/digests.csv"
    kept verify "./local-runs/$name" "./slurm-runs/$name" >/dev/null || fail "verify $name"
    restarts=$((restarts + $(grep -c "training from step [1-9]" "slurm-runs/$name/log.txt" || true)))
done
[ "$restarts" -ge 2 ] || fail "only $restarts runs were resumed: the test tested nothing"
for engine in local slurm; do
    kept --runs $engine-runs report --reports $engine-reports >/dev/null 2>&1
done
diff -r local-reports slurm-reports || fail "the tables differ"

step "nothing is left to submit"
mv base.kept base.ron
mv tiny.kept ablations/tiny.ron
expect 0 kept "${slurm[@]}" --engine slurm
grep -q "nothing to submit" "$work/err" || fail "$(cat "$work/err")"

step "a time limit is survived; a cancelled ablation stops after a checkpoint and stays cancelled"
endless=(--runs slurm-runs ablate endless)
# A time limit far shorter than the run, and a warning that comes at once: as on a busy cluster, only faster.
expect 0 kept "${endless[@]}" --engine slurm --cpus 1 --time 1 --grace 45 --json
array=$(sed -n 's/.*"array": \([0-9]*\),.*/\1/p' "$work/out")
expect 1 kept "${endless[@]}" --engine slurm
grep -q "already in Slurm's queue" "$work/err" || fail "$(cat "$work/err")"
training() { [ "$(cat slurm-runs/endless-*/metrics.csv 2>/dev/null | wc -l)" -ge 20 ]; }
wait_for 60 "it trains" training
wait_for 90 "Slurm warns task 1 of its time limit, and it is requeued" restarted 1
expect 0 kept "${endless[@]}" --cancel
over() { [ -z "$(squeue --noheader --states=PENDING,RUNNING,COMPLETING)" ]; }
wait_for 60 "it ends" over
expect 1 kept "${endless[@]}" --status
grep -h '"state"' slurm-runs/endless-*/status.json | grep -q stopped || fail "no run of it stopped properly"
! grep -q '"state": "running"' slurm-runs/endless-*/status.json || fail "a run was killed before its checkpoint"

echo "slurm: everything held, $SECONDS s"
