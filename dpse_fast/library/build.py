"""Making the shared library: C code around Python, from cffi, and a C compiler."""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from contextlib import redirect_stdout
from importlib import resources
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from ..errors import InputError
from ..runtime.atomic_file import complete_or_absent

GENERATED = "dpse_embedded.c"
REACHABLE = "dpse_python_reachable"
TEXT_SIZE = "DPSE_TEXT_SIZE"
START = """
import importlib.util
if importlib.util.find_spec("dpse_fast") is None:
    import site
    for folder in {folders!r}:
        site.addsitedir(folder)
from {module} import ffi, lib
from {answers} import serve
serve(ffi, lib)
"""


class Kind(NamedTuple):
    """A library, or what it consists of.

    Parameters
    ----------
    library : the file
    module : of Python, which C calls
    answers : the module whose ``serve`` answers
    private : headers of what C and Python tell each other; the last has the others
    compiled, copied : files of this package, by folder and name
    public : what its users get beside it
    flags : of the compiler
    """

    library: str
    module: str
    answers: str
    private: tuple[str, ...]
    compiled: tuple[str, ...]
    copied: tuple[str, ...]
    public: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()


DPSE = Kind(
    library="libdpse.so",
    module="_dpse_embedded",
    answers="dpse_fast.library.answers",
    private=("dpse_python.h",),
    compiled=("dpse.c", "dpse_memory.c"),
    copied=("dpse.h", "dpse.f90"),
    public=("dpse.h", "dpse.f90"),
)
DEEPMD = Kind(
    library="libdeepmd_c.so",
    module="_dpse_embedded_deepmd",
    answers="dpse_fast.library.deepmd.functions",
    private=("dpse_python.h", "deepmd/dp_python.h"),
    compiled=(
        *DPSE.compiled,
        *(
            f"deepmd/dp_{name}.c"
            for name in (
                *("objects", "models", "properties", "nlist", "checks", "compute"),
                *("calls", "refused", "files", "summary", "clients", "live"),
            )
        ),
    ),
    copied=("dpse.h", "deepmd/dp_objects.h", "deepmd/exports.map"),
    flags=("-Wl,-soname,libdeepmd_c.so", "-Wl,--version-script=exports.map", "-ldl"),
)


class Sources(NamedTuple):
    """What a compiler needs.

    Parameters
    ----------
    files : C files (C11)
    include : folders of headers
    link : arguments that link Python
    """

    files: list[Path]
    include: list[Path]
    link: list[str]


def write_sources(folder: str | os.PathLike[str], kind: Kind = DPSE) -> Sources:
    """Write header and C files into a folder, for a library or a plugin.

    Raises
    ------
    InputError
        If cffi is not installed, or Python cannot be linked.
    """
    into = Path(folder)
    into.mkdir(parents=True, exist_ok=True)
    packaged = resources.files(__package__)
    texts = {
        Path(name).name: packaged.joinpath(name).read_text("utf-8")
        for name in (*kind.copied, *kind.private, *kind.compiled)
    }
    texts["dpse_environment.h"] = _environment()
    for name, text in texts.items():
        (into / name).write_text(text, "utf-8")
    private = [Path(name).name for name in kind.private]
    _emit(kind, texts["dpse.h"], [texts[name] for name in private], into / GENERATED)
    include = [into, Path(sysconfig.get_path("include"))]
    if not (include[1] / "Python.h").exists():
        raise InputError(
            f"library: expected Python.h in {include[1]}, found none; on Debian it is "
            "in the package python3-dev"
        )
    files = [into / Path(name).name for name in (*kind.compiled, GENERATED)]
    return Sources(files, include, _link_python())


