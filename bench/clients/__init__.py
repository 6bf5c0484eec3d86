"""Programs made for deepmd-kit's C library, unmodified, on ours and on theirs."""
