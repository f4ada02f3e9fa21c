"""The rows that wide vectors are made of, as Data/Vectors/Models/README.md describes them; `WideRows.swift` makes the same."""

import numpy

ROWS, BLOCK = 10_000, 500
GAMMA = numpy.uint64(0x9E3779B97F4A7C15)


def draws(seed, count):
    """The first numbers of SplitMix64."""
    with numpy.errstate(over="ignore"):
        z = numpy.uint64(seed) + GAMMA * numpy.arange(1, count + 1, dtype=numpy.uint64)
        z = (z ^ (z >> numpy.uint64(30))) * numpy.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> numpy.uint64(27))) * numpy.uint64(0x94D049BB133111EB)
        return z ^ (z >> numpy.uint64(31))


def numbers(seed, features, is_sparse, is_tame=False):
    """[ROWS, features] in float64, each number a float32; tame ones are those of networks."""
    both = draws(seed, ROWS * features * 2)
    a, b = both[0::2], both[1::2]
    kind = (a % numpy.uint64(16)).astype(int)
    sign = numpy.where(a >> numpy.uint64(63) == 1, -1.0, 1.0)
    part = lambda modulus: (b % numpy.uint64(modulus)).astype(float)
    small, centred = part(2 ** 24), part(2 ** 24) - 2 ** 23
    exponent = ((a >> numpy.uint64(8)) % numpy.uint64(12)).astype(int) - 24
    denormal = numpy.ldexp(sign * (1 + part(1000)), -149)
    if is_sparse:
        kinds = [0.0] * 10 + [numpy.nan, 1.0, denormal, part(8), numpy.ldexp(centred, -21), numpy.ldexp(centred, -21)]
    else:
        missing = numpy.where((a >> numpy.uint64(16)) % numpy.uint64(16) == 0, numpy.nan, numpy.ldexp(centred, -21)) if is_tame else numpy.nan
        kinds = [missing, missing, 0.0, -0.0, denormal, numpy.ldexp(sign * (1 + part(4)), -117),
                 numpy.ldexp(sign * (2 ** 24 - 1 - part(1000)), 36 if is_tame else 104), part(64), part(64), -part(8) - 0.5,
                 numpy.ldexp(centred, -33), numpy.ldexp(centred, -33), numpy.ldexp(small, exponent),
                 numpy.ldexp(small, exponent), numpy.ldexp(centred, -21), numpy.ldexp(centred, -21)]
    rows = numpy.empty(len(a))
    for number, values in enumerate(kinds):
        rows[kind == number] = numpy.broadcast_to(values, rows.shape)[kind == number]
    return rows.reshape(ROWS, features), kind.reshape(ROWS, features), b.reshape(ROWS, features)


def rows(seed, features, categories=None, is_sparse=False, is_tame=False, integers=None):
    """Columns in `categories` (column → count) hold missing values and numbers from 0 up, those in `integers` the numbers alone."""
    values, kind, b = numbers(seed, features, is_sparse, is_tame)
    for column, count in (integers or {}).items():
        values[:, column] = (b[:, column] % numpy.uint64(count)).astype(float)
    for column, count in (categories or {}).items():
        known = (b[:, column] % numpy.uint64(count)).astype(float)
        values[:, column] = numpy.where(kind[:, column] < 2, numpy.nan, known)
    return values


def texts(seed, features, columns):
    """Rows as above and, for columns of texts (column → count), the numbers of their categories; None is missing."""
    values, kind, b = numbers(seed, features, False)
    categories = {column: [None if kind[row, column] < 2 else int(b[row, column] % numpy.uint64(count)) for row in range(ROWS)]
                  for column, count in columns.items()}
    return values, categories


def digests(margins):
    """FNV-1a with 64 bits over the float64 of each block of rows, -0 as 0."""
    margins = numpy.asarray(margins, dtype=numpy.float64).reshape(ROWS, -1) + 0.0
    for start in range(0, ROWS, BLOCK):
        digest = 0xCBF29CE484222325
        for byte in margins[start:start + BLOCK].astype("<f8").tobytes():
            digest = (digest ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
        yield f"{digest:016x}"


def write_digests(folder, seed, margins, categories=None, texts=None):
    lines = [f"seed {seed}"] + [f"category {column} {count}" for column, count in (categories or {}).items()]
    lines += [f"text {column} {count}" for column, count in (texts or {}).items()]
    (folder / "wide.txt").write_text("\n".join(lines + list(digests(margins))) + "\n")
