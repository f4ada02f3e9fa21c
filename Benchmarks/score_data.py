"""The synthetic bid stream that the anchor models learn, seeded: 40 float32 features (24 numbers, 16 Zipf-skewed labels), missing
values as NaN, 2 % of the rows positive; and two more views of it, one-hot for M5 and scaled for M6."""
import numpy as np

TRAINING_ROWS, TEST_ROWS, SEED = 200_000, 20_000, 20240601
LABELS = [("exchange", 12), ("site", 5000), ("section", 400), ("app", 2000), ("geo", 60), ("metro", 210), ("os", 6), ("browser", 10),
          ("devtype", 5), ("carrier", 30), ("creative", 2000), ("campaign", 300), ("advertiser", 100), ("lang", 20), ("iabcat", 24),
          ("slot", 8)]
ONE_HOT_WIDTH = 976


def labels(random, rows):
    """Codes that say nothing by their order, and what each row's labels add to its score."""
    columns, effect = [], np.zeros(rows)
    for name, count in LABELS:
        weights = 1 / np.arange(1, count + 1) ** 1.1
        drawn = random.choice(count, rows, p=weights / weights.sum())
        codes = random.permutation(count)
        effect += random.normal(0, .35 if count > 50 else .25, count)[drawn]
        column = codes[drawn].astype(np.float32)
        if name in ("section", "app", "metro", "carrier"):
            column[random.random(rows) < (.35 if name == "app" else .08)] = np.nan
        columns.append(column)
    return columns, effect


def numbers(random, rows, effect):
    """24 numbers, and the score before its intercept."""
    def missing(values, share):
        values = values.astype(np.float32)
        values[random.random(rows) < share] = np.nan
        return values
    by_hour = 1.2 + np.sin((np.arange(24) - 9) / 24 * 2 * np.pi)
    hour = random.choice(24, rows, p=by_hour / by_hour.sum())
    floor, frequency = random.lognormal(-.3, .9, rows), np.minimum(random.zipf(1.7, rows), 500)
    recency, viewable, user_rate = random.exponential(36, rows), random.beta(4, 3, rows), random.beta(1.2, 60, rows)
    site_rate, creative_rate = random.beta(2, 90, rows), random.beta(1.5, 70, rows)
    segments, age = random.poisson(6, rows), random.integers(0, 2000, rows)
    width = random.choice([300, 320, 728, 160, 970], rows, p=[.45, .3, .15, .07, .03])
    height = np.select([width == 300, width == 160, width == 970, width == 728], [250, 600, 250, 90], 50)
    price, session = random.lognormal(1, 1.1, rows), random.gamma(1.5, 4, rows)
    latitude, longitude = random.normal(39, 6, rows), random.normal(-95, 15, rows)
    embedding = random.normal(0, 1, (rows, 6))
    columns = [hour, random.integers(0, 7, rows), floor, frequency, missing(recency, .3), missing(viewable, .2),
               missing(user_rate, .45), site_rate, creative_rate, segments, missing(age, .25), width, height, price, session,
               missing(latitude, .15), missing(longitude, .15), random.poisson(2, rows)]
    columns += [missing(embedding[:, j], .05) for j in range(6)]
    score = (effect + 18 * user_rate + 14 * site_rate + 12 * creative_rate + .8 * (viewable - .5) - .25 * np.log1p(frequency)
             - .006 * recency + .25 * np.sin(hour / 24 * 2 * np.pi) + .3 * embedding[:, 0] * embedding[:, 1]
             + .25 * np.where(embedding[:, 2] > 0, embedding[:, 3], -embedding[:, 4]) - .2 * np.log(price) * (width == 320)
             + .15 * np.minimum(segments, 10) / 5 + random.normal(0, .3, rows))
    return columns, score


def intercept(score):
    low, high = -15., 5.
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if (1 / (1 + np.exp(-(score + middle)))).mean() < .02 else (low, middle)
    return middle


def one_hot(label_columns):
    """The place of each row's label of each column among 976; a missing one has its own."""
    widths = [min(count + 1, 129) for _, count in LABELS]
    while sum(widths) > ONE_HOT_WIDTH:
        widths = [width - 1 if width == max(widths) else width for width in widths]
    widths[1] += ONE_HOT_WIDTH - sum(widths)
    starts = np.concatenate([[0], np.cumsum(widths)[:-1]])
    return np.column_stack([
        np.where(np.isnan(column), widths[i] - 1, np.nan_to_num(column) % (widths[i] - 1)) + starts[i]
        for i, column in enumerate(label_columns)]).astype(np.int32)


def scaled(values, reference):
    values, reference = np.nan_to_num(values), np.nan_to_num(reference)
    return ((values - reference.mean(0)) / (reference.std(0) + 1e-9)).astype(np.float32)


def make(folder):
    """Writes arrays for training, and the rows that are scored: rows.f32 [20000, 40], rows-onehot.f32 [10000, 1000], rows-scaled.f32."""
    random, rows = np.random.default_rng(SEED), TRAINING_ROWS + TEST_ROWS
    label_columns, effect = labels(random, rows)
    number_columns, score = numbers(random, rows, effect)
    target = (random.random(rows) < 1 / (1 + np.exp(-(score + intercept(score))))).astype(np.int8)
    table = np.column_stack([np.asarray(column, np.float32) for column in number_columns + label_columns]).astype(np.float32)
    places, numeric, everything = one_hot(label_columns), scaled(table[:, :24], table[:, :24]), scaled(table, table[:TRAINING_ROWS])
    np.savez(folder / "data.npz", table=table, target=target, places=places, numeric=numeric, everything=everything)
    table[TRAINING_ROWS:].tofile(folder / "rows.f32")
    everything[TRAINING_ROWS:].tofile(folder / "rows-scaled.f32")
    dense = np.zeros((10_000, ONE_HOT_WIDTH + 24), np.float32)
    test = slice(TRAINING_ROWS, TRAINING_ROWS + 10_000)
    dense[np.arange(10_000)[:, None], places[test]] = 1
    dense[:, ONE_HOT_WIDTH:] = numeric[test]
    dense.tofile(folder / "rows-onehot.f32")
