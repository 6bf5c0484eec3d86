"""A reader of the pickles inside PyTorch's archives that can execute nothing.

It knows the few opcodes that PyTorch writes, and builds plain lists, dicts,
`Instance` and `Tensor` records. A class or function is never looked up: its name
is compared with a short list, and any other name is refused. What it builds is
bounded by the number of opcodes it takes, and what is shared stays shared.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

from ...errors import ModelFileError
from ..other_programs import REMEDY, program_of
from . import numpy_scalar
from .records import DTYPES, Instance, Name, Storage, Tensor

_REBUILD = "torch._utils._rebuild_tensor_v2"
_ORDERED = "collections.OrderedDict"
_PASS_THROUGH = {
    "torch._utils._rebuild_parameter",
    "torch.Size",
    *(
        f"torch.jit._pickle.{name}"
        for name in (
            "build_intlist", "build_doublelist", "build_boollist", "build_tensorlist",
            "restore_type_tag",
        )
    ),
}  # fmt: skip
_KNOWN = {_REBUILD, _ORDERED, *_PASS_THROUGH, *DTYPES, *numpy_scalar.FUNCTIONS}
_MARK = object()
_FEWEST_OBJECTS = 2**18
_BYTES_OF_AN_OBJECT = 32
_SHORT_TEXTS = 2**20
_LARGEST_KEY = 2**31


def most_objects(file_size: int) -> int:
    """How many objects the pickle in a file may build."""
    return _FEWEST_OBJECTS + file_size // _BYTES_OF_AN_OBJECT


def unpickle(data: bytes, most: int = _FEWEST_OBJECTS) -> Any:
    """The value of a pickle as inert records, from at most so many opcodes.

    Raises
    ------
    ModelFileError
        If the pickle is damaged, or names anything a model has no use for.
    """
    machine = _Machine(data)
    try:
        return machine.run(most)
    except (IndexError, struct.error, UnicodeError):
        raise ModelFileError(
            f"the pickle is damaged near byte {machine.position}"
        ) from None


def _damaged(what: str) -> ModelFileError:
    return ModelFileError(f"the pickle is damaged: {what}")


class _Machine:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.position = 0
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}
        self.room = len(data) + _SHORT_TEXTS

    def run(self, most: int) -> Any:
        for _ in range(most):
            code = self.take(1)
            if code == b".":
                return self.pop()
            action = _ACTIONS.get(code)
            if action is None:
                raise _damaged(
                    f"opcode {code!r} at byte {self.position - 1} is unknown"
                )
            action(self)
        raise ModelFileError(
            f"the pickle builds more than {most} objects, more than a model of the "
            "size of the file has; the file is damaged"
        )

    def take(self, count: int) -> bytes:
        end = self.position + count
        if end > len(self.data):
            raise _damaged("it ends too early")
        piece = self.data[self.position : end]
        self.position = end
        return piece

    def number(self, form: str) -> Any:
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def line(self) -> str:
        end = self.data.find(b"\n", self.position)
        if end < 0:
            raise _damaged("a name has no end")
        text = self.data[self.position : end].decode()
        self.position = end + 1
        return text

    def text(self, count: int) -> str:
        """A text of so many bytes; up to four bytes a character in memory."""
        piece = self.take(count)
        self.room -= count if piece.isascii() else 4 * count
        if self.room < 0:
            raise _damaged("its texts need more room than it has")
        return piece.decode()

    def push(self, value: Any) -> None:
        self.stack.append(value)

    def pop(self) -> Any:
        value = self.stack.pop()
        if value is _MARK:
            raise _damaged("a mark stands where a value should")
        return value

    def top(self, kind: type) -> Any:
        if not isinstance(self.stack[-1], kind):
            raise _damaged(f"a {kind.__name__.lower()} is missing")
        return self.stack[-1]

    def since_mark(self) -> list[Any]:
        for start in range(len(self.stack) - 1, -1, -1):
            if self.stack[start] is _MARK:
                items = self.stack[start + 1 :]
                del self.stack[start:]
                return items
        raise _damaged("a mark is missing")

    def last(self, count: int) -> tuple[Any, ...]:
        return tuple(reversed([self.pop() for _ in range(count)]))

    def memoize(self, index: int) -> None:
        self.memo[index] = self.top(object)

    def recall(self, index: int) -> None:
        if index not in self.memo:
            raise _damaged(f"entry {index} was never stored")
        self.push(self.memo[index])

    def extend(self, items: list[Any]) -> None:
        self.top(list).extend(items)

    def set_items(self, items: list[Any]) -> None:
        if len(items) % 2:
            raise _damaged("a key has no value")
        target = self.top(dict)
        for key, value in zip(items[::2], items[1::2], strict=True):
            small = isinstance(key, int) and abs(key) < _LARGEST_KEY
            if not small and not isinstance(key, str):
                raise _damaged("a dictionary key is no text and no small number")
            target[key] = value

    def named(self) -> None:
        module, name = self.line(), self.line()
        full = f"{module}.{name}"
        scripted = module == "__torch__" or module.startswith("__torch__.")
        if not scripted and full not in _KNOWN:
            program = program_of(full)
            if program is None and module.startswith("torch.nn."):
                program = "a program that saves whole PyTorch modules"
            if program is not None:
                raise ModelFileError(
                    f"a model of {program} ({full[:80]!a}) is not read; {REMEDY}"
                )
            raise ModelFileError(
                f"the pickle asks for {full[:80]!a}, which no model needs and "
                "which could run code; do not open this file with anything else either"
            )
        self.push(Name(full))

    def create(self) -> None:
        name, arguments = self.last(2)
        if not isinstance(name, Name) or not name.full.startswith("__torch__"):
            raise _damaged("an object is made of no scripted class")
        if arguments != ():
            raise _damaged(f"{name.full[:80]!a} is made with arguments")
        self.push(Instance(name.full))

    def build(self) -> None:
        state = self.pop()
        if isinstance(self.stack[-1], dict) and isinstance(state, dict):
            return  # the attributes of an ordered dictionary, such as _metadata
        instance = self.top(Instance)
        instance.members.update(state if isinstance(state, dict) else {"state": state})

    def reduce(self) -> None:
        name, arguments = self.last(2)
        if not isinstance(name, Name) or not isinstance(arguments, tuple):
            raise _damaged("a call has no function or no arguments")
        if name.full == _ORDERED and not arguments:
            self.push({})
        elif name.full in _PASS_THROUGH and arguments:
            self.push(arguments[0])
        elif name.full == _REBUILD:
            self.push(_tensor(arguments))
        elif name.full in numpy_scalar.FUNCTIONS:
            self.push(numpy_scalar.result(name.full, arguments))
        else:
            raise _damaged(f"{name.full[:80]!a} is called with odd arguments")

    def storage(self) -> None:
        match self.pop():
            case ("storage", Name(full), str(key), str(), int(count)) if full in DTYPES:
                self.push(Storage(key, DTYPES[full], count))
            case _:
                raise _damaged("a tensor has storage of an unknown kind")


def _tensor(arguments: tuple[Any, ...]) -> Tensor:
    match arguments:
        case (Storage() as storage, int(offset), tuple(size), tuple(stride), *_) if all(
            type(n) is int for n in (*size, *stride)
        ):
            return Tensor(storage, offset, size, stride)
    raise _damaged("a tensor is described with odd arguments")


def _long(m: _Machine) -> None:
    m.push(int.from_bytes(m.take(m.number("<B")), "little", signed=True))


_ACTIONS: dict[bytes, Callable[[_Machine], None]] = {
    b"\x80": lambda m: m.number("<B"),
    b"(": lambda m: m.push(_MARK),
    b"N": lambda m: m.push(None),
    b"\x88": lambda m: m.push(True),
    b"\x89": lambda m: m.push(False),
    b"J": lambda m: m.push(m.number("<i")),
    b"K": lambda m: m.push(m.number("<B")),
    b"M": lambda m: m.push(m.number("<H")),
    b"\x8a": _long,
    b"G": lambda m: m.push(m.number(">d")),
    b"X": lambda m: m.push(m.text(m.number("<I"))),
    b"]": lambda m: m.push([]),
    b"}": lambda m: m.push({}),
    b")": lambda m: m.push(()),
    b"t": lambda m: m.push(tuple(m.since_mark())),
    b"\x85": lambda m: m.push(m.last(1)),
    b"\x86": lambda m: m.push(m.last(2)),
    b"\x87": lambda m: m.push(m.last(3)),
    b"a": lambda m: m.extend([m.pop()]),
    b"e": lambda m: m.extend(m.since_mark()),
    b"s": lambda m: m.set_items(list(m.last(2))),
    b"u": lambda m: m.set_items(m.since_mark()),
    b"q": lambda m: m.memoize(m.number("<B")),
    b"r": lambda m: m.memoize(m.number("<I")),
    b"h": lambda m: m.recall(m.number("<B")),
    b"j": lambda m: m.recall(m.number("<I")),
    b"c": lambda m: m.named(),
    b"\x81": lambda m: m.create(),
    b"R": lambda m: m.reduce(),
    b"b": lambda m: m.build(),
    b"Q": lambda m: m.storage(),
}
