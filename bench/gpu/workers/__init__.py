"""What `bench.gpu` measures in processes of its own."""
