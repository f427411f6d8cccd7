// Optimizer over all parameters in one launch each: the global gradient norm, the clip factor, AdamW.
//
// The numbers of all parameters are cut into chunks of OPTIMIZER_CHUNK: chunk i is `count[i]` numbers of tensor
// `tensor[i]` from `first[i]`; tables hold the tensors' addresses. The norm's squares are added in double precision,
// chunk by chunk, then over the chunks in order. The factor never leaves the device.

#define OPTIMIZER_CHUNK 16384
#define OPTIMIZER_WARPS 32

struct OptimizerChunk {
    unsigned tensor;
    unsigned count;
    unsigned long long first;
};

// What AdamW needs beside the tensors; the same for every parameter.
struct OptimizerStep {
    float beta1, beta2, epsilon;
    float rate;        // lr / (1 - beta1^t)
    float correction;  // sqrt(1 - beta2^t)
};

// squares[i] = sum of g^2 over chunk i. Grid: chunks.
extern "C" __global__ void optimizer_squares(double* squares, float* const* grads, const OptimizerChunk* chunks) {
    __shared__ double parts[OPTIMIZER_WARPS];
    OptimizerChunk chunk = chunks[blockIdx.x];
    const float* g = grads[chunk.tensor] + chunk.first;
    double sum = 0;
    for (unsigned i = threadIdx.x; i < chunk.count; i += blockDim.x) sum += double(g[i]) * double(g[i]);
    sum = block_sum(sum, parts);
    if (threadIdx.x == 0) squares[blockIdx.x] = sum;
}

// total (+)= sum of losses in double precision, added to what is there if `add`. One block.
extern "C" __global__ void optimizer_losses(double* total, const float* losses, unsigned count, int add) {
    __shared__ double parts[OPTIMIZER_WARPS];
    double sum = 0;
    for (unsigned i = threadIdx.x; i < count; i += blockDim.x) sum += double(losses[i]);
    sum = block_sum(sum, parts);
    if (threadIdx.x == 0) *total = add ? *total + sum : sum;
}

// norm[0] = L2 norm; norm[1] = factor that clips it to `clip` (none: clip < 0); norm[2] = 1 if the norm and the total of
// the losses are finite, else 0: nothing is updated then. `losses` may be null. One block.
extern "C" __global__ void optimizer_norm(double* norm, const double* squares, unsigned chunks, const double* losses, double clip) {
    __shared__ double parts[OPTIMIZER_WARPS];
    double sum = 0;
    for (unsigned i = threadIdx.x; i < chunks; i += blockDim.x) sum += squares[i];
    sum = block_sum(sum, parts);
    if (threadIdx.x != 0) return;
    double length = sqrt(sum);
    double factor = clip < 0 ? 1.0 : clip / (length + 1e-6);
    bool finite = isfinite(length) && (!losses || isfinite(*losses));
    norm[0] = length;
    norm[1] = factor < 1.0 ? factor : 1.0;
    norm[2] = finite ? 1.0 : 0.0;
}

// p <- p (1 - lr wd), m <- b1 m + (1 - b1) g, v <- b2 v + (1 - b2) g^2, p <- p - rate m / (sqrt v / correction + eps),
// with g scaled by norm[1]; keeps[tensor] = 1 - lr wd. Nothing if norm[2] is 0. Grid: chunks.
extern "C" __global__ void optimizer_adamw(float* const* params, float* const* firsts, float* const* seconds,
                                           float* const* grads, const OptimizerChunk* chunks, const float* keeps,
                                           const double* norm, OptimizerStep step) {
    if (norm[2] == 0.0) return;
    OptimizerChunk chunk = chunks[blockIdx.x];
    float* p = params[chunk.tensor] + chunk.first;
    float* m = firsts[chunk.tensor] + chunk.first;
    float* v = seconds[chunk.tensor] + chunk.first;
    const float* gradient = grads[chunk.tensor] + chunk.first;
    float scale = float(norm[1]);
    float keep = keeps[chunk.tensor];
    for (unsigned i = threadIdx.x; i < chunk.count; i += blockDim.x) {
        float g = gradient[i] * scale;
        float first = step.beta1 * m[i] + (1.0f - step.beta1) * g;
        float second = step.beta2 * v[i] + (1.0f - step.beta2) * g * g;
        m[i] = first;
        v[i] = second;
        p[i] = p[i] * keep - step.rate * first / (sqrtf(second) / step.correction + step.epsilon);
    }
}

// sums[tensor] += parts[tensor], all of them. Grid: chunks.
extern "C" __global__ void optimizer_add(float* const* sums, float* const* parts, const OptimizerChunk* chunks) {
    OptimizerChunk chunk = chunks[blockIdx.x];
    float* sum = sums[chunk.tensor] + chunk.first;
    const float* part = parts[chunk.tensor] + chunk.first;
    for (unsigned i = threadIdx.x; i < chunk.count; i += blockDim.x) sum[i] += part[i];
}
