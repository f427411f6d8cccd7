// Modules, kernels and their launches.
//
// A module is what the stand-in's NVRTC gives back, or PTX compiled ahead. Of the latter the stand-in runs what lies
// compiled for it in the folder STANDIN_AHEAD, and names what does not.
#include <dlfcn.h>
#include <glob.h>
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <memory>
#include <sstream>
#include <vector>

#include "driver.h"
#include "launch.h"

namespace standin {
namespace {

struct Module {
    std::vector<void*> libraries;
    bool ahead = false;
};
struct Function {
    std::string name;
    Bind bind;
    size_t dynamic_limit = 49152;
};
constexpr size_t OPT_IN = 166912;

thread_local const Launch* running = nullptr;
struct sigaction before;

int order() {
    static const int o = std::stoi(env("EMU_ORDER", "0"));
    return o;
}

std::string place(const Launch& l) {
    auto index = [](const Index& i) {
        return "(" + std::to_string(i.x) + ", " + std::to_string(i.y) + ", " + std::to_string(i.z) + ")";
    };
    return std::string("kernel ") + l.kernel + ", block " + index(l.at_block) +
           (l.at_thread ? ", thread " + index(*l.at_thread) : "");
}

// Says which kernel touched what, then lets the fault end the process as any other.
void fault(int signal, siginfo_t* info, void*) {
    std::string where = describe(info->si_addr);
    if (running || !where.empty()) {
        std::string text = "stand-in: " + (running ? place(*running) : std::string("the host or a library")) + ": touched " +
                           (where.empty() ? "no memory of the device's" : "memory " + where) + "\n";
        if (write(2, text.data(), text.size()) < 0) {}
    }
    sigaction(signal, &before, nullptr);
}

} // namespace

void watch_for_faults() {
    static const bool once = [] {
        struct sigaction action = {};
        action.sa_sigaction = fault;
        action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
        sigaction(SIGSEGV, &action, &before);
        return true;
    }();
    (void)once;
}

} // namespace standin

using namespace standin;

API int cuModuleLoadData(void** out, const void* image) {
    if (failed()) return failed();
    if (current_device() < 0) return INVALID_CONTEXT;
    std::istringstream text((const char*)image);
    std::string first, path;
    std::getline(text, first);
    auto module = std::make_unique<Module>();
    if (first == "// stand-in module") {
        std::getline(text, path);
        void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
        if (!library) return fprintf(stderr, "stand-in: %s\n", dlerror()), INVALID_IMAGE;
        module->libraries.push_back(library);
    } else if (text.str().find(".entry") != std::string::npos) {
        module->ahead = true;
        glob_t found = {};
        std::string folder = env("STANDIN_AHEAD");
        if (!folder.empty() && glob((folder + "/*.so").c_str(), 0, nullptr, &found) == 0)
            for (size_t i = 0; i < found.gl_pathc; i++) {
                void* library = dlopen(found.gl_pathv[i], RTLD_NOW | RTLD_LOCAL);
                if (!library) return fprintf(stderr, "stand-in: %s\n", dlerror()), INVALID_IMAGE;
                module->libraries.push_back(library);
            }
        globfree(&found);
    } else {
        fprintf(stderr, "stand-in: a module that is neither PTX nor from the stand-in's NVRTC\n");
        return INVALID_IMAGE;
    }
    *out = module.release();
    return SUCCESS;
}
API int cuModuleLoadDataEx(void** out, const void* image, unsigned, const int*, void**) { return cuModuleLoadData(out, image); }
API int cuModuleLoad(void** out, const char* path) {
    std::ifstream file(path);
    std::stringstream text;
    text << file.rdbuf();
    return cuModuleLoadData(out, text.str().c_str());
}
API int cuModuleUnload(void* module) {
    int code = drain(); // work that waits may run its kernels; the libraries stay for the next module
    delete (Module*)module;
    return code;
}
API int cuModuleGetFunction(void** out, void* module, const char* name) {
    Module& m = *(Module*)module;
    for (void* library : m.libraries)
        if (void* bind = dlsym(library, (std::string("standin_kernel_") + name).c_str())) {
            *out = new Function{name, (Bind)bind};
            return SUCCESS;
        }
    // Loading tells which kernels a program may want; only running one that is not there is an error.
    if (m.ahead) {
        *out = new Function{name, nullptr};
        return SUCCESS;
    }
    fprintf(stderr, "stand-in: the module has no kernel %s\n", name);
    return NOT_FOUND;
}
API int cuFuncSetAttribute(void* function, int attribute, int value) {
    if (attribute != 8) return SUCCESS; // but for the most dynamic shared memory, hints
    if (value < 0 || size_t(value) > OPT_IN) return INVALID_VALUE;
    ((Function*)function)->dynamic_limit = std::max<size_t>(49152, size_t(value));
    return SUCCESS;
}
API int cuFuncGetAttribute(int* value, int attribute, void* function) {
    *value = attribute == 0 ? 1024 : attribute == 8 ? int(((Function*)function)->dynamic_limit) : attribute == 4 ? 32 : 0;
    return SUCCESS;
}
API int cuFuncSetCacheConfig(void*, int) { return SUCCESS; }
API int cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int* blocks, void*, int threads, size_t, unsigned) {
    return *blocks = threads > 0 ? 2048 / threads : 0, SUCCESS;
}
API int cuOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, void* f, int threads, size_t bytes) {
    return cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(blocks, f, threads, bytes, 0);
}

