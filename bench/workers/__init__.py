"""Scripts that run in processes of their own, ours and in the peers' environment."""
