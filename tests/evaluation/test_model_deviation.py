"""Model deviations against their definition, written as loops."""

import numpy as np
import pytest

from dpse_fast.errors import InputError
from dpse_fast.evaluation.model_deviation import model_deviation

MODELS, FRAMES, ATOMS = 3, 4, 5


@pytest.fixture
def predicted():
    rng = np.random.default_rng(1)
    return (
        rng.normal(size=(MODELS, FRAMES)) * 10,
        rng.normal(size=(MODELS, FRAMES, ATOMS, 3)),
        rng.normal(size=(MODELS, FRAMES, 3, 3)) * 10,
    )


@pytest.fixture
def reference():
    rng = np.random.default_rng(2)
    return (
        rng.normal(size=FRAMES) * 10,
        rng.normal(size=(FRAMES, ATOMS, 3)),
        rng.normal(size=(FRAMES, 9)) * 10,
    )


def naive_row(energies, forces, virials, centre, relative, relative_v):
    """The columns of one frame; energies and virials are per atom."""
    energy, force, virial = centre
    of_forces = []
    for atom in range(ATOMS):
        squares = [np.sum((f[atom] - force[atom]) ** 2) for f in forces]
        size = np.sqrt(sum(squares) / MODELS)
        if relative is not None:
            size /= np.sqrt(np.sum(force[atom] ** 2)) + relative
        of_forces.append(size)
    of_virial = []
    for k in range(9):
        size = np.sqrt(sum((v[k] - virial[k]) ** 2 for v in virials) / MODELS)
        if relative_v is not None:
            size /= np.sqrt(sum(virial**2)) + relative_v
        of_virial.append(size)
    of_energy = np.sqrt(sum((e - energy) ** 2 for e in energies) / MODELS)
    average_v = np.sqrt(sum(x * x for x in of_virial) / 9)
    return [
        *(max(of_virial), min(of_virial), average_v),
        *(max(of_forces), min(of_forces), sum(of_forces) / ATOMS),
        *(of_energy, *of_forces),
    ]


@pytest.mark.parametrize("levels", [(None, None), (0.5, None), (0.5, 0.2), (0.0, 0.0)])
@pytest.mark.parametrize("against", ["mean", "reference"])
def test_is_what_the_definition_says(predicted, reference, levels, against):
    given = reference if against == "reference" else None
    found = model_deviation(
        *predicted, reference=given, relative=levels[0], relative_v=levels[1]
    ).columns(atomic=True)
    energies, forces, virials = predicted
    virials = virials.reshape(MODELS, FRAMES, 9)
    for frame in range(FRAMES):
        models = (
            energies[:, frame] / ATOMS,
            forces[:, frame],
            virials[:, frame] / ATOMS,
        )
        if given is None:
            centre = tuple(x.mean(axis=0) for x in models)
        else:
            e, f, v = (x[frame] for x in reference)
            centre = (e / ATOMS, f, v / ATOMS)
        expected = naive_row(*models, centre, *levels)
        np.testing.assert_allclose(found[frame], expected, rtol=1e-12)


def test_columns_of_atoms_follow_only_on_request(predicted):
    found = model_deviation(*predicted)
    assert found.columns().shape == (FRAMES, 7)
    np.testing.assert_array_equal(found.columns(atomic=True)[:, 7:], found.forces)


@pytest.mark.parametrize("level", [-1.0, np.nan, np.inf])
@pytest.mark.parametrize("name", ["relative", "relative_v"])
def test_levels_are_checked(predicted, name, level):
    with pytest.raises(InputError, match=f"^{name}: expected a level of 0 or more"):
        model_deviation(*predicted, **{name: level})
