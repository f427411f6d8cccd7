// The parts of the stand-in driver: the queue of work, memory, and counts.
#pragma once
#include <cstdint>
#include <functional>
#include <string>

#define API extern "C" __attribute__((visibility("default")))

namespace standin {

enum {
    SUCCESS = 0,
    INVALID_VALUE = 1,
    OUT_OF_MEMORY = 2,
    NOT_INITIALIZED = 3,
    INVALID_DEVICE = 101,
    INVALID_IMAGE = 200,
    INVALID_CONTEXT = 201,
    INVALID_HANDLE = 400,
    NOT_FOUND = 500,
    LAUNCH_OUT_OF_RESOURCES = 701,
    LAUNCH_FAILED = 719,
    NOT_SUPPORTED = 801,
};
using Pointer = unsigned long long; // CUdeviceptr

std::string env(const char* name, const char* otherwise = "");
bool dry(); // STANDIN_DRY: work is counted and not done; memory is zero

// --- the queue (queue.cpp). Work runs when the host waits for it, in the order in which it was given.
using Work = std::function<int()>;
void submit(Work work);
int wait(const char* caller); // runs everything; counts a synchronization
int drain();                  // the same, uncounted
int failed();                 // what an earlier launch left behind: every later call returns it

// --- counts (stats.cpp)
struct Counts {
    uint64_t launches = 0, blas = 0, memsets = 0, device_copies = 0;
    uint64_t syncs = 0, idle_syncs = 0; // waits with work to wait for, and without
    uint64_t htod = 0, htod_bytes = 0, htod_pageable = 0, htod_waiting = 0; // copies; of them from pageable memory; synchronous
    uint64_t dtoh = 0, dtoh_bytes = 0;
    uint64_t driver_allocations = 0, driver_bytes = 0, pool_allocations = 0;
};
void count(uint64_t Counts::*what, uint64_t by = 1);
void count_launch(const std::string& kernel, bool blas);
void count_sync(const char* caller, bool idle);

// --- memory (memory.cpp)
int current_device(); // of this thread's context, -1 without one
int allocate(int device, size_t bytes, void* pool, Pointer* out); // pool: null for cuMemAlloc
int release(Pointer at, bool ordered);                            // ordered: cuMemFreeAsync, freed when the queue gets there
bool inside(Pointer at, size_t bytes, const char* what);          // of one live allocation; says so if not
bool is_pinned(const void* at, size_t bytes);
void trim_pools(); // what a synchronization gives back to the driver, by the release thresholds
struct Held {
    size_t live, peak, reserved; // bytes in allocations now and at most; bytes taken from the driver
};
Held held();
size_t total_memory();
std::string describe(const void* address); // where it lies among live and freed allocations; empty if far from all

} // namespace standin
