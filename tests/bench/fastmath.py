# SPDX-License-Identifier: MIT
"""fastmath.py - our bfloat16 against our float32: time, and the error of the outputs on the same input."""
import re
import subprocess
import tempfile
import pathlib

import numpy as np

import limits
import workers


def option_of(tool, command):
    """The option that allows reduced precision; None: the program has none."""
    text = subprocess.run([tool, command, '--help'], capture_output=True, text=True).stdout
    found = re.search(r'--(?:enable-)?fast-math\b', text)
    return found and found[0]


def is_used(tool, model, option):
    """Whether this CPU gets kernels of bfloat16."""
    return 'bf16' in subprocess.run([tool, 'dump', '--ops', option, model], capture_output=True, text=True).stdout


def outputs(tool, model, options):
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([tool, 'run', model, '--random', '--threads', '1', '--output-dir', folder, *options], check=True,
                       capture_output=True)
        return [np.load(f).astype(np.float64) for f in sorted(pathlib.Path(folder).glob('*.npy'))]


def error(tool, model, option):
    """The root mean square of the differences, as a fraction of that of the output; of the worst output."""
    pairs = zip(outputs(tool, model, []), outputs(tool, model, [option]))
    return max(float(np.sqrt(((a - b) ** 2).mean() / max((a * a).mean(), 1e-30))) for a, b in pairs)


def measure(args, model, option):
    running = {'float32': workers.start_ours(args, model, 1), 'bfloat16': workers.start_ours(args, model, 1, [option])}
    try:
        times = {key: min(values) for key, values in workers.take_turns(args, running).items()}
    finally:
        for worker in running.values():
            worker.close()
    return {**times, 'error': error(args.tool, model, option)}


def section(run):
    from peers import find_networks, skip
    args = run.args
    option = option_of(args.tool, 'bench')
    if not option:
        return skip('fast math: `qnnflow bench` has no such option')
    networks = [m for m in find_networks(args) if not m.stem.endswith('.int8')]
    if not any(is_used(args.tool, m, option) for m in networks):
        return skip('fast math: this CPU has no bfloat16 instructions, float32 is used')
    run.say('', '### Reduced precision, 1 thread', '', 'Error: the root mean square of an output\'s differences on the '
            'same input, as a fraction of its own.', '', '| network | float32 | bfloat16 | ratio | error |', '|---|---|---|---|---|')
    ratios = {}
    for model in networks:
        row = run.row('fast math', model, lambda m: measure(args, m, option))
        ratios[model.stem] = row['bfloat16'] / row['float32']
        run.say(f'| {model.stem} | {row["float32"]:.3g} | {row["bfloat16"]:.3g} | {ratios[model.stem]:.2f} | {row["error"]:.1e} |')
    part = {n: r for n, r in ratios.items() if n not in limits.NOT_CONVOLUTION}
    run.verdicts += limits.each('bfloat16 to float32 where convolution dominates', part, limits.FAST_MATH)
