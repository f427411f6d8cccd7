// The stand-in held to formulas, and each of its alarms heard: `selftest [NAME]`, with the libraries beside it.
// Without a name it runs what must work and prints the bits of the results; with one, a mistake that must be caught.
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <map>
#include <sstream>
#include <string>
#include <vector>

using Pointer = unsigned long long;
extern "C" {
int cuInit(unsigned);
int cuDevicePrimaryCtxRetain(void**, int);
int cuCtxSetCurrent(void*);
int cuStreamSynchronize(void*);
int cuMemAllocAsync(Pointer*, size_t, void*);
int cuMemAlloc_v2(Pointer*, size_t);
int cuMemFreeAsync(Pointer, void*);
int cuMemAllocHost_v2(void**, size_t);
int cuMemcpyHtoDAsync_v2(Pointer, const void*, size_t, void*);
int cuMemcpyDtoHAsync_v2(void*, Pointer, size_t, void*);
int cuMemsetD8Async(Pointer, unsigned char, size_t, void*);
int cuMemGetInfo_v2(size_t*, size_t*);
int cuDeviceGetDefaultMemPool(void**, int);
int cuMemPoolSetAttribute(void*, int, void*);
int cuModuleLoadData(void**, const void*);
int cuModuleGetFunction(void**, void*, const char*);
int cuLaunchKernel(void*, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, void*, void**, void**);
int nvrtcCreateProgram(void**, const char*, const char*, int, const char* const*, const char* const*);
int nvrtcCompileProgram(void*, int, const char* const*);
int nvrtcGetPTXSize(void*, size_t*);
int nvrtcGetPTX(void*, char*);
int cublasCreate_v2(void**);
int cublasSetMathMode(void*, int);
int cublasSgemm_v2(void*, int, int, int, int, int, const float*, const float*, int, const float*, int, const float*, float*, int);
int cublasSgemmStridedBatched(void*, int, int, int, int, int, const float*, const float*, int, long long, const float*, int,
                              long long, const float*, float*, int, long long, int);
}

static void must(bool held, const char* what) {
    if (held) return;
    fprintf(stderr, "selftest: not so: %s\n", what);
    exit(1);
}
#define MUST(...) must((__VA_ARGS__), #__VA_ARGS__)
#define CU(...) must((__VA_ARGS__) == 0, #__VA_ARGS__)

static uint64_t bits = 0xcbf29ce484222325; // of every result
template <class T> static Pointer up(const std::vector<T>& v) {
    Pointer at;
    CU(cuMemAllocAsync(&at, v.size() * sizeof(T), nullptr));
    CU(cuMemcpyHtoDAsync_v2(at, v.data(), v.size() * sizeof(T), nullptr));
    return at;
}
template <class T> static Pointer room(size_t count) {
    Pointer at;
    CU(cuMemAllocAsync(&at, count * sizeof(T), nullptr));
    return at;
}
template <class T> static std::vector<T> down(Pointer at, size_t count) {
    std::vector<T> v(count);
    CU(cuMemcpyDtoHAsync_v2(v.data(), at, count * sizeof(T), nullptr));
    CU(cuStreamSynchronize(nullptr));
    for (size_t i = 0; i < count * sizeof(T); i++) bits = (bits ^ ((unsigned char*)v.data())[i]) * 0x100000001b3;
    return v;
}
static std::vector<float> numbers(size_t count, uint32_t seed) { // in (0, 1]
    std::vector<float> v(count);
    for (float& x : v) seed = seed * 1664525u + 1013904223u, x = float((seed >> 8) + 1) / (1 << 24);
    return v;
}

static void* module() {
    std::ifstream file(getenv("SELFTEST_KERNELS"));
    std::stringstream text;
    text << file.rdbuf();
    void *program, *module;
    CU(nvrtcCreateProgram(&program, text.str().c_str(), "selftest.cu", 0, nullptr, nullptr));
    CU(nvrtcCompileProgram(program, 0, nullptr));
    size_t size;
    CU(nvrtcGetPTXSize(program, &size));
    std::string image(size, 0);
    CU(nvrtcGetPTX(program, image.data()));
    CU(cuModuleLoadData(&module, image.c_str()));
    return module;
}
struct Size {
    unsigned x = 1, y = 1;
};
template <class... A> static void launch(const char* name, Size grid, Size block, unsigned dynamic, A... arguments) {
    static void* loaded = module();
    void *kernel, *pointers[] = {&arguments...};
    CU(cuModuleGetFunction(&kernel, loaded, name));
    CU(cuLaunchKernel(kernel, grid.x, grid.y, 1, block.x, block.y, 1, dynamic, nullptr, pointers, nullptr));
}

