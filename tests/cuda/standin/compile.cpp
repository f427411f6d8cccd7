#include "compile.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cctype>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <regex>
#include <sstream>

namespace standin {
namespace {

std::string env(const char* name, const std::string& otherwise = "") {
    const char* value = getenv(name);
    return value && *value ? value : otherwise;
}

std::string read(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

void write(const std::string& path, const std::string& text) { std::ofstream(path, std::ios::binary) << text; }

// Runs a program with its output in files: a program under a sanitizer's LD_PRELOAD runs compilers without it.
int execute(std::vector<std::string> words, const std::string& out, const std::string& err) {
    pid_t child = fork();
    if (child == 0) {
        std::vector<char*> argv;
        for (auto& w : words) argv.push_back(w.data());
        argv.push_back(nullptr);
        int o = open(out.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
        int e = open(err.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
        dup2(o, 1);
        dup2(e, 2);
        unsetenv("LD_PRELOAD");
        unsetenv("LD_LIBRARY_PATH");
        execvp(argv[0], argv.data());
        _exit(127);
    }
    int status = 0;
    while (waitpid(child, &status, 0) < 0) {}
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

std::string hash(const std::string& text) { // FNV-1a from two bases
    uint64_t a = 0xcbf29ce484222325, b = 0x9ae16a3b2f90404f;
    for (unsigned char c : text) a = (a ^ c) * 0x100000001b3, b = (b ^ c) * 0x100000001b3 + 1;
    char out[33];
    snprintf(out, sizeof out, "%016llx%016llx", (unsigned long long)a, (unsigned long long)b);
    return out;
}

std::string here() {
    Dl_info info;
    dladdr((void*)&compile, &info);
    std::string path = info.dli_fname;
    size_t slash = path.rfind('/');
    return slash == std::string::npos ? "." : path.substr(0, slash);
}

std::string include_folder() { return here() + "/include"; }
std::string cache_folder() { return env("STANDIN_CACHE", here() + "/cache"); }

std::vector<std::string> flags() {
    std::vector<std::string> f = {"-std=c++17", "-O2",          "-march=native",           "-ffp-contract=off",
                                  "-fPIC",      "-w",           "-fno-strict-aliasing",    "-fno-math-errno",
                                  "-g1",        "-shared",      "-fvisibility=hidden",     "-fno-gnu-unique"};
    std::istringstream more(env("STANDIN_FLAGS")); // -fsanitize=address,undefined, for one
    for (std::string word; more >> word;) f.push_back(word);
    return f;
}

// The flags and the shim.
std::string surroundings() {
    std::string text;
    for (auto& f : flags()) text += f + " ";
    for (const char* f : {"emu.h", "device.h", "launch.h"}) text += read(include_folder() + "/" + f);
    return text;
}

// Each statement that declares shared variables, as one that finds the block's copy of them.
std::string share(const std::string& text) {
    static const std::regex declaration(R"((extern\s+)?(?:static\s+)?__shared__\s+((?:__align__\s*\([^)]*\)\s*)?)([^;]*);)");
    static const std::regex declarator(R"(^\s*(\w+)\s*((?:\[[^\]]*\]\s*)*)$)");
    static const std::regex first(R"(^\s*((?:(?:const|volatile|unsigned|signed|long|short)\s+)*[\w:]+(?:\s*<[^>]*>)?(?:\s+(?:int|long|char|short))*)\s+(\w[\s\S]*)$)");
    std::string out;
    auto from = text.cbegin();
    for (std::smatch m; std::regex_search(from, text.cend(), m, declaration);) {
        out.append(from, m[0].first);
        from = m[0].second;
        std::string rest = m[3];
        std::smatch parts;
        if (!std::regex_match(rest, parts, first)) throw "cannot read the shared declaration `" + rest + "`";
        std::string type = parts[1], names = parts[2], name;
        std::istringstream list(names);
        while (std::getline(list, name, ',')) {
            std::smatch d;
            if (!std::regex_match(name, d, declarator)) throw "cannot read the shared declaration `" + rest + "`";
            std::string id = d[1], dims = d[2];
            if (m[1].matched)
                out += type + "* " + id + " = (" + type + "*)standin::now->dynamic_shared();";
            else
                out += type + " (&" + id + ")" + dims + " = standin::shared<" + type + " " + dims + ">([]{});";
        }
    }
    out.append(from, text.cend());
    return out;
}

// The names of `extern "C" __global__` functions, and the arguments of their __launch_bounds__.
std::vector<std::pair<std::string, std::string>> kernels(const std::string& text) {
    static const std::regex kernel(
        R"re((extern\s*"C"\s+|\{\s*|\}\s*|;\s*)(?:static\s+)?__global__\s+(?:__launch_bounds__\s*\(([^()]*(?:\([^()]*\)[^()]*)*)\)\s*)?void\s+(?:__launch_bounds__\s*\(([^()]*(?:\([^()]*\)[^()]*)*)\)\s*)?(\w+)\s*\()re");
    bool wrapped = text.find("extern \"C\" {") != std::string::npos;
    std::vector<std::pair<std::string, std::string>> found;
    for (std::sregex_iterator m(text.begin(), text.end(), kernel), end; m != end; ++m) {
        bool named = (*m)[1].str().rfind("extern", 0) == 0;
        if (named || wrapped) found.emplace_back((*m)[4], (*m)[2].matched ? (*m)[2].str() : (*m)[3].str());
    }
    return found;
}

} // namespace

Compiled compile(const std::string& given, const std::vector<std::string>& folders) {
    Compiled result;
    std::string own = include_folder(), cache = cache_folder();
    mkdir(cache.c_str(), 0755);
    std::string base = cache + "/" + std::to_string(getpid()) + "-" + hash(given + std::to_string((uintptr_t)&result));
    std::string in = base + ".cu", text = base + ".i", code = base + ".cpp", err = base + ".log", library = base + ".so";
    auto finish = [&](bool done, const std::string& why = "") {
        result.done = done;
        result.log = read(err) + why;
        for (auto& f : {in, text, code, err, library}) unlink(f.c_str());
        return result;
    };

    write(in, given);
    std::string plant = env("STANDIN_PLANT"); // a sed script: a fault put into the kernels, which a test must catch
    if (!plant.empty()) {
        if (execute({"sed", "-E", "-f", plant, in}, text, err)) return finish(false, "the plant cannot be applied\n");
        std::string changed = read(text);
        if (changed != given) fprintf(stderr, "stand-in: planted %s\n", plant.c_str());
        write(in, changed);
    }
    std::vector<std::string> words = {"g++", "-std=c++17", "-E", "-x", "c++", "-nostdinc", "-D__CUDACC__", "-D__CUDACC_RTC__",
                                      "-D__CUDA_ARCH__=800", "-I" + own + "/cuda"};
    for (auto& f : folders) words.push_back("-I" + f);
    words.push_back(in);
    if (execute(words, text, err)) return finish(false);
    std::string source = read(text);
    std::string program = "#include \"emu.h\"\n";
    try {
        program += share(source);
    } catch (const std::string& why) {
        return finish(false, why + "\n");
    }
    for (auto& [name, bounds] : kernels(source)) {
        result.kernels.push_back(name);
        program += "\nextern \"C\" __attribute__((visibility(\"default\"))) standin::Bound* standin_kernel_" + name +
                   "(void** a) { return standin::bind(" + name + ", a, standin::bounds(" + bounds + ")); }";
    }
    program += "\n";

    std::string version = base + ".v", cpu = read("/proc/cpuinfo"), key = program;
    execute({"g++", "--version"}, version, err);
    key += read(version);
    unlink(version.c_str());
    if (size_t at = cpu.find("flags"); at != std::string::npos) key += cpu.substr(at, cpu.find('\n', at) - at);
    key += surroundings();
    // Lines of the preprocessor name the temporary file.
    for (size_t at; (at = key.find(in)) != std::string::npos;) key.replace(at, in.size(), "kernels.cu");
    result.library = cache + "/" + hash(key) + ".so";
    if (access(result.library.c_str(), R_OK) == 0) return finish(true);

    write(code, program);
    words = {"g++"};
    for (auto& f : flags()) words.push_back(f);
    for (auto& w : {std::string("-I") + own, code, std::string("-o"), library}) words.push_back(w);
    if (execute(words, base + ".out", err)) return unlink((base + ".out").c_str()), finish(false);
    unlink((base + ".out").c_str());
    rename(library.c_str(), result.library.c_str());
    return finish(true);
}

int version() {
    std::string plant = env("STANDIN_PLANT");
    std::string about = surroundings() + cache_folder() + (plant.empty() ? "" : read(plant));
    return 1000 + int(std::stoull(hash(about).substr(0, 8), nullptr, 16) % 999000);
}

} // namespace standin
