// What CUDA C has and C++ has not: built-in variables, barriers, warp exchanges, vector types and device functions.
#pragma once

#define __device__
#define __host__
#define __constant__ static
#define __global__
#define __forceinline__ inline __attribute__((always_inline))
#define __noinline__ __attribute__((noinline))
#define __restrict__ __restrict
#define __launch_bounds__(...)
#define __align__(n) alignas(n)
#define threadIdx (standin::now->fiber->thread)
#define blockIdx (standin::now->index)
#define blockDim (standin::now->launch->block)
#define gridDim (standin::now->launch->grid)
#define warpSize 32

#undef assert
#define assert(condition) ((condition) ? (void)0 : standin::now->fail("not so: " #condition))

inline void __syncthreads() { standin::now->wait(standin::At::Barrier); }
inline int __syncthreads_count(int p) { standin::now->wait(standin::At::Barrier, 0, p != 0); return int(standin::now->votes); }
inline int __syncthreads_or(int p) { standin::now->wait(standin::At::Barrier, 0, p != 0); return standin::now->agreed != 0; }
inline int __syncthreads_and(int p) {
    standin::now->wait(standin::At::Barrier, 0, p != 0);
    return standin::now->agreed == standin::now->voters;
}
inline void __threadfence() {}
inline void __threadfence_block() {}

namespace standin {

inline unsigned lane() { return now->number() & 31; }

// Brings a value to the lanes of the mask; what each of them brought. Lanes that are not there bring NaN bytes.
template <class T> const uint64_t* exchange(unsigned mask, T value) {
    static_assert(sizeof(T) == 4 || sizeof(T) == 8, "a shuffle takes 4 or 8 bytes");
    if (!(mask >> lane() & 1)) now->fail("a thread at a warp exchange is not in its own mask");
    uint64_t bits = 0;
    memcpy(&bits, &value, sizeof(T));
    now->wait(At::Warp, mask, bits);
    return &now->seen[now->number() / 32 * 32];
}

template <class T> T shuffle(unsigned mask, T value, int from) {
    const uint64_t* seen = exchange(mask, value);
    uint64_t bits = mask >> from & 1 ? seen[from] : ~uint64_t(0);
    T out;
    memcpy(&out, &bits, sizeof(T));
    return out;
}

} // namespace standin

inline void __syncwarp(unsigned mask = ~0u) { standin::exchange(mask, 0); }
template <class T> T __shfl_sync(unsigned mask, T v, int from, int width = 32) {
    int base = int(standin::lane()) & ~(width - 1);
    return standin::shuffle(mask, v, base + (from & (width - 1)));
}
template <class T> T __shfl_xor_sync(unsigned mask, T v, int bits, int width = 32) {
    int lane = int(standin::lane()), from = lane ^ bits;
    return standin::shuffle(mask, v, from >= (lane & ~(width - 1)) + width ? lane : from);
}
template <class T> T __shfl_down_sync(unsigned mask, T v, unsigned by, int width = 32) {
    int lane = int(standin::lane()), from = lane + int(by);
    return standin::shuffle(mask, v, from >= (lane & ~(width - 1)) + width ? lane : from);
}
template <class T> T __shfl_up_sync(unsigned mask, T v, unsigned by, int width = 32) {
    int lane = int(standin::lane()), from = lane - int(by);
    return standin::shuffle(mask, v, from < (lane & ~(width - 1)) ? lane : from);
}
inline unsigned __ballot_sync(unsigned mask, int predicate) {
    const uint64_t* seen = standin::exchange(mask, unsigned(predicate != 0));
    unsigned votes = 0, there = unsigned(std::min<size_t>(32, standin::now->fibers.size() - standin::now->number() / 32 * 32));
    for (unsigned l = 0; l < there; l++)
        if (mask >> l & 1 && seen[l] == 1) votes |= 1u << l;
    return votes;
}
inline int __any_sync(unsigned mask, int predicate) { return __ballot_sync(mask, predicate) != 0; }
inline int __all_sync(unsigned mask, int predicate) { return __ballot_sync(mask, !predicate) == 0; }

struct alignas(8) float2 { float x, y; };
struct float3 { float x, y, z; };
struct alignas(16) float4 { float x, y, z, w; };
struct alignas(8) uint2 { unsigned x, y; };
struct uint3 { unsigned x, y, z; };
struct alignas(16) uint4 { unsigned x, y, z, w; };
struct alignas(8) int2 { int x, y; };
struct alignas(16) int4 { int x, y, z, w; };
struct alignas(16) double2 { double x, y; };
inline float2 make_float2(float x, float y) { return {x, y}; }
inline float3 make_float3(float x, float y, float z) { return {x, y, z}; }
inline float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }
inline uint2 make_uint2(unsigned x, unsigned y) { return {x, y}; }
inline uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w) { return {x, y, z, w}; }
inline int2 make_int2(int x, int y) { return {x, y}; }
inline int4 make_int4(int x, int y, int z, int w) { return {x, y, z, w}; }
inline double2 make_double2(double x, double y) { return {x, y}; }

