// Cross-entropy of rows of logits, log(sum exp(logit - max)) + max - logit[target], and what rows of logits say.
// One block a row; sums over a fixed tree. `which[i]` is the row of the whole that row i of a chunk is.

#define CROSS_ENTROPY_WARPS 32

// to[i] = from[which[i]], rows of `dim` numbers. Grid: rows of `to`.
extern "C" __global__ void cross_entropy_gather(float* to, const float* from, const unsigned* which, unsigned dim) {
    const float* row = from + size_t(which[blockIdx.x]) * dim;
    for (unsigned c = threadIdx.x; c < dim; c += blockDim.x) to[size_t(blockIdx.x) * dim + c] = row[c];
}

// to[which[i]] = from[i]. Grid: rows of `from`.
extern "C" __global__ void cross_entropy_scatter(float* to, const float* from, const unsigned* which, unsigned dim) {
    float* row = to + size_t(which[blockIdx.x]) * dim;
    for (unsigned c = threadIdx.x; c < dim; c += blockDim.x) row[c] = from[size_t(blockIdx.x) * dim + c];
}

// Largest number of a row, and the sum of exp(number - largest).
static __device__ __forceinline__ float2 cross_entropy_exponentials(const float* row, unsigned width, float* parts) {
    float largest = -INFINITE;
    for (unsigned c = threadIdx.x; c < width; c += blockDim.x) largest = fmaxf(largest, row[c]);
    largest = block_max(largest, parts);
    float sum = 0;
    for (unsigned c = threadIdx.x; c < width; c += blockDim.x) sum += expf(row[c] - largest);
    return make_float2(largest, block_sum(sum, parts));
}

// ce[which] = cross-entropy; the logits become their gradient, weight * (softmax - onehot), if `gradient`.
// logits [rows, width]. Grid: rows.
extern "C" __global__ void cross_entropy_rows(float* logits, float* ce, const unsigned* which, const unsigned* targets,
                                              const float* weights, unsigned width, int gradient) {
    __shared__ float parts[CROSS_ENTROPY_WARPS];
    float* row = logits + size_t(blockIdx.x) * width;
    unsigned r = which[blockIdx.x];
    unsigned target = targets[r];
    float2 found = cross_entropy_exponentials(row, width, parts);
    float logit = row[target];
    if (threadIdx.x == 0) ce[r] = logf(found.y) + found.x - logit;
    if (!gradient) return;
    __syncthreads();  // the target's logit has been read by all before it is overwritten
    float weight = weights[r];
    float scale = weight / found.y;
    for (unsigned c = threadIdx.x; c < width; c += blockDim.x) {
        float g = expf(row[c] - found.x) * scale;
        row[c] = c == target ? g - weight : g;
    }
}

// loss = sum of ce * weight in double precision. One block.
extern "C" __global__ void cross_entropy_loss(float* loss, const float* ce, const float* weights, unsigned rows) {
    __shared__ double parts[CROSS_ENTROPY_WARPS];
    double sum = 0;
    for (unsigned r = threadIdx.x; r < rows; r += blockDim.x) sum += double(ce[r]) * double(weights[r]);
    sum = block_sum(sum, parts);
    if (threadIdx.x == 0) *loss = float(sum);
}

// Of each row: log-sum-exp, the lowest of its most likely ids, and the logits of the `truths` ids that are asked,
// ids [truths, rows], picked [truths, rows]. Grid: rows.
extern "C" __global__ void cross_entropy_scores(float* log_sums, unsigned* argmaxes, float* picked, const float* logits,
                                                const unsigned* ids, unsigned truths, unsigned rows, unsigned width) {
    __shared__ float parts[CROSS_ENTROPY_WARPS];
    __shared__ unsigned lowest[CROSS_ENTROPY_WARPS];
    const float* row = logits + size_t(blockIdx.x) * width;
    float2 found = cross_entropy_exponentials(row, width, parts);
    unsigned argmax = width;
    for (unsigned c = threadIdx.x; c < width; c += blockDim.x)
        if (row[c] == found.x && c < argmax) argmax = c;
    for (int lane = WARP / 2; lane > 0; lane /= 2) argmax = min(argmax, __shfl_xor_sync(ALL_LANES, argmax, lane));
    if (threadIdx.x % WARP == 0) lowest[threadIdx.x / WARP] = argmax;
    __syncthreads();
    if (threadIdx.x == 0) {
        for (unsigned w = 1; w < blockDim.x / WARP; ++w) argmax = min(argmax, lowest[w]);
        // None where all are NaN: the sum says so.
        argmaxes[blockIdx.x] = argmax < width ? argmax : 0;
        log_sums[blockIdx.x] = logf(found.y) + found.x;
    }
    for (unsigned i = threadIdx.x; i < truths; i += blockDim.x)
        picked[size_t(i) * rows + blockIdx.x] = row[ids[size_t(i) * rows + blockIdx.x]];
}
