// Device memory that shows misuse: every allocation is mapped alone between pages that nobody may touch, ends at the
// second of them (to 16 bytes, whose rest is checked when it is freed), holds NaN bytes, and is unmapped when freed.
//
// Pools are kept as accounts: what they take from the driver and give back, by their release threshold, as though
// memory in a pool were never in pieces.
#include <sys/mman.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <map>
#include <mutex>
#include <vector>

#include "driver.h"
#include "launch.h"

namespace standin {
namespace {

constexpr size_t PAGE = 4096, GRAIN = 512, CHUNK = size_t(2) << 20;

struct Pool {
    uint64_t threshold = 0, reserved = 0, used = 0, reserved_high = 0, used_high = 0;
};
struct Allocation {
    size_t bytes, pages; // as asked for, and mapped between the guards
    int device;
    Pool* pool;
};
struct Range {
    Pointer from;
    size_t bytes;
};
struct Memory {
    std::recursive_mutex lock;
    std::map<Pointer, Allocation> live;
    std::deque<Range> freed; // the latest, for messages
    std::map<Pointer, size_t> pinned;
    std::map<int, Pool> defaults;
    std::map<int, Pool*> chosen;
    std::vector<Pool*> pools;
    size_t plain = 0, bytes = 0, peak = 0; // by cuMemAlloc; by all, now and at most
};
Memory& memory() {
    static Memory& m = *new Memory;
    return m;
}
using Hold = std::lock_guard<std::recursive_mutex>;

size_t round_up(size_t bytes, size_t to) { return (bytes + to - 1) / to * to; }

size_t reserved() {
    size_t sum = memory().plain;
    for (Pool* pool : memory().pools) sum += pool->reserved;
    return sum;
}

Pool* default_pool(int device) {
    auto [at, fresh] = memory().defaults.try_emplace(device);
    if (fresh) memory().pools.push_back(&at->second);
    return &at->second;
}
Pool* pool_of(int device) {
    auto at = memory().chosen.find(device);
    return at == memory().chosen.end() ? default_pool(device) : at->second;
}

Pointer place(size_t bytes, size_t pages) {
    // Without guards, mappings beside each other are one to the system, which has no more than 65,530.
    int around = dry() ? PROT_READ | PROT_WRITE : PROT_NONE;
    char* at = (char*)mmap(nullptr, pages + 2 * PAGE, around, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at == MAP_FAILED) return 0;
    if (!dry()) {
        if (mprotect(at + PAGE, pages, PROT_READ | PROT_WRITE)) return munmap(at, pages + 2 * PAGE), 0;
        char *begin = at + PAGE + pages - round_up(bytes, 16), *end = begin + bytes;
        guard(at + PAGE, size_t(begin - at - PAGE));
        memset(begin, 0xff, bytes);
        guard(end, size_t(at + PAGE + pages - end));
    }
    return Pointer(at + PAGE + pages - round_up(bytes, 16));
}

void unplace(Pointer at, const Allocation& a) {
    char* begin = (char*)(at + round_up(a.bytes, 16) - a.pages);
    size_t before = size_t((char*)at - begin), behind = a.pages - before - a.bytes;
    if (!dry() && !(guarded(begin, before) && guarded((char*)at + a.bytes, behind))) {
        fprintf(stderr, "stand-in: something was written just outside an allocation of %zu bytes\n", a.bytes);
        abort();
    }
    munmap(begin - PAGE, a.pages + 2 * PAGE);
}

} // namespace

size_t total_memory() {
    static const size_t total = std::stoull(env("STANDIN_MEMORY", "17179869184"));
    return total;
}

Held held() {
    Hold hold(memory().lock);
    return {memory().bytes, memory().peak, reserved()};
}

int allocate(int device, size_t bytes, void* from, Pointer* out) {
    if (device < 0) return INVALID_CONTEXT;
    Hold hold(memory().lock);
    Memory& m = memory();
    Pool* pool = (Pool*)from;
    size_t grained = round_up(bytes, GRAIN);
    if (!bytes && !pool) return INVALID_VALUE;
    size_t taken = grained;
    if (pool) taken = pool->used + grained > pool->reserved ? round_up(pool->used + grained - pool->reserved, CHUNK) : 0;
    if (reserved() + taken > total_memory()) return OUT_OF_MEMORY;
    size_t pages = round_up(bytes ? bytes : 1, PAGE);
    Pointer at = place(bytes, pages);
    if (!at) return OUT_OF_MEMORY;
    if (pool) {
        pool->used += grained;
        pool->reserved += taken;
        pool->used_high = std::max(pool->used_high, pool->used);
        pool->reserved_high = std::max(pool->reserved_high, pool->reserved);
        count(&Counts::pool_allocations);
    } else {
        m.plain += grained;
    }
    if (taken) count(&Counts::driver_allocations), count(&Counts::driver_bytes, taken);
    m.bytes += grained;
    m.peak = std::max(m.peak, m.bytes);
    m.live[at] = {bytes, pages, device, pool};
    *out = at;
    return SUCCESS;
}

int release(Pointer at, bool ordered) {
    if (!at) return ordered ? INVALID_VALUE : SUCCESS;
    Allocation a;
    {
        Hold hold(memory().lock);
        Memory& m = memory();
        auto found = m.live.find(at);
        if (found == m.live.end()) {
            fprintf(stderr, "stand-in: freed what was not allocated, or twice: %s\n", describe((void*)at).c_str());
            return INVALID_VALUE;
        }
        a = found->second;
        m.live.erase(found);
        m.freed.push_back({at, a.bytes});
        if (m.freed.size() > 65536) m.freed.pop_front();
        size_t grained = round_up(a.bytes, GRAIN);
        m.bytes -= grained;
        (a.pool ? a.pool->used : (uint64_t&)m.plain) -= grained;
    }
    auto unmap = [at, a] { return unplace(at, a), SUCCESS; };
    if (ordered)
        submit(unmap);
    else
        unmap();
    return SUCCESS;
}

void trim_pools() {
    Hold hold(memory().lock);
    for (Pool* pool : memory().pools)
        pool->reserved = std::min(pool->reserved, std::max(pool->threshold, uint64_t(round_up(pool->used, CHUNK))));
}

bool inside(Pointer at, size_t bytes, const char* what) {
    Hold hold(memory().lock);
    auto& live = memory().live;
    auto next = live.upper_bound(at);
    if (next != live.begin()) {
        auto& [from, a] = *std::prev(next);
        if (at + bytes <= from + a.bytes) return true;
    }
    if (!bytes) return true;
    fprintf(stderr, "stand-in: %s of %zu bytes at an address %s\n", what, bytes, describe((void*)at).c_str());
    return false;
}

bool is_pinned(const void* at, size_t bytes) {
    Hold hold(memory().lock);
    auto& pinned = memory().pinned;
    auto next = pinned.upper_bound(Pointer(at));
    return next != pinned.begin() && Pointer(at) + bytes <= std::prev(next)->first + std::prev(next)->second;
}

// Also called when a kernel has faulted: no lock, which whoever faulted may hold.
std::string describe(const void* address) {
    Pointer at = Pointer(address);
    auto near = [&](Pointer from, size_t bytes, const char* kind) -> std::string {
        Pointer end = from + bytes, first = (from & ~(PAGE - 1)) - PAGE;
        if (at < first || at >= end + PAGE) return "";
        std::string of = std::string(" of ") + kind + " of " + std::to_string(bytes) + " bytes";
        if (at < from) return std::to_string(from - at) + " bytes before the beginning" + of;
        if (at >= end) return std::to_string(at - end) + " bytes behind the end" + of;
        return "at byte " + std::to_string(at - from) + of;
    };
    for (auto& [from, a] : memory().live)
        if (auto text = near(from, a.bytes, "an allocation"); !text.empty()) return text;
    auto& freed = memory().freed;
    for (auto r = freed.rbegin(); r != freed.rend(); ++r)
        if (auto text = near(r->from, r->bytes, "a freed allocation"); !text.empty()) return text;
    return "";
}

} // namespace standin

