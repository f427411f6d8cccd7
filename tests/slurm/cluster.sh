#!/usr/bin/env bash
# A real Slurm of one node on the loopback device, for tests: everything it owns is in one folder.
#
#   cluster.sh start DIR    start munged, slurmctld and slurmd; DIR/env makes a shell use them
#   cluster.sh stop DIR     stop them and what they run
#
# Exits 77 (skipped) with the reason on stderr when this machine cannot run it. Needs root and Debian's
# packages slurm-wlm and munge; an installed Slurm or munge of the machine itself is not touched.
set -euo pipefail

skip() { echo "slurm: skipped: $*" >&2; exit 77; }
fail() { echo "slurm: $*" >&2; exit 1; }

# Runs a condition every 0.1 s until it holds: wait_for SECONDS CONDITION…
wait_for() {
    local end=$((SECONDS + $1)); shift
    until "$@" >/dev/null 2>&1; do
        ((SECONDS < end)) || return 1
        sleep 0.1
    done
}

requirements() {
    [ "$(uname -s)" = Linux ] || skip "Slurm's test cluster runs on Linux only"
    [ "$(id -u)" = 0 ] || skip "slurmctld and slurmd must be started by root"
    local missing=()
    for program in munged mungekey munge slurmctld slurmd sbatch squeue scontrol scancel sinfo; do
        PATH=$PATH:/usr/sbin command -v "$program" >/dev/null || missing+=("$program")
    done
    [ ${#missing[@]} = 0 ] || skip "missing ${missing[*]} (apt-get install slurm-wlm munge)"
}

free_port() {
    local port=$1
    while (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do port=$((port + 1)); done
    echo "$port"
}

configure() {
    local host ctld node
    host=$(hostname -s)
    ctld=$(free_port $((20000 + RANDOM % 5000)))
    node=$(free_port $((26000 + RANDOM % 5000)))
    # More CPUs than the machine may have: several small tasks are meant to run at once.
    cat >"$dir/slurm.conf" <<CONF
# A requeued task waits until its credential has expired: 120 s where it matters, here 5.
ClusterName=nano4m_test
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$dir/munge/socket,cred_expire=5
CredType=cred/munge
SlurmctldPort=$ctld
SlurmdPort=$node
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/spool
SlurmctldPidFile=$dir/slurmctld.pid
SlurmdPidFile=$dir/slurmd.pid
SlurmctldLogFile=$dir/slurmctld.log
SlurmdLogFile=$dir/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerType=sched/backfill
SchedulerParameters=bf_interval=1,sched_interval=1,sched_min_interval=0
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
JobCompType=jobcomp/none
MpiDefault=none
SwitchType=switch/none
ReturnToService=2
KillWait=20
SlurmdParameters=config_overrides
NodeName=$host NodeAddr=127.0.0.1 CPUs=4 RealMemory=2000 State=UNKNOWN
PartitionName=test Nodes=$host Default=YES MaxTime=60 State=UP
CONF
    # Cgroups are not used, so they need not be there; this plugin does nothing until it is asked.
    echo "CgroupPlugin=cgroup/v1" >"$dir/cgroup.conf"
    echo "export SLURM_CONF=$dir/slurm.conf PATH=$PATH:/usr/sbin" >"$dir/env"
}

start() {
    requirements
    PATH=$PATH:/usr/sbin
    mkdir -p "$dir"/{munge,state,spool}
    dir=$(cd "$dir" && pwd)
    # munged wants to know that others can reach its socket, and nobody its key.
    chmod 0755 "$dir" "$dir/munge"
    configure
    export SLURM_CONF=$dir/slurm.conf
    trap 'stop; tail -n 20 "$dir"/*.log "$dir"/munge/log >&2 || true' ERR
    mungekey --create --keyfile="$dir/munge/key"
    munged --force --key-file="$dir/munge/key" --socket="$dir/munge/socket" --pid-file="$dir/munge/pid" \
        --log-file="$dir/munge/log" --seed-file="$dir/munge/seed" --num-threads=2
    wait_for 10 munge --no-input --socket="$dir/munge/socket"
    slurmctld -c -f "$SLURM_CONF"
    wait_for 20 scontrol ping
    slurmd -c -f "$SLURM_CONF"
    wait_for 30 idle
    trap - ERR
    echo "slurm: $(slurmd -V | cut -d' ' -f2), node $(hostname -s) is idle" >&2
}

idle() { [ "$(sinfo --noheader --format=%t)" = idle ]; }

# The process that a pid file names, while it is one of ours.
pid_of() {
    local pid
    pid=$(cat "$1" 2>/dev/null) && [ -n "$pid" ] && [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = "$2" ] && echo "$pid"
}

end_of() { # FILE NAME
    local pid
    pid=$(pid_of "$1" "$2") || return 0
    kill "$pid" 2>/dev/null || true
    wait_for 15 gone "$pid" || kill -KILL "$pid" 2>/dev/null || true
}

gone() { ! kill -0 "$1" 2>/dev/null; }

no_jobs() { [ -z "$(squeue --noheader)" ]; }

stop() {
    trap - ERR
    [ -d "$dir" ] || return 0
    dir=$(cd "$dir" && pwd)
    export SLURM_CONF=$dir/slurm.conf PATH=$PATH:/usr/sbin
    if pid_of "$dir/slurmctld.pid" slurmctld >/dev/null; then
        scancel --quiet --user=root 2>/dev/null || true
        wait_for 15 no_jobs || { scancel --signal=KILL --full --user=root 2>/dev/null || true; }
    fi
    end_of "$dir/slurmd.pid" slurmd
    end_of "$dir/slurmctld.pid" slurmctld
    end_of "$dir/munge/pid" munged
}

[ $# = 2 ] || fail "usage: cluster.sh start|stop DIR"
dir=$2
case $1 in
    start) start ;;
    stop) stop ;;
    *) fail "usage: cluster.sh start|stop DIR" ;;
esac
