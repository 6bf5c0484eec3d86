"""dpse-fast on a GPU: ``python -m bench.gpu``."""
