# SPDX-License-Identifier: MIT
"""start.py - measures starts for tests/bench/start. A start is the first one of its process, as a user's program has it; the file is in
the page cache. Ours: load and compile, from the file and from the .qnnf file that `qnnflow convert` makes of it."""
import argparse
import math
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile

ORT = '''
import sys, time, onnxruntime
o = onnxruntime.SessionOptions()
o.intra_op_num_threads, o.inter_op_num_threads = int(sys.argv[2]), 1
start = time.perf_counter()
onnxruntime.InferenceSession(sys.argv[1], o, providers=['CPUExecutionProvider'])
print((time.perf_counter() - start) * 1e3)
'''


def output(*command):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f'{command[0]} {command[1]}: {done.stderr.strip()}')
    return done.stdout


def ours(tool, model, threads):
    """Milliseconds of loading the file, and memory of a process that runs it: constants, arena, what is beyond."""
    text = output(tool, 'bench', model, '--threads', threads, '--iters', 2, '--warmup', 1)
    values = re.search(r'memory: constants as runs read them ([\d.]+) MB, arena ([\d.]+) MB.* ([\d.-]+) MB more', text)
    return float(re.search(r'^load_ms ([\d.]+)$', text, re.M)[1]), [float(v) for v in values.groups()]


def measure(args, model, native):
    times = {'file': [], 'native': [], 'ort': []}
    for _ in range(args.rounds):
        milliseconds, memory = ours(args.tool, model, args.threads)
        times['file'].append(milliseconds)
        times['native'].append(ours(args.tool, native, args.threads)[0])
        times['ort'].append(float(output(sys.executable, '-c', ORT, model, args.threads)))
    return {name: statistics.median(values) for name, values in times.items()}, memory


def geometric_mean(values):
    return math.exp(sum(map(math.log, values)) / len(values))


def table(args, models, folder):
    ratios = {'file': [], 'native': []}
    print(f'Milliseconds to the first session of a process, {args.threads} threads, medians of {args.rounds} interleaved rounds; MB at the peak of '
          'a process that runs the file.\n')
    print('| network | load + compile | .qnnf | ONNX Runtime | ratio | ratio of .qnnf | constants | arena | peak beyond these |')
    print('|---' * 9 + '|')
    for model in models:
        native = pathlib.Path(folder) / (model.stem + '.qnnf')
        output(args.tool, 'convert', model, '-o', native)
        times, memory = measure(args, model, native)
        native.unlink()
        for name in ratios:
            ratios[name].append(times[name] / times['ort'])
        cells = [f'{times["file"]:.2f}', f'{times["native"]:.2f}', f'{times["ort"]:.2f}', f'{ratios["file"][-1]:.2f}',
                 f'{ratios["native"][-1]:.3f}', *(f'{value:.1f}' for value in memory)]
        print('| ' + ' | '.join([model.stem, *cells]) + ' |', flush=True)
    print(f'\nratio: worst {max(ratios["file"]):.2f} (limit 0.5), geometric mean {geometric_mean(ratios["file"]):.2f}; of .qnnf: worst '
          f'{max(ratios["native"]):.3f} (limit 0.1), geometric mean {geometric_mean(ratios["native"]):.3f}; peak beyond: limit 16 MB')


def make_models(args):
    folder = args.models or args.cache / 'models'
    if not any(folder.glob('*.onnx')):
        maker = args.root.parent / 'shared' / 'bench' / 'make_models.py'
        if not maker.exists():
            print(f'# SKIP no networks: {maker} is not there; give --models DIR with ONNX files')
            sys.exit(77)
        subprocess.run([sys.executable, maker, folder], check=True, stdout=sys.stderr)
    return [m for m in sorted(folder.glob('*.onnx')) if not args.names or m.stem in args.names]


def main():
    parser = argparse.ArgumentParser(prog='start')
    parser.add_argument('--root', type=pathlib.Path, required=True)
    parser.add_argument('--cache', type=pathlib.Path, required=True)
    parser.add_argument('--tool', type=pathlib.Path, help='our program (default: that of build/)')
    parser.add_argument('--models', type=pathlib.Path)
    parser.add_argument('--rounds', type=int, default=5)
    parser.add_argument('--threads', type=int, default=1, help='of sessions; ours load in one (default: 1)')
    parser.add_argument('names', nargs='*', help='networks, such as resnet50 or resnet50.int8')
    args = parser.parse_args()
    args.tool = args.tool or args.cache.parent / 'libqnnflow' / 'tools' / 'qnnflow'
    with tempfile.TemporaryDirectory() as folder:
        table(args, make_models(args), folder)


if __name__ == '__main__':
    main()
