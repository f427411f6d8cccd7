// What a product is added to: out[t] = bias + positions[at[t]], rows of `columns` numbers. Grid: rows.
extern "C" __global__ void linear_positions(float* out, const float* bias, const float* positions, const unsigned* at,
                                            unsigned columns) {
    const float* position = positions + size_t(at[blockIdx.x]) * columns;
    for (unsigned c = threadIdx.x; c < columns; c += blockDim.x)
        out[size_t(blockIdx.x) * columns + c] = position[c] + bias[c];
}