static void kernels() {
    for (unsigned width : {1u, 31u, 100u, 257u, 1000u}) {
        unsigned count = 5;
        auto x = numbers(count * width, width);
        Pointer y = room<float>(count * width), mean = room<double>(count);
        launch("rows", {count}, {256}, 0, up(x), y, mean, width);
        auto got = down<float>(y, count * width);
        auto means = down<double>(mean, count);
        for (unsigned r = 0; r < count; r++) {
            double sum = 0;
            for (unsigned i = 0; i < width; i++) sum += x[r * width + i];
            MUST(std::abs(means[r] - sum / width) < 1e-12);
            for (unsigned i = 0; i < width; i++) MUST(std::abs(got[r * width + i] - x[r * width + i] / sum) < 1e-6);
        }
    }
    unsigned r = 45, c = 70;
    auto x = numbers(r * c, 7);
    Pointer y = room<float>(r * c);
    launch("transpose", {(c + 31) / 32, (r + 31) / 32}, {32, 32}, 32 * 33 * 4, up(x), y, r, c);
    auto t = down<float>(y, r * c);
    for (unsigned i = 0; i < r; i++)
        for (unsigned j = 0; j < c; j++) MUST(t[j * r + i] == x[i * c + j]);
    std::vector<unsigned> ids = {3, 0, 3, 1, 2};
    auto table = numbers(16, 9);
    Pointer picked = room<float>(20);
    launch("gather", {1}, {64}, 0, up(table), up(ids), picked, 5u);
    auto p = down<float>(picked, 20);
    for (int i = 0; i < 20; i++) MUST(p[i] == table[ids[i / 4] * 4 + i % 4]);
    std::vector<unsigned> values(96);
    for (unsigned i = 0; i < 96; i++) values[i] = i * i % 7;
    Pointer odd = room<unsigned>(96), prefix = room<unsigned>(96);
    launch("votes", {1}, {96}, 0, up(values), odd, prefix);
    auto o = down<unsigned>(odd, 96), s = down<unsigned>(prefix, 96);
    for (unsigned i = 0, sum = 0; i < 96; i++) {
        sum = (i % 32 ? sum : 0) + values[i];
        unsigned count = 0;
        for (unsigned l = i / 32 * 32; l < i / 32 * 32 + 32; l++) count += values[l] & 1;
        MUST(s[i] == sum && o[i] == count);
    }
}

static void products() {
    void* blas;
    CU(cublasCreate_v2(&blas));
    int m = 5, n = 4, k = 7;
    auto a = numbers(2 * 60, 1), b = numbers(2 * 60, 2), c = numbers(2 * 60, 3);
    float alpha = .5f, beta = 2;
    for (int ta : {0, 1})
        for (int tb : {0, 1})
            for (int count : {1, 2}) {
                int lda = (ta ? k : m) + 1, ldb = (tb ? n : k) + 2, ldc = m + 1;
                Pointer x = up(a), y = up(b), z = up(c);
                if (count == 1)
                    CU(cublasSgemm_v2(blas, ta, tb, m, n, k, &alpha, (float*)x, lda, (float*)y, ldb, &beta, (float*)z, ldc));
                else
                    CU(cublasSgemmStridedBatched(blas, ta, tb, m, n, k, &alpha, (float*)x, lda, 60, (float*)y, ldb, 60, &beta,
                                                 (float*)z, ldc, 60, count));
                auto got = down<float>(z, 120);
                for (int q = 0; q < count; q++)
                    for (int i = 0; i < m; i++)
                        for (int j = 0; j < n; j++) {
                            double sum = 0;
                            for (int p = 0; p < k; p++)
                                sum += double(a[60 * q + (ta ? i * lda + p : p * lda + i)]) * b[60 * q + (tb ? p * ldb + j : j * ldb + p)];
                            MUST(std::abs(got[60 * q + j * ldc + i] - (alpha * sum + beta * c[60 * q + j * ldc + i])) < 1e-6);
                        }
                MUST(got[m] == c[m]); // between columns nothing is touched
            }
    // 1 + 2⁻¹² has more bits than TF32 keeps; 1 + 2⁻¹⁰ has not.
    CU(cublasSetMathMode(blas, 3));
    float one = 1, none = 0;
    Pointer x = up(std::vector<float>{1 + 1 / 4096.f, 1 + 1 / 1024.f}), y = up(std::vector<float>{1}), z = room<float>(2);
    CU(cublasSgemm_v2(blas, 0, 0, 2, 1, 1, &one, (float*)x, 2, (float*)y, 1, &none, (float*)z, 2));
    auto rounded = down<float>(z, 2);
    MUST(rounded[0] == 1 && rounded[1] == 1 + 1 / 1024.f);
}

