"""Changes to a text that leave most of it a text: lines, words, keys and numbers."""

from __future__ import annotations

import numpy as np

WORDS = [
    *("nan", "inf", "-inf", "1e308", "1e-320", "-1", "0", "1e9", "999999999999"),
    *("2147483648", "1e400", "0x1", "1_0", "١", "T", "F", "None", "X", "Xx", "OW", "D"),
    *("Ånton", "'x", '"x', 'pbc="T T T"', 'lattice="1 0 0 0 1 0 0 0 1"', "{}", "[1,2"),
    *("\\", "energy=none", 'stress="1 2 3 4 5 6"', "forces:R:2", "species:S:1"),
    *("pos:R:3", "ITEM:", "1:2:3"),
]


def change_text(data: bytes, rng: np.random.Generator) -> bytes:
    """A text with some lines or words taken out, doubled, exchanged or replaced."""
    lines = data.split(b"\n")
    for _ in range(int(rng.integers(1, 4))):
        if not lines:
            break
        k = int(rng.integers(min(len(lines), 12) if rng.random() < 0.5 else len(lines)))
        kind = int(rng.integers(7))
        words = lines[k].split(b" ")
        at = int(rng.integers(len(words)))
        word = str(rng.choice(WORDS)).encode()
        if kind == 0:
            del lines[k]
        elif kind == 1:
            lines.insert(k, lines[k])
        elif kind == 2:
            other = int(rng.integers(len(lines)))
            lines[k], lines[other] = lines[other], lines[k]
        elif kind == 3:
            words[at] = word
            lines[k] = b" ".join(words)
        elif kind == 4:
            words.insert(at, word)
            lines[k] = b" ".join(words)
        elif kind == 5:
            del words[at]
            lines[k] = b" ".join(words)
        else:
            del lines[k + 1 :]
    return b"\n".join(lines)
