"""deepmd-kit's own examples in C and C++, compiled against its headers."""

from __future__ import annotations

import shutil
from pathlib import Path

from ..peers import call
from .agreement import Table, numbers
from .sides import Side

COMPILED = ("infer_water.c", "infer_water_hpp.cpp", "infer_water_nlist.cpp")
COMPILERS = {".c": ("cc", "-std=c11"), ".cpp": ("c++", "-std=c++14")}
LIBRARIES = "lib/python*/site-packages/deepmd/lib"


def example(name: str, source: Path, side: Side, model: Path, folder: Path) -> Table:
    """The numbers that an example prints, whose model is called graph.pb.

    Parameters
    ----------
    source : deepmd-kit's repository, of which two folders are used
    """
    compile_client(source / "examples/infer_water" / name, source, side, folder)
    shutil.copyfile(model, folder / "graph.pb")
    said = call(
        f"{name}, {side.name}", ["./client"], folder, environment=side.variables
    )
    return numbers(said)


def compile_client(file: Path, source: Path, side: Side, folder: Path) -> None:
    """A program, ``client``, that links the library of deepmd-kit's environment."""
    compiler, standard = COMPILERS[file.suffix]
    include = folder / "include"
    include.mkdir()
    (include / "deepmd").symlink_to((source / "source/api_c/include").absolute())
    theirs = next(side.binaries.parent.glob(LIBRARIES))
    link = [f"-L{theirs}", "-ldeepmd_c", f"-Wl,-rpath,{theirs}"]
    link.append("-Wl,--allow-shlib-undefined")
    code = [f"-I{include}", str(file.absolute())]
    call(
        f"{file.name}: compiler",
        [compiler, standard, *code, *link, "-o", "client"],
        folder,
    )
