"""The C interface of deepmd-kit (``libdeepmd_c.so``) over the functions of dpse.h."""
