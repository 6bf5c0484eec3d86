"""calc_model_devi: committees and frames in other forms, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from deepmd_interface.calls import COMMITTEE, MODELS, TYPES, cells, coordinates

from dpse_fast.deepmd import DeepPot, calc_model_devi, write_model_devi_out
from dpse_fast.errors import InputError

X, BOX = coordinates(), cells()


@pytest.fixture(scope="module")
def committee():
    return [DeepPot(str(MODELS / name), tol=0, threads=1) for name in COMMITTEE]


def test_a_committee_may_come_in_any_collection(committee):
    expected = calc_model_devi(X, BOX, TYPES, committee)
    array = np.empty(len(committee), object)
    array[:] = committee
    for models in (tuple(committee), iter(committee), array):
        found = calc_model_devi(X, BOX, TYPES, models)
        np.testing.assert_array_equal(found, expected)


def test_frames_may_come_in_any_form(committee):
    """deepmd-kit takes arrays whose first axis is that of the frames."""
    expected = calc_model_devi(X, BOX, TYPES, committee, atomic=True)
    lists = calc_model_devi(X.tolist(), BOX.tolist(), TYPES, committee, atomic=True)
    np.testing.assert_array_equal(lists, expected)
    one = calc_model_devi(X[0], BOX[0], TYPES, committee, atomic=True)
    np.testing.assert_allclose(one, expected[:1], atol=1e-12)


def test_virials_are_divided_by_the_magnitude_of_their_own_frame(committee):
    several = calc_model_devi(X, BOX, TYPES, committee, relative_v=0.1)
    for k in range(len(X)):
        one = calc_model_devi(X[k], BOX[k], TYPES, committee, relative_v=0.1)
        np.testing.assert_allclose(several[k, 1:], one[0, 1:], atol=1e-12)


def test_committees_that_are_none_are_refused(committee):
    three = DeepPot(str(MODELS / "three_types.pb"), tol=0, threads=1)
    for models, message in (
        ([], "expected at least one DeepPot"),
        (committee[0], "expected a list of DeepPots, got <"),
        (["a.pb"], r"expected a list of DeepPots, got 'a.pb' as models\[0\]"),
        ([committee[0], three], r"expected the type map of models\[0\], O H, got "),
    ):
        with pytest.raises(InputError, match=f"^models: {message}"):
            calc_model_devi(X, BOX, TYPES, models)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"atomic": 1}, "^atomic: expected True or False"),
        ({"relative": -0.1}, "^relative: expected a level of 0 or more"),
        ({"real_data": {}}, "^real_data: expected 'energy' in it"),
        (
            {"real_data": {"energy": np.zeros(2)}},
            r"^real_data\['energy'\]: expected shape \(3,\)",
        ),
        ({"fparam": [1.0]}, "^fparam: expected none"),
    ],
)
def test_bad_arguments_are_named(committee, options, message):
    with pytest.raises(InputError, match=message):
        calc_model_devi(X, BOX, TYPES, committee, **options)


@pytest.mark.parametrize(("columns", "atomic"), [(9, False), (8, True)])
def test_tables_of_other_columns_are_not_written(tmp_path, columns, atomic):
    file = tmp_path / "out"
    with pytest.raises(InputError, match=r"^devi: expected shape"):
        write_model_devi_out(np.zeros((2, columns)), file, atomic=atomic)
    assert not file.exists()