API int cuLaunchKernel(void* handle, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz,
                       unsigned dynamic, void*, void** arguments, void**) {
    if (failed()) return failed();
    if (current_device() < 0) return INVALID_CONTEXT;
    const Function& f = *(Function*)handle;
    auto refuse = [&](int code, const std::string& why) {
        fprintf(stderr, "stand-in: kernel %s cannot be launched: %s\n", f.name.c_str(), why.c_str());
        return code;
    };
    if (!f.bind && !dry()) return refuse(NOT_FOUND, "it was compiled ahead (PTX) and is not in the stand-in");
    if (!gx || !gy || !gz || !bx || !by || !bz) return refuse(INVALID_VALUE, "an empty grid or block");
    if (gx > 2147483647u || gy > 65535 || gz > 65535)
        return refuse(INVALID_VALUE, "a grid of " + std::to_string(gx) + " x " + std::to_string(gy) + " x " + std::to_string(gz));
    if (bx > 1024 || by > 1024 || bz > 64 || size_t(bx) * by * bz > 1024)
        return refuse(INVALID_VALUE, std::to_string(size_t(bx) * by * bz) + " threads a block");
    if (dynamic > f.dynamic_limit) return refuse(INVALID_VALUE, std::to_string(dynamic) + " bytes of dynamic shared memory");
    count_launch(f.name, false);
    if (dry()) {
        submit([] { return SUCCESS; });
        return SUCCESS;
    }
    std::shared_ptr<Bound> bound(f.bind(arguments));
    submit([=, &f] {
        Launch launch{f.name.c_str(), {gx, gy, gz}, {bx, by, bz}, dynamic, f.dynamic_limit, order()};
        running = &launch;
        bool done = bound->run(launch);
        running = nullptr;
        if (done) return SUCCESS;
        fprintf(stderr, "stand-in: %s: %s\n", place(launch).c_str(), launch.error.c_str());
        return LAUNCH_FAILED;
    });
    return SUCCESS;
}

// For the stand-in's cuBLAS: a call of its, as work on the device.
API int standin_call(const char* name, const std::function<void()>* call) {
    if (failed()) return failed();
    if (current_device() < 0) return INVALID_CONTEXT;
    count_launch(name, true);
    submit([call = *call] {
        if (!dry()) call();
        return SUCCESS;
    });
    return SUCCESS;
}
API int standin_inside(Pointer at, size_t bytes, const char* what) { return inside(at, bytes, what); }
