#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The pipeline files on every unit, against what the CPU gives for the same frames. Prints TAP.

usage: units.py SOURCE_ROOT QNNFLOW EMULATOR_FOLDER PLUGIN_FOLDER...
A unit of our own must give what the reference gives in its arithmetic, to the last digit and pixel.
Units differ by a step a layer at most (tests/backends); what that makes of scores and boxes at the end stands with each line.
"""
import os
import re
import subprocess
import sys

from common import PROGRAM, STREAM, TOP, Skip, box_of, data, execute, image, launch, overlap, run_tests

EMULATOR_FOLDER = sys.argv[3]


def vendor_library(folder, _values):
    """The vendor's emulator as the library of backend qnn, as a chip whose floats it can compute."""
    if os.environ.get("QF_SANITIZED"):
        raise Skip("its own code would be told on")
    found = subprocess.run([os.path.join(TOP, "tests/backends/qnn-library"), EMULATOR_FOLDER], capture_output=True, text=True,
                           check=False)
    if found.returncode:
        raise Skip(found.stdout.strip())
    config = os.path.join(folder, "backend.json")
    with open(config, "w", encoding="utf-8") as file:
        file.write('{"soc_model": 43}')
    return {"backend_library": found.stdout.strip(), "backend_config": config}


def simulator(folder, values):
    """Our kernels for Hexagon in the simulator, when this machine has its parts. The large models take a quarter of the time in this
    machine's instructions; that both modes give the same is what tests/kernels/hvx and tests/backends see to."""
    if os.environ.get("QF_SANITIZED"):
        raise Skip("it takes too long beside the sanitizers")
    done = subprocess.run([PROGRAM, "run", os.path.join(TOP, "models/detector_int8.onnx"), "--random", "--backend", "htp-sim"],
                          capture_output=True, text=True, check=False)
    if done.returncode:
        raise Skip(done.stderr.strip().split("\n")[-1])
    os.environ["QNNFLOW_HTPSIM_MODE"] = "host" if "model" in values else "qemu"
    config = os.path.join(folder, "backend.json")
    with open(config, "w", encoding="utf-8") as file:
        file.write('{"timeout_ms": 600000}')  # it interprets each instruction
    return {"backend_config": config}


# A unit: its name, what gives the values that it needs, whether it computes float tensors, the least share of nodes that it must run, and
# the integer arithmetic in which its frames are the reference's bit for bit.
UNITS = [("qnn", vendor_library, True, 0.98, None), ("htp-sim", simulator, False, 0.3, "fixed")]


def same_detections(got, wanted, score, place, values):
    """Each object of one is in the other, of the same class, where it was; those that a score may carry below the threshold may be missing."""
    clear = values["threshold"] + score
    for ours, others in ((got, wanted), (wanted, got)):
        for one in ours["detections"]:
            near = [o for o in others["detections"] if o["class_id"] == one["class_id"] and
                    abs(o["score"] - one["score"]) <= score and overlap(box_of(one), box_of(o)) >= place]
            assert near or one["score"] < clear, (one, others["detections"])


def same_classes(got, wanted, score, _place, _values):
    best, other = got["classes"][0], wanted["classes"][0]
    assert best["class_id"] == other["class_id"] and abs(best["score"] - other["score"]) <= score, (best, other)


def in_scheme(scheme):
    return ["--set", f"infer.requant={scheme}"] if scheme else []


def pixels(folder, unit, log, values, scheme=None):
    """One frame with its mask painted over it."""
    raw = os.path.join(folder, unit + ".raw")
    words = [f"{key.replace('_', '-')}={value}" for key, value in values.items()]
    execute([PROGRAM, "launch", "-q", "--set", "overlay.mask-opacity=1", "--set", "overlay.labels=false", *in_scheme(scheme),
             os.path.join(TOP, "pipelines/segmentation.gstp"), f"backend={unit}", f'sink=filesink location="{raw}"', *words],
            log, GST_DEBUG="qnninfer:4", GST_DEBUG_NO_COLOR="1")
    with open(raw, "rb") as file:
        return file.read()


