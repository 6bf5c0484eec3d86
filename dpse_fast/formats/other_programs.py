"""Other programs whose PyTorch files are known by the modules that they name."""

from __future__ import annotations

_PROGRAMS = {
    "mace": "MACE",
    "nequip": "NequIP",
    "allegro": "Allegro",
    "sevenn": "SevenNet",
    "chgnet": "CHGNet",
    "matgl": "MatGL",
    "fairchem": "fairchem",
    "ocpmodels": "fairchem",
    "orb_models": "Orb",
    "mattersim": "MatterSim",
    "schnetpack": "SchNetPack",
    "torchani": "TorchANI",
    "torchmd": "TorchMD-Net",
    "torchmdnet": "TorchMD-Net",
    "metatomic": "metatomic",
    "metatensor": "metatensor",
    "metatrain": "metatrain",
    "e3nn": "e3nn (as of MACE, NequIP or Allegro)",
    "lightning": "PyTorch Lightning (as of NequIP)",
    "pytorch_lightning": "PyTorch Lightning (as of NequIP)",
}
REMEDY = "dpse-fast evaluates Deep Potential models; give one of deepmd-kit"


def program_of(name: str) -> str | None:
    """The program that a dotted name of a class belongs to, if it is known."""
    first, _, rest = name.partition(".")
    if first == "__torch__":
        first = rest.partition(".")[0]
    return _PROGRAMS.get(first)
