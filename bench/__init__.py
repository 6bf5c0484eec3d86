"""dpse-fast against its peers on this machine: ``python -m bench``."""
