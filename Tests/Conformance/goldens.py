"""Golden predictions: rows and what the reference library answers for them."""

import csv
import pathlib

MODELS = pathlib.Path(__file__).resolve().parents[2] / "Data" / "Models"


class Golden:
    """The rows of a golden.csv as request lines, with their probabilities."""

    def __init__(self, path):
        with open(path, newline="") as file:
            rows = list(csv.reader(line for line in file if not line.startswith("#")))
        header, rows = rows[0], rows[1:]
        self.probability_column = header.index("probability")
        feature_count = header.index("margin")
        self.names = header[:feature_count]
        self.lines = [",".join(row[:feature_count]) for row in rows]
        self.features = [[float(field) if field else None for field in row[:feature_count]] for row in rows]
        self.probabilities = [float(row[self.probability_column]) for row in rows]

    def __len__(self):
        return len(self.lines)

    def body(self, start=0, count=None):
        return "\n".join(self.lines[start:start + count if count else None])

    def expected(self, start=0, count=None):
        return self.probabilities[start:start + count if count else None]


def values(text):
    """The predictions of a text/csv answer, however the rows are separated."""
    return [float(field) for field in text.replace(",", "\n").split()]


def worst_difference(answered, expected):
    assert len(answered) == len(expected), f"{len(answered)} predictions for {len(expected)} rows"
    return max(abs(a - e) for a, e in zip(answered, expected))