def build(
    folder: str | os.PathLike[str], compiler: str | None = None, kind: Kind = DPSE
) -> Path:
    """Make a library with its header and Fortran module; returns the library.

    Parameters
    ----------
    compiler : of C; None for ``$CC``, else cc
    kind : `DPSE`, or `DEEPMD` for one with the C interface of deepmd-kit

    Raises
    ------
    InputError
        If something that this needs is missing.
    """
    name = compiler or os.environ.get("CC") or "cc"
    command = shutil.which(name)
    if command is None:
        raise InputError(
            f"compiler: expected a C compiler, found no {name!r}; on Debian it is in "
            "the package gcc"
        )
    if kind is DEEPMD and not sys.platform.startswith("linux"):
        raise InputError(f"library: expected Linux for {kind.library}")
    into = Path(folder)
    into.mkdir(parents=True, exist_ok=True)
    library = into / kind.library
    with TemporaryDirectory(prefix="dpse-fast-") as place:
        work = Path(place)
        sources = write_sources(work, kind)
        arguments = [
            *(command, "-std=c11", "-O2", "-fPIC", "-shared", "-fvisibility=hidden"),
            "-pthread",
            *(f"-I{path}" for path in sources.include),
            *map(str, sources.files),
            *("-o", str(work / library.name)),
            *kind.flags,
            *sources.link,
        ]
        done = subprocess.run(
            arguments, capture_output=True, text=True, check=False, cwd=work
        )
        if done.returncode:
            raise InputError(
                f"compiler: {name} could not make {library}:\n{done.stderr.strip()}"
            )
        for file in (library.name, *kind.public):
            with complete_or_absent(into / file) as partial:
                shutil.copyfile(work / file, partial)
    return library


ENVIRONMENT = """
#include <stdlib.h>

static inline const char *dpse_python_executable(void)
{{
    static const char built_with[] = {{{letters}}};
#ifdef DPSE_PYTHON_VARIABLE
    const char *named = getenv(DPSE_PYTHON_VARIABLE);
    if (named && *named) return named;
#endif
    return built_with;
}}
"""


def _environment() -> str:
    """A header with the Python that is run where the process has none.

    What is compiled for other machines defines DPSE_PYTHON_VARIABLE, the name of a
    variable that says it there.
    """
    letters = ", ".join(map(str, [*sys.executable.encode(), 0]))
    return ENVIRONMENT.format(letters=letters)


def _emit(kind: Kind, public: str, private: list[str], target: Path) -> None:
    """Write the C code that calls Python."""
    try:
        from cffi import FFI
    except ImportError:
        raise InputError(
            "library: expected cffi; install it with: pip install 'dpse-fast[library]'"
        ) from None
    ffi = FFI()
    structures = [s for text in (public, *private) for s in _structures(text)]
    told = "\n".join(private)
    size = re.search(rf"#define {TEXT_SIZE} (\d+)", told)
    assert size is not None
    ffi.cdef("\n".join(structures))
    ffi.cdef(f"#define {TEXT_SIZE} {size[1]}")
    declared = re.findall(r"^int dpse_python_\w+\([^;]*;", told, re.MULTILINE)
    ffi.cdef("\n".join(one for one in declared if REACHABLE in one))
    ffi.embedding_api("\n".join(one for one in declared if REACHABLE not in one))
    folders = [sysconfig.get_path("purelib"), sysconfig.get_path("platlib")]
    once = list(dict.fromkeys(folders))
    ffi.embedding_init_code(
        START.format(module=kind.module, answers=kind.answers, folders=once)
    )
    ffi.set_source(kind.module, f'#include "{Path(kind.private[-1]).name}"')
    with redirect_stdout(io.StringIO()):  # it tells of its progress there
        ffi.emit_c_code(str(target))


def _structures(header: str) -> list[str]:
    """The structures that a header defines."""
    plain = re.sub(r"/\*.*?\*/", "", header, flags=re.DOTALL)
    return re.findall(r"^typedef struct \{.*?^\} \w+;", plain, re.DOTALL | re.MULTILINE)


def _link_python() -> list[str]:
    """Arguments that link this Python's library, wherever it is."""
    name = sysconfig.get_config_var("LDLIBRARY") or ""
    found = re.fullmatch(r"lib(python[\w.]+?)\.(so|dylib).*", name)
    places = [sysconfig.get_config_var(k) for k in ("LIBDIR", "LIBPL")]
    for place in filter(None, places):
        if found and (Path(place) / name).exists():
            return [f"-L{place}", f"-l{found[1]}", f"-Wl,-rpath,{place}"]
    raise InputError(
        f"library: expected this Python as a shared library, found {name or 'none'} in "
        f"{places}; on Debian it is in the package python3-dev, pyenv needs "
        "PYTHON_CONFIGURE_OPTS=--enable-shared"
    )
