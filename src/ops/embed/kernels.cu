// Embedding sum: out[t] = positions[p_t] + modalities[m_t] + tokens[id_t], rows of `dim` numbers.
//
// Backward without atomics: the rows are sorted by id on the host (stable), so that the rows of one id are a segment.
// Long segments are cut into pieces: `embed_pieces` adds the rows of each piece in order, `embed_segments` adds the
// pieces of each segment in order and the sum to the table's gradient. One thread has one column.

// Grid: rows. `tokens` may be null: decoder queries have no token.
extern "C" __global__ void embed_forward(float* out, const float* tokens, const float* modalities, const float* positions,
                                         const unsigned* ids, const unsigned* of_modality, const unsigned* at, unsigned dim) {
    unsigned t = blockIdx.x;
    const float* position = positions + size_t(at[t]) * dim;
    const float* modality = modalities + size_t(of_modality[t]) * dim;
    for (unsigned c = threadIdx.x; c < dim; c += blockDim.x) {
        float sum = position[c] + modality[c];
        if (tokens) sum += tokens[size_t(ids[t]) * dim + c];
        out[size_t(t) * dim + c] = sum;
    }
}

// parts[piece] = sum of g[order[i]] for i in starts[piece] .. starts[piece + 1]. Grid: (pieces, dim / blockDim.x).
extern "C" __global__ void embed_pieces(float* parts, const float* g, const unsigned* order, const unsigned* starts, unsigned dim) {
    unsigned c = blockIdx.y * blockDim.x + threadIdx.x;
    if (c >= dim) return;
    float sum = 0;
    for (unsigned i = starts[blockIdx.x]; i < starts[blockIdx.x + 1]; ++i) sum += g[size_t(order[i]) * dim + c];
    parts[size_t(blockIdx.x) * dim + c] = sum;
}

// table[keys[segment]] += sum of parts[piece] for piece in firsts[segment] .. firsts[segment + 1].
// Grid: (segments, dim / blockDim.x).
extern "C" __global__ void embed_segments(float* table, const float* parts, const unsigned* firsts, const unsigned* keys, unsigned dim) {
    unsigned c = blockIdx.y * blockDim.x + threadIdx.x;
    if (c >= dim) return;
    float sum = 0;
    for (unsigned p = firsts[blockIdx.x]; p < firsts[blockIdx.x + 1]; ++p) sum += parts[size_t(p) * dim + c];
    table[size_t(keys[blockIdx.x]) * dim + c] += sum;
}
