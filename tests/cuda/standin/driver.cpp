// Devices, contexts, streams, events and copies of the stand-in driver.
//
// STANDIN_DEVICES     how many cards there seem to be (default 1)
// STANDIN_CAPABILITY  their compute capability (default 8.0)
// STANDIN_MEMORY      bytes of each (default 16 GiB)
#include <chrono>
#include <cstdio>
#include <cstring>
#include <memory>
#include <vector>

#include "driver.h"

using namespace standin;

namespace {

thread_local void* context = nullptr; // ordinal + 1

int devices() {
    static const int count = std::stoi(env("STANDIN_DEVICES", "1"));
    return count;
}
int capability(int part) {
    static const std::string text = env("STANDIN_CAPABILITY", "8.0");
    size_t dot = text.find('.');
    return std::stoi(part == 0 ? text.substr(0, dot) : text.substr(dot + 1));
}

struct Event {
    std::chrono::steady_clock::time_point at{};
};

int copy_to_device(Pointer to, const void* from, size_t bytes, bool at_once) {
    if (failed()) return failed();
    if (current_device() < 0) return INVALID_CONTEXT;
    if (!inside(to, bytes, "a copy to the device")) return INVALID_VALUE;
    bool pinned = is_pinned(from, bytes);
    count(&Counts::htod);
    count(&Counts::htod_bytes, bytes);
    if (at_once) count(&Counts::htod_waiting);
    else if (!pinned) count(&Counts::htod_pageable);
    if (pinned && !at_once) {
        submit([=] { return memcpy((void*)to, from, bytes), SUCCESS; });
    } else { // the driver has taken pageable memory when the call returns
        auto taken = std::make_shared<std::vector<char>>((const char*)from, (const char*)from + bytes);
        submit([=] { return memcpy((void*)to, taken->data(), bytes), SUCCESS; });
    }
    return at_once ? drain() : SUCCESS;
}

int copy_to_host(void* to, Pointer from, size_t bytes, bool at_once, const char* caller) {
    if (failed()) return failed();
    if (current_device() < 0) return INVALID_CONTEXT;
    if (!inside(from, bytes, "a copy from the device")) return INVALID_VALUE;
    count(&Counts::dtoh);
    count(&Counts::dtoh_bytes, bytes);
    bool waits = at_once || !is_pinned(to, bytes);
    submit([=] { return memcpy(to, (void*)from, bytes), SUCCESS; });
    return waits ? wait(caller) : SUCCESS;
}

int copy_on_device(Pointer to, Pointer from, size_t bytes) {
    if (failed()) return failed();
    if (!inside(from, bytes, "a copy on the device") || !inside(to, bytes, "a copy on the device")) return INVALID_VALUE;
    count(&Counts::device_copies);
    submit([=] { return dry() ? SUCCESS : (memmove((void*)to, (void*)from, bytes), SUCCESS); });
    return SUCCESS;
}

template <class T> int fill(Pointer at, T value, size_t count_of) {
    if (failed()) return failed();
    if (!inside(at, count_of * sizeof(T), "a memset")) return INVALID_VALUE;
    count(&Counts::memsets);
    submit([=] {
        if (!dry()) std::fill_n((T*)at, count_of, value);
        return SUCCESS;
    });
    return SUCCESS;
}

} // namespace

namespace standin {
int current_device() { return int(long(context)) - 1; }
void watch_for_faults(); // launch.cpp
} // namespace standin

