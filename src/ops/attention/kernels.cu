// Multi-head attention inside each sample's own span, streaming, float32.
//
// Per sample and head, with s = scale:
//   S = s Q Kᵀ [queries, keys]   lse = log Σ exp S [queries]   P = exp(S − lse)   O = P V
//   delta = rowsum(∂O ∘ O)   ∂P = ∂O Vᵀ   ∂S = P ∘ (∂P − delta)
//   ∂Q += s ∂S K   ∂K += s ∂Sᵀ Q   ∂V += Pᵀ ∂O
// No [queries, keys] matrix leaves the chip: the forward pass keeps a running maximum and sum for each
// query, the backward passes make P again from lse. Matrices are row-major, strides in floats:
//   q [T_q, q_stride], k and v [T_k, kv_stride]: pointers to the first column of each, head h in columns
//     h·head_dim .. (h+1)·head_dim, sample b in rows offsets[b] .. offsets[b+1];
//   out, dout [T_q, heads·head_dim]; lse (natural logarithm), delta [heads, T_q]; rows = T_q.
// With head_dim a multiple of 4, pointers are aligned to 16 bytes. Samples without keys: zeros, lse = −∞.
//
// Launch: grid (tiles, heads), 128 threads, the kernel with the smallest HD ≥ head_dim. A block owns 64 rows
// of one sample and head (queries; keys in attention_backward_key) and walks over the other side 64 rows at
// a time. `tiles` holds a pair (sample, first row in it) for each block; long samples first balance best.
// Every number is written by one thread and every sum runs in an order fixed by the shapes.
//
// A warp owns 16 rows × 64 columns of a product, a lane 4 × 8: 128 multiply-adds for 12 loads of 16 bytes
// from shared memory. Tiles are at most 64 numbers wide; wider heads go through them in two chunks.
//   HD                                                32            64           128
//   dynamic shared memory, bytes                   32768         49152         49152
//   registers: forward, ∂Q, ∂K with ∂V       128 128 138   136 162 168   168 162 255   sm_80 to sm_90, no spills

#define UNROLL _Pragma("unroll")
#define LOOP _Pragma("unroll 1")
#define INLINED static __device__ __forceinline__

