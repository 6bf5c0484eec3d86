"""The registry of descriptor families (se_e2_a, se_e2_r).

The record of a family says how its descriptors are evaluated, tabulated, run on each
device, read and written. No other code asks for the class of a descriptor. Code of
higher layers is named by a `Hook`, which imports it when it is first used. How to add
a family: "A new descriptor" in CONTRIBUTING.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any, Literal


@dataclass(frozen=True)
class Hook:
    """A class or function of a higher layer; calling the hook calls it.

    Parameters
    ----------
    name : "package.module:attribute"
    """

    name: str

    def __call__(self, *args: Any, **options: Any) -> Any:
        return self.load()(*args, **options)

    def load(self) -> Any:
        """What the name stands for."""
        module, _, attribute = self.name.partition(":")
        return getattr(import_module(module), attribute)


@dataclass(frozen=True, kw_only=True)
class Family:
    """What is particular to the descriptors of one kind.

    A pair's row R of the environment goes through the embedding G, by its first
    component x.

    Parameters
    ----------
    kind : in our model files and in summaries
    descriptor : the class, a `Descriptor` of `model.descriptors`
    counts : integers that the class has beside those of all, by the names that our
        files and deepmd-kit's have for them
    n_components : of R
    has_products : D is made of products of the moments T = Σ_j G ⊗ R, with
        `n_axis` of the descriptor's channels as the second index; else of the sums
        Σ_j G
    normalisation_power : D is proportional to this power of 1/normalisation
    empty_slot : what an empty slot, whose x is −mean/deviation, adds to the sum
    excluded_pair : what a pair that is excluded adds to the sum
    functions, empty : (descriptor, types) → what tables are made of, and what empty
        slots add; see `plan.pair_functions`
    reference : the exact descriptor of one environment, see `planning.reference`
    sensitivity : the norm in which the embedding is rotated to its rank, see
        `planning.sensitivity`; None: it never is
    cpu_packed, cuda_packed : (plan, k) → a descriptor's arrays for the kernels
    cpu_stage, cuda_stage : a descriptor's kernels, there and back
    states_normalisation : our files must state it; else it is the number of slots
        where they do not
    native_type : in deepmd-kit 3's native files
    native_divisor : what deepmd-kit 3 divides the sum by, in numbers of slots
    native_refusal : descriptor → why a native file cannot hold it, or ""; None: it
        always can
    """

    kind: str
    descriptor: Hook
    counts: tuple[str, ...] = ()
    n_components: int
    has_products: bool
    normalisation_power: int
    empty_slot: Literal["G(x) x", "G(x)"]
    excluded_pair: Literal["nothing", "G(0)"]
    functions: Hook = Hook("dpse_fast.plan.pair_functions:functions_of")
    empty: Hook = Hook("dpse_fast.plan.pair_functions:padding_of")
    reference: Hook
    sensitivity: Hook | None
    cpu_packed: Hook = Hook("dpse_fast.cpu.packed_descriptor:packed_descriptor")
    cuda_packed: Hook = Hook("dpse_fast.cuda.packed_descriptor:packed_descriptor")
    cpu_stage: Hook
    cuda_stage: Hook
    states_normalisation: bool
    native_type: str
    native_divisor: float
    native_refusal: Hook | None


SE_E2_A = Family(
    kind="se_e2_a",
    descriptor=Hook("dpse_fast.model.descriptors:SeE2A"),
    counts=("axis_neuron",),
    n_components=4,
    has_products=True,
    normalisation_power=2,
    empty_slot="G(x) x",
    excluded_pair="nothing",
    reference=Hook("dpse_fast.planning.reference:AngularPart"),
    sensitivity=Hook("dpse_fast.planning.sensitivity:of_products"),
    cpu_stage=Hook("dpse_fast.cpu.stages:AngularStage"),
    cuda_stage=Hook("dpse_fast.cuda.stages:AngularStage"),
    states_normalisation=False,
    native_type="se_e2_a",
    native_divisor=1.0,
    native_refusal=None,
)
SE_E2_R = Family(
    kind="se_e2_r",
    descriptor=Hook("dpse_fast.model.descriptors:SeE2R"),
    n_components=1,
    has_products=False,
    normalisation_power=1,
    empty_slot="G(x)",
    excluded_pair="G(0)",
    reference=Hook("dpse_fast.planning.reference:RadialPart"),
    sensitivity=Hook("dpse_fast.planning.sensitivity:of_sums"),
    cpu_stage=Hook("dpse_fast.cpu.stages:RadialStage"),
    cuda_stage=Hook("dpse_fast.cuda.stages:RadialStage"),
    states_normalisation=True,
    native_type="se_r",
    native_divisor=5.0,
    native_refusal=Hook(
        "dpse_fast.formats.native_writer.descriptors:refusal_of_se_e2_r"
    ),
)
FAMILIES = {family.kind: family for family in (SE_E2_A, SE_E2_R)}
