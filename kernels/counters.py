"""What kernels count of what lies beyond a model's domain: columns of their counters.

The same on every device. Counters are int64 and added to.
"""

from __future__ import annotations

# Of `environments`, before one per group of slots: atoms with too many neighbours.
SHORT_PAIRS = 0  # below the trusted distance, from both atoms
CLOSE_PAIRS = 1  # below the trained distance, from both atoms
COINCIDENT = 2  # 1 + the index of an atom that another one lies on
LEFT_OUT = 3  # centres with a neighbour closer than certified
N_COUNTERS = 4

# Of `pair_potentials`.
BELOW_TABLE = 0  # 1 + the index of an atom with a neighbour below the table's start
OVER_TABLE = 1  # atoms with more neighbours than the table's sel
N_TABLE_COUNTERS = 2

CLOSEST = 1e-4  # Å; closer atoms are at the same place
