"""States of the whole process."""
