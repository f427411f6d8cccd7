// CUDA C as C++17 on the CPU: a block's threads are fibers of one thread, which run until they wait for each other.
//
// The warps of a block run in the launch's order, each as far as the next barrier, their lanes as far as the next warp
// exchange; blocks run one after the other, in that order too. Code that is right gives the same bits in every order; a missing barrier reads
// shared memory too early or too late in some order. Shared memory holds NaN bytes at the start of every block and ends
// in canaries. What is not emulated: time, blocks at the same time, and the memory model.
#pragma once
#include <pthread.h>
#include <sys/mman.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <tuple>
#include <utility>
#include <vector>

#include "launch.h"

#ifdef __SANITIZE_ADDRESS__
extern "C" void __asan_poison_memory_region(const volatile void*, size_t);
extern "C" void __asan_unpoison_memory_region(const volatile void*, size_t);
#define STANDIN_POISON(p, n) __asan_poison_memory_region(p, n)
#define STANDIN_UNPOISON(p, n) __asan_unpoison_memory_region(p, n)
#else
#define STANDIN_POISON(p, n) ((void)0)
#define STANDIN_UNPOISON(p, n) ((void)0)
#endif

// standin_switch(save, load): leaves this fiber's registers on its stack and goes on in another's.
extern "C" __attribute__((visibility("hidden"))) void standin_switch(void** save, void* load);
#if defined(__x86_64__)
asm(R"(
.text
.hidden standin_switch
.globl standin_switch
.type standin_switch, @function
standin_switch:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
.size standin_switch, . - standin_switch
)");
#else
#error "the stand-in switches fibers on x86-64 only"
#endif

namespace standin {

enum class At : char { Ready, Barrier, Warp, Done };

struct Fiber {
    void* stack;
    At at;
    unsigned mask;  // lanes it waits for, at a warp exchange
    uint64_t given; // what it brings to the exchange or the barrier
    Index thread;
};

#ifdef __SANITIZE_ADDRESS__
constexpr size_t STACK = size_t(1) << 18;
#else
constexpr size_t STACK = size_t(1) << 16;
#endif
constexpr size_t ARENA = size_t(1) << 18;   // static shared memory of a block, with its canaries
constexpr size_t DYNAMIC = size_t(1) << 18; // the most dynamic shared memory
constexpr size_t CANARY = 64;

struct Block;
inline thread_local __attribute__((tls_model("initial-exec"))) Block* now = nullptr;

// One thread's stacks and shared memory, kept from launch to launch.
struct Block {
    struct Site {
        const void* key;
        size_t offset, bytes;
    };
    std::vector<Fiber> fibers;
    std::vector<unsigned> warps, lanes; // the order in which they run
    std::vector<uint64_t> seen;     // what each lane brought to the last exchange
    std::vector<Site> sites;        // static shared memory in use
    char *stacks = nullptr, *arena = nullptr, *dynamic = nullptr;
    size_t used = 0, static_bytes = 0;
    Launch* launch = nullptr;
    Fiber* fiber = nullptr;
    void* main = nullptr;
    Index index{};
    uint64_t votes = 0, voters = 0, agreed = 0; // of the last barrier: sum, threads, non-zero
    void (*body)(void*) = nullptr;
    void* argument = nullptr;

    ~Block() {
        if (stacks) munmap(stacks, STACK * 1024 + 4096);
        if (arena) munmap(arena, ARENA + 4096), munmap(dynamic, DYNAMIC + 4096);
    }

