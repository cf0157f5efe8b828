# SPDX-License-Identifier: MIT
"""peers.py - runs every engine in a process of its own, one after the other in each round, and prints the table."""
import argparse
import json
import math
import pathlib
import subprocess
import sys

PEERS = {'ONNX Runtime': 'ort', 'OpenVINO': 'openvino', 'MNN': 'mnn'}
LIMITS = {'float': 1.6, 'int8': 2.0}


class Peer:
    """A worker process that has one network loaded and times it when told to."""

    def __init__(self, cache, engine, model, threads):
        python = cache / ('venv-mnn' if engine == 'mnn' else 'venv') / 'bin' / 'python'
        worker = pathlib.Path(__file__).with_name('peers_worker.py')
        self.process = subprocess.Popen([python, worker, engine, model, str(threads), cache], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.answer()

    def answer(self):
        for line in self.process.stdout:
            if line.startswith('{'):
                result = json.loads(line)
                if 'error' in result:
                    raise RuntimeError(result['error'])
                return result.get('ms')
        raise RuntimeError('the worker ended')

    def time(self):
        self.process.stdin.write('time\n')
        self.process.stdin.flush()
        return self.answer()

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def time_ours(tool, model, threads):
    command = [tool, 'bench', model, '--threads', str(threads), '--iters', '15']
    out = subprocess.run(command, capture_output=True, text=True)
    if out.returncode:
        sys.exit(f'{" ".join(map(str, command))}: {out.stderr.strip()}')
    return float(out.stdout.split()[-1])


def measure(args, model):
    """The smallest of the rounds' medians for each engine: other work on the machine only adds."""
    peers, times = {}, {'qnnflow': []}
    for name, engine in PEERS.items():
        try:
            peers[name] = Peer(args.cache, engine, model, args.threads)
            times[name] = []
        except RuntimeError as e:
            print(f'# {model.name}: {name}: {e}', file=sys.stderr)
    for _ in range(args.rounds):
        times['qnnflow'].append(time_ours(args.tool, model, args.threads))
        for name, peer in peers.items():
            times[name].append(peer.time())
    for peer in peers.values():
        peer.close()
    return {name: min(values) for name, values in times.items()}


def row(name, result):
    best = min(value for engine, value in result.items() if engine != 'qnnflow')
    cells = [f'{result[e]:.2f}' if e in result else '-' for e in ['qnnflow', *PEERS]]
    ratio = result['qnnflow'] / best
    print('| ' + ' | '.join([name, *cells, f'{ratio:.2f}']) + ' |', flush=True)
    return ratio


def make_models(args):
    folder = args.models or args.cache / 'models'
    if not any(folder.glob('*.onnx')):
        maker = args.root.parent / 'shared' / 'bench' / 'make_models.py'
        if not maker.exists():
            print(f'# SKIP no networks: {maker} is not there; give --models DIR with ONNX files')
            sys.exit(77)
        subprocess.run([sys.executable, maker, folder], check=True, stdout=sys.stderr)
    models = sorted(folder.glob('*.onnx'))
    return [m for m in models if not args.names or m.stem in args.names]


def main():
    parser = argparse.ArgumentParser(prog='peers')
    parser.add_argument('--root', type=pathlib.Path, required=True)
    parser.add_argument('--cache', type=pathlib.Path, required=True)
    parser.add_argument('--tool', type=pathlib.Path, help='our program (default: that of build/)')
    parser.add_argument('--models', type=pathlib.Path)
    parser.add_argument('--threads', type=int, default=1)
    parser.add_argument('--rounds', type=int, default=5)
    parser.add_argument('names', nargs='*', help='networks, such as resnet50 or resnet50.int8')
    args = parser.parse_args()
    args.tool = args.tool or args.cache.parent / 'libqnnflow' / 'tools' / 'qnnflow'
    models = make_models(args)
    print(f'Milliseconds a run, {args.threads} thread(s), smallest median of {args.rounds} interleaved rounds; '
          'ratio: ours to the best peer.\n')
    print('| network | qnnflow | ' + ' | '.join(PEERS) + ' | ratio |')
    print('|---' * (len(PEERS) + 3) + '|')
    ratios = {'float': [], 'int8': []}
    for model in models:
        ratios['int8' if model.stem.endswith('.int8') else 'float'].append(row(model.stem, measure(args, model)))
    print()
    for kind, values in ratios.items():
        if values:
            mean = math.exp(sum(map(math.log, values)) / len(values))
            print(f'{kind}: geometric mean {mean:.2f}, worst {max(values):.2f}, limit {LIMITS[kind]}')


if __name__ == '__main__':
    main()
