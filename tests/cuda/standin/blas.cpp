// The products of cuBLAS, column by column in double precision.
//
//     C [m, n] = alpha op(A) [m, k] op(B) [k, n] + beta C,  all column-major, op(X) = X or Xᵀ
//
// In TF32 the factors are rounded to its 10 bits of mantissa first, so that a program that asked for it can be told
// from one that did not.
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <functional>
#include <vector>

#define API extern "C" __attribute__((visibility("default")))

API int standin_call(const char* name, const std::function<void()>* call);       // libcuda
API int standin_inside(unsigned long long at, size_t bytes, const char* what);

enum { SUCCESS = 0, INVALID_VALUE = 7, EXECUTION_FAILED = 13, NOT_SUPPORTED = 15 };
enum { R_32F = 0, COMPUTE_32F = 68, COMPUTE_32F_PEDANTIC = 69, COMPUTE_32F_FAST_TF32 = 77, TF32_MATH = 3 };

struct Handle {
    void* stream = nullptr;
    void* workspace = nullptr;
    size_t workspace_bytes = 0;
    int math = 0, pointers = 0, atomics = 0;
};

struct Product {
    bool ta, tb;
    int m, n, k;
    float alpha, beta;
    const float *a, *b;
    float* c;
    int lda, ldb, ldc;
    long long sa, sb, sc; // from one product of a batch to the next
    int count;
    bool tf32;

    double value(float v) const {
        if (!tf32) return v;
        uint32_t bits;
        memcpy(&bits, &v, 4);
        if ((bits >> 23 & 255) != 255) bits = (bits + 0xfff + (bits >> 13 & 1)) & ~0x1fffu; // to nearest, ties to even
        memcpy(&v, &bits, 4);
        return v;
    }

    void one(const float* a, const float* b, float* c) const {
        std::vector<double> left(size_t(m) * k), sum(m); // op(A), column by column
        for (int p = 0; p < k; p++)
            for (int i = 0; i < m; i++) left[size_t(p) * m + i] = value(ta ? a[size_t(i) * lda + p] : a[size_t(p) * lda + i]);
        for (int j = 0; j < n; j++) {
            std::fill(sum.begin(), sum.end(), 0.);
            for (int p = 0; p < k; p++) {
                double right = value(tb ? b[size_t(p) * ldb + j] : b[size_t(j) * ldb + p]);
                const double* column = &left[size_t(p) * m];
                for (int i = 0; i < m; i++) sum[i] += column[i] * right;
            }
            for (int i = 0; i < m; i++) {
                float& out = c[size_t(j) * ldc + i];
                out = float(alpha * sum[i] + (beta == 0 ? 0 : double(beta) * out)); // beta of 0 reads nothing
            }
        }
    }

    int submit(const char* name) const {
        int rows_a = ta ? k : m, columns_a = ta ? m : k, rows_b = tb ? n : k, columns_b = tb ? k : n;
        auto one_of = [](int x) { return x > 1 ? x : 1; };
        if (m < 0 || n < 0 || k < 0 || count < 0 || lda < one_of(rows_a) || ldb < one_of(rows_b) || ldc < one_of(m)) {
            fprintf(stderr, "stand-in: %s of [%d, %d] by [%d, %d] with strides %d, %d, %d\n", name, m, k, k, n, lda, ldb, ldc);
            return INVALID_VALUE;
        }
        if (!m || !n || !count) return SUCCESS;
        auto there = [&](const float* at, int rows, int columns, int ld, long long stride) {
            if (!rows || !columns) return true;
            size_t numbers = size_t(stride) * (count - 1) + size_t(ld) * (columns - 1) + rows;
            return standin_inside((unsigned long long)at, numbers * sizeof(float), name) != 0;
        };
        if (!there(a, rows_a, columns_a, lda, sa) || !there(b, rows_b, columns_b, ldb, sb) || !there(c, m, n, ldc, sc))
            return INVALID_VALUE;
        std::function<void()> call = [p = *this] {
            for (int i = 0; i < p.count; i++) p.one(p.a + i * p.sa, p.b + i * p.sb, p.c + i * p.sc);
        };
        return standin_call(name, &call) ? EXECUTION_FAILED : SUCCESS;
    }
};

static int multiply(const char* name, Handle* h, int ta, int tb, int m, int n, int k, const float* alpha, const void* a, int lda,
                    long long sa, const void* b, int ldb, long long sb, const float* beta, void* c, int ldc, long long sc,
                    int count, int compute) {
    bool tf32 = compute == COMPUTE_32F_FAST_TF32 || (compute == COMPUTE_32F && h->math == TF32_MATH);
    return Product{ta != 0, tb != 0, m, n, k, *alpha, *beta, (const float*)a, (const float*)b, (float*)c, lda, ldb, ldc,
                   sa, sb, sc, count, tf32}.submit(name);
}
static bool floats(int a, int b, int c, int compute) {
    bool are = a == R_32F && b == R_32F && c == R_32F &&
               (compute == COMPUTE_32F || compute == COMPUTE_32F_PEDANTIC || compute == COMPUTE_32F_FAST_TF32);
    if (!are) fprintf(stderr, "stand-in: a product of types %d, %d, %d computed as %d\n", a, b, c, compute);
    return are;
}

