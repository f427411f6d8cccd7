// What the driver and the kernels it runs know of each other: a kernel with its arguments, and one launch of it.
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

namespace standin {

struct Index {
    unsigned x = 0, y = 0, z = 0;
};

struct Launch {
    const char* kernel;
    Index grid, block;
    size_t dynamic_bytes;    // dynamic shared memory of a block
    size_t shared_limit;     // what static and dynamic shared memory may come to
    int order;               // of threads and blocks: 0 as numbered, 1 backwards, 2 permuted
    Index at_block{};        // where it is, for messages about it
    const Index* at_thread = nullptr;
    std::string error{};     // why it ended early
};

// A kernel and its arguments, copied when it was launched as the driver does.
struct Bound {
    virtual ~Bound() = default;
    virtual bool run(Launch&) = 0;
};

// What lies around memory that may be used: signalling NaNs, which read as NaN, and which arithmetic that writes its
// result back leaves quiet, so that even `x += NaN` shows.
inline char guard_byte(const char* at) { return "\xa5\xa5\xa5\x7f"[uintptr_t(at) & 3]; }
inline void guard(char* from, size_t bytes) {
    for (char* at = from; at < from + bytes; at++) *at = guard_byte(at);
}
inline bool guarded(const char* from, size_t bytes) {
    for (const char* at = from; at < from + bytes; at++)
        if (*at != guard_byte(at)) return false;
    return true;
}

// What a compiled file exports for each kernel, as `standin_kernel_NAME`.
using Bind = Bound* (*)(void** arguments);

} // namespace standin
