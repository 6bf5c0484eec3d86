"""The pipeline on an NVIDIA GPU: the same plan, the same stages."""
