"""deepmd-kit's own examples in C and C++, compiled against its headers."""

from __future__ import annotations

import shutil
from pathlib import Path

from ..peers import call
from .agreement import Table, numbers
from .sides import Side

COMPILED = {
    "infer_water.c": ("cc", "-std=c11"),
    "infer_water_hpp.cpp": ("c++", "-std=c++14"),
    "infer_water_nlist.cpp": ("c++", "-std=c++14"),
}
LIBRARIES = "lib/python*/site-packages/deepmd/lib"


def example(name: str, source: Path, side: Side, model: Path, folder: Path) -> Table:
    """The numbers that an example prints, whose model is called graph.pb.

    Parameters
    ----------
    source : deepmd-kit's repository, of which two folders are used
    """
    compiler, standard = COMPILED[name]
    include = folder / "include"
    include.mkdir()
    (include / "deepmd").symlink_to((source / "source/api_c/include").absolute())
    shutil.copyfile(model, folder / "graph.pb")
    theirs = next(side.binaries.parent.glob(LIBRARIES))
    link = [f"-L{theirs}", "-ldeepmd_c", f"-Wl,-rpath,{theirs}"]
    link.append("-Wl,--allow-shlib-undefined")
    file = (source / "examples/infer_water" / name).absolute()
    command = [compiler, standard, f"-I{include}", str(file), *link, "-o", "example"]
    call(f"{name}: compiler", command, folder)
    said = call(
        f"{name}, {side.name}", ["./example"], folder, environment=side.variables
    )
    return numbers(said)
