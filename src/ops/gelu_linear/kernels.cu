// Exact GELU: gelu(h) = h * Phi(h), Phi(h) = (1 + erf(h / sqrt 2)) / 2; slope Phi(h) + h * phi(h).

#define GELU_INV_SQRT_2 0.70710678118654752f
#define GELU_INV_SQRT_2PI 0.39894228040143268f

// out[i] = gelu(h[i]).
extern "C" __global__ void gelu_forward(float* out, const float* h, size_t count) {
    size_t i = size_t(blockIdx.x) * blockDim.x + threadIdx.x;
    if (i < count) out[i] = 0.5f * h[i] * (1.0f + erff(h[i] * GELU_INV_SQRT_2));
}

// dh[i] += g[i] * slope(h[i]).
extern "C" __global__ void gelu_backward(float* dh, const float* h, const float* g, size_t count) {
    size_t i = size_t(blockIdx.x) * blockDim.x + threadIdx.x;
    if (i >= count) return;
    float x = h[i];
    float slope = 0.5f * (1.0f + erff(x * GELU_INV_SQRT_2)) + x * GELU_INV_SQRT_2PI * expf(-0.5f * x * x);
    dh[i] += g[i] * slope;
}
