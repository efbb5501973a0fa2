"""Writes statistics.json: reference cases for src/experiment/statistics, computed by scipy and numpy.

    pip install scipy==1.17.1 && python3 tests/data/statistics.py > tests/data/statistics.json

Holm's correction and MSER-5 are in neither; they are computed here from their definitions.
"""

import json

import numpy
import scipy
from scipy import stats

LEVELS = [0.5, 0.9, 0.95, 0.99, 0.999]


def interval(values, level):
    sample = stats.ttest_1samp(values, 0.0)
    ends = sample.confidence_interval(level)
    return [float(ends.low), float(ends.high)]


def holm(raw):
    order = sorted(range(len(raw)), key=lambda index: raw[index])
    corrected, largest = [0.0] * len(raw), 0.0
    for rank, index in enumerate(order):
        largest = max(largest, min(1.0, (len(raw) - rank) * raw[index]))
        corrected[index] = largest
    return corrected


def mser5(series):
    means = [float(numpy.mean(series[at : at + 5])) for at in range(0, len(series) // 5 * 5, 5)]
    if len(means) < 10:
        return None
    errors = [float(numpy.var(means[drop:])) / (len(means) - drop) for drop in range(len(means) - 4)]
    best = int(numpy.argmin(errors))
    return best * 5 if best <= len(means) // 2 else None


def sections(parts, percent):
    """Sectioning (Asmussen and Glynn 2007, III.5) with quantiles by nearest rank."""

    def nearest(values):
        return float(numpy.quantile(values, percent / 100, method="inverted_cdf"))

    pooled = nearest(numpy.concatenate(parts))
    own = numpy.array([nearest(part) for part in parts])
    error = numpy.sqrt(numpy.sum((own - pooled) ** 2) / (len(parts) - 1) / len(parts))
    half = stats.t.ppf(0.975, len(parts) - 1) * error
    return {"pooled": pooled, "sections": own.tolist(), "ci95": [float(pooled - half), float(pooled + half)]}


def main():
    random = numpy.random.default_rng(20261122)
    samples = [
        [1.0, 2.0],
        [0.1, 0.2, 0.4],
        random.normal(5.0, 1.0, 10).tolist(),
        random.lognormal(0.0, 1.5, 30).tolist(),
        (1e9 + random.normal(0.0, 1.0, 20)).tolist(),
        random.exponential(1e-9, 100).tolist(),
        random.uniform(-1.0, 1.0, 1000).tolist(),
    ]
    pairs = []
    for count, shift in [(2, 1.0), (5, 0.3), (10, 1.0), (30, 0.05), (100, 2.0), (1000, 0.0)]:
        common = random.normal(10.0, 5.0, count)
        a, b = common + random.normal(0.0, 1.0, count), common + random.normal(shift, 1.0, count)
        test = stats.ttest_rel(b, a)
        ends = test.confidence_interval(0.95)
        pairs.append(
            {
                "a": a.tolist(),
                "b": b.tolist(),
                "difference": float(numpy.mean(b - a)),
                "ci95": [float(ends.low), float(ends.high)],
                "p": float(test.pvalue),
            }
        )
    raws = [[0.01, 0.04, 0.03, 0.005], [0.5], random.uniform(0.0, 0.1, 40).tolist(), [0.02, 0.02, 0.9, 1.0]]
    quantiles = []
    for count in [1, 2, 10, 99, 100, 101, 1000]:
        values = random.integers(0, 10**12, count)
        quantiles.append(
            {
                "values": values.tolist(),
                "quantiles": {
                    str(percent): int(numpy.quantile(values, percent / 100, method="inverted_cdf"))
                    for percent in [1, 25, 50, 90, 99, 100]
                },
            }
        )
    series = [
        random.normal(1.0, 1.0, 200).tolist(),
        (10.0 * numpy.exp(-numpy.arange(1000) / 50.0) + random.normal(1.0, 0.5, 1000)).tolist(),
        (numpy.arange(300) / 10.0).tolist(),
        random.normal(1.0, 1.0, 49).tolist(),
        random.normal(1.0, 1.0, 53).tolist(),
    ]
    walk = [0.0]
    for noise in random.normal(0.0, 1.0, 1999):
        walk.append(0.9 * walk[-1] + noise)
    batches = {}
    for count in [2, 20, 30]:
        size = len(walk) // count
        means = [float(numpy.mean(walk[at * size : (at + 1) * size])) for at in range(count)]
        batches[str(count)] = {"means": means, "ci95": interval(means, 0.95)}
    print(
        json.dumps(
            {
                "scipy": scipy.__version__,
                "numpy": numpy.__version__,
                "intervals": [
                    {"values": values, "ends": {str(level): interval(values, level) for level in LEVELS}}
                    for values in samples
                ],
                "student": [
                    {"degrees": degrees, "level": level, "t": float(-stats.t.ppf((1 - level) / 2, degrees))}
                    for degrees in [1, 2, 3, 9, 29, 99, 999, 9999]
                    for level in LEVELS
                ],
                "paired": pairs,
                "holm": [{"raw": raw, "corrected": holm(raw)} for raw in raws],
                "quantiles": quantiles,
                "sections": [
                    sections([random.exponential(1.0, size) for size in sizes], percent)
                    for sizes, percent in [([100] * 10, 50), ([100] * 10, 99), ([50, 200, 1000], 99), ([5, 5], 50)]
                ],
                "mser5": [{"series": values, "dropped": mser5(values)} for values in series],
                "batch_means": {"series": walk, "batches": batches},
            },
            indent=None,
        )
    )


main()
