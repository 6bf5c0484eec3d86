"""What users call: sessions over a backend, and what they report."""
