// A libnvrtc whose compiler is g++: its "PTX" names the library that the stand-in's driver loads.
//
// Its version is one that no NVRTC has, and another with every fault planted and every flag: a program that keeps
// compiled kernels by version must not take these for a card's, nor one stand-in's for another's.
#include <cstdio>
#include <cstring>

#include "compile.h"

struct Program {
    std::string source, log, image;
    std::vector<std::string> names;
};
enum { SUCCESS = 0, INVALID_INPUT = 3, INVALID_PROGRAM = 4, COMPILATION = 6, NO_NAMES_BEFORE_COMPILATION = 9 };

#define API extern "C" __attribute__((visibility("default")))

API const char* nvrtcGetErrorString(int code) {
    switch (code) {
    case SUCCESS: return "NVRTC_SUCCESS";
    case COMPILATION: return "NVRTC_ERROR_COMPILATION";
    default: return "NVRTC_ERROR of the stand-in";
    }
}
API int nvrtcVersion(int* major, int* minor) { return *major = 13, *minor = standin::version(), SUCCESS; }
API int nvrtcGetNumSupportedArchs(int* count) { return *count = 3, SUCCESS; }
API int nvrtcGetSupportedArchs(int* archs) { return archs[0] = 80, archs[1] = 90, archs[2] = 120, SUCCESS; }
API int nvrtcCreateProgram(Program** out, const char* source, const char*, int headers, const char* const*, const char* const*) {
    if (!source || headers) return INVALID_INPUT;
    *out = new Program{source, "", "", {}};
    return SUCCESS;
}
API int nvrtcDestroyProgram(Program** program) {
    delete *program;
    *program = nullptr;
    return SUCCESS;
}
API int nvrtcCompileProgram(Program* program, int count, const char* const* options) {
    if (!program) return INVALID_PROGRAM;
    std::vector<std::string> folders;
    for (int i = 0; i < count; i++) {
        std::string option = options[i];
        for (const char* prefix : {"--include-path=", "-I"})
            if (option.rfind(prefix, 0) == 0) folders.push_back(option.substr(strlen(prefix)));
    }
    standin::Compiled compiled = standin::compile(program->source, folders);
    program->log = compiled.log;
    if (!compiled.done) {
        fprintf(stderr, "stand-in: the kernels do not compile\n%s", compiled.log.c_str());
        return COMPILATION;
    }
    program->image = "// stand-in module\n" + compiled.library + "\n";
    return SUCCESS;
}
static int size(const std::string& text, size_t* out) { return *out = text.size() + 1, SUCCESS; }
static int copy(const std::string& text, char* out) { return memcpy(out, text.c_str(), text.size() + 1), SUCCESS; }
API int nvrtcGetPTXSize(Program* p, size_t* out) { return size(p->image, out); }
API int nvrtcGetPTX(Program* p, char* out) { return copy(p->image, out); }
API int nvrtcGetCUBINSize(Program* p, size_t* out) { return size(p->image, out); }
API int nvrtcGetCUBIN(Program* p, char* out) { return copy(p->image, out); }
API int nvrtcGetProgramLogSize(Program* p, size_t* out) { return size(p->log, out); }
API int nvrtcGetProgramLog(Program* p, char* out) { return copy(p->log, out); }
API int nvrtcAddNameExpression(Program*, const char*) { return NO_NAMES_BEFORE_COMPILATION; }
API int nvrtcGetLoweredName(Program*, const char*, const char**) { return NO_NAMES_BEFORE_COMPILATION; }
