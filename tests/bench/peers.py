# SPDX-License-Identifier: MIT
"""peers.py - the command behind `peers` and `litert`: which networks in which engines, one table a section, the limits at the end."""
import argparse
import json
import os
import pathlib
import subprocess
import sys

import fastmath
import limits
import machine
import workers
from workers import OURS

PAIR = 'pair'
ONNX_PEERS = ['ONNX Runtime', 'OpenVINO', 'MNN']
LITERT_MODELS = ['tf2_mobilenet_v2_1.0_224_ptq', 'mobilenet_v2_1.0_224_quant', 'mobilenet_v1_0.25_224_float',
                 'face_detection_front', 'deeplabv3_257_float', 'kws_ref_model_int8', 'coco_ssd_mobilenet_v1_1.0_quant']
ISA_NOTE = ('Restricted to {isa}: qnnflow by `QF_CPU={isa}`, OpenVINO by `ONEDNN_MAX_CPU_ISA={upper}`; ONNX Runtime and MNN have no '
            'such switch and are left out.')
HOW = ('Milliseconds a run at batch 1: the smallest median of {rounds} interleaved rounds. Every engine stays loaded in a process of '
       'its own (peers behind their Python interfaces), and makes the same number of runs a round on the same cores. '
       'Turns are repeated when a loop of multiplications says that the machine gave less than whole cores. '
       'Ratio: ours to the best peer\'s; only ratios within a run count.')


class Run:
    """Figures by section and network, kept in a file between calls when one is given; versions; verdicts."""

    def __init__(self, args):
        self.args = args
        self.kept = {'versions': {}, 'rows': {}}
        if args.state and args.state.exists():
            self.kept = json.loads(args.state.read_text())
        self.lines, self.verdicts = [], []

    def row(self, section, model, measure):
        """{key: milliseconds} of a network, measured unless it was before."""
        rows = self.kept['rows'].setdefault(section, {})
        if model.stem not in rows:
            print(f'# {section}: {model.stem}', file=sys.stderr)
            rows[model.stem] = measure(model)
            if self.args.state:
                self.args.state.write_text(json.dumps(self.kept, indent=1))
        return rows[model.stem]

    def measure(self, model, peers, env_ours=None, env_peers=None):
        """Ours and @peers with every number of threads, all in the same rounds."""
        running = {}
        try:
            for n in self.args.threads:
                running[f'{OURS} {n}'] = workers.start_ours(self.args, model, n, env=env_ours)
                for name in peers:
                    try:
                        running[f'{name} {n}'] = workers.start_peer(self.args, name, model, n, env_peers)
                        self.kept['versions'][name] = running[f'{name} {n}'].version
                    except RuntimeError as e:
                        print(f'# {model.name}: {name}: {e}', file=sys.stderr)
            if {1, 2} <= set(self.args.threads):
                running[PAIR] = workers.Pair(self.args, model, env_ours)
            return {key: min(times) for key, times in workers.take_turns(self.args, running).items()}
        finally:
            for worker in running.values():
                worker.close()

    def say(self, *lines):
        for line in lines:
            print(line, flush=True)
            self.lines.append(line)

    def compare(self, section, models, peers, **envs):
        """A table for each number of threads; {threads: {network: ratio}}, {network: 1 thread's time by 2 threads'}."""
        rows = {m.stem: self.row(section, m, lambda m: self.measure(m, peers, **envs)) for m in models}
        ratios = {n: {} for n in self.args.threads}
        for n in self.args.threads:
            self.say('', f'### {section}, {n} thread{"s"[:n > 1]}', '',
                     '| network | qnnflow | ' + ' | '.join(peers) + ' | ratio |', '|---' * (len(peers) + 3) + '|')
            for name, row in rows.items():
                row = {e: row.get(f'{e} {n}') for e in [OURS, *peers]}
                best = min((row[p] for p in peers if row[p]), default=None)
                cells = [f'{v:.3g}' if v and v < 10 else f'{v:.1f}' if v else '-' for v in row.values()]
                if best:
                    ratios[n][name] = row[OURS] / best
                self.say('| ' + ' | '.join([name, *cells, f'{row[OURS] / best:.2f}' if best else '-']) + ' |')
        gains = {}
        if {1, 2} <= set(self.args.threads):
            gains = {n: r[f'{OURS} 1'] / r[f'{OURS} 2'] for n, r in rows.items()}
            self.say_gains(section, rows, peers, gains)
        return ratios, gains

    def say_gains(self, section, rows, peers, gains):
        self.say('', f'### {section}: how many times as fast 2 threads are', '',
                 'Two processes: how many times the runs of one process on one thread that two get done at the same time; the two share '
                 'nothing but the machine.', '',
                 '| network | qnnflow | two processes | ' + ' | '.join(peers) + ' |', '|---' * (len(peers) + 3) + '|')
        for name, row in rows.items():
            pair = f'{2 * row[f"{OURS} 1"] / row[PAIR]:.2f}' if PAIR in row else '-'
            cells = [f'{row[f"{p} 1"] / row[f"{p} 2"]:.2f}' if f'{p} 2' in row else '-' for p in peers]
            self.say('| ' + ' | '.join([name, f'{gains[name]:.2f}', pair, *cells]) + ' |')


