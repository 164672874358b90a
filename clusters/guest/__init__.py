"""A User Mode Linux guest: another kernel, for what this machine's own lacks (kube-proxy's mode ipvs).

It is an ordinary program, built from Linux' sources (``kernel.py``). Its root is this machine's own file system, read
only but for one folder; it has no network device, so no packet leaves it; all that it keeps is in memory and goes with
it. It has one CPU, many times slower than this machine's: what is measured in it says nothing about time.

this machine ── namespaces of the guest's own (network, processes, mounts) ── linux ── init.py ── the command
"""

from .host import hindrance, run
from .inside import is_guest

__all__ = ["hindrance", "is_guest", "run"]