static void memory() {
    size_t before, after, total;
    CU(cuMemGetInfo_v2(&before, &total));
    void* pool;
    CU(cuDeviceGetDefaultMemPool(&pool, 0));
    Pointer at = room<char>(64 << 20), too_much;
    CU(cuMemFreeAsync(at, nullptr));
    CU(cuStreamSynchronize(nullptr)); // the threshold is 0: all goes back
    CU(cuMemGetInfo_v2(&after, &total));
    MUST(after == before);
    uint64_t keep = UINT64_MAX;
    CU(cuMemPoolSetAttribute(pool, 4, &keep));
    at = room<char>(64 << 20);
    CU(cuMemFreeAsync(at, nullptr));
    CU(cuStreamSynchronize(nullptr));
    CU(cuMemGetInfo_v2(&after, &total));
    MUST(after + (64 << 20) <= before);
    MUST(cuMemAllocAsync(&too_much, total + 1, nullptr) == 2);
    MUST(cuMemAlloc_v2(&too_much, 0) == 1);
    // What is copied from pinned memory is what is there when the device gets to it; into it, not before it is waited for.
    float* pinned;
    CU(cuMemAllocHost_v2((void**)&pinned, 8));
    pinned[0] = 1;
    at = room<float>(1);
    CU(cuMemcpyHtoDAsync_v2(at, pinned, 4, nullptr));
    CU(cuMemcpyDtoHAsync_v2(pinned + 1, at, 4, nullptr));
    MUST(std::isnan(pinned[1]));
    pinned[0] = 2;
    CU(cuStreamSynchronize(nullptr));
    MUST(pinned[1] == 2);
    CU(cuMemsetD8Async(at, 0, 4, nullptr));
    MUST(down<float>(at, 1)[0] == 0);
}

static const std::map<std::string, std::function<void()>> mistakes = {
    {"an index behind the end", [] { launch("gather", {1}, {32}, 0, up(numbers(16, 1)), up(std::vector<unsigned>{4}), room<float>(4), 1u); }},
    {"an index from memory nobody wrote", [] { launch("gather", {1}, {32}, 0, up(numbers(16, 1)), room<unsigned>(1), room<float>(4), 1u); }},
    {"a number added a little behind the end", [] {
         Pointer x = up(numbers(5, 1)), y = up(numbers(6, 1));
         launch("add", {1}, {32}, 0, x, y, 6u);
         CU(cuMemFreeAsync(x, nullptr));
     }},
    {"memory that was freed", [] {
         Pointer table = up(numbers(16, 1)), ids = up(std::vector<unsigned>{0}), y = room<float>(4);
         CU(cuMemFreeAsync(table, nullptr));
         launch("gather", {1}, {32}, 0, table, ids, y, 1u);
     }},
    {"a buffer too small to copy to", [] {
         std::vector<float> four(4);
         CU(cuMemcpyHtoDAsync_v2(room<float>(3), four.data(), 16, nullptr));
     }},
    {"freed twice", [] {
         Pointer at = room<float>(4);
         CU(cuMemFreeAsync(at, nullptr));
         CU(cuMemFreeAsync(at, nullptr));
     }},
    {"too many threads", [] { launch("rows", {1}, {512}, 0, up(numbers(4, 1)), room<float>(4), room<double>(1), 4u); }},
    {"too little dynamic shared memory", [] { launch("transpose", {1}, {32, 32}, 32 * 4, up(numbers(1024, 1)), room<float>(1024), 32u, 32u); }},
    {"too much dynamic shared memory", [] { launch("transpose", {1}, {32, 32}, 65536, up(numbers(1024, 1)), room<float>(1024), 32u, 32u); }},
    {"a product outside its matrix", [] {
         void* blas;
         float one = 1;
         CU(cublasCreate_v2(&blas));
         CU(cublasSgemm_v2(blas, 0, 0, 4, 4, 4, &one, (float*)up(numbers(15, 1)), 4, (float*)up(numbers(16, 1)), 4, &one, (float*)room<float>(16), 4));
     }},
};

int main(int count, char** words) {
    if (count > 1 && !strcmp(words[1], "--mistakes")) {
        for (auto& [name, mistake] : mistakes) puts(name.c_str());
        return 0;
    }
    void* context;
    CU(cuInit(0));
    MUST(cuMemAllocAsync((Pointer*)&context, 4, nullptr) == 201); // no context yet
    CU(cuDevicePrimaryCtxRetain(&context, 0));
    CU(cuCtxSetCurrent(context));
    if (count > 1) {
        mistakes.at(words[1])();
        CU(cuStreamSynchronize(nullptr));
        return 0;
    }
    memory();
    kernels();
    products();
    printf("%016llx\n", (unsigned long long)bits);
}
