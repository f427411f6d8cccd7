// standin-cc FILE.cu… [-I FOLDER…]: compiles CUDA C (the files one after the other) for the stand-in; prints the
// library's path and its kernels.
#include <fstream>
#include <iostream>
#include <sstream>

#include "compile.h"

int main(int count, char** words) {
    std::string source;
    std::vector<std::string> folders;
    for (int i = 1; i < count; i++) {
        if (std::string(words[i]) == "-I" && i + 1 < count) {
            folders.push_back(words[++i]);
            continue;
        }
        std::ifstream file(words[i]);
        if (!file) return std::cerr << "cannot read " << words[i] << "\n", 2;
        std::stringstream text;
        text << file.rdbuf();
        source += "#line 1 \"" + std::string(words[i]) + "\"\n" + text.str() + "\n";
    }
    standin::Compiled compiled = standin::compile(source, folders);
    std::cerr << compiled.log;
    if (!compiled.done) return 1;
    std::cout << compiled.library << "\n";
    for (auto& kernel : compiled.kernels) std::cout << kernel << "\n";
}