// An access wider than its alignment faults on a card and does not on this machine.
template <class T> T standin_load(const T* p) {
    if (uintptr_t(p) % alignof(T)) standin::now->fail("a load of " + std::to_string(sizeof(T)) + " bytes that is not aligned");
    return *p;
}
template <class T> T __ldg(const T* p) { return standin_load(p); }
template <class T> T __ldcs(const T* p) { return standin_load(p); }
template <class T> T __ldcg(const T* p) { return standin_load(p); }
template <class T> T __ldca(const T* p) { return standin_load(p); }
template <class T> void __stcs(T* p, T v) { standin_load(p); *p = v; }
template <class T> void __stcg(T* p, T v) { standin_load(p); *p = v; }

using std::isfinite;
using std::isinf;
using std::isnan;
using std::signbit;
template <class A, class B> std::common_type_t<A, B> max(A a, B b) { return std::common_type_t<A, B>(a) < std::common_type_t<A, B>(b) ? b : a; }
template <class A, class B> std::common_type_t<A, B> min(A a, B b) { return std::common_type_t<A, B>(b) < std::common_type_t<A, B>(a) ? b : a; }

template <class To, class From> To standin_bits(From from) {
    static_assert(sizeof(To) == sizeof(From), "the same bits");
    To to;
    memcpy(&to, &from, sizeof to);
    return to;
}
inline int __float_as_int(float v) { return standin_bits<int>(v); }
inline float __int_as_float(int v) { return standin_bits<float>(v); }
inline unsigned __float_as_uint(float v) { return standin_bits<unsigned>(v); }
inline float __uint_as_float(unsigned v) { return standin_bits<float>(v); }
inline long long __double_as_longlong(double v) { return standin_bits<long long>(v); }
inline double __longlong_as_double(long long v) { return standin_bits<double>(v); }
inline int __clz(int v) { return v ? __builtin_clz(unsigned(v)) : 32; }
inline int __ffs(int v) { return __builtin_ffs(v); }
inline int __popc(unsigned v) { return __builtin_popcount(v); }
inline unsigned __umulhi(unsigned a, unsigned b) { return unsigned(uint64_t(a) * b >> 32); }
inline int __float2int_rn(float v) { return int(nearbyintf(v)); }
inline int __float2int_rz(float v) { return int(v); }
inline float __int2float_rn(int v) { return float(v); }
inline float __uint2float_rn(unsigned v) { return float(v); }
inline float __double2float_rn(double v) { return float(v); }

inline float rsqrtf(float v) { return float(1 / std::sqrt(double(v))); }
inline double rsqrt(double v) { return 1 / std::sqrt(v); }
inline float normcdff(float v) { return float(.5 * std::erfc(-double(v) * M_SQRT1_2)); }
inline double normcdf(double v) { return .5 * std::erfc(-v * M_SQRT1_2); }
inline float exp10f(float v) { return powf(10, v); }
inline float __expf(float v) { return expf(v); }
inline float __exp10f(float v) { return powf(10, v); }
inline float __logf(float v) { return logf(v); }
inline float __log2f(float v) { return log2f(v); }
inline float __sinf(float v) { return sinf(v); }
inline float __cosf(float v) { return cosf(v); }
inline float __powf(float a, float b) { return powf(a, b); }
inline float __saturatef(float v) { return fminf(fmaxf(v, 0), 1); }
inline float fdividef(float a, float b) { return a / b; }
inline float __fdividef(float a, float b) { return a / b; }
inline float __fadd_rn(float a, float b) { return a + b; }
inline float __fsub_rn(float a, float b) { return a - b; }
inline float __fmul_rn(float a, float b) { return a * b; }
inline float __fdiv_rn(float a, float b) { return a / b; }
inline float __fmaf_rn(float a, float b, float c) { return fmaf(a, b, c); }
inline float __frcp_rn(float v) { return 1 / v; }
inline float __fsqrt_rn(float v) { return sqrtf(v); }
inline float __frsqrt_rn(float v) { return rsqrtf(v); }
inline double __dadd_rn(double a, double b) { return a + b; }
inline double __dmul_rn(double a, double b) { return a * b; }
inline double __fma_rn(double a, double b, double c) { return fma(a, b, c); }

// For kernels that are not ours: one fiber runs at a time, so that each is indivisible.
template <class T, class U> T atomicAdd(T* p, U v) { T old = *p; *p = old + T(v); return old; }
template <class T, class U> T atomicMin(T* p, U v) { T old = *p; *p = T(v) < old ? T(v) : old; return old; }
template <class T, class U> T atomicMax(T* p, U v) { T old = *p; *p = old < T(v) ? T(v) : old; return old; }
template <class T, class U> T atomicExch(T* p, U v) { T old = *p; *p = T(v); return old; }
template <class T> T atomicCAS(T* p, T compare, T v) { T old = *p; if (old == compare) *p = v; return old; }