    static char* map(size_t bytes) { // with a page behind it that nobody may touch
        void* at = mmap(nullptr, bytes + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (at == MAP_FAILED) abort();
        mprotect((char*)at + bytes, 4096, PROT_NONE);
        return (char*)at;
    }

    [[noreturn]] void fail(const std::string& why) {
        launch->error = why;
        standin_switch(&fiber->stack, main);
        abort();
    }

    void wait(At at, unsigned mask = 0, uint64_t given = 0) {
        fiber->at = at;
        fiber->mask = mask;
        fiber->given = given;
        standin_switch(&fiber->stack, main);
    }

    unsigned number() const { return unsigned(fiber - fibers.data()); }

    static void enter() {
        now->body(now->argument);
        now->fiber->at = At::Done;
        standin_switch(&now->fiber->stack, now->main);
    }

    // The block's copy of a static shared variable, the same for all its threads.
    char* shared(const void* key, size_t bytes) {
        for (const Site& site : sites)
            if (site.key == key) return arena + site.offset;
        size_t room = (bytes + 15) / 16 * 16 + CANARY;
        if (used + room > ARENA) fail("static shared memory beyond " + std::to_string(ARENA) + " bytes");
        sites.push_back({key, used, bytes});
        char* at = arena + used;
        guard(at + bytes, room - bytes);
        STANDIN_POISON(at + bytes, room - bytes);
        used += room;
        static_bytes += bytes;
        if (static_bytes + launch->dynamic_bytes > launch->shared_limit)
            fail("shared memory: " + std::to_string(static_bytes) + " bytes static and " +
                 std::to_string(launch->dynamic_bytes) + " dynamic, beyond " + std::to_string(launch->shared_limit));
        return at;
    }

    char* dynamic_shared() { return dynamic + DYNAMIC - (launch->dynamic_bytes + 15) / 16 * 16; }

    static bool intact(const char* from, size_t bytes) {
        STANDIN_UNPOISON(from, bytes);
        return guarded(from, bytes);
    }

    bool canaries() {
        for (const Site& site : sites) {
            const char* end = arena + site.offset + site.bytes;
            if (!intact(end, (site.bytes + 15) / 16 * 16 - site.bytes + CANARY)) return false;
        }
        size_t bytes = launch->dynamic_bytes;
        return intact(dynamic_shared() - CANARY, CANARY) &&
               intact(dynamic_shared() + bytes, (bytes + 15) / 16 * 16 - bytes);
    }

    void prepare(unsigned count) {
        if (!arena) {
            arena = map(ARENA);
            dynamic = map(DYNAMIC);
            memset(arena, 0xff, ARENA);
        }
        if (!stacks) stacks = map(STACK * 1024);
        fibers.resize(count);
        seen.resize((count + 31) / 32 * 32);
    }

    void begin() {
        STANDIN_UNPOISON(arena, used);
        memset(arena, 0xff, used);
        sites.clear();
        used = static_bytes = 0;
        char* at = dynamic_shared();
        guard(at - CANARY, CANARY);
        memset(at, 0xff, launch->dynamic_bytes);
        guard(at + launch->dynamic_bytes, dynamic + DYNAMIC - at - launch->dynamic_bytes);
        STANDIN_POISON(at - CANARY, CANARY);
        STANDIN_POISON(at + launch->dynamic_bytes, dynamic + DYNAMIC - at - launch->dynamic_bytes);
        unsigned count = unsigned(fibers.size()), x = launch->block.x, y = launch->block.y;
        for (unsigned i = 0; i < count; i++) {
            void** top = (void**)(stacks + STACK * (i + 1));
            top[-2] = (void*)&enter; // below it, the registers of a fiber that is about to begin
            std::fill(top - 8, top - 2, nullptr);
            fibers[i] = {top - 8, At::Ready, 0, 0, {i % x, i / x % y, i / x / y}};
        }
    }

    // Lets go the lanes of a warp that have all come to one exchange. Whether there were some.
    bool release_warp(unsigned first) {
        unsigned lanes = std::min<unsigned>(32, unsigned(fibers.size()) - first);
        unsigned gone = lanes == 32 ? 0 : ~0u << lanes, waiting = 0;
        for (unsigned l = 0; l < lanes; l++) {
            if (fibers[first + l].at == At::Done) gone |= 1u << l;
            if (fibers[first + l].at == At::Warp) waiting |= 1u << l;
        }
        bool released = false;
        for (unsigned l = 0; l < lanes; l++) {
            if (!(waiting >> l & 1)) continue;
            unsigned mask = fibers[first + l].mask, here = mask & ~gone;
            bool same = (here & ~waiting) == 0;
            for (unsigned m = 0; same && m < lanes; m++) same = !(here >> m & 1) || fibers[first + m].mask == mask;
            if (!same) continue;
            for (unsigned m = 0; m < 32; m++) {
                if (!(mask >> m & 1)) continue;
                bool there = here >> m & 1;
                seen[first + m] = there ? fibers[first + m].given : ~uint64_t(0);
                if (there) fibers[first + m].at = At::Ready;
            }
            waiting &= ~here;
            released = true;
        }
        return released;
    }

    // Runs a warp as far as the next barrier, so that it gets far ahead of, or falls far behind, the others.
    bool run_warp(unsigned first, size_t& done) {
        do {
            for (unsigned l : lanes) {
                if (first + l >= fibers.size() || fibers[first + l].at != At::Ready) continue;
                fiber = &fibers[first + l];
                launch->at_thread = &fiber->thread;
                standin_switch(&main, fiber->stack);
                if (!launch->error.empty()) return false;
                done += fiber->at == At::Done;
            }
        } while (release_warp(first));
        return true;
    }

    bool release_barrier() {
        size_t at = 0, done = 0;
        votes = voters = agreed = 0;
        for (Fiber& f : fibers) {
            done += f.at == At::Done;
            if (f.at != At::Barrier) continue;
            at++;
            votes += f.given;
            voters++;
            agreed += f.given != 0;
        }
#ifdef STANDIN_EXITED_THREADS_MISS_BARRIERS
        bool all = at && at + done == fibers.size();
#else
        bool all = at == fibers.size();
#endif
        if (all)
            for (Fiber& f : fibers)
                if (f.at == At::Barrier) f.at = At::Ready;
        return all;
    }

    std::string stuck() const {
        size_t count[4] = {};
        for (const Fiber& f : fibers) count[size_t(f.at)]++;
        return "of " + std::to_string(fibers.size()) + " threads, " + std::to_string(count[size_t(At::Barrier)]) +
               " at __syncthreads, " + std::to_string(count[size_t(At::Warp)]) + " at a warp exchange and " +
               std::to_string(count[size_t(At::Done)]) + " done: they would wait for ever";
    }

    bool run_block() {
        begin();
        for (size_t done = 0;;) {
            for (unsigned w : warps)
                if (!run_warp(w * 32, done)) return false;
            if (done == fibers.size()) break;
            if (!release_barrier()) return launch->error = stuck(), false;
        }
        if (!canaries()) return launch->error = "it wrote outside its shared memory", false;
        return true;
    }

    static void arrange(std::vector<unsigned>& sequence, unsigned count, int order) {
        sequence.resize(count);
        for (unsigned k = 0; k < count; k++)
            sequence[k] = order == 1 ? count - 1 - k : order == 2 ? (k * 7919u + 13u) % count : k;
    }

    bool run(Launch& l) {
        launch = &l;
        unsigned count = l.block.x * l.block.y * l.block.z;
        prepare(count);
        arrange(warps, (count + 31) / 32, l.order);
        arrange(lanes, 32, l.order);
        uint64_t blocks = uint64_t(l.grid.x) * l.grid.y * l.grid.z, stride = blocks % 7919 ? 7919 : 104729;
        for (uint64_t k = 0; k < blocks; k++) {
            uint64_t b = l.order == 1 ? blocks - 1 - k : l.order == 2 ? (k * stride + 1) % blocks : k;
            index = {unsigned(b % l.grid.x), unsigned(b / l.grid.x % l.grid.y), unsigned(b / l.grid.x / l.grid.y)};
            l.at_block = index;
            if (!run_block()) return false;
        }
        return true;
    }
};

// This thread's block, made when first asked for. Not thread_local itself: `now` needs the loader's small room for such.
inline Block* resident() {
    static const pthread_key_t key = [] {
        pthread_key_t k;
        if (pthread_key_create(&k, [](void* block) { delete (Block*)block; })) abort();
        return k;
    }();
    Block* block = (Block*)pthread_getspecific(key);
    if (!block) pthread_setspecific(key, block = new Block);
    return block;
}

template <class... A> struct Kernel : Bound {
    void (*kernel)(A...);
    std::tuple<std::remove_const_t<A>...> arguments;
    unsigned most; // threads of a block, by __launch_bounds__; 0 for none

    template <size_t... I>
    Kernel(void (*k)(A...), void** a, unsigned m, std::index_sequence<I...>)
        : kernel(k), arguments(*(std::remove_const_t<A>*)a[I]...), most(m) {}

    bool run(Launch& l) override {
        unsigned threads = l.block.x * l.block.y * l.block.z;
        if (most && threads > most) {
            l.error = std::to_string(threads) + " threads a block, its __launch_bounds__ says " + std::to_string(most);
            return false;
        }
        now = resident();
        now->argument = this;
        now->body = [](void* self) {
            auto& k = *(Kernel*)self;
            std::apply(k.kernel, k.arguments);
        };
        return now->run(l);
    }
};

template <class... A> Bound* bind(void (*kernel)(A...), void** arguments, unsigned most) {
    return new Kernel<A...>(kernel, arguments, most, std::index_sequence_for<A...>{});
}
constexpr unsigned bounds(unsigned most = 0, unsigned = 0, unsigned = 0) { return most; }

// `[]{}` is a type of its own wherever it is written, in every instance of a template too: one variable each.
template <class T, class Where> T& shared(Where) {
    static const char key = 0;
    return *(T*)now->shared(&key, sizeof(T));
}

} // namespace standin

#include "device.h"
