# SPDX-License-Identifier: MIT
"""machine.py - what figures must be read with: date, commit, processor, kernel, versions."""
import datetime
import os
import platform
import re
import subprocess

TOLD_FLAGS = ('sse4_2', 'avx', 'avx2', 'fma', 'f16c', 'avx_vnni', 'avx512f', 'avx512bw', 'avx512vl', 'avx512_vnni',
              'avx512_bf16', 'amx_int8', 'amx_bf16', 'asimd', 'asimddp', 'i8mm', 'bf16', 'sve')


def cpu():
    text = open('/proc/cpuinfo', encoding='ascii', errors='replace').read()
    first = lambda key: (re.search(rf'^{key}\s*: (.*)$', text, re.M) or [None, ''])[1]
    flags = set((first('flags') or first('Features')).split())
    model = first('model name') or first('CPU part') or platform.machine()
    family = f', family {first("cpu family")} model {first("model")}' if first('cpu family') else ''
    return f'{model}{family}', ' '.join(f for f in TOLD_FLAGS if f in flags)


def commit(root):
    git = lambda *words: subprocess.run(['git', '-C', root, *words], capture_output=True, text=True).stdout.strip()
    changed = '+' if git('status', '--porcelain', '-uno') else ''
    return (git('rev-parse', '--short', 'HEAD') or 'unknown') + changed


def head(root, versions):
    """Markdown lines."""
    model, flags = cpu()
    load = ' '.join(f'{x:.1f}' for x in os.getloadavg())
    return [f'- {datetime.date.today()}, commit {commit(root)}',
            f'- {model}; {flags}; {os.cpu_count()} cores, {len(os.sched_getaffinity(0))} of them used; '
            f'Linux {platform.release()}; load {load}',
            '- ' + ', '.join(f'{n} {v}' for n, v in sorted(versions.items()))]
