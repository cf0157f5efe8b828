#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The score of the detector's test, on cases worked out by hand."""

import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "models"))
sys.dont_write_bytecode = True
import metric  # noqa: E402


def box(x, label="ball", visible=1.0, score=None):
    made = {"label": label, "x": x, "y": 0, "width": 10, "height": 10, "visible": visible}
    return made if score is None else {**made, "score": score}


class Metric(unittest.TestCase):
    def test_iou(self):
        self.assertEqual(metric.iou(box(0), box(0)), 1)
        self.assertAlmostEqual(metric.iou(box(0), box(5)), 50 / 150)
        self.assertEqual(metric.iou(box(0), box(10)), 0)

    def test_perfect(self):
        frames = [([box(0), box(30, "star")], [box(1, score=0.9), box(30, "star", score=0.4)])]
        self.assertEqual(metric.mean_ap(frames, ["ball", "star"]), (1.0, {"ball": 1.0, "star": 1.0}))

    def test_nothing_found(self):
        self.assertEqual(metric.mean_ap([([box(0)], [])], ["ball"])[0], 0)

    def test_wrong_class_and_wrong_place_are_misses(self):
        self.assertEqual(metric.mean_ap([([box(0)], [box(0, "star", score=0.9)])], ["ball"])[0], 0)
        self.assertEqual(metric.mean_ap([([box(0)], [box(6, score=0.9)])], ["ball"])[0], 0)

    def test_curve(self):
        # Hits at ranks 1 and 3 of two objects: recall 1/2 at precision 1, recall 1 at precision 2/3.
        found = [box(0, score=0.9), box(60, score=0.8), box(30, score=0.7)]
        self.assertAlmostEqual(metric.mean_ap([([box(0), box(30)], found)], ["ball"])[0], 0.5 + 0.5 * 2 / 3)

    def test_second_box_on_one_object_is_an_error(self):
        found = [box(0, score=0.9), box(1, score=0.8), box(30, score=0.7)]
        self.assertAlmostEqual(metric.mean_ap([([box(0), box(30)], found)], ["ball"])[0], 0.5 + 0.5 * 2 / 3)

    def test_ranks_are_those_of_all_frames(self):
        frames = [([box(0)], [box(0, score=0.5)]), ([], [box(0, score=0.6)])]
        self.assertAlmostEqual(metric.mean_ap(frames, ["ball"])[0], 0.5)

    def test_hidden_objects_count_neither_way(self):
        hidden = box(30, visible=0.2)
        self.assertEqual(metric.mean_ap([([box(0), hidden], [box(0, score=0.5)])], ["ball"])[0], 1)
        found = [box(30, score=0.9), box(0, score=0.5)]
        self.assertEqual(metric.mean_ap([([box(0), hidden], found)], ["ball"])[0], 1)


if __name__ == "__main__":
    unittest.main()
