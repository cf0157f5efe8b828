#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs every launch line of the elements' section comments with the plugin as it was built. Prints TAP.

usage: documented.py SOURCE_FOLDER PLUGIN_FOLDER MAKE_MODELS
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile


def launch_lines(folder):
    """(file, line) of each `gst-launch-1.0 ...` in a section comment."""
    for path in sorted(pathlib.Path(folder).glob("*.c")):
        for comment in re.findall(r"/\*\*(.*?)\*/", path.read_text(), re.S):
            if "SECTION:" not in comment:
                continue
            lines = re.findall(r"gst-launch-1\.0 (.*)", comment)
            for line in lines or [None]:
                yield path.name, line


def main():
    source, plugin, make_models = map(os.path.abspath, sys.argv[1:4])
    if not shutil.which("gst-launch-1.0"):
        print("1..0 # SKIP gst-launch-1.0 is not installed")
        return 0
    bad = n = 0
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([make_models, folder], check=True)
        os.rename(folder + "/mean.onnx", folder + "/model.onnx")
        environment = dict(os.environ, GST_PLUGIN_PATH_1_0=plugin, GST_REGISTRY_1_0=folder + "/registry.bin")
        for name, line in launch_lines(source):
            n += 1
            if line is None:
                result = "has no launch line"
            else:
                run = subprocess.run(["bash", "-c", "exec gst-launch-1.0 -q " + line], cwd=folder, timeout=60,
                                     env=environment, capture_output=True, text=True)
                warned = re.search(r"(WARNING|CRITICAL|ERROR).*", run.stderr + run.stdout)
                result = warned.group(0) if warned else f"ended with {run.returncode}" if run.returncode else ""
            bad += bool(result)
            print(f"{'not ' if result else ''}ok {n} - {name}: {line}" + (f" # {result}" if result else ""))
    print(f"1..{n}")
    return bool(bad or n < 5)


sys.exit(main())