API int cublasCreate_v2(Handle** out) { return *out = new Handle, SUCCESS; }
API int cublasDestroy_v2(Handle* h) { return delete h, SUCCESS; }
API int cublasGetVersion_v2(Handle*, int* version) { return *version = 130000, SUCCESS; }
API int cublasGetProperty(int which, int* value) { return *value = which == 0 ? 13 : 0, SUCCESS; }
API int cublasSetStream_v2(Handle* h, void* stream) { return h->stream = stream, h->workspace = nullptr, SUCCESS; }
API int cublasGetStream_v2(Handle* h, void** stream) { return *stream = h->stream, SUCCESS; }
API int cublasSetWorkspace_v2(Handle* h, void* at, size_t bytes) {
    if (!standin_inside((unsigned long long)at, bytes, "cublasSetWorkspace")) return INVALID_VALUE;
    if ((unsigned long long)at % 16) return INVALID_VALUE;
    return h->workspace = at, h->workspace_bytes = bytes, SUCCESS;
}
API int cublasSetMathMode(Handle* h, int mode) { return h->math = mode, SUCCESS; }
API int cublasGetMathMode(Handle* h, int* mode) { return *mode = h->math, SUCCESS; }
API int cublasSetAtomicsMode(Handle* h, int mode) { return h->atomics = mode, SUCCESS; }
API int cublasGetAtomicsMode(Handle* h, int* mode) { return *mode = h->atomics, SUCCESS; }
API int cublasSetPointerMode_v2(Handle* h, int mode) { return h->pointers = mode, mode ? NOT_SUPPORTED : SUCCESS; }
API int cublasGetPointerMode_v2(Handle* h, int* mode) { return *mode = h->pointers, SUCCESS; }
API const char* cublasGetStatusName(int code) { return code ? "CUBLAS_STATUS of the stand-in" : "CUBLAS_STATUS_SUCCESS"; }
API const char* cublasGetStatusString(int code) { return cublasGetStatusName(code); }

API int cublasSgemm_v2(Handle* h, int ta, int tb, int m, int n, int k, const float* alpha, const float* a, int lda,
                       const float* b, int ldb, const float* beta, float* c, int ldc) {
    return multiply("cublasSgemm", h, ta, tb, m, n, k, alpha, a, lda, 0, b, ldb, 0, beta, c, ldc, 0, 1, COMPUTE_32F);
}
API int cublasSgemmStridedBatched(Handle* h, int ta, int tb, int m, int n, int k, const float* alpha, const float* a, int lda,
                                  long long sa, const float* b, int ldb, long long sb, const float* beta, float* c, int ldc,
                                  long long sc, int count) {
    return multiply("cublasSgemmStridedBatched", h, ta, tb, m, n, k, alpha, a, lda, sa, b, ldb, sb, beta, c, ldc, sc, count,
                    COMPUTE_32F);
}
API int cublasGemmEx(Handle* h, int ta, int tb, int m, int n, int k, const void* alpha, const void* a, int type_a, int lda,
                     const void* b, int type_b, int ldb, const void* beta, void* c, int type_c, int ldc, int compute, int) {
    if (!floats(type_a, type_b, type_c, compute)) return NOT_SUPPORTED;
    return multiply("cublasGemmEx", h, ta, tb, m, n, k, (const float*)alpha, a, lda, 0, b, ldb, 0, (const float*)beta, c, ldc, 0,
                    1, compute);
}
API int cublasGemmStridedBatchedEx(Handle* h, int ta, int tb, int m, int n, int k, const void* alpha, const void* a, int type_a,
                                   int lda, long long sa, const void* b, int type_b, int ldb, long long sb, const void* beta,
                                   void* c, int type_c, int ldc, long long sc, int count, int compute, int) {
    if (!floats(type_a, type_b, type_c, compute)) return NOT_SUPPORTED;
    return multiply("cublasGemmStridedBatchedEx", h, ta, tb, m, n, k, (const float*)alpha, a, lda, sa, b, ldb, sb,
                    (const float*)beta, c, ldc, sc, count, compute);
}
extern "C" int standin_missing(const char* name) {
    fprintf(stderr, "stand-in: %s is not in the stand-in's cuBLAS\n", name);
    return NOT_SUPPORTED;
}