using namespace standin;

API int cuMemAlloc_v2(Pointer* out, size_t bytes) { return failed() ? failed() : allocate(current_device(), bytes, nullptr, out); }
API int cuMemAllocFromPoolAsync(Pointer* out, size_t bytes, void* pool, void*) {
    return failed() ? failed() : allocate(current_device(), bytes, pool, out);
}
API int cuMemAllocAsync(Pointer* out, size_t bytes, void* stream) {
    Hold hold(memory().lock);
    return cuMemAllocFromPoolAsync(out, bytes, pool_of(current_device()), stream);
}
API int cuMemFreeAsync(Pointer at, void*) { return release(at, true); }
API int cuMemFree_v2(Pointer at) {
    int code = wait("cuMemFree");
    return code ? code : release(at, false);
}
API int cuMemGetInfo_v2(size_t* free, size_t* total) {
    if (current_device() < 0) return INVALID_CONTEXT;
    *total = total_memory();
    *free = *total - held().reserved;
    return SUCCESS;
}

API int cuDeviceGetDefaultMemPool(void** out, int device) {
    Hold hold(memory().lock);
    return *out = default_pool(device), SUCCESS;
}
API int cuDeviceGetMemPool(void** out, int device) {
    Hold hold(memory().lock);
    return *out = pool_of(device), SUCCESS;
}
API int cuDeviceSetMemPool(int device, void* pool) {
    Hold hold(memory().lock);
    return memory().chosen[device] = (Pool*)pool, SUCCESS;
}
API int cuMemPoolCreate(void** out, const void*) {
    Hold hold(memory().lock);
    memory().pools.push_back(new Pool);
    return *out = memory().pools.back(), SUCCESS;
}
API int cuMemPoolDestroy(void* pool) { return ((Pool*)pool)->threshold = 0, SUCCESS; }
API int cuMemPoolTrimTo(void* pool, size_t keep) {
    Hold hold(memory().lock);
    Pool* p = (Pool*)pool;
    return p->reserved = std::min<uint64_t>(p->reserved, std::max<uint64_t>(keep, round_up(p->used, CHUNK))), SUCCESS;
}
enum { REUSE_1 = 1, REUSE_3 = 3, RELEASE_THRESHOLD = 4, RESERVED = 5, RESERVED_HIGH = 6, USED = 7, USED_HIGH = 8 };
API int cuMemPoolSetAttribute(void* pool, int attribute, void* value) {
    Hold hold(memory().lock);
    Pool* p = (Pool*)pool;
    if (attribute == RELEASE_THRESHOLD) p->threshold = *(uint64_t*)value;
    else if (attribute == RESERVED_HIGH) p->reserved_high = p->reserved;
    else if (attribute == USED_HIGH) p->used_high = p->used;
    else if (attribute < REUSE_1 || attribute > REUSE_3) return INVALID_VALUE;
    return SUCCESS;
}
API int cuMemPoolGetAttribute(void* pool, int attribute, void* value) {
    Hold hold(memory().lock);
    Pool* p = (Pool*)pool;
    switch (attribute) {
    case RELEASE_THRESHOLD: *(uint64_t*)value = p->threshold; break;
    case RESERVED: *(uint64_t*)value = p->reserved; break;
    case RESERVED_HIGH: *(uint64_t*)value = p->reserved_high; break;
    case USED: *(uint64_t*)value = p->used; break;
    case USED_HIGH: *(uint64_t*)value = p->used_high; break;
    default: *(int*)value = 1;
    }
    return SUCCESS;
}