namespace attention {
constexpr unsigned ROWS = 64, THREADS = 128;
constexpr float LOG2_E = 1.44269504088896341f, LN_2 = 0.693147180559945309f;

struct Operands {
    const float *q, *k, *v, *dout, *lse, *delta;  // the last three: backward
    unsigned q_stride, kv_stride, heads, head_dim, rows;
    const unsigned *q_offsets, *k_offsets, *tiles;
    float scale;
};

// At most 64 rows of a matrix, in a head's columns.
struct Rows {
    const float* at;
    unsigned stride, count, columns;
};

// A block's sample and head; its own rows begin at `first` among the sample's.
struct Span {
    unsigned q, queries, k, keys, first;
    __device__ __forceinline__ explicit Span(const Operands& x) {
        const unsigned sample = x.tiles[2 * blockIdx.x];
        first = x.tiles[2 * blockIdx.x + 1];
        q = x.q_offsets[sample], queries = x.q_offsets[sample + 1] - x.q_offsets[sample];
        k = x.k_offsets[sample], keys = x.k_offsets[sample + 1] - x.k_offsets[sample];
    }
    // The sample's rows of a matrix of queries or keys, `from` on.
    template <bool KEYS>
    __device__ __forceinline__ Rows rows(const float* at, unsigned stride, unsigned from, unsigned width) const {
        const unsigned left = (KEYS ? keys : queries) - from;
        at += (size_t)((KEYS ? k : q) + from) * stride + blockIdx.y * width;
        return {at, stride, left < ROWS ? left : ROWS, width};
    }
};

// Row r's cell c (4 numbers) lies at cell c ^ swizzle(r). Rows of one group of 4 agree, the groups that a
// half warp reads together differ, and two neighbouring groups differ in the highest bit.
INLINED unsigned swizzle(unsigned row) { return row / 4 % 2 * 4 + row / 8 % 4; }

// A lane's place: 4 rows of the block's from `row` on, and 8 columns: 4·column + {0..3}, and those 32
// further. Lanes that differ in bit 0 share columns, in bits 1 to 3 rows: in this order two quarters of a
// warp are served by one pass over the banks.
struct Lane {
    unsigned row, column, row_swizzle, column_swizzle;
    __device__ __forceinline__ Lane() {
        const unsigned lane = threadIdx.x % 32;
        row = threadIdx.x / 32 * 16 + (lane % 2 + lane / 16 * 2) * 4, row_swizzle = swizzle(row);
        column = lane / 2 % 8, column_swizzle = swizzle(4 * column);
    }
    // Number j of the lane's columns.
    __device__ __forceinline__ unsigned at(unsigned j) const { return 4 * column + j % 4 + j / 4 * 32; }
};

// Whether the thread's warp has one of the block's `count` rows.
INLINED bool has_rows(unsigned count) { return threadIdx.x / 32 * 16 < count; }
INLINED float4& cell(float* at) { return *reinterpret_cast<float4*>(at); }
INLINED float4 cell(const float* at) { return *reinterpret_cast<const float4*>(at); }

// Heads of at most HD columns go through tiles WIDTH wide, in CHUNKS turns.
template <unsigned HD>
constexpr unsigned WIDTH = HD < 64 ? HD : 64;
template <unsigned HD>
constexpr unsigned CHUNKS = HD / WIDTH<HD>;

// Columns `first` on of `rows` → a tile [64, WIDTH]; what is not there is zero.
template <unsigned HD>
INLINED void load(float* tile, const Rows& rows, unsigned first) {
    constexpr unsigned CELLS = WIDTH<HD> / 4, STEP = THREADS / CELLS, TURNS = ROWS / STEP;
    const unsigned c = threadIdx.x % CELLS, r = threadIdx.x / CELLS, column = first + 4 * c;
    const float* from = rows.at + (size_t)r * rows.stride + column;
    const size_t step = (size_t)STEP * rows.stride;
    if ((rows.columns | rows.stride) % 4 == 0) {
        const unsigned count = column < rows.columns ? rows.count : 0;
        float4 x[TURNS];
        UNROLL for (unsigned i = 0; i < TURNS; ++i) {
            x[i] = make_float4(0, 0, 0, 0);
            if (r + i * STEP < count) x[i] = __ldg(reinterpret_cast<const float4*>(from + i * step));
        }
        UNROLL for (unsigned i = 0; i < TURNS; ++i) {
            const unsigned row = r + i * STEP;
            cell(tile + row * WIDTH<HD> + (c ^ swizzle(row)) * 4) = x[i];
        }
    } else {
        LOOP for (unsigned n = 0; n < 4 * TURNS; ++n) {
            const unsigned row = r + n / 4 * STEP, u = n % 4;
            const bool there = row < rows.count && column + u < rows.columns;
            tile[row * WIDTH<HD> + (c ^ swizzle(row)) * 4 + u] = there ? __ldg(from + n / 4 * step + u) : 0.f;
        }
    }
}

// s[i][j] += Σ_d a[row i][d] b[column j][d] over the first `cells` cells of the rows of two tiles;
// HALVES = 1 leaves out the columns j from 32 on.
template <unsigned HD, unsigned HALVES>
INLINED void products(float (&s)[4][8], const float* a, const float* b, const Lane& lane, unsigned cells) {
    a += lane.row * WIDTH<HD>, b += 4 * lane.column * WIDTH<HD>;
    LOOP for (unsigned c = 0; c < cells; ++c) {
        float4 x[4];
        UNROLL for (unsigned i = 0; i < 4; ++i) x[i] = cell(a + i * WIDTH<HD> + (c ^ lane.row_swizzle) * 4);
        UNROLL for (unsigned j = 0; j < 4 * HALVES; ++j) {
            const float4 y = cell(b + (j % 4 + j / 4 * 32) * WIDTH<HD> + (c ^ lane.column_swizzle) * 4);
            UNROLL for (unsigned i = 0; i < 4; ++i) {
                s[i][j] = fmaf(x[i].x, y.x, s[i][j]), s[i][j] = fmaf(x[i].y, y.y, s[i][j]);
                s[i][j] = fmaf(x[i].z, y.z, s[i][j]), s[i][j] = fmaf(x[i].w, y.w, s[i][j]);
            }
        }
    }
}

// s = A Bᵀ for the lane's rows of A and columns (rows of B), through one tile each; `a_there`: A's only
// chunk is in its tile already. The caller has waited until the tiles are free. They keep the last chunk.
template <unsigned HD>
INLINED void multiply(float (&s)[4][8], float* a_tile, float* b_tile, const Rows& a, const Rows& b,
                      const Lane& lane, bool a_there = false) {
    UNROLL for (unsigned n = 0; n < 32; ++n) s[n / 8][n % 8] = 0;
    LOOP for (unsigned c = 0; c < CHUNKS<HD>; ++c) {
        if (c > 0) __syncthreads();
        if (c > 0 || !a_there) load<HD>(a_tile, a, c * WIDTH<HD>);
        load<HD>(b_tile, b, c * WIDTH<HD>);
        __syncthreads();
        const unsigned left = a.columns < c * WIDTH<HD> ? 0 : a.columns - c * WIDTH<HD>;
        const unsigned cells = ((left < WIDTH<HD> ? left : WIDTH<HD>) + 3) / 4;
        if (!has_rows(a.count)) continue;
        if (b.count > 32) products<HD, 2>(s, a_tile, b_tile, lane, cells);
        if (b.count <= 32) products<HD, 1>(s, a_tile, b_tile, lane, cells);
    }
}

// acc[i][FIRST + j] += Σ_n p[row i][n] b[n][column j] over the first 4·groups rows n of the tile b and its
// first 32·PARTS columns.
template <unsigned HD, unsigned PARTS, unsigned FIRST>
INLINED void combine(float (&acc)[4][HD / 8], const float* p, const float* b, const Lane& lane, unsigned groups) {
    p += lane.row * ROWS;
    LOOP for (unsigned n = 0; n < groups; ++n, b += 4 * WIDTH<HD>) {
        float x[4][4];
        UNROLL for (unsigned i = 0; i < 4; ++i) {
            const float4 y = cell(p + i * ROWS + (n ^ lane.row_swizzle) * 4);
            x[i][0] = y.x, x[i][1] = y.y, x[i][2] = y.z, x[i][3] = y.w;
        }
        const float* from = b + (lane.column ^ swizzle(4 * n)) * 4;
        UNROLL for (unsigned u = 0; u < 4 * PARTS; ++u) {
            const float4 y = cell(from + u / PARTS * WIDTH<HD> + u % PARTS * 32);
            UNROLL for (unsigned i = 0; i < 4; ++i) {
                float* to = acc[i] + FIRST + u % PARTS * 4;
                to[0] = fmaf(x[i][u / PARTS], y.x, to[0]), to[1] = fmaf(x[i][u / PARTS], y.y, to[1]);
                to[2] = fmaf(x[i][u / PARTS], y.z, to[2]), to[3] = fmaf(x[i][u / PARTS], y.w, to[3]);
            }
        }
    }
}

// acc += P B, where the tile of B holds chunk THERE; P is zero in columns that B has no rows for.
template <unsigned HD, unsigned THERE>
INLINED void accumulate(float (&acc)[4][HD / 8], const float* p, float* b_tile, const Rows& b, const Lane& lane,
                        bool active) {
    constexpr unsigned PARTS = WIDTH<HD> / 32, SECOND = 8 * (CHUNKS<HD> - 1);
    const unsigned groups = (b.count + 3) / 4;
    UNROLL for (unsigned turn = 0; turn < CHUNKS<HD>; ++turn) {
        const unsigned c = turn ^ THERE;
        if (turn > 0) {
            __syncthreads();
            load<HD>(b_tile, b, c * WIDTH<HD>);
            __syncthreads();
        }
        if (active && c == 0) combine<HD, PARTS, 0>(acc, p, b_tile, lane, groups);
        if (active && c == 1 && b.columns > 96) combine<HD, PARTS, SECOND>(acc, p, b_tile, lane, groups);
        if (active && c == 1 && b.columns <= 96) combine<HD, 1, SECOND>(acc, p, b_tile, lane, groups);
    }
}

// Half of the lane's 8 numbers in row i of a tile [64, 64].
INLINED float4& own(float* tile, const Lane& lane, unsigned i, unsigned half) {
    return cell(tile + (lane.row + i) * ROWS + 32 * half + (lane.column ^ lane.row_swizzle) * 4);
}

// s[i][first..], at most 8 numbers a row → the lane's place in a tile [64, 64].
template <unsigned N>
INLINED void keep(float* tile, const Lane& lane, const float (&s)[4][N], unsigned first = 0) {
    UNROLL for (unsigned n = 0; n < (N < 8 ? 4 : 8); ++n) {
        const float* x = s[n % 4] + first + n / 4 * 4;
        own(tile, lane, n % 4, n / 4) = make_float4(x[0], x[1], x[2], x[3]);
    }
}

// out (+)= acc, each warp its 16 rows, through its rows of a tile [64, 64]: whole lines of memory.
template <unsigned HD, bool ADD>
INLINED void write(float* out, unsigned stride, const float (&acc)[4][HD / 8], float* tile, const Rows& rows,
                   const Lane& lane) {
    const unsigned at = threadIdx.x % 16, begin = threadIdx.x / 32 * 16 + threadIdx.x / 16 % 2;
    UNROLL for (unsigned c = 0; c < CHUNKS<HD>; ++c) {
        __syncwarp();
        keep(tile, lane, acc, 8 * c);
        __syncwarp();
        const unsigned column = 64 * c + 4 * at, count = column < rows.columns ? rows.count : 0;
        float* const to = out + (size_t)begin * stride + column;
        if ((rows.columns | stride) % 4 == 0) {
            float4 x[8];
            UNROLL for (unsigned n = 0; n < 8; ++n) {
                x[n] = make_float4(0, 0, 0, 0);
                if (ADD && begin + 2 * n < count) x[n] = cell(to + (size_t)(2 * n) * stride);
            }
            UNROLL for (unsigned n = 0; n < 8; ++n) {
                const unsigned row = begin + 2 * n;
                const float4 y = cell(tile + row * ROWS + (at ^ swizzle(row)) * 4);
                const float4 sum = make_float4(x[n].x + y.x, x[n].y + y.y, x[n].z + y.z, x[n].w + y.w);
                if (row < count) cell(to + (size_t)(2 * n) * stride) = sum;
            }
        } else {
            LOOP for (unsigned n = 0; n < 32; ++n) {
                const unsigned row = begin + n / 4 * 2, u = n % 4;
                float* const one = to + (size_t)(n / 4 * 2) * stride + u;
                if (row >= count || column + u >= rows.columns) continue;
                *one = (ADD ? *one : 0.f) + tile[row * ROWS + (at ^ swizzle(row)) * 4 + u];
            }
        }
    }
}

template <unsigned HD>
INLINED void forward(float* out, float* lse, const Operands& x) {
    DYNAMIC_SHARED(float4, attention_tiles);
    float* const q_tile = reinterpret_cast<float*>(attention_tiles);
    float* const p_tile = q_tile + ROWS * WIDTH<HD>;  // keys, then P
    float* const v_tile = p_tile + ROWS * ROWS;
    const Span at(x);
    const Lane lane;
    const Rows queries = at.rows<false>(x.q, x.q_stride, at.first, x.head_dim);
    const bool active = has_rows(queries.count);
    const float none = __int_as_float(0xff800000), scale = x.scale * LOG2_E;  // none: −∞
    float o[4][HD / 8] = {}, s[4][8], top[4] = {none, none, none, none}, total[4] = {};
    LOOP for (unsigned key = 0; key < at.keys; key += ROWS) {
        const Rows keys = at.rows<true>(x.k, x.kv_stride, key, x.head_dim);
        const Rows values = at.rows<true>(x.v, x.kv_stride, key, x.head_dim);
        __syncthreads();
        load<HD>(v_tile, values, 0);
        multiply<HD>(s, q_tile, p_tile, queries, keys, lane, CHUNKS<HD> == 1 && key > 0);
        __syncthreads();
        if (active) {
            UNROLL for (unsigned i = 0; i < 4; ++i) {
                float most = none, sum = 0;
                UNROLL for (unsigned j = 0; j < 8; ++j) s[i][j] = lane.at(j) < keys.count ? s[i][j] : none;
                UNROLL for (unsigned j = 0; j < 8; ++j) most = fmaxf(most, s[i][j]);
                UNROLL for (unsigned b = 2; b < 16; b *= 2) most = fmaxf(most, __shfl_xor_sync(~0u, most, b));
                most = fmaxf(top[i], most * scale);
                UNROLL for (unsigned j = 0; j < 8; ++j) sum += s[i][j] = exp2f(fmaf(s[i][j], scale, -most));
                const float shrink = exp2f(top[i] - most);
                UNROLL for (unsigned j = 0; j < HD / 8; ++j) o[i][j] *= shrink;
                total[i] = fmaf(total[i], shrink, sum), top[i] = most;
            }
            keep(p_tile, lane, s);
            __syncwarp();
        }
        accumulate<HD, 0>(o, p_tile, v_tile, values, lane, active);
    }
    if (!active) return;
    UNROLL for (unsigned i = 0; i < 4; ++i) {
        UNROLL for (unsigned b = 2; b < 16; b *= 2) total[i] += __shfl_xor_sync(~0u, total[i], b);
        const float factor = at.keys > 0 ? 1 / total[i] : 0.f;
        UNROLL for (unsigned j = 0; j < HD / 8; ++j) o[i][j] *= factor;
        if (lane.column == 0 && lane.row + i < queries.count) {
            lse[(size_t)blockIdx.y * x.rows + at.q + at.first + lane.row + i] = (top[i] + log2f(total[i])) * LN_2;
        }
    }
    const size_t to = (size_t)(at.q + at.first) * x.heads + blockIdx.y;
    write<HD, false>(out + to * x.head_dim, x.heads * x.head_dim, o, p_tile, queries, lane);
}

// KEY = false: own rows are queries, `d_own` their gradient; true: keys, ∂K and (d_values) ∂V, with P, ∂P
// and ∂S transposed.
template <unsigned HD, bool KEY>
INLINED void backward(float* d_own, float* d_values, unsigned stride, const Operands& x) {
    DYNAMIC_SHARED(float4, attention_tiles);
    float* const a_tile = reinterpret_cast<float*>(attention_tiles);  // the own side
    float* const b_tile = a_tile + ROWS * WIDTH<HD>;                  // the other
    float* const p_tile = b_tile + ROWS * WIDTH<HD>;                  // ∂P, ∂S, P
    const Span at(x);
    const Lane lane;
    const unsigned width = x.heads * x.head_dim;
    const float scale = x.scale * LOG2_E;
    float acc[4][HD / 8] = {}, v_acc[4][KEY ? HD / 8 : 1] = {}, s[4][8];
    LOOP for (unsigned other = 0; other < (KEY ? at.queries : at.keys); other += ROWS) {
        // A shuffle: else the addresses of the own rows would hold registers all through the loop.
        const unsigned first = __shfl_sync(~0u, at.first, 0);
        const unsigned query = KEY ? other : first, key = KEY ? first : other;
        const Rows queries = at.rows<false>(x.q, x.q_stride, query, x.head_dim);
        const Rows douts = at.rows<false>(x.dout, width, query, x.head_dim);
        const Rows keys = at.rows<true>(x.k, x.kv_stride, key, x.head_dim);
        const Rows values = at.rows<true>(x.v, x.kv_stride, key, x.head_dim);
        const bool active = has_rows(KEY ? keys.count : queries.count);
        __syncthreads();
        multiply<HD>(s, a_tile, b_tile, KEY ? values : douts, KEY ? douts : values, lane);
        if (active) keep(p_tile, lane, s);
        __syncthreads();
        multiply<HD>(s, a_tile, b_tile, KEY ? keys : queries, KEY ? queries : keys, lane);
        if (active) {
            const size_t row = (size_t)blockIdx.y * x.rows + at.q + query;
            float lse[8], delta[8];
            UNROLL for (unsigned n = 0; n < (KEY ? 8 : 4); ++n) {
                const unsigned q = KEY ? lane.at(n) : lane.row + n;
                lse[n] = q < queries.count ? __ldg(x.lse + row + q) * LOG2_E : 0.f;
                delta[n] = q < queries.count ? __ldg(x.delta + row + q) : 0.f;
            }
            UNROLL for (unsigned n = 0; n < 8; ++n) {
                const unsigned i = n / 2;
                float4& place = own(p_tile, lane, i, n % 2);
                float ds[4] = {place.x, place.y, place.z, place.w};
                UNROLL for (unsigned u = 0; u < 4; ++u) {
                    const unsigned j = n % 2 * 4 + u, line = KEY ? j : i;
                    const bool there = lane.at(j) < (KEY ? queries : keys).count;
                    s[i][j] = there ? exp2f(fmaf(s[i][j], scale, -lse[line])) : 0.f;
                    ds[u] = s[i][j] * (ds[u] - delta[line]);
                }
                place = make_float4(ds[0], ds[1], ds[2], ds[3]);
            }
            __syncwarp();
        }
        accumulate<HD, CHUNKS<HD> - 1>(acc, p_tile, b_tile, KEY ? queries : keys, lane, active);
        if constexpr (KEY) {
            __syncwarp();  // the warp has read its rows of ∂S
            if (active) keep(p_tile, lane, s);
            __syncthreads();
            load<HD>(b_tile, douts, 0);
            __syncthreads();
            accumulate<HD, 0>(v_acc, p_tile, b_tile, douts, lane, active);
        }
    }
    const Rows own_rows = at.rows<KEY>(x.q, 0, at.first, x.head_dim);
    if (!has_rows(own_rows.count)) return;
    UNROLL for (unsigned n = 0; n < HD / 2; ++n) acc[n % 4][n / 4] *= x.scale;
    const size_t to = (size_t)((KEY ? at.k : at.q) + at.first) * stride + blockIdx.y * x.head_dim;
    write<HD, true>(d_own + to, stride, acc, p_tile, own_rows, lane);
    if constexpr (KEY) write<HD, true>(d_values + to, stride, v_acc, p_tile, own_rows, lane);
}

}  // namespace attention