def segmentation(folder, unit, scheme, log, more, share, _, values):
    wanted, got = pixels(folder, "cpu", None, values), pixels(folder, unit, log, {**more, **values}, scheme)
    if scheme:
        assert got == pixels(folder, "ref", None, values, scheme), "other pixels than the reference's"
    assert len(wanted) == len(got)
    same = sum(a == b for a, b in zip(wanted[::3], got[::3])) / (len(wanted) / 3)
    assert same >= share, f"{100 * same:.2f} % of pixels agree"


def frames(name, compare, key):
    """A check of pipelines/NAME.gstp, frame by frame."""
    def check(folder, unit, scheme, log, more, score, place, values):
        wanted = launch(name, folder, backend="cpu", **values)
        got = launch(name, folder, log, in_scheme(scheme), backend=unit, **more, **values)
        if scheme:
            assert got == launch(name, folder, None, in_scheme(scheme), backend="ref", **values), (got, "not the reference's")
        assert len(got) == len(wanted) and any(frame[key] for frame in wanted), (len(got), len(wanted))
        for ours, theirs in zip(got, wanted):
            compare(ours, theirs, score, place, values)
    return check


DETECTION, FACES = frames("detection", same_detections, "detections"), frames("face-detection", same_detections, "detections")
CLASSES = frames("classification", same_classes, "classes")

# What runs; how far scores may be apart, and how much boxes must overlap (or the share of equal pixels); whether all tensors are
# floats; the values. Scores of 8 bits move in steps: after tens of layers, a step of error in each, some of 1/256 of their range.
CASES = [
    ("detection: the embedded detector on the generated stream", DETECTION, 0.1, 0.6, False,
     lambda: {"source": STREAM.replace("=12", "=4"), "threshold": 0.4}),
    ("detection: cats and a dog (SSD)", DETECTION, 0.06, 0.75, False,
     lambda: {"source": image("cats_and_dogs.jpg"), "mean": "", "std": "", "threshold": 0.45,
              "model": data("models/tflite/coco_ssd_mobilenet_v1_1.0_quant.tflite")}),
    ("classification: a cat (MobileNet v2, 8 bits)", CLASSES, 0.06, None, False,
     lambda: {"source": image("cat.bmp"), "model": data("models/tflite/mobilenet_v2_1.0_224_quant.tflite")}),
    ("classification: a burger (MobileNet v1, floats of 16 bits)", CLASSES, 0.01, None, True,
     lambda: {"source": image("burger.jpg"), "mean": "127.5", "std": "127.5",
              "model": data("models/tflite/mobilenet_v1_0.25_224_float.tflite")}),
    ("face-detection: an astronaut (UltraFace, 8 bits)", FACES, 0.02, 0.85, False,
     lambda: {"source": image("astronaut.png"), "mean": "127", "std": "128", "fit": "stretch", "threshold": 0.6,
              "model": data("models/onnx/gen_ultraface_slim_qop_u8u8.onnx")}),
    ("face-detection: an astronaut (BlazeFace, floats of 16 bits)", FACES, 0.01, 0.98, True,
     lambda: {"source": image("astronaut.png"), "threshold": 0.6,
              "model": data("models/tflite/face_detection_front.tflite")}),
    ("segmentation: a bird (DeepLab, 8 bits)", segmentation, 0.97, None, False,
     lambda: {"source": image("bird_segmentation.bmp"),
              "model": data("models/tflite/deeplabv3_mnv2_dm05_pascal_quant.tflite")}),
]


def make_test(unit, prepare, floats, least, scheme, case):
    title, check, score, place, is_float, values = case

    def test(folder):
        if is_float and not floats:
            raise Skip(f"{unit} has no floats")
        log, given = [], values()
        check(folder, unit, scheme, log, prepare(folder, given), score, place, given)
        found = re.search(r"announce:<infer> (\S+): (\d+) of (\d+) nodes", log[0])
        assert found and found[1] == unit, log[0][-2000:]
        assert int(found[2]) >= least * int(found[3]), found[0]
    test.__doc__ = f"{unit}: {title}"
    return test


if __name__ == "__main__":
    sys.exit(run_tests([make_test(*unit, case) for unit in UNITS for case in CASES], sys.argv[4:]))
