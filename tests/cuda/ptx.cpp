// Compiles CUDA C as the program does on a card, with a real NVRTC and no card:
//
//   ptx LIBNVRTC FOLDER ARCHITECTURES FILE…      ARCHITECTURES: sm_80,sm_90
//
// The files are one translation unit, in their order. Writes FOLDER/kernels.ARCHITECTURE.ptx and .cubin; prints the
// architectures that the compiler knows of those asked for. Exits 1 with the compiler's log if it refuses the kernels.
#include <dlfcn.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

using Program = void*;

template <class F> static F* symbol(void* library, const char* name) {
    void* at = dlsym(library, name);
    if (!at) fprintf(stderr, "%s\n", dlerror()), exit(2);
    return (F*)at;
}

static void write(const std::string& path, const std::string& bytes) { std::ofstream(path, std::ios::binary) << bytes; }

int main(int count, char** words) {
    if (count < 5) return fprintf(stderr, "ptx LIBNVRTC FOLDER ARCHITECTURES FILE…\n"), 2;
    void* nvrtc = dlopen(words[1], RTLD_NOW);
    if (!nvrtc) return fprintf(stderr, "%s\n", dlerror()), 2;
    using Text = int(Program, char*);
    using Size = int(Program, size_t*);
    auto create = symbol<int(Program*, const char*, const char*, int, const char**, const char**)>(nvrtc, "nvrtcCreateProgram");
    auto compile = symbol<int(Program, int, const char**)>(nvrtc, "nvrtcCompileProgram");
    auto counted = symbol<int(int*)>(nvrtc, "nvrtcGetNumSupportedArchs");
    auto supported = symbol<int(int*)>(nvrtc, "nvrtcGetSupportedArchs");
    auto text = [&](Program program, const char* what) {
        size_t size = 0;
        symbol<Size>(nvrtc, (std::string("nvrtcGet") + what + "Size").c_str())(program, &size);
        std::string bytes(size, 0);
        symbol<Text>(nvrtc, (std::string("nvrtcGet") + what).c_str())(program, bytes.data());
        return bytes;
    };

    int known_count = 0;
    counted(&known_count);
    std::vector<int> known(known_count);
    supported(known.data());
    std::string source;
    for (int i = 4; i < count; i++) {
        std::ifstream file(words[i]);
        if (!file) return fprintf(stderr, "cannot read %s\n", words[i]), 2;
        std::stringstream all;
        all << file.rdbuf();
        source += "#line 1 \"" + std::string(words[i]) + "\"\n" + all.str() + "\n";
    }
    std::istringstream list(words[3]);
    for (std::string arch; std::getline(list, arch, ',');) {
        bool is_known = false;
        for (int k : known) is_known |= arch == "sm_" + std::to_string(k);
        if (!is_known) continue;
        Program program;
        if (create(&program, source.c_str(), "kernels.cu", 0, nullptr, nullptr)) return 2;
        std::string target = "--gpu-architecture=" + arch;
        const char* options[] = {target.c_str(), "--std=c++17", "--prec-div=true", "-lineinfo"};
        int code = compile(program, 4, options);
        if (code) return fprintf(stderr, "%s", text(program, "ProgramLog").c_str()), 1;
        std::string ptx = text(program, "PTX");
        ptx.resize(ptx.find('\0') == std::string::npos ? ptx.size() : ptx.find('\0'));
        write(std::string(words[2]) + "/kernels." + arch + ".ptx", ptx);
        write(std::string(words[2]) + "/kernels." + arch + ".cubin", text(program, "CUBIN"));
        puts(arch.c_str());
    }
}
