// STANDIN_STATS=FILE: one row of counts for each wait of the host that had something to wait for, and one at exit.
//
// A training step that waits once is one row. %p in the name becomes the process's number. cuBLAS's calls are launches
// by name. Waits with no work given since the last, as after a copy to pageable memory, are idle and begin no row.
#include <unistd.h>

#include <cstdio>
#include <map>
#include <mutex>

#include "driver.h"

namespace standin {
namespace {

struct Stats {
    std::mutex lock;
    Counts counts;
    std::map<std::string, uint64_t> kernels;
    uint64_t row = 0;
    FILE* file = nullptr;

    Stats() {
        std::string path = env("STANDIN_STATS");
        if (path.empty()) return;
        if (size_t at = path.find("%p"); at != std::string::npos) path.replace(at, 2, std::to_string(getpid()));
        file = fopen(path.c_str(), "w");
        if (!file) {
            perror(path.c_str());
            return;
        }
        fputs("row,ended_by,launches,blas,memsets,device_copies,syncs,idle_syncs,htod,htod_bytes,htod_pageable,htod_waiting,"
              "dtoh,dtoh_bytes,driver_allocations,driver_bytes,pool_allocations,live_bytes,peak_bytes,reserved_bytes,kernels\n",
              file);
    }

    ~Stats() {
        if (file) end("exit", held()), fclose(file);
    }

    void end(const char* by, const Held& h) {
        if (file) {
            const Counts& c = counts;
            fprintf(file, "%llu,%s", (unsigned long long)row++, by);
            for (uint64_t n : {c.launches, c.blas, c.memsets, c.device_copies, c.syncs, c.idle_syncs, c.htod, c.htod_bytes,
                               c.htod_pageable, c.htod_waiting, c.dtoh, c.dtoh_bytes, c.driver_allocations, c.driver_bytes,
                               c.pool_allocations, uint64_t(h.live), uint64_t(h.peak), uint64_t(h.reserved)})
                fprintf(file, ",%llu", (unsigned long long)n);
            const char* between = ",";
            for (auto& [name, n] : kernels) fprintf(file, "%s%s=%llu", between, name.c_str(), (unsigned long long)n), between = " ";
            fputs(kernels.empty() ? ",\n" : "\n", file);
            fflush(file);
        }
        counts = {};
        kernels.clear();
    }
};

Stats& stats() {
    static Stats s;
    return s;
}

} // namespace

void count(uint64_t Counts::*what, uint64_t by) {
    std::lock_guard<std::mutex> hold(stats().lock);
    stats().counts.*what += by;
}

void count_launch(const std::string& kernel, bool blas) {
    std::lock_guard<std::mutex> hold(stats().lock);
    stats().counts.launches++;
    stats().counts.blas += blas;
    stats().kernels[kernel]++;
}

void count_sync(const char* caller, bool idle) {
    Held now = held(); // before the lock: memory counts while it holds its own
    std::lock_guard<std::mutex> hold(stats().lock);
    (idle ? stats().counts.idle_syncs : stats().counts.syncs)++;
    if (!idle) stats().end(caller, now);
}

} // namespace standin
