"""dpse-fast on a GPU: ``python -m bench.gpu``, or without one its estimate."""
