# SPDX-License-Identifier: GPL-2.0-only
"""``pip install ./plugins/lammps``: compiles the plugin into the package."""

from __future__ import annotations

import importlib.util
import site
import sys
from pathlib import Path

from setuptools import Distribution, setup
from setuptools.command.build_py import build_py

HERE = Path(__file__).parent


def building():  # type: ignore[no-untyped-def]
    """dpse_lammps/build.py, which is not installed yet."""
    spec = importlib.util.spec_from_file_location(
        "dpse_lammps_build", HERE / "dpse_lammps" / "build.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class BuildPlugin(build_py):
    """The Python files, and the plugin beside them."""

    def run(self) -> None:
        super().run()
        build = building()
        # pip builds without the packages of the environment that it installs into;
        # the plugin is compiled against just these.
        for folder in build.environment_folders():
            site.addsitedir(folder)
        into = "." if self.editable_mode else self.build_lib
        try:
            build.build(Path(into) / "dpse_lammps")
        except build.BuildError as error:
            sys.exit(f"dpse-fast-lammps cannot be built: {error}")

    def get_outputs(self, include_bytecode: bool = True) -> list[str]:
        plugin = str(Path(self.build_lib) / "dpse_lammps" / "dpseplugin.so")
        return [*super().get_outputs(include_bytecode), plugin]


class Compiled(Distribution):
    """Its wheel is for one platform and one Python."""

    def has_ext_modules(self) -> bool:
        return True


setup(cmdclass={"build_py": BuildPlugin}, distclass=Compiled)
