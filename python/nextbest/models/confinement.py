"""The process it runs in -> a process that can compute, and little else.

For the child process that validates a model. Every kernel enforces the limits of memory, processor time and
files; a separate network namespace and the ban on new privileges may be unavailable, and the report shows
whether they are in force. After everything is loaded, `seal` removes the permission to open files.
"""

import ctypes
import os
import resource
from dataclasses import dataclass
from typing import Final

_PR_SET_DUMPABLE: Final = 4
_PR_SET_NO_NEW_PRIVS: Final = 38
_CLONE_NEWUSER: Final = 0x10000000
_CLONE_NEWNET: Final = 0x40000000


@dataclass(frozen=True, slots=True)
class Limits:
    """What a validation may take.

    Attributes:
        memory_bytes: Of address space. Python, numpy, onnx and ONNX Runtime take 0.15 GiB before a model is
            opened; the largest model that is allowed takes ten times its 64 MiB.
        cpu_s: Of processor time, in whole seconds.
        wall_s: Until it is killed.
    """

    memory_bytes: int = 4 * 1024**3
    cpu_s: int = 60
    wall_s: float = 120.0


def confine(limits: Limits) -> tuple[bool, bool]:
    """Confines this process permanently.

    Returns:
        Whether it has no network, and whether it can gain no privileges.
    """
    resource.setrlimit(resource.RLIMIT_AS, (limits.memory_bytes, limits.memory_bytes))
    # At the first limit the kernel sends a separate signal, which identifies the cause; at the second it
    # kills the process.
    resource.setrlimit(resource.RLIMIT_CPU, (limits.cpu_s, limits.cpu_s + 1))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    # Without a user namespace only root may do this; with one, the kernel's settings decide.
    has_no_network = libc.unshare(_CLONE_NEWNET) == 0 or libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET) == 0
    gains_nothing = libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
    return has_no_network, gains_nothing


def seal() -> bool:
    """Removes the permission to open files and sockets; returns whether that worked. Open files stay open.

    That to start processes goes with it, except of root's: one that is left behind is what a kill misses.
    """
    resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))
    try:
        os.close(os.open("/", os.O_RDONLY))
    except OSError:
        return True
    return False
