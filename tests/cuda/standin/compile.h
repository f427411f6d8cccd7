// CUDA C to a shared library that runs on the CPU: g++ -E, shared variables and kernels rewritten, g++ -shared.
//
//     __shared__ float part[32];           float (&part)[32] = standin::shared<float [32]>([]{});
//     extern __shared__ float tile[];      float* tile = (float*)standin::now->dynamic_shared();
//     extern "C" __global__ void f(…)      and an exported standin_kernel_f that the driver finds
//
// Libraries are kept by the hash of what they come from, in $STANDIN_CACHE or beside this library.
#pragma once
#include <string>
#include <vector>

namespace standin {

struct Compiled {
    bool done = false;
    std::string library; // its path
    std::string log;     // what the compiler said
    std::vector<std::string> kernels;
};

// `folders` are searched for includes after the stand-in's own.
Compiled compile(const std::string& source, const std::vector<std::string>& folders);

// A number of at least four digits that differs with everything but the source that decides what is compiled.
int version();

} // namespace standin
