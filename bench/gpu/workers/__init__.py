"""What `bench.gpu` runs in processes of its own: ``-m bench.gpu.workers.NAME OPTIONS``.

Options are one JSON object; what is found is printed, a JSON object a line.
"""
