/* SPDX-License-Identifier: MIT */
/*
 * ssd.h - detections of an SSD head as Caffe's DetectionOutput layer defines them.
 *
 * For each image and each class but the background: the boxes with a score above the threshold, the best top_k of them, compete by
 * qfk_nms(); of all survivors the best keep_top_k stay, and are written by class, then score.
 */
#ifndef QFK_DETECTION_SSD_H
#define QFK_DETECTION_SSD_H

#include "../common.h"

typedef struct {
  int32_t images, priors, classes;
  int32_t places;            /* boxes of a prior: 1, or one a class */
  int32_t background;        /* a class, or -1 */
  int32_t top_k, keep_top_k; /* -1: all */
  int32_t rows;              /* of the output, for all images */
  int32_t code;              /* 0 corners, 1 centre and size, 2 corners by size */
  bool variance_in_target;
  float nms_threshold, nms_eta, confidence_threshold;
} QfkSsd;

/* Bytes of scratch that the kernel needs. */
size_t qfk_ssd_scratch(const QfkSsd *d);

/* @locations [images][priors][places][4], @scores [images][priors][classes], @boxes [2][priors][4]: corners, then variances. Writes
 * @out [rows][7]: image, class, score, xmin, ymin, xmax, ymax; rows behind the last detection: -1, then zeros. */
void qfk_ssd_ref(const QfkSsd *d, const float *locations, const float *scores, const float *boxes,
                 void *scratch, float *out);

#endif
