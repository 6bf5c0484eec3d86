"""The fuzzing campaign: everything that users, files and machines do wrong, at random.

``make fuzz`` runs it (``python -m campaign --help``); each target is a module. Every
execution has a number, and is repeated by its number and the seed.
"""
