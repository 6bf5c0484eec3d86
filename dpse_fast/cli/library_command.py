"""``dpse-fast library``: make the shared library for C, C++ and Fortran."""

from __future__ import annotations

from pathlib import Path

import click

from .json_errors import JsonCommand


@click.command("library", cls=JsonCommand)
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--compiler", help="C compiler; default: $CC, else cc.")
@click.option(
    "--deepmd",
    is_flag=True,
    help="Make libdeepmd_c.so, which takes the place of deepmd-kit's.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object, nothing else.")
def command(folder: Path, compiler: str | None, deepmd: bool, as_json: bool) -> None:
    """Make libdpse.so, dpse.h and dpse.f90 in FOLDER.

    Programs that link it run this Python environment. With --deepmd, make
    libdeepmd_c.so instead, which programs made for deepmd-kit's C library load in
    its place.
    """
    from ..library import DEEPMD, build
    from .report import print_json

    if deepmd:
        library = build(folder, compiler, DEEPMD)
        if as_json:
            print_json({"library": library})
            return
        click.echo(f"{library}")
        click.echo(f"LD_PRELOAD={library.resolve()} lmp -in in.lammps")
        return
    library = build(folder, compiler)
    if as_json:
        print_json({"library": library, "header": folder / "dpse.h"})
        return
    place = folder.resolve()
    click.echo(f"{library}")
    click.echo(f"C:       cc program.c -I{place} -L{place} -ldpse -Wl,-rpath,{place}")
    click.echo(
        f"Fortran: gfortran {place}/dpse.f90 program.f90 -L{place} -ldpse "
        f"-Wl,-rpath,{place}"
    )