// --- devices and contexts
API int cuInit(unsigned) { return watch_for_faults(), SUCCESS; }
API int cuDriverGetVersion(int* version) { return *version = 13000, SUCCESS; }
API int cuDeviceGetCount(int* count) { return *count = devices(), SUCCESS; }
API int cuDeviceGet(int* device, int ordinal) {
    if (ordinal < 0 || ordinal >= devices()) return INVALID_DEVICE;
    return *device = ordinal, SUCCESS;
}
API int cuDeviceGetName(char* name, int length, int) { return snprintf(name, length, "stand-in card"), SUCCESS; }
API int cuDeviceGetUuid_v2(void* uuid, int device) { return memset(uuid, device + 1, 16), SUCCESS; }
API int cuDeviceGetUuid(void* uuid, int device) { return cuDeviceGetUuid_v2(uuid, device); }
API int cuDeviceGetPCIBusId(char* id, int length, int device) { return snprintf(id, length, "0000:%02x:00.0", device + 1), SUCCESS; }
API int cuDeviceTotalMem_v2(size_t* bytes, int) { return *bytes = total_memory(), SUCCESS; }
API int cuDeviceComputeCapability(int* major, int* minor, int) { return *major = capability(0), *minor = capability(1), SUCCESS; }
API int cuDeviceGetAttribute(int* value, int attribute, int) {
    switch (attribute) {
    case 1: *value = 1024; break;                      // threads of a block
    case 2: case 3: *value = 1024; break;              // its first and second dimension
    case 4: *value = 64; break;                        // its third
    case 5: *value = 2147483647; break;                // blocks of a grid
    case 6: case 7: *value = 65535; break;
    case 8: case 42: *value = 49152; break;            // shared memory of a block
    case 10: *value = 32; break;                       // warp size
    case 12: case 82: *value = 65536; break;           // registers
    case 13: *value = 1410000; break;                  // kHz
    case 16: *value = 108; break;                      // multiprocessors
    case 36: *value = 1215000; break;                  // memory clock, kHz
    case 37: *value = 5120; break;                     // memory bus, bits
    case 38: *value = 41943040; break;                 // L2 cache
    case 39: *value = 2048; break;                     // threads of a multiprocessor
    case 41: *value = 1; break;                        // unified addresses
    case 75: *value = capability(0); break;
    case 76: *value = capability(1); break;
    case 81: *value = 167936; break;                   // shared memory of a multiprocessor
    case 97: *value = 166912; break;                   // the most of it a block may ask for
    case 106: *value = 32; break;                      // blocks of a multiprocessor
    case 115: *value = 1; break;                       // memory pools
    default: *value = 0;
    }
    return SUCCESS;
}
API int cuDevicePrimaryCtxRetain(void** out, int device) { return *out = (void*)long(device + 1), SUCCESS; }
API int cuDevicePrimaryCtxRelease_v2(int) { return drain(); }
API int cuDevicePrimaryCtxGetState(int, unsigned* flags, int* active) { return *flags = 0, *active = 1, SUCCESS; }
API int cuCtxSetCurrent(void* c) { return context = c, SUCCESS; }
API int cuCtxGetCurrent(void** c) { return *c = context, SUCCESS; }
API int cuCtxGetDevice(int* device) { return current_device() < 0 ? INVALID_CONTEXT : (*device = current_device(), SUCCESS); }
API int cuCtxSynchronize() { return current_device() < 0 ? INVALID_CONTEXT : wait("cuCtxSynchronize"); }
API int cuCtxGetStreamPriorityRange(int* least, int* greatest) { return *least = *greatest = 0, SUCCESS; }

// --- streams and events: one queue serves all streams
API int cuStreamCreate(void** out, unsigned) { return *out = new char, SUCCESS; }
API int cuStreamCreateWithPriority(void** out, unsigned flags, int) { return cuStreamCreate(out, flags); }
API int cuStreamDestroy_v2(void* stream) {
    int code = drain();
    delete (char*)stream;
    return code;
}
API int cuStreamSynchronize(void*) { return current_device() < 0 ? INVALID_CONTEXT : wait("cuStreamSynchronize"); }
API int cuStreamQuery(void*) { return drain(); }
API int cuStreamWaitEvent(void*, void* event, unsigned) { return event ? SUCCESS : INVALID_HANDLE; }
API int cuLaunchHostFunc(void*, void (*call)(void*), void* argument) {
    submit([=] { return call(argument), SUCCESS; });
    return SUCCESS;
}
API int cuEventCreate(void** out, unsigned) { return *out = new Event, SUCCESS; }
API int cuEventDestroy_v2(void* event) {
    int code = drain();
    delete (Event*)event;
    return code;
}
API int cuEventRecord(void* event, void*) {
    if (!event) return INVALID_HANDLE;
    submit([=] { return ((Event*)event)->at = std::chrono::steady_clock::now(), SUCCESS; });
    return failed();
}
API int cuEventQuery(void*) { return drain(); }
API int cuEventSynchronize(void*) { return wait("cuEventSynchronize"); }
API int cuEventElapsedTime(float* milliseconds, void* from, void* to) {
    int code = drain();
    *milliseconds = std::chrono::duration<float, std::milli>(((Event*)to)->at - ((Event*)from)->at).count();
    return code;
}
API int cuEventElapsedTime_v2(float* milliseconds, void* from, void* to) { return cuEventElapsedTime(milliseconds, from, to); }

