#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The qnnflow program from outside: what it prints, what it writes, how it ends. Prints TAP.

usage: cli.py SOURCE_ROOT QNNFLOW PLUGIN_FOLDER...
"""
import json
import os
import signal
import struct
import subprocess
import sys
import tempfile
import time

TOP, PROGRAM = sys.argv[1:3]
MODEL = os.path.join(TOP, "models/detector_int8.onnx")
DETECTION = os.path.join(TOP, "pipelines/detection.gstp")
TIMEOUT_S = 240 if os.environ.get("QF_SANITIZED") else 60
LIVE = "qnnscenesrc is-live=true ! video/x-raw,format=NV12,width=320,height=180,framerate=30/1"


def run(*words, code=0):
    done = subprocess.run([PROGRAM, *words], capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    assert done.returncode == code, f"{words}: exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def helps(folder):
    """--help of every command names its options, and the exit codes are told"""
    text = run("--help")
    assert "130" in text
    for command in ("run", "bench", "convert", "dump", "devices", "launch"):
        assert command in text and "Usage" in run(command, "--help")


def devices(folder):
    """devices lists what can run here, and only that, as available"""
    def states():
        lines = [line.split() for line in run("devices").split("\n\n")[0].split("\n")]
        return {words[0]: words[1] for words in lines if words[1:] and words[1] in ("available", "missing")}

    found = states()
    assert found["cpu"] == found["ref"] == "available" and len(found) == 5, found
    for unit, proof in (("htp-sim", "a session opens"), ("htp", "a session opens"), ("qnn", "  ok  ")):
        assert (found[unit] == "available") == (proof in run("doctor", unit)), (unit, found)
    kept = os.environ.get("QNNFLOW_HTPSIM")
    os.environ["QNNFLOW_HTPSIM"] = os.path.join(folder, "libqnnflow-htpsim.so")
    assert states()["htp-sim"] == "missing" and "the simulator of a DSP cannot be loaded" in run("devices")
    os.environ.pop("QNNFLOW_HTPSIM")
    if kept is not None:
        os.environ["QNNFLOW_HTPSIM"] = kept


def bench(folder):
    """bench ends in the median, writes reports, and times layers"""
    report = os.path.join(folder, "r.json")
    text = run("bench", MODEL, "--threads", "1", "--iters", "5", "--layers", "--report", report)
    median = float(text.split()[-1])
    with open(report, encoding="utf-8") as file:
        content = json.load(file)
    assert content["inferences"] == 5 and content["layers"], content
    # The report's histogram is within 2 %, and of five samples both take the third.
    assert abs(content["latency_ms"]["p50"] - median) <= 0.02 * median, (content["latency_ms"], median)
    assert content["latency_ms"]["min"] <= median <= content["latency_ms"]["max"]
    answers = subprocess.run([PROGRAM, "bench", MODEL, "--threads", "1", "--on-request"], input="3\n1\n", capture_output=True, text=True,
                             check=True).stdout.split("\n")
    assert answers[0] == "ready" and [a.split()[0] for a in answers[1:3]] == ["median_ms"] * 2, answers


def dump(folder):
    """dump shows every node, a digraph, and operators with kernels"""
    text = run("dump", MODEL)
    assert "input  image: 1x3x144x256 float32" in text and "Conv2d" in text, text[:500]
    graph = run("dump", "--graphviz", MODEL)
    assert graph.startswith("digraph") and graph.rstrip().endswith("}") and graph.count("->") > 10
    operators = run("dump", "--ops", MODEL)
    assert "qfk_" in operators and "Conv2d" in operators, operators
    nodes = run("dump", "--nodes", MODEL)
    tables = json.loads(run("dump", "--json", MODEL))
    assert tables["nodes"] == len(tables["list"]), nodes
    assert all(node["name"] in nodes for node in tables["list"])
    for key in ("macs", "params", "param_bytes"):
        assert sum(row[key] for row in tables["operators"]) == sum(node[key] for node in tables["list"]), key
    assert tables["macs"] == sum(node["macs"] for node in tables["list"])


def gguf(folder):
    """dump shows a GGUF file's metadata and tensors; run says that it has no graph"""
    path = os.path.join(folder, "w.gguf")
    word = lambda text: struct.pack("<Q", len(text)) + text
    head = b"GGUF" + struct.pack("<IQQ", 3, 1, 1) + word(b"general.name") + struct.pack("<I", 8) + word(b"tiny")
    head += word(b"layer.weight") + struct.pack("<IQQIQ", 2, 32, 2, 8, 0)
    with open(path, "wb") as file:
        file.write(head + bytes(-len(head) % 32) + bytes(68))
    text = run("dump", path)
    assert "general.name" in text and '"tiny"' in text and "layer.weight" in text and "2x32" in text and "Q8_0" in text, text
    assert "layer.weight" not in run("dump", "--metadata", path) and "tiny" not in run("dump", "--tensors", path)
    done = subprocess.run([PROGRAM, "run", path], capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    assert done.returncode == 1 and "no graph" in done.stderr and "--weights" in done.stderr, done.stderr


def convert(folder):
    """convert writes a file that gives the same numbers, and again the same file; a folder that is missing is told"""
    first, second = (os.path.join(folder, name) for name in ("a.qnnf", "b.qnnf"))
    run("convert", MODEL, "-o", first)
    run("convert", first, "-o", second)
    with open(first, "rb") as one, open(second, "rb") as two:
        assert one.read() == two.read()
    results = []
    for model in (MODEL, first):
        run("run", model, "--random", "-o", folder)
        with open(os.path.join(folder, "output_0.npy"), "rb") as file:
            results.append(file.read())
    assert results[0] == results[1]
    assert "qnnf on cpu" in run("dump", "--check", "--backend", "cpu", first)
    run("convert", MODEL, "-o", os.path.join(folder, "missing/a.qnnf"), code=1)
    assert "as .qnnf" in run("bench", "--load", "--iters", "3", MODEL)
    with open(first, "r+b") as file:
        file.seek(-70, os.SEEK_END)
        byte = file.read(1)
        file.seek(-70, os.SEEK_END)
        file.write(bytes([byte[0] ^ 1]))
    run("dump", first)
    run("dump", "--check", first, code=1)


def files(folder):
    """run writes npy that it reads back, and the same numbers again"""
    run("run", MODEL, "--random", "-o", folder)
    with open(os.path.join(folder, "output_0.npy"), "rb") as file:
        first = file.read()
    assert b"'shape': (1, 10, 18, 32)" in first[:128], first[:128]
    run("run", MODEL, "--random", "-o", folder, "--format", "raw")
    with open(os.path.join(folder, "output_0.raw"), "rb") as file:
        assert first.endswith(file.read())
    picture = os.path.join(folder, "picture.bmp")
    with open(picture, "wb") as file:  # 2 x 2, 24 bits
        file.write(b"BM" + (70).to_bytes(4, "little") + bytes(4) + (54).to_bytes(4, "little") + (40).to_bytes(4, "little") +
                   (2).to_bytes(4, "little") * 2 + b"\1\0\x18\0" + bytes(24) + b"\0\0\xff\0\0\xff\0\0" * 2)
    text = run("run", MODEL, "-i", f"image={picture}", "--mean", "0", "--std", "255")
    assert "output 0  grid" in text, text


def printed_launch(folder):
    """launch --print-launch gives one string with every value in it"""
    text = run("launch", "--print-launch", DETECTION, "threshold=0.25", 'labels=a "b" ! c')
    assert "threshold=0.25" in text and 'labels="a \\"b\\" ! c"' in text and "${" not in text, text


def settings(folder):
    """launch --set changes a property, --seconds ends a live stream"""
    out = os.path.join(folder, "r.jsonl")
    text = run("launch", "--seconds", "1", "--set", "decode.threshold=0.99", DETECTION, "source=" + LIVE, f"json={out}")
    assert text.startswith("done"), text
    with open(out, encoding="utf-8") as file:
        frames = [json.loads(line) for line in file]
    assert frames and all(d["score"] >= 0.99 for f in frames for d in f["detections"])


def start(folder, *words):
    process = subprocess.Popen([PROGRAM, "launch", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    return process


def wait_for(path, size):
    end = time.monotonic() + TIMEOUT_S
    while not os.path.exists(path) or os.path.getsize(path) < size:
        assert time.monotonic() < end, f"{path} does not grow"
        time.sleep(0.05)


def interrupted(folder):
    """SIGINT ends a recording so that the file is whole"""
    for number in (signal.SIGINT, signal.SIGTERM):
        out = os.path.join(folder, f"v{number}.mkv")
        process = start(folder, DETECTION, "source=" + LIVE,
                        f'sink=videoconvert ! jpegenc ! matroskamux ! filesink location="{out}" buffer-mode=unbuffered')
        wait_for(out, 20000)
        process.send_signal(number)
        _, errors = process.communicate(timeout=TIMEOUT_S)
        assert process.returncode == 0, (process.returncode, errors)
        with open(out, "rb") as file:
            # Cues, which a player seeks by, are written last.
            assert b"\x1c\x53\xbb\x6b" in file.read(), "the file was not finished"


def interrupted_twice(folder):
    """a second SIGINT quits at once with 130"""
    path = os.path.join(folder, "stuck.gstp")
    mark = os.path.join(folder, "mark")
    with open(path, "w", encoding="utf-8") as file:
        # A branch that never prerolls holds the live source back, so no EOS can get through.
        file.write("[launch]\nappsrc ! fakesink videotestsrc is-live=true ! jpegenc ! "
                   f'filesink buffer-mode=unbuffered location="{mark}"\n')
    process = start(folder, path, "--set", "x.y=1")
    process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 1  # --set names no element
    process = start(folder, path)
    time.sleep(1.5 if not os.environ.get("QF_SANITIZED") else 5)
    process.send_signal(signal.SIGINT)
    time.sleep(0.8)
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        try:
            process.communicate(timeout=TIMEOUT_S)
        finally:
            process.kill()
        assert process.returncode == 130, process.returncode
    else:
        process.communicate()
        raise AssertionError(f"ended with {process.returncode} although the stream had no end")


def failing(folder):
    """an error of an element says where, and ends with 1"""
    path = os.path.join(folder, "bad.gstp")
    with open(path, "w", encoding="utf-8") as file:
        file.write("[launch]\nvideotestsrc ! identity error-after=3 name=breaks ! fakesink\n")
    done = subprocess.run([PROGRAM, "launch", path], capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    assert done.returncode == 1 and "error from breaks" in done.stderr and "GstIdentity:breaks" in done.stderr, done


TESTS = [helps, devices, bench, dump, gguf, convert, files, printed_launch, settings, interrupted, interrupted_twice, failing]


def main():
    os.environ["GST_PLUGIN_PATH_1_0"] = ":".join(sys.argv[3:])
    os.environ["LC_ALL"] = "C"
    failed = 0
    print(f"1..{len(TESTS)}")
    for number, test in enumerate(TESTS, 1):
        with tempfile.TemporaryDirectory(prefix="qf-cli-") as folder:
            result = "ok"
            try:
                test(folder)
            except (AssertionError, subprocess.TimeoutExpired, LookupError, ValueError, OSError) as error:
                print("".join(f"# {line}\n" for line in f"{type(error).__name__}: {error}".split("\n")), end="")
                result, failed = "not ok", failed + 1
            print(f"{result} {number} - {test.__doc__}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
