#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the tests of the pipeline files share: test data, runs under the leaks tracer, boxes, TAP.

usage of a program with this: PROGRAM.py SOURCE_ROOT QNNFLOW PLUGIN_FOLDER...
"""
import json
import os
import re
import subprocess
import sys
import tempfile

TOP, PROGRAM = sys.argv[1:3]
DATA = os.environ.get("QF_TESTDATA") or os.path.join(TOP, "../shared/testdata")
TIMEOUT_S = 240 if os.environ.get("QF_SANITIZED") else 300
BAD_SIGNS = re.compile(r"CRITICAL|Sanitizer|runtime error:|object-alive, type-name=\(string\)[^%\s][^,]*")
STREAM = "qnnscenesrc num-buffers=12 ! video/x-raw,format=NV12,width=1280,height=720,framerate=30/1"


class Skip(Exception):
    pass


def data(*path):
    found = os.path.join(DATA, *path)
    if not os.path.exists(found):
        raise Skip("no third-party test data (QF_TESTDATA)")
    return found


def image(name):
    """The launch fragment of one picture, as RGB of its own size."""
    return f'filesrc location="{data("images", name)}" ! gdkpixbufdec ! videoconvert ! video/x-raw,format=RGB'


def execute(command, log=None, **more):
    """What COMMAND prints on stdout; LOG, a list, gets its stderr."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False,
                          env=dict(os.environ, **more))
    assert done.returncode == 0, f"exit code {done.returncode} of {command}\n{done.stdout}\n{done.stderr}"
    sign = BAD_SIGNS.search(done.stderr)
    assert not sign, f"{sign[0]} on stderr: {done.stderr[-3000:]}"
    if log is not None:
        log.append(done.stderr)
    return done.stdout


def launch(name, folder, log=None, options=(), **values):
    """Runs pipelines/NAME.gstp under the leaks tracer; returns the results of each frame. LOG gets what is said meanwhile; OPTIONS are those
    of `qnnflow launch`."""
    out = os.path.join(folder, "results.jsonl")
    words = [f"{key.replace('_', '-')}={value}" for key, value in values.items()]
    execute([PROGRAM, "launch", "-q", *options, os.path.join(TOP, "pipelines", name + ".gstp"), f"json={out}", *words], log,
            GST_TRACERS="leaks", GST_DEBUG="GST_TRACER:7,qnninfer:4", GST_DEBUG_NO_COLOR="1")
    with open(out, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def box_of(detection):
    return [detection["x"], detection["y"], detection["x"] + detection["width"], detection["y"] + detection["height"]]


def overlap(a, b):
    """Intersection over union of two boxes of corners."""
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    both = max(width, 0) * max(height, 0)
    return both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both)


def run_tests(tests, plugin_folders):
    """Runs functions of one folder each, named by their texts."""
    os.environ["GST_PLUGIN_PATH_1_0"] = ":".join(plugin_folders)
    failed = 0
    print(f"1..{len(tests)}")
    for number, test in enumerate(tests, 1):
        with tempfile.TemporaryDirectory(prefix="qf-pipelines-") as folder:
            result, more = "ok", ""
            try:
                test(folder)
            except Skip as reason:
                more = f" # SKIP {reason}"
            except (AssertionError, subprocess.TimeoutExpired, LookupError, ValueError, OSError) as error:
                print("".join(f"# {line}\n" for line in f"{type(error).__name__}: {error}".split("\n")), end="")
                result, failed = "not ok", failed + 1
            print(f"{result} {number} - {test.__doc__}{more}", flush=True)
    return 1 if failed else 0
