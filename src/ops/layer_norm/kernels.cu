// Layer norm without bias over rows of `dim` numbers: y = (x - mean) * rstd * gain. One block a row, all sums over a
// fixed tree; mean and rstd are kept, [rows] each, so that the backward pass needs no sum of x again.

#define LAYER_NORM_WARPS 32

// out [rows, dim]; mean, rstd [rows]. Grid: rows.
extern "C" __global__ void layer_norm_forward(float* out, float* means, float* rstds, const float* x, const float* gain,
                                              unsigned dim, float epsilon) {
    __shared__ float parts[LAYER_NORM_WARPS];
    const float* row = x + size_t(blockIdx.x) * dim;
    float sum = 0;
    for (unsigned c = threadIdx.x; c < dim; c += blockDim.x) sum += row[c];
    float mean = block_sum(sum, parts) / dim;
    float squares = 0;
    for (unsigned c = threadIdx.x; c < dim; c += blockDim.x) {
        float distance = row[c] - mean;
        squares += distance * distance;
    }
    float rstd = 1.0f / sqrtf(block_sum(squares, parts) / dim + epsilon);
    for (unsigned c = threadIdx.x; c < dim; c += blockDim.x)
        out[size_t(blockIdx.x) * dim + c] = (row[c] - mean) * rstd * gain[c];
    if (threadIdx.x == 0) {
        means[blockIdx.x] = mean;
        rstds[blockIdx.x] = rstd;
    }
}

// The normalized rows once more, from what was kept. Grid: rows.
extern "C" __global__ void layer_norm_again(float* out, const float* x, const float* gain, const float* means,
                                            const float* rstds, unsigned dim) {
    size_t first = size_t(blockIdx.x) * dim;
    float mean = means[blockIdx.x], rstd = rstds[blockIdx.x];
    for (unsigned c = threadIdx.x; c < dim; c += blockDim.x) out[first + c] = (x[first + c] - mean) * rstd * gain[c];
}

// dx += rstd * (h - mean(h) - xhat * mean(h * xhat)), h = dy * gain. Grid: rows.
extern "C" __global__ void layer_norm_backward(float* dx, const float* x, const float* gain, const float* means,
                                               const float* rstds, const float* dy, unsigned dim) {
    __shared__ float parts[LAYER_NORM_WARPS];
    size_t first = size_t(blockIdx.x) * dim;
    float mean = means[blockIdx.x], rstd = rstds[blockIdx.x];
    float sum = 0, product = 0;
    for (unsigned c = threadIdx.x; c < dim; c += blockDim.x) {
        float h = dy[first + c] * gain[c];
        sum += h;
        product += h * ((x[first + c] - mean) * rstd);
    }
    float mean_h = block_sum(sum, parts) / dim;
    float mean_product = block_sum(product, parts) / dim;
    for (unsigned c = threadIdx.x; c < dim; c += blockDim.x) {
        float h = dy[first + c] * gain[c];
        float xhat = (x[first + c] - mean) * rstd;
        dx[first + c] += rstd * (h - mean_h - xhat * mean_product);
    }
}

// parts[b, c] = sum of dy * xhat over the rows of block b. Grid: (dim / blockDim.x, blocks of rows).
extern "C" __global__ void layer_norm_gain_parts(float* parts, const float* x, const float* means, const float* rstds,
                                                 const float* dy, unsigned rows, unsigned dim, unsigned height) {
    unsigned c = blockIdx.x * blockDim.x + threadIdx.x;
    if (c >= dim) return;
    unsigned first = blockIdx.y * height;
    unsigned last = min(rows, first + height);
    float sum = 0;
    for (unsigned r = first; r < last; ++r) {
        size_t i = size_t(r) * dim + c;
        sum += dy[i] * ((x[i] - means[r]) * rstds[r]);
    }
    parts[size_t(blockIdx.y) * dim + c] = sum;
}
