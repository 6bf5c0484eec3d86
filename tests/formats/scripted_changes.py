"""Changes to one place of a scripted tree, for files that are to be refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from formats.scripted import Scripted

Change = Callable[[Scripted], None]


def kind(*path: str, name: str) -> Change:
    """Give the object at a path another class."""

    def change(tree: Scripted) -> None:
        _at(tree, path).kind = name

    return change


def member(*path: str, **values: Any) -> Change:
    """Give the object at a path these members."""

    def change(tree: Scripted) -> None:
        _at(tree, path).members.update(values)

    return change


def _at(tree: Scripted, path: tuple[str, ...]) -> Scripted:
    for key in path:
        tree = tree.members[key]
    return tree