// delta[head, row] = Σ_d dout[row, head, d] · out[row, head, d]: 16 threads a number, whole warps.
extern "C" __global__ void attention_delta(float* delta, const float* out, const float* dout, unsigned heads,
                                           unsigned head_dim, unsigned rows) {
    const size_t at = ((size_t)blockIdx.x * blockDim.x + threadIdx.x) / 16;
    const unsigned lane = threadIdx.x % 16, count = at < (size_t)rows * heads ? head_dim : 0;
    float sum = 0;
    for (unsigned d = lane; d < count; d += 16) sum = fmaf(out[at * head_dim + d], dout[at * head_dim + d], sum);
    UNROLL for (unsigned b = 8; b > 0; b /= 2) sum += __shfl_xor_sync(~0u, sum, b);
    if (count > 0 && lane == 0) delta[at % heads * rows + at / heads] = sum;
}

#define ATTENTION_PARAMETERS                                                                                       \
    const float *q, unsigned q_stride, const float *k, const float *v, unsigned kv_stride, unsigned heads,         \
        unsigned head_dim, float scale, const unsigned *q_offsets, const unsigned *k_offsets,                      \
        const unsigned *tiles, unsigned rows
#define ATTENTION_OPERANDS(DOUT, LSE, DELTA)                                                                       \
    {q, k, v, DOUT, LSE, DELTA, q_stride, kv_stride, heads, head_dim, rows, q_offsets, k_offsets, tiles, scale}