def find_networks(args):
    folder = args.models or args.cache / 'models'
    if not any(folder.glob('*.onnx')):
        maker = args.root.parent / 'shared' / 'bench' / 'make_models.py'
        if not maker.exists():
            return skip(f'no networks: {maker} is not there; give --models DIR with ONNX files')
        subprocess.run([args.cache / 'venv' / 'bin' / 'python', maker, folder], check=True, stdout=sys.stderr)
    return [m for m in sorted(folder.glob('*.onnx')) if not args.names or m.stem in args.names]


def find_litert_models(args):
    data = pathlib.Path(os.environ.get('QF_TESTDATA') or args.root.parent / 'shared' / 'testdata')
    found = [data / 'models' / 'tflite' / f'{n}.tflite' for n in LITERT_MODELS if not args.names or n in args.names]
    found = [m for m in found if m.exists()]
    return found or skip(f'no TFLite models: {data}/models/tflite has none of them; set QF_TESTDATA')


def skip(why):
    print(f'# SKIP {why}', flush=True)
    return []


def with_onnx_peers(run):
    models = find_networks(run.args)
    if not models:
        return
    ratios, gains = run.compare('ONNX networks', models, ONNX_PEERS)
    for n, part in ratios.items():
        run.verdicts += limits.against_peers(f'{n} thread{"s"[:n > 1]}', part)
    run.verdicts += limits.speedups('2 threads to 1', gains)


def restricted(run):
    isa = run.args.isa
    models = find_networks(run.args)
    if not models:
        return
    run.say('', ISA_NOTE.format(isa=isa, upper=isa.upper()))
    ratios, _ = run.compare(f'{isa} only', models, ['OpenVINO'], env_ours={'QF_CPU': isa},
                            env_peers={'ONEDNN_MAX_CPU_ISA': isa.upper()})
    for n, part in ratios.items():
        run.verdicts += limits.each(f'{isa} only, {n} thread{"s"[:n > 1]}', part, limits.RESTRICTED)


def with_litert(run):
    models = find_litert_models(run.args)
    if not models:
        return
    ratios, gains = run.compare('TFLite models', models, ['LiteRT'])
    for n, part in ratios.items():
        run.verdicts += limits.each(f'LiteRT, {n} thread{"s"[:n > 1]}', part, limits.LITERT)


def kernels(run):
    """Kernels alone, and a fork-join."""
    for title, program, words in (('Kernels alone', ['kernels', 'kernel-check'], ['--bench', '--markdown', 'conv', 'dwconv', 'wino']),
                                  ('Fork and join', ['bench', 'pool'], ['--markdown'])):
        tool = run.args.cache.parent.joinpath('tests', *program)
        if not tool.exists():
            skip(f'{tool} is not built')
            continue
        run.say('', f'### {title}', '')
        out = subprocess.run([tool, *words], capture_output=True, text=True, check=True).stdout
        run.say(*out.rstrip().split('\n'))


def read_arguments():
    parser = argparse.ArgumentParser(prog='peers', description='qnnflow against other engines, in one interleaved run')
    parser.add_argument('--root', type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument('--cache', type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument('--litert', action='store_true', help=argparse.SUPPRESS)
    parser.add_argument('--tool', type=pathlib.Path, help='our program (default: that of build/)')
    parser.add_argument('--models', type=pathlib.Path, help='folder of ONNX files (default: made under build/peers)')
    parser.add_argument('--threads', default='1', help='numbers of threads, such as 1,2 (default: 1)')
    parser.add_argument('--rounds', type=int, default=5, help='turns of every engine (default: 5)')
    parser.add_argument('--seconds', type=float, default=0.3, help='of the fastest engine in a round (default: 0.3)')
    parser.add_argument('--isa', choices=['avx2'], help='restrict everyone to this instruction set')
    parser.add_argument('--fast-math', action='store_true', help='our float32 against our bfloat16, and the error')
    parser.add_argument('--all', action='store_true', help='everything: 1 and 2 threads, restricted, fast math, LiteRT, kernels')
    parser.add_argument('--markdown', type=pathlib.Path, help='write the page to this file too')
    parser.add_argument('--state', type=pathlib.Path, help='keep figures in this file, and measure only what it lacks')
    parser.add_argument('--check', action='store_true', help='exit with 1 when a limit does not hold')
    parser.add_argument('names', nargs='*', help='networks, such as resnet50 or resnet50.int8')
    args = parser.parse_args()
    args.tool = args.tool or args.cache.parent / 'libqnnflow' / 'tools' / 'qnnflow'
    args.threads = [1, 2] if args.all else sorted({int(n) for n in args.threads.split(',')})
    args.isa = 'avx2' if args.all else args.isa
    return args


def sections(args):
    if args.litert:
        return [with_litert]
    if args.all:
        return [with_onnx_peers, with_litert, restricted, fastmath.section, kernels]
    return [restricted] if args.isa else [fastmath.section] if args.fast_math else [with_onnx_peers]


def main():
    args = read_arguments()
    run = Run(args)
    for section in sections(args):
        section(run)
    if not run.lines:
        sys.exit(77)
    head = [HOW.format(rounds=args.rounds), '', *machine.head(args.root, run.kept['versions'])]
    tail = ['', '### Limits', '', '```', *[v.text for v in run.verdicts], '```'] if run.verdicts else []
    print('\n'.join(['', *head, *tail]))
    if args.markdown:
        args.markdown.write_text('\n'.join([*head, *run.lines, *tail, '']))
    sys.exit(int(args.check and not all(v.holds for v in run.verdicts)))


if __name__ == '__main__':
    main()
