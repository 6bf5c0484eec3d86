"""The errors and warnings that users see."""


class DpseError(Exception):
    """Base of every error that dpse-fast raises on purpose."""


class ModelFileError(DpseError, ValueError):
    """A model file that cannot be read, or a model that is not supported."""


class InputError(DpseError, ValueError):
    """An argument, structure or trajectory that cannot be evaluated."""


class SelOverflowWarning(UserWarning):
    """Atoms with more neighbours of a type than the model's ``sel``."""


class ShortDistanceWarning(UserWarning):
    """Pairs far closer than any that the model was trained on."""


class AccuracyWarning(UserWarning):
    """A tolerance that the tables could not reach."""