API int cuMemHostRegister_v2(void* at, size_t bytes, unsigned) {
    Hold hold(memory().lock);
    return memory().pinned[Pointer(at)] = bytes, SUCCESS;
}
API int cuMemHostUnregister(void* at) {
    drain();
    Hold hold(memory().lock);
    return memory().pinned.erase(Pointer(at)) ? SUCCESS : INVALID_VALUE;
}
API int cuMemHostAlloc(void** out, size_t bytes, unsigned flags) {
    if (current_device() < 0) return INVALID_CONTEXT;
    *out = aligned_alloc(PAGE, round_up(bytes ? bytes : 1, PAGE));
    if (!*out) return OUT_OF_MEMORY;
    memset(*out, 0xff, bytes);
    return cuMemHostRegister_v2(*out, bytes, flags);
}
API int cuMemAllocHost_v2(void** out, size_t bytes) { return cuMemHostAlloc(out, bytes, 0); }
API int cuMemFreeHost(void* at) {
    int code = cuMemHostUnregister(at);
    if (!code) free(at);
    return code;
}
API int cuMemHostGetDevicePointer_v2(Pointer* out, void* at, unsigned) { return *out = Pointer(at), SUCCESS; }
API int cuPointerGetAttribute(void* out, int attribute, Pointer at) {
    bool host = is_pinned((void*)at, 1);
    if (!host && !inside(at, 1, "a question")) return INVALID_VALUE;
    switch (attribute) {
    case 2: return *(unsigned*)out = host ? 1 : 2, SUCCESS; // the kind of memory
    case 3: return *(Pointer*)out = at, SUCCESS;
    case 4: return *(void**)out = (void*)at, SUCCESS;
    default: return NOT_SUPPORTED;
    }
}
