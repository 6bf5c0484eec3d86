"""The backend that computes on the processors."""