// FORWARD, QUERY, KEY: blocks to a multiprocessor; the compiler may use the registers that leaves.
#define ATTENTION_KERNELS(HD, FORWARD, QUERY, KEY)                                                                 \
    extern "C" __global__ void __launch_bounds__(128, FORWARD)                                                     \
        attention_forward_##HD(float* out, float* lse, ATTENTION_PARAMETERS) {                                     \
        attention::forward<HD>(out, lse, ATTENTION_OPERANDS(nullptr, nullptr, nullptr));                           \
    }                                                                                                              \
    extern "C" __global__ void __launch_bounds__(128, QUERY) attention_backward_query_##HD(                        \
        float* dq, unsigned stride, const float* dout, const float* lse, const float* delta, ATTENTION_PARAMETERS) {\
        attention::backward<HD, false>(dq, nullptr, stride, ATTENTION_OPERANDS(dout, lse, delta));                 \
    }                                                                                                              \
    extern "C" __global__ void __launch_bounds__(128, KEY) attention_backward_key_##HD(                            \
        float* dk, float* dv, unsigned stride, const float* dout, const float* lse, const float* delta,            \
        ATTENTION_PARAMETERS) {                                                                                    \
        attention::backward<HD, true>(dk, dv, stride, ATTENTION_OPERANDS(dout, lse, delta));                       \
    }
ATTENTION_KERNELS(32, 4, 4, 3)
ATTENTION_KERNELS(64, 3, 3, 3)
ATTENTION_KERNELS(128, 3, 3, 2)
