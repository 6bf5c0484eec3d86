"""What is said once of a trajectory, in the frame where it is first found."""

from __future__ import annotations

from ..errors import warn


class Notices:
    """Warns of each matter once.

    Parameters
    ----------
    where : the frame that is being read, which the message names
    """

    def __init__(self) -> None:
        self.where = ""
        self._said: set[tuple[type[Warning], str]] = set()

    def once(self, matter: str, message: str, kind: type[Warning]) -> None:
        """Warn, unless it was done for this matter before."""
        if (kind, matter) not in self._said:
            self._said.add((kind, matter))
            warn(f"{self.where}: {message}", kind)
