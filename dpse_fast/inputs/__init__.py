"""Arguments of callers, checked and cast once."""
