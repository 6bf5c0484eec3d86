"""``import deepmd`` and the command ``dp``, provided by dpse-fast.

The package ``deepmd`` is in the folder ``provided``, which a path file adds to the end
of Python's path. An installed deepmd-kit comes before it and is never shadowed.
"""
