# SPDX-License-Identifier: MIT
"""workers.py - engines in processes of their own that stay loaded, and rounds in which each has its turn.

Everyone gets the same: as many warm-up runs, as many timed runs a round, the same cores, in an order that moves on each round. Runs on one
thread are all bound to one core. A turn counts when the machine gave whole cores before and after it."""
import json
import os
import pathlib
import re
import subprocess
import sys

ENGINES = {'ONNX Runtime': ('ort', 'venv'), 'OpenVINO': ('openvino', 'venv'), 'MNN': ('mnn', 'venv-mnn'),
           'LiteRT': ('litert', 'venv-litert')}
OURS = 'qnnflow'


def cores_for(threads):
    """The last core for one thread, all that we may use for several."""
    cores = sorted(os.sched_getaffinity(0))
    return set(cores[-1:]) if threads == 1 else set(cores)


class Worker:
    """A process that has one network loaded and times it when told to."""

    def __init__(self, command, threads, env, cores=None):
        self.threads = threads
        self.process = subprocess.Popen([str(c) for c in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE if self.keeps_errors else subprocess.DEVNULL, text=True,
                                        env={**os.environ, **env}, preexec_fn=lambda: os.sched_setaffinity(0, cores or cores_for(threads)))
        self.version = self.start()

    def close(self):
        self.process.stdin.close()
        self.process.wait()

    def time(self, n):
        """Milliseconds: the median of @n runs."""
        self.ask(n)
        return self.answer()

    def ask(self, n):
        self.process.stdin.write(f'{n}\n')
        self.process.stdin.flush()


class Ours(Worker):
    keeps_errors = True

    def start(self):
        if self.process.stdout.readline().strip() != 'ready':
            raise RuntimeError(self.process.stderr.read().strip())

    def answer(self):
        line = self.process.stdout.readline()
        found = re.match(r'median_ms ([\d.]+)', line)
        if not found:
            raise RuntimeError(self.process.stderr.read().strip())
        return float(found[1])


class Peer(Worker):
    keeps_errors = False

    def message(self):
        for line in self.process.stdout:  # peers print what they like
            if line.startswith('{'):
                result = json.loads(line)
                if 'error' in result:
                    raise RuntimeError(result['error'])
                return result
        raise RuntimeError('the worker ended')

    def start(self):
        return self.message()['version']

    def answer(self):
        return self.message()['ms']


class Pair:
    """Two of ours on one thread each, at the same time: what the machine's caches and memory allow two cores at most."""

    threads = 2

    def __init__(self, args, model, env=None):
        cores = sorted(os.sched_getaffinity(0))
        self.workers = [start_ours(args, model, 1, env=env, cores={core}) for core in (cores[0], cores[-1])]

    def time(self, n):
        for worker in self.workers:
            worker.ask(n)
        return max([worker.answer() for worker in self.workers])

    def close(self):
        for worker in self.workers:
            worker.close()


def start_ours(args, model, threads, options=(), env=None, cores=None):
    return Ours([args.tool, 'bench', model, '--threads', threads, '--on-request', *options], threads, env or {}, cores)


def start_peer(args, name, model, threads, env=None):
    engine, venv = ENGINES[name]
    script = pathlib.Path(__file__).with_name('engines.py')
    python = args.cache / venv / 'bin' / 'python'
    return Peer([python, script, engine, model, threads, args.cache], threads, env or {})


class Cores:
    """Whether the machine gives @threads threads as many cores just now: virtual cores are shared with others. Cores are there when
    multiplication by all threads is nearly as fast as it was at its best."""

    ENOUGH = 0.93
    TRIES = 4
    best = 0.0  # of one thread

    def __init__(self, args, threads):
        self.threads, self.process, self.asked, self.refused = threads, None, 0, 0
        program = args.cache.parent / 'tests' / 'bench' / 'cores'
        if program.exists():
            self.process = subprocess.Popen([program, str(threads)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                            preexec_fn=lambda: os.sched_setaffinity(0, cores_for(threads)))
            for _ in range(20):
                self.there()

    def there(self):
        if not self.process:
            return True
        self.process.stdin.write('\n')
        self.process.stdin.flush()
        rate = float(self.process.stdout.readline()) / self.threads
        Cores.best = max(Cores.best, rate)
        return rate >= self.ENOUGH * Cores.best

    def time(self, worker, runs):
        """The worker's turn, once more when the cores were not there before and after it; the fastest, if they never were."""
        times = []
        for _ in range(self.TRIES):
            self.asked += 1
            before = self.there()
            times.append(worker.time(runs))
            if self.there() and before:
                return times[-1]
            self.refused += 1
        return min(times)

    def close(self):
        if self.process:
            self.process.stdin.close()
            self.process.wait()


def take_turns(args, workers):
    """Medians of every round by worker. All make the same number of runs, enough for the fastest to take @args.seconds."""
    once = {key: worker.time(3) for key, worker in workers.items()}
    runs = int(1e3 * args.seconds / min(once.values()))
    runs = max(3, min(runs, int(4e3 * args.seconds / max(once.values())), 5000))
    times = {key: [] for key in workers}
    keys = list(workers)
    cores = {n: Cores(args, n) for n in {w.threads for w in workers.values()}}
    for turn in range(args.rounds):
        shift = turn % len(keys)
        for key in keys[shift:] + keys[:shift]:
            times[key].append(cores[workers[key].threads].time(workers[key], runs))
    for c in cores.values():
        c.close()
        if c.refused:
            print(f'# {c.refused} of {c.asked} turns of {c.threads} thread(s) came when the machine gave less than whole cores', file=sys.stderr)
    return times
