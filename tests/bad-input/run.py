#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the table of cases.py. Each case must end in time with its exit code; a failure is told in one message that holds
what the table asks for; nothing crashes, warns of a programming error, or leaves GStreamer objects behind.

usage: run.py SOURCE_ROOT QNNFLOW PLUGIN_FOLDER... [-- TEXT]   (TEXT: only cases whose name holds it)
"""
import concurrent.futures
import os
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import cases  # noqa: E402

TIMEOUT_S = 60 if os.environ.get("QF_SANITIZED") else 20
BAD_SIGNS = re.compile(r"CRITICAL|Sanitizer|runtime error:|assertion|core dumped|object-alive, type-name=\(string\)[^%\s][^,]*")


def pipeline_file(folder, number, text):
    path = os.path.join(folder, f"case-{number}.gstp")
    with open(path, "w", encoding="utf-8") as file:
        file.write("[launch]\n" + text.replace("$", "$$") + "\n")
    return path


def run_case(program, folder, top, number, command):
    words = [w.replace("{d}", folder).replace("{top}", top) for w in command]
    if words[0] == cases.PIPE:
        words = ["launch", pipeline_file(folder, number, words[1])]
    env = dict(os.environ, GST_TRACERS="leaks", GST_DEBUG="GST_TRACER:7", GST_DEBUG_NO_COLOR="1", LC_ALL="C")
    try:
        done = subprocess.run([program, *words], capture_output=True, env=env, timeout=TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        return None, ""
    return done.returncode, done.stderr.decode(errors="replace")


def judge(code, stderr, wanted, texts, folder):
    """What is wrong with the outcome of a case, or None."""
    if code is None:
        return f"hung: not done after {TIMEOUT_S} s"
    if code < 0:
        return f"crashed with signal {-code}"
    sign = BAD_SIGNS.search(stderr)
    if sign:
        return f"'{sign[0]}' on stderr"
    if code != wanted:
        return f"exit code {code}, wanted {wanted}"
    messages = re.findall(r"^qnnflow(?: \w+)?: (?!warning)", stderr, re.M)
    if len(messages) != (1 if wanted else 0):
        return f"{len(messages)} messages, wanted {1 if wanted else 0}"
    missing = [t for t in texts if t.replace("{d}", folder) not in stderr]
    return f"the message does not say {missing}" if missing else None


def main():
    arguments, only = sys.argv[1:], ""
    if "--" in arguments:
        only = arguments[arguments.index("--") + 1]
        arguments = arguments[:arguments.index("--")]
    top, program, plugins = arguments[0], arguments[1], arguments[2:]
    os.environ["GST_PLUGIN_PATH_1_0"] = ":".join(plugins)
    with open(os.path.join(top, "models/detector.onnx"), "rb") as file:
        detector = file.read()
    chosen = [c for c in cases.cases() if only in c[0]]
    print(f"1..{len(chosen)}")
    failed = 0
    with tempfile.TemporaryDirectory(prefix="qf-bad-") as folder:
        os.environ["GST_REGISTRY_1_0"] = os.path.join(folder, "registry.bin")
        for name, content in cases.files(detector).items():
            with open(os.path.join(folder, name), "wb") as file:
                file.write(content)
        # The first one alone: it writes the registry that the others read.
        outcomes = [run_case(program, folder, top, 0, chosen[0][1])] if chosen else []
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            outcomes += pool.map(lambda n: run_case(program, folder, top, n, chosen[n][1]), range(1, len(chosen)))
        for number, ((name, command, wanted, texts), (code, stderr)) in enumerate(zip(chosen, outcomes), 1):
            wrong = judge(code, stderr, wanted, texts, folder)
            if wrong:
                failed += 1
                print(f"# {wrong}\n# command: {command}")
                told = [line for line in stderr.split("\n") if "gsttracer" not in line]
                print("".join(f"# {line}\n" for line in told[:30]), end="")
            print(f"{'not ok' if wrong else 'ok'} {number} - {name}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
