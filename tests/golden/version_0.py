"""Rebuilds the golden graphs of deepmd-kit before 1.0.

    DEEPMD/bin/python version_0.py

deepmd-kit 3.2 has the operations of 0.12 under other names. The graph is built with
them, gets the old names, and is turned by deepmd-kit's own ``dp convert-from 0.12``
into version_0_converted.pb, which deepmd-kit evaluates.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from reference import store

HERE = Path(__file__).resolve().parent
RCUT, RCUT_SMTH, SEL, AXIS = 4.0, 1.8, (10, 17), 3
EMBEDDING, FITTING = (4, 8, 8), (8, 8)
OLD_NAMES = {
    "ProdEnvMatA": "DescrptNorot",
    "ProdForceSeA": "ProdForceNorot",
    "ProdVirialSeA": "ProdVirialNorot",
}
OUTPUTS = ("energy_test", "force_test", "virial_test", "atom_energy_test",
           "atom_virial_test", "t_rcut", "t_ntypes")  # fmt: skip


class VersionZero:
    """What `reference.store` asks for."""

    n_types = len(SEL)
    frames = ("orthorhombic", "triclinic", "tiny", "open", "overflow")
    parameters = (0, 0)


class Builder:
    """The network of one graph, with variables from a seed."""

    def __init__(self, tf: Any, operations: Any) -> None:
        self.tf, self.operations = tf, operations
        self.rng = np.random.default_rng(12)

    def variable(self, name: str, values: Any) -> Any:
        start = self.tf.constant_initializer(values)
        values = np.asarray(values)
        shape = {"shape": values.shape, "dtype": self.tf.float64}
        return self.tf.get_variable(
            name, initializer=start, use_resource=False, **shape
        )

    def dense(self, x: Any, wide: int, ending: str, row: bool, step: bool) -> Any:
        n = int(x.shape[1])
        weight = self.rng.normal(size=(n, wide)) / np.sqrt(n)
        w = self.variable(f"matrix{ending}", weight)
        shape = (1, wide) if row else (wide,)
        y = self.tf.matmul(x, w)
        y = self.tf.tanh(
            y + self.variable(f"bias{ending}", 0.3 * self.rng.normal(size=shape))
        )
        if step:
            y = y * self.variable(f"idt{ending}", self.rng.uniform(0.5, 1, shape))
        return y

    def descriptor(self, rows: Any, centre: int) -> Any:
        tf, found = self.tf, []
        with tf.variable_scope(f"DS_layer_type_{centre}"):
            for t, slots in enumerate(SEL):
                part = tf.slice(rows, [0, 4 * sum(SEL[:t])], [-1, 4 * slots])
                x = tf.reshape(part, [-1, 4])
                x = tf.reshape(tf.slice(x, [0, 0], [-1, 1]), [-1, 1])
                for k, wide in enumerate(EMBEDDING, start=1):
                    y = self.dense(x, wide, f"_{k}_{t}", row=True, step=True)
                    n = int(x.shape[1])
                    if wide == 2 * n:
                        x = tf.concat([x, x], 1) + y
                    else:
                        x = x + y if wide == n else y
                found.append(tf.reshape(x, [-1, slots, EMBEDDING[-1]]))
            all_rows = tf.reshape(rows, [-1, sum(SEL), 4])
            product = tf.matmul(all_rows, tf.concat(found, 1), transpose_a=True)
            moments = product * (4.0 / (4 * sum(SEL)))
            few = tf.slice(moments, [0, 0, 0], [-1, -1, AXIS])
            product = tf.matmul(moments, few, transpose_a=True)
            return tf.reshape(product, [-1, AXIS * EMBEDDING[-1]])

    def energies(self, rows: Any, natoms: Any) -> Any:
        tf, first, found = self.tf, 0, []
        width = 4 * sum(SEL)
        flat = tf.reshape(rows, [-1, width * natoms[0]])
        for c in range(len(SEL)):
            mine = tf.slice(flat, [0, first * width], [-1, natoms[2 + c] * width])
            first = first + natoms[2 + c]
            x = self.descriptor(tf.reshape(mine, [-1, width]), c)
            for k, wide in enumerate(FITTING):
                same = k > 0 and int(x.shape[1]) == wide
                with tf.variable_scope(f"layer_{k}_type_{c}"):
                    y = self.dense(x, wide, "", row=False, step=same)
                x = x + y if same else y
            with tf.variable_scope(f"final_layer_type_{c}"):
                w = self.variable("matrix", self.rng.normal(size=(int(x.shape[1]), 1)))
                y = tf.matmul(x, w) + self.variable("bias", [-2.0 - c])
            found.append(tf.reshape(y, [1, natoms[2 + c]]))
        return tf.reshape(tf.concat(found, 1), [-1])

    def build(self) -> None:
        tf, n = self.tf, len(SEL)
        mean = np.zeros((n, sum(SEL), 4))
        mean[..., 0] = self.rng.uniform(0.02, 0.1, (n, 1))
        deviation = np.repeat(self.rng.uniform(0.1, 0.3, (n, 1, 2)), [1, 3], axis=2)
        deviation = np.broadcast_to(deviation, mean.shape)
        avg = self.variable("t_avg", mean.reshape(n, -1))
        std = self.variable("t_std", deviation.reshape(n, -1))
        tf.constant(RCUT, name="t_rcut", dtype=tf.float64)
        tf.constant(n, name="t_ntypes", dtype=tf.int32)
        coord = tf.placeholder(tf.float64, [None], name="t_coord")
        kinds = tf.placeholder(tf.int32, [None], name="t_type")
        natoms = tf.placeholder(tf.int32, [n + 2], name="t_natoms")
        box = tf.placeholder(tf.float64, [None, 9], name="t_box")
        mesh = tf.placeholder(tf.int32, [None], name="t_mesh")
        options = {"rcut_a": -1.0, "rcut_r": RCUT, "rcut_r_smth": RCUT_SMTH,
                   "sel_a": SEL, "sel_r": [0] * n}  # fmt: skip
        rows, slopes, rij, neighbours = self.operations.prod_env_mat_a(
            tf.reshape(coord, [-1, natoms[1] * 3]),
            tf.reshape(kinds, [-1, natoms[1]]),
            *(natoms, box, mesh, avg, std),
            **options,
        )
        rows = tf.reshape(rows, [-1, 4 * sum(SEL)])
        energies = self.energies(rows, natoms)
        own = tf.reshape(energies, [-1, natoms[0]], name="atom_energy_test")
        tf.reduce_sum(own, axis=1, name="energy_test")
        back = tf.reshape(
            tf.gradients(energies, rows)[0], [-1, natoms[0] * 4 * sum(SEL)]
        )
        counts = {"n_a_sel": sum(SEL), "n_r_sel": 0}
        force = self.operations.prod_force_se_a(
            back, slopes, neighbours, natoms, **counts
        )
        tf.reshape(force, [-1, 3 * natoms[1]], name="force_test")
        virial, shares = self.operations.prod_virial_se_a(
            back, slopes, rij, neighbours, natoms, **counts
        )
        tf.reshape(virial, [-1, 9], name="virial_test")
        tf.reshape(shares, [-1, 9 * natoms[1]], name="atom_virial_test")


def graph() -> bytes:
    """The GraphDef as deepmd-kit 0.12 would have frozen it."""
    from deepmd.tf.env import op_module, tf

    with tf.Graph().as_default(), tf.Session() as session:
        Builder(tf, op_module).build()
        session.run(tf.global_variables_initializer())
        found = tf.graph_util.convert_variables_to_constants(
            session, session.graph_def, list(OUTPUTS)
        )
    found.ClearField("library")
    for node in found.node:
        node.op = OLD_NAMES.get(node.op, node.op)
        for new, old in OLD_NAMES.items():
            node.name = node.name.replace(new, old)
            node.input[:] = [name.replace(new, old) for name in node.input]
        if node.op in OLD_NAMES.values():
            del node.attr["T"]
        for key in ("_output_shapes", "_class"):
            if key in node.attr:
                del node.attr[key]
    return bytes(found.SerializeToString(deterministic=True))


def main() -> None:
    from deepmd.tf.utils.convert import convert_012_to_21

    original, converted = HERE / "version_0.pb", HERE / "version_0_converted.pb"
    original.write_bytes(graph())
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        convert_012_to_21(str(original), "converted.pb")
        shutil.copy("converted.pb", converted)
    store(converted, VersionZero(), HERE / "version_0_converted.npz")
    shutil.copy(HERE / "version_0_converted.npz", HERE / "version_0.npz")


if __name__ == "__main__":
    main()
