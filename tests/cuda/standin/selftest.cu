// Kernels for the stand-in's own tests: everything of CUDA C that the project's kernels use, once.
#ifndef DYNAMIC_SHARED
#define DYNAMIC_SHARED(T, name) extern __shared__ T name[]
#endif

template <class T> static __device__ __forceinline__ T warp_sum(T v) {
#pragma unroll
    for (int o = 16; o > 0; o >>= 1) v += __shfl_xor_sync(0xffffffffu, v, o);
    return v;
}
template <class T> static __device__ T block_sum(T v) {
    __shared__ T part[32];
    int lane = threadIdx.x & 31, warp = threadIdx.x >> 5, warps = (blockDim.x + 31) >> 5;
    v = warp_sum(v);
    __syncthreads(); // before: part may still be read
    if (lane == 0) part[warp] = v;
    __syncthreads(); // written
    return warp_sum(lane < warps ? part[lane] : T(0));
}

// y = x / sum of its row, and the row's mean in double: one block a row.
extern "C" __global__ void __launch_bounds__(256) rows(const float* __restrict__ x, float* __restrict__ y, double* mean, unsigned width) {
    const float* row = x + (size_t)blockIdx.x * width;
    float sum = 0.f, numbers = 0.f;
    double wide = 0.;
    for (unsigned i = threadIdx.x; i < width; i += blockDim.x) sum += row[i], wide += row[i], numbers++;
    sum = block_sum(sum);
    numbers = block_sum(numbers);
    wide = block_sum(wide);
    for (unsigned i = threadIdx.x; i < width; i += blockDim.x) y[(size_t)blockIdx.x * width + i] = row[i] / sum;
    if (threadIdx.x == 0) mean[blockIdx.x] = wide / numbers;
}

// y [columns, rows] = xᵀ of x [rows, columns], through a tile of dynamic shared memory.
extern "C" __global__ void transpose(const float* x, float* y, unsigned rows, unsigned columns) {
    DYNAMIC_SHARED(float, tile); // 32 x 33
    __shared__ unsigned origin[2];
    if (threadIdx.x == 0 && threadIdx.y == 0) origin[0] = blockIdx.y * 32, origin[1] = blockIdx.x * 32;
    __syncthreads(); // origin
    unsigned r = origin[0] + threadIdx.y, c = origin[1] + threadIdx.x;
    if (r < rows && c < columns) tile[threadIdx.y * 33 + threadIdx.x] = __ldg(&x[(size_t)r * columns + c]);
    __syncthreads(); // tile
    r = origin[0] + threadIdx.x, c = origin[1] + threadIdx.y;
    if (r < rows && c < columns) y[(size_t)c * rows + r] = tile[threadIdx.x * 33 + threadIdx.y];
}

// y[i] = table[ids[i]], four numbers at a time.
extern "C" __global__ void gather(const float4* table, const unsigned* ids, float4* y, unsigned count) {
    unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < count) y[i] = table[ids[i]];
}

// Lanes of a warp that hold an odd number, counted by a vote; prefix sums by shuffles.
extern "C" __global__ void votes(const unsigned* x, unsigned* odd, unsigned* prefix) {
    unsigned v = x[threadIdx.x], lane = threadIdx.x & 31, sum = v;
    unsigned ballot = __ballot_sync(0xffffffffu, v & 1);
    for (unsigned o = 1; o < 32; o *= 2) {
        unsigned other = __shfl_up_sync(0xffffffffu, sum, o);
        if (lane >= o) sum += other;
    }
    odd[threadIdx.x] = __popc(ballot);
    prefix[threadIdx.x] = sum;
    if (__syncthreads_count(v & 1) == 0) odd[threadIdx.x] = 0;
}

// x += y.
extern "C" __global__ void add(float* x, const float* y, unsigned count) {
    if (threadIdx.x < count) x[threadIdx.x] += y[threadIdx.x];
}
