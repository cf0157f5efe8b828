# SPDX-License-Identifier: MIT
"""limits.py - what the project set itself to reach, and sentences that say whether it does."""
import math

# Ours to the best peer's: on each network, and as geometric mean.
FLOAT, INT8 = ('float32', 1.0, 0.84), ('int8', 0.97, 0.85)
RESTRICTED = 1.15
LITERT = 0.9
FAST_MATH = 0.6  # bfloat16 to our own float32, where convolution dominates
SPEEDUP = 1.8  # 2 threads to 1, on large networks
SMALL = ('ds_cnn',)  # these must only not be slower
NOT_CONVOLUTION = ('ds_cnn', 'encoder')


def mean(values):
    return math.exp(sum(map(math.log, values)) / len(values))


class Verdict:
    """One limit: yes or no, and by how much. @most False: @value must be at least @limit."""

    def __init__(self, what, value, limit, most=True, where=''):
        self.holds = value <= limit if most else value >= limit
        sign = 'at most' if most else 'at least'
        by = f'{abs(value - limit):.2f} ({100 * abs(value / limit - 1):.0f} %)'
        side = 'better' if self.holds else 'over' if most else 'short'
        self.text = f'{"yes" if self.holds else "NO "} {what}: {value:.2f}{where}, {sign} {limit:g}: {by} {side}'


def worst_of(ratios):
    name = max(ratios, key=ratios.get)
    return name, ratios[name]


def each(what, ratios, limit):
    """The worst of @ratios by network, and how many miss the limit."""
    if not ratios:
        return []
    name, value = worst_of(ratios)
    over = sum(r > limit for r in ratios.values())
    return [Verdict(f'{what}, each', value, limit, where=f' on {name}; {over} of {len(ratios)} above')]


def against_peers(title, ratios):
    """float32 and int8 networks of @ratios, each and on average."""
    verdicts = []
    for kind, single, average in (FLOAT, INT8):
        part = {n: r for n, r in ratios.items() if n.endswith('.int8') == (kind == 'int8')}
        verdicts += each(f'{title}, {kind}', part, single)
        if part:
            verdicts.append(Verdict(f'{title}, {kind}, geometric mean of {len(part)}', mean(part.values()), average))
    return verdicts


def speedups(what, gains):
    """@gains: 1 thread's time by 2 threads', by network."""
    verdicts = []
    for title, part, limit in (('large', {n: g for n, g in gains.items() if n.split('.')[0] not in SMALL}, SPEEDUP),
                               ('small', {n: g for n, g in gains.items() if n.split('.')[0] in SMALL}, 1.0)):
        if part:
            name = min(part, key=part.get)
            under = sum(g < limit for g in part.values())
            verdicts.append(Verdict(f'{what}, {title} networks, each', part[name], limit, most=False,
                                    where=f' on {name}; {under} of {len(part)} below'))
    return verdicts
