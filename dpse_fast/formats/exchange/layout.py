"""What stands where in our own model file: names that reader and writer share."""

from __future__ import annotations

FORMAT = "dpse-fast model"
VERSION = 1
PLAN_GROUP = "plan"
PLAN_VERSION = 2  # 2: certificates with a margin, and what rounding adds to them

ROOT = ("format", "version", "type_map", "provenance", "min_distance")
MEMBERS = (
    "bias", "scale", "descriptor", "fitting", "type_embedding", "fparam", "aparam",
    "vacuum", "emptied", "pair_table", "type_vectors", PLAN_GROUP,
)  # fmt: skip

DESCRIPTOR_NUMBERS = ("rcut", "rcut_smth", "normalisation", "env_protection")
DESCRIPTOR_FLAGS = ("switch_float32", "mixed", "keeps_all")
DESCRIPTOR_COUNTS = ("list_size",)
DESCRIPTOR_MEMBERS = ("davg", "dstd", "excluded", "embedding", "padding")
TABLE_NUMBERS = ("lower", "upper", "maximum", "stride0", "stride1")
PAIR_TABLE_NUMBERS = (
    "start", "step", "rcut", "switch_rcut", "inner", "width", "alpha",
)  # fmt: skip

SHARED = "shared"
HYBRID = "hybrid"
