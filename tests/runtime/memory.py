#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""memory.py QNNFLOW MODEL... - what a process that runs a model needs at its peak is the constants as runs read them, the arena, and 16 MB:
the C library, GLib, the engine's code, pages of the file, and what loading needs for a moment. From the file, and from a .qnnf file."""
import os
import re
import subprocess
import sys
import tempfile

LIMIT = 16.0


def more(tool, model):
    command = [tool, 'bench', model, '--threads', '1', '--iters', '2', '--warmup', '1']
    out = subprocess.run(command, capture_output=True, text=True, timeout=300)
    if out.returncode:
        return None, out.stderr.strip()
    line = next(line for line in out.stdout.splitlines() if line.startswith('memory:'))
    return float(re.search(r'([\d.-]+) MB more', line)[1]), line


def main():
    tool, models = sys.argv[1], sys.argv[2:]
    number = failed = 0
    for model in models:
        if not os.path.exists(model):
            number += 1
            print(f'ok {number} - {os.path.basename(model)} # SKIP the file is not there')
            continue
        with tempfile.TemporaryDirectory() as folder:
            native = os.path.join(folder, 'model.qnnf')
            done = subprocess.run([tool, 'convert', model, '-o', native], capture_output=True, text=True)
            for path in [model, native] if not done.returncode else [model]:
                megabytes, text = more(tool, path)
                number += 1
                ok = megabytes is not None and megabytes <= LIMIT
                failed += not ok
                print(f'{"ok" if ok else "not ok"} {number} - {os.path.basename(model)} as {os.path.splitext(path)[1][1:]}')
                print(f'# {text}')
    print(f'1..{number}')
    return failed != 0


sys.exit(main())
