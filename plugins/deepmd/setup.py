"""``pip install ./plugins/deepmd``: not beside another distribution of `deepmd`."""

from __future__ import annotations

import importlib.util
import site
import sys
import sysconfig
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

HERE = Path(__file__).parent
PATH_FILE = "dpse_fast_deepmd.pth"
PROVIDED = ("dpse_deepmd", "provided")  # in which an older version of ours may be


def other_provider():  # type: ignore[no-untyped-def]
    """dpse_deepmd/other_provider.py, which is not installed yet."""
    spec = importlib.util.spec_from_file_location(
        "dpse_deepmd_other_provider", HERE / "dpse_deepmd" / "other_provider.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Build(build_py):
    """The packages, and the file that adds ours to the end of Python's path."""

    def run(self) -> None:
        # pip builds without the packages of the environment that it installs into.
        for folder in {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}:
            site.addsitedir(folder)
        module = other_provider()
        found = module.found_in(p for p in sys.path if Path(p).parts[-2:] != PROVIDED)
        if found is not None:
            sys.exit(f"dpse-fast-deepmd cannot be installed: {module.advice(found)}")
        if self.editable_mode:
            sys.exit("dpse-fast-deepmd cannot be installed with -e: leave it out")
        super().run()
        (Path(self.build_lib) / PATH_FILE).write_text("dpse_deepmd/provided\n")

    def get_outputs(self, include_bytecode: bool = True) -> list[str]:
        extra = str(Path(self.build_lib) / PATH_FILE)
        return [*super().get_outputs(include_bytecode), extra]


setup(cmdclass={"build_py": Build})
