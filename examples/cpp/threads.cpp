// Energies of several structures from several threads, in C++11:
// ./threads MODEL OPTIONS THREADS STRUCTURE. Every thread has its own potential, because calls
// on the same potential wait for each other. STRUCTURE is a file as in examples/c/md.c;
// thread k moves atom 0 by k/100 Å.
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "dpse.h"

struct Structure {
    double cell[9];
    std::vector<int> types;
    std::vector<double> positions;
};

static Structure read(const char *path)
{
    Structure found;
    std::ifstream file(path);
    int n = 0;
    file >> n;
    for (double &number : found.cell) file >> number;
    found.types.resize(n);
    found.positions.resize(3 * n);
    double mass, velocity;
    for (int k = 0; k < n; k++) {
        file >> found.types[k] >> mass;
        for (int c = 0; c < 3; c++) file >> found.positions[3 * k + c];
        for (int c = 0; c < 3; c++) file >> velocity;
    }
    if (!file || n < 1) {
        std::fprintf(stderr, "error: cannot read %s\n", path);
        std::exit(1);
    }
    return found;
}

int main(int argc, char **argv)
{
    if (argc != 5) return std::fprintf(stderr, "usage: threads MODEL OPTIONS THREADS STRUCTURE\n"), 2;
    const Structure structure = read(argv[4]);
    const int n_threads = std::atoi(argv[3]), n = int(structure.types.size());
    std::vector<double> energies(n_threads);
    std::vector<std::string> errors(n_threads);  // of a thread, as dpse_error() is
    std::vector<std::thread> threads;
    for (int k = 0; k < n_threads; k++)
        threads.emplace_back([&, k] {
            std::vector<double> positions = structure.positions, forces(3 * n);
            positions[0] += 0.01 * k;
            int potential = 0;
            int status = dpse_init(argv[1][0] ? argv[1] : nullptr, argv[2], &potential);
            if (status == DPSE_OK)
                status = dpse_compute(potential, n, positions.data(), structure.types.data(),
                                      structure.cell, nullptr, nullptr, nullptr, &energies[k],
                                      forces.data(), nullptr, nullptr, nullptr);
            if (status == DPSE_OK) status = dpse_free(potential);
            if (status != DPSE_OK) errors[k] = dpse_error();
        });
    for (std::thread &thread : threads) thread.join();
    for (int k = 0; k < n_threads; k++)
        if (errors[k].empty())
            std::printf("%d %.12f\n", k, energies[k]);
        else
            std::fprintf(stderr, "error: %s\n", errors[k].c_str());
}