// --- copies
API int cuMemcpyHtoD_v2(Pointer to, const void* from, size_t bytes) { return copy_to_device(to, from, bytes, true); }
API int cuMemcpyHtoDAsync_v2(Pointer to, const void* from, size_t bytes, void*) { return copy_to_device(to, from, bytes, false); }
API int cuMemcpyDtoH_v2(void* to, Pointer from, size_t bytes) { return copy_to_host(to, from, bytes, true, "cuMemcpyDtoH"); }
API int cuMemcpyDtoHAsync_v2(void* to, Pointer from, size_t bytes, void*) {
    return copy_to_host(to, from, bytes, false, "cuMemcpyDtoHAsync");
}
API int cuMemcpyDtoD_v2(Pointer to, Pointer from, size_t bytes) { return copy_on_device(to, from, bytes); }
API int cuMemcpyDtoDAsync_v2(Pointer to, Pointer from, size_t bytes, void*) { return copy_on_device(to, from, bytes); }
API int cuMemsetD8_v2(Pointer at, unsigned char value, size_t n) { return fill(at, value, n); }
API int cuMemsetD8Async(Pointer at, unsigned char value, size_t n, void*) { return fill(at, value, n); }
API int cuMemsetD32_v2(Pointer at, unsigned value, size_t n) { return fill(at, value, n); }
API int cuMemsetD32Async(Pointer at, unsigned value, size_t n, void*) { return fill(at, value, n); }

// --- errors
static const char* name_of(int code) {
    switch (code) {
    case SUCCESS: return "CUDA_SUCCESS";
    case INVALID_VALUE: return "CUDA_ERROR_INVALID_VALUE";
    case OUT_OF_MEMORY: return "CUDA_ERROR_OUT_OF_MEMORY";
    case NOT_INITIALIZED: return "CUDA_ERROR_NOT_INITIALIZED";
    case INVALID_DEVICE: return "CUDA_ERROR_INVALID_DEVICE";
    case INVALID_IMAGE: return "CUDA_ERROR_INVALID_IMAGE";
    case INVALID_CONTEXT: return "CUDA_ERROR_INVALID_CONTEXT";
    case INVALID_HANDLE: return "CUDA_ERROR_INVALID_HANDLE";
    case NOT_FOUND: return "CUDA_ERROR_NOT_FOUND";
    case LAUNCH_OUT_OF_RESOURCES: return "CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES";
    case LAUNCH_FAILED: return "CUDA_ERROR_LAUNCH_FAILED";
    case NOT_SUPPORTED: return "CUDA_ERROR_NOT_SUPPORTED";
    default: return nullptr;
    }
}
API int cuGetErrorName(int code, const char** out) { return (*out = name_of(code)) ? SUCCESS : INVALID_VALUE; }
API int cuGetErrorString(int code, const char** out) { return cuGetErrorName(code, out); }

// What no function above is: missing.c holds the rest of the driver's names.
extern "C" int standin_missing(const char* name) {
    fprintf(stderr, "stand-in: %s is not in the stand-in driver\n", name);
    return NOT_SUPPORTED;
}
