// What every kernel uses. First in the one translation unit that NVRTC compiles; no includes.
//
// Reductions add in an order that is a function of the shapes alone: no atomics, nothing that depends on which
// block comes first. A kernel whose blocks each make a part writes the parts, and another adds them in order.

#ifndef DYNAMIC_SHARED
#define DYNAMIC_SHARED(type, name) \
    extern __shared__ __align__(16) unsigned char name##_bytes[]; \
    type* name = reinterpret_cast<type*>(name##_bytes)
#endif

#define WARP 32
#define ALL_LANES 0xffffffffu
#define INFINITE __int_as_float(0x7f800000)

// Sum over a warp; every lane has it.
template <typename T>
static __device__ __forceinline__ T warp_sum(T value) {
    for (int lane = WARP / 2; lane > 0; lane /= 2) value += __shfl_xor_sync(ALL_LANES, value, lane);
    return value;
}

// Largest of a warp; every lane has it.
static __device__ __forceinline__ float warp_max(float value) {
    for (int lane = WARP / 2; lane > 0; lane /= 2) value = fmaxf(value, __shfl_xor_sync(ALL_LANES, value, lane));
    return value;
}

// Sum over a block of whole warps; every thread has it. `parts` holds one number a warp; all threads must come.
template <typename T>
static __device__ __forceinline__ T block_sum(T value, T* parts) {
    value = warp_sum(value);
    __syncthreads();  // `parts` may still be read from the call before
    if (threadIdx.x % WARP == 0) parts[threadIdx.x / WARP] = value;
    __syncthreads();
    T sum = 0;
    for (unsigned w = 0; w < blockDim.x / WARP; ++w) sum += parts[w];
    return sum;
}

// Largest of a block of whole warps; every thread has it.
static __device__ __forceinline__ float block_max(float value, float* parts) {
    value = warp_max(value);
    __syncthreads();
    if (threadIdx.x % WARP == 0) parts[threadIdx.x / WARP] = value;
    __syncthreads();
    float largest = parts[0];
    for (unsigned w = 1; w < blockDim.x / WARP; ++w) largest = fmaxf(largest, parts[w]);
    return largest;
}

// to[i] += from[i].
extern "C" __global__ void add_assign(float* to, const float* from, size_t count) {
    size_t i = size_t(blockIdx.x) * blockDim.x + threadIdx.x;
    if (i < count) to[i] += from[i];
}

// to[i] += from[i] * *factor.
extern "C" __global__ void add_scaled(float* to, const float* from, const float* factor, size_t count) {
    size_t i = size_t(blockIdx.x) * blockDim.x + threadIdx.x;
    if (i < count) to[i] += from[i] * *factor;
}

// Column sums of blocks of rows: parts[b, c] = sum of matrix[r, c] over rows b * height .. (b + 1) * height.
// Grid: (columns / blockDim.x, blocks of rows).
extern "C" __global__ void column_parts(float* parts, const float* matrix, unsigned rows, unsigned columns, unsigned height) {
    unsigned c = blockIdx.x * blockDim.x + threadIdx.x;
    if (c >= columns) return;
    unsigned first = blockIdx.y * height;
    unsigned last = min(rows, first + height);
    float sum = 0;
    for (unsigned r = first; r < last; ++r) sum += matrix[size_t(r) * columns + c];
    parts[size_t(blockIdx.y) * columns + c] = sum;
}

// to[c] += sum of parts[b, c] over b, in order. Grid: columns / blockDim.x.
extern "C" __global__ void column_total(float* to, const float* parts, unsigned count, unsigned columns) {
    unsigned c = blockIdx.x * blockDim.x + threadIdx.x;
    if (c >= columns) return;
    float sum = 0;
    for (unsigned b = 0; b < count; ++b) sum += parts[size_t(b) * columns + c];
    to[c] += sum;
}
