"""All targets, by name."""

from __future__ import annotations

from .c_calls import CCalls
from .calls import Calls
from .certificates import Certificates
from .command_faults import CommandFaults
from .damaged_caches import DamagedCaches
from .interrupts import Interrupts
from .long_runs import LongRuns
from .model_files import ModelFiles
from .session_steps import SessionSteps
from .target import Target
from .trajectory_files import TrajectoryFiles

TARGETS: dict[str, type[Target]] = {
    target.name: target
    for target in (
        *(ModelFiles, TrajectoryFiles, Calls, SessionSteps, Interrupts, CCalls),
        *(CommandFaults, DamagedCaches, LongRuns, Certificates),
    )
}
