/* SPDX-License-Identifier: MIT */
/*
 * detection.h - boxes of an SSD head: decoding against anchors and non-maximum suppression, as TFLite_Detection_PostProcess defines them.
 *
 * Box: cy = dy / scale_y * anchor_h + anchor_cy, h = exp(dh / scale_h) * anchor_h, x likewise; corners are (ymin, xmin, ymax, xmax).
 * fast (not regular): boxes compete by their best class score, and each survivor gives its best max_classes classes;
 * regular: suppression runs for each class, and the best of all survivors are kept. A box overlapping a better one by more than
 * iou_threshold goes. Equal scores keep the order of the anchors.
 */
#ifndef QFK_DETECTION_H
#define QFK_DETECTION_H

#include "../common.h"

typedef struct {
  int32_t boxes, box_width; /* rows of the encodings, and floats a row (4 or more; the first 4 are the box) */
  int32_t classes;          /* without background */
  int32_t score_width;      /* floats a row of scores: classes, or one more in front for the background */
  int32_t max_detections, max_classes, per_class;
  bool regular;
  float score_threshold, iou_threshold;
  float scale_y, scale_x, scale_h, scale_w;
} QfkDetection;

/* Bytes of scratch that the kernel needs. */
size_t qfk_detection_scratch(const QfkDetection *d);

/* @encodings [boxes][box_width], @scores [boxes][score_width], @anchors [boxes][4] (cy, cx, h, w). Writes boxes [.][4], classes and
 * scores, zero past *count boxes: max_detections rows, times max_classes when not regular. */
void qfk_detection_ref(const QfkDetection *d, const float *encodings, const float *scores,
                       const float *anchors, void *scratch, float *out_boxes, float *out_classes,
                       float *out_scores, float *count);

#endif
