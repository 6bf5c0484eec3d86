"""Commands whose frames the ranks of an MPI launcher share."""

from __future__ import annotations

import os
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import TYPE_CHECKING, Any, NoReturn

import click

from ..md.abort import PASSED_ON
from .failures import message_of
from .json_errors import JsonCommand
from .mpi_ranks import RanksError, launched_ranks, started_ranks

if TYPE_CHECKING:
    from .mpi_ranks import Ranks
    from .shared_outcomes import FirstRank, OtherRank

SHARE = f"{__name__}.share"  # in a context: what this rank does of the run


class RanksCommand(JsonCommand):
    """Only the first rank reports: results, progress, and the error that ends all."""

    def make_context(self, *arguments: Any, **options: Any) -> click.Context:
        if not _is_another():
            return super().make_context(*arguments, **options)
        with _silence():
            try:
                return super().make_context(*arguments, **options)
            except click.ClickException as error:
                _leave(error.exit_code)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            ranks = started_ranks()
        except RanksError:
            if _is_another():
                _leave(1)
            raise
        if ranks is None:
            return super().invoke(ctx)
        if ctx.params.get("threads", 0) is None:
            ctx.params["threads"] = ranks.threads()
        if ranks.rank > 0:
            return self._serve(ctx, ranks)
        from .shared_outcomes import FirstRank

        ctx.meta[SHARE] = first = FirstRank(ranks)
        why = "the run has ended"
        try:
            return super().invoke(ctx)
        except BaseException as error:
            why = message_of(error)
            raise
        finally:
            first.end(why)

    def _serve(self, ctx: click.Context, ranks: Ranks) -> None:
        from .shared_outcomes import OtherRank

        ctx.meta[SHARE] = other = OtherRank(ranks)
        with _silence():
            try:
                super().invoke(ctx)
            except BaseException as error:
                if os.environ.get("DPSE_FAST_TRACEBACK"):
                    traceback.print_exc(file=sys.__stderr__)
                other.fail(error)
            other.finish()


def first_rank() -> FirstRank | None:
    """What takes the results of other ranks; None without any."""
    from .shared_outcomes import FirstRank

    share = click.get_current_context().meta.get(SHARE)
    return share if isinstance(share, FirstRank) else None


def other_rank() -> OtherRank | None:
    """What evaluates frames for the first rank, if this process does."""
    from .shared_outcomes import OtherRank

    share = click.get_current_context().meta.get(SHARE)
    return share if isinstance(share, OtherRank) else None


def _is_another() -> bool:
    """Whether this process is one of several, and not the first."""
    launched = launched_ranks(os.environ)
    return launched is not None and launched[0] > 0


def _leave(code: int) -> NoReturn:
    """End a rank other than the first, which says why; not before it has."""
    time.sleep(PASSED_ON)
    raise click.exceptions.Exit(code)


@contextmanager
def _silence() -> Iterator[None]:
    with (
        open(os.devnull, "w", encoding="utf-8") as nowhere,
        redirect_stdout(nowhere),
        redirect_stderr(nowhere),
    ):
        yield
