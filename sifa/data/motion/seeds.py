"""The seed of a batch of clips, from the seed of its source and its index.

Trained weights and sample clips came from seeds that were CPython's hash of the pair (seed, index). That hash is no
promise of the language, so its arithmetic stands here: the same pair gives the same clips on every Python. It is
xxHash64 as `tupleobject.c` of CPython 3.8 uses it, for two items.
"""

PRIMES = 11400714785074694791, 14029467366897019727, 2870177450012600261  # the first, second and fifth of xxHash64
WORD = 2**64
MODULUS = 2**61 - 1  # CPython takes integers modulo this prime on machines with 64 bits


def batch_seed(seed: int, index: int) -> int:
    """The seed 0 <= s < 2 ** 63 of the random numbers of batch `index` of the source with `seed`, any two integers."""
    first, second, fifth = PRIMES
    mixed = fifth
    for number in (seed, index):
        mixed = (mixed + _lane(number) * second) % WORD
        mixed = (mixed << 31 | mixed >> 33) % WORD
        mixed = mixed * first % WORD
    mixed = (mixed + (2 ^ fifth ^ 3527539)) % WORD
    if mixed == WORD - 1:  # -1, which CPython keeps for errors
        mixed = 1546275796
    return mixed % 2**63


def _lane(number: int) -> int:
    """An integer as 64 bits: modulo the prime with its sign kept, and -2 for -1, which CPython keeps for errors."""
    number = int(number)
    rest = abs(number) % MODULUS
    signed = -rest if number < 0 else rest
    return (-2 if signed == -1 else signed) % WORD
