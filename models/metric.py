# SPDX-License-Identifier: MIT
"""mAP@0.5 of detections against the truth that scene/ gives. Standard library only: the tests use it too.

A truth is a dict as scene writes it (label, x, y, width, height, visible), a detection a dict with label, x, y,
width, height, score. Objects that are hidden for the most part (visible < MIN_VISIBLE) count neither as missed nor as found.
"""

MIN_VISIBLE = 0.5


def iou(a, b):
    """Overlap of two boxes: intersection over union, 0 to 1."""
    w = min(a["x"] + a["width"], b["x"] + b["width"]) - max(a["x"], b["x"])
    h = min(a["y"] + a["height"], b["y"] + b["height"]) - max(a["y"], b["y"])
    if w <= 0 or h <= 0:
        return 0.0
    return w * h / (a["width"] * a["height"] + b["width"] * b["height"] - w * h)


def match(truths, detections, label, threshold):
    """Matches one class in one frame, best score first. Returns [(score, is_hit)] and the number of objects."""
    wanted = [t for t in truths if t["label"] == label]
    taken = [False] * len(wanted)
    hits = []
    for d in sorted((d for d in detections if d["label"] == label), key=lambda d: -d["score"]):
        best, best_iou = None, threshold
        for i, t in enumerate(wanted):
            overlap = iou(d, t)
            if not taken[i] and overlap >= best_iou:
                best, best_iou = i, overlap
        if best is None:
            hits.append((d["score"], False))
            continue
        taken[best] = True
        if wanted[best]["visible"] >= MIN_VISIBLE:
            hits.append((d["score"], True))
    return hits, sum(t["visible"] >= MIN_VISIBLE for t in wanted)


def average_precision(hits, count):
    """Area under the precision-recall curve, precision made monotone (every point, as Pascal VOC since 2010)."""
    if count == 0:
        return None
    hits = sorted(hits, key=lambda h: -h[0])
    found, curve = 0, []
    for i, (_, hit) in enumerate(hits):
        found += hit
        curve.append((found / count, found / (i + 1)))
    area, best, last = 0.0, 0.0, None
    for recall, precision in reversed(curve):
        if last is not None:
            area += (last - recall) * best
        best, last = max(best, precision), recall
    return area + (last or 0.0) * best


def mean_ap(frames, labels, threshold=0.5):
    """frames: [(truths, detections)]. Returns the mean over the labels that occur, and the AP of each label."""
    per_label = {}
    for label in labels:
        hits, count = [], 0
        for truths, detections in frames:
            frame_hits, frame_count = match(truths, detections, label, threshold)
            hits += frame_hits
            count += frame_count
        ap = average_precision(hits, count)
        if ap is not None:
            per_label[label] = ap
    return (sum(per_label.values()) / len(per_label) if per_label else 0.0), per_label
