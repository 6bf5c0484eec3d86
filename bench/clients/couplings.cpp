// What couplings of other programs do with a model, call by call, in their order:
// couplings NAME MODEL. frame.txt has the number of atoms, the cell, and type and position
// of each atom (Angstrom); energies.txt, forces.txt and virials.txt get what the calls give.
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "deepmd/deepmd.hpp"

using deepmd::hpp::DeepPot;
using Numbers = std::vector<double>;

struct Frame {
    std::vector<int> types;
    Numbers cell, positions;
};

struct Found {
    double energy = 0;
    Numbers force, virial;
};

static const int STEPS = 3;

static Frame read_frame()
{
    std::ifstream file("frame.txt");
    std::size_t n = 0;
    file >> n;
    Frame frame{std::vector<int>(n), Numbers(9), Numbers(3 * n)};
    for (double &number : frame.cell) file >> number;
    for (std::size_t i = 0; i < n; i++) {
        file >> frame.types[i];
        for (int k = 0; k < 3; k++) file >> frame.positions[3 * i + k];
    }
    if (!file) std::exit(3);
    return frame;
}

static void append(const char *name, const Numbers &numbers, std::size_t width)
{
    FILE *file = std::fopen(name, "a");
    for (std::size_t k = 0; k < numbers.size(); k++)
        std::fprintf(file, "%.17g%c", numbers[k], (k + 1) % width ? ' ' : '\n');
    std::fclose(file);
}

static void write(const Found &found)
{
    append("energies.txt", {found.energy}, 1);
    append("forces.txt", found.force, 3);
    append("virials.txt", found.virial, 9);
}

// Atoms move along what they have felt.
static void move(Frame &frame, const Found &found)
{
    for (std::size_t k = 0; k < frame.positions.size(); k++)
        frame.positions[k] += 1e-3 * found.force[k];
}

// The plugin of deepmd-kit's patch of GROMACS: with a cell, and without.
static void gromacs(const char *model, Frame frame)
{
    DeepPot *potential = new DeepPot;
    std::string names;
    potential->init(model);
    potential->print_summary("");
    potential->get_type_map(names);
    for (int step = 0; step < 2 * STEPS; step++) {
        Found found;
        found.force.resize(frame.positions.size());
        found.virial.resize(9);
        potential->compute(found.energy, found.force, found.virial, frame.positions,
                           frame.types, step < STEPS ? frame.cell : Numbers());
        write(found);
        move(frame, found);
    }
    delete potential;
}

// ABACUS, esolver_type dp, where it was built with deepmd.hpp: types by their names.
static void abacus(const char *model, Frame frame)
{
    DeepPot potential(model);
    const Numbers fparam, aparam;
    std::string names, name;
    std::map<std::string, int> number;
    potential.get_type_map(names);
    std::stringstream words(names);
    while (words >> name) number[name] = static_cast<int>(number.size());
    for (int &type : frame.types) type = number.at(type ? "H" : "O");
    for (int step = 0; step < STEPS; step++) {
        Found found;
        potential.compute(found.energy, found.force, found.virial, frame.positions,
                          frame.types, frame.cell, fparam, aparam);
        write(found);
        move(frame, found);
    }
}

// The OpenMM plugin: some of the atoms, here those of every other molecule.
static void openmm(const char *model, const Frame &whole)
{
    DeepPot potential;
    Frame frame;
    potential.init(model);
    frame.cell = whole.cell;
    for (std::size_t i = 0; i < whole.types.size(); i++) {
        if (i / 3 % 2) continue;
        frame.types.push_back(whole.types[i]);
        const auto first = whole.positions.begin() + static_cast<std::ptrdiff_t>(3 * i);
        frame.positions.insert(frame.positions.end(), first, first + 3);
    }
    for (int step = 0; step < STEPS; step++) {
        Found found;
        found.force.assign(frame.positions.size(), 0);
        found.virial.assign(9, 0);
        potential.compute(found.energy, found.force, found.virial, frame.positions,
                          frame.types, frame.cell);
        write(found);
        move(frame, found);
    }
}

// CP2K's deepmd_wrapper: C alone, all results, no question for errors.
static void cp2k(const char *model, Frame frame)
{
    const std::size_t n = frame.types.size();
    DP_DeepPot *potential = DP_NewDeepPot(model);
    for (int step = 0; step < STEPS; step++) {
        Found found;
        Numbers energies(n), virials(9 * n);
        found.force.resize(3 * n);
        found.virial.resize(9);
        DP_DeepPotCompute(potential, static_cast<int>(n), frame.positions.data(),
                          frame.types.data(), frame.cell.data(), &found.energy,
                          found.force.data(), found.virial.data(), energies.data(),
                          virials.data());
        write(found);
        append("energies.txt", energies, 1);
        append("virials.txt", virials, 9);
        move(frame, found);
    }
    DP_DeleteDeepPot(potential);
}

int main(int, char **words)
{
    const std::string name = words[1];
    const Frame frame = read_frame();
    if (name == "GROMACS") gromacs(words[2], frame);
    if (name == "ABACUS") abacus(words[2], frame);
    if (name == "OpenMM") openmm(words[2], frame);
    if (name == "CP2K") cp2k(words[2], frame);
    return 0;
}
