/* SPDX-License-Identifier: MIT */
/*
 * detection.c - what the ends of SSD detectors mean: boxes from anchors, then non-maximum suppression, as TFLite's custom
 * operator TFLite_Detection_PostProcess and Caffe's layer DetectionOutput do it. Numbers: kernels/detection.
 */
#include "list.h"
#include "infer.h"

#define DETECT(member) offsetof(QfDetectionAttrs, member)

static const QfAttrDef detection_attrs[] = {
    {"max_detections", QF_ATTR_INT, DETECT(max_detections), 1, 10, NULL},
    {"max_classes_per_detection", QF_ATTR_INT, DETECT(max_classes_per_detection), 1, 1, NULL},
    {"detections_per_class", QF_ATTR_INT, DETECT(detections_per_class), 1, 100, NULL},
    {"num_classes", QF_ATTR_INT, DETECT(num_classes), 1, 1, NULL},
    {"use_regular_nms", QF_ATTR_BOOL, DETECT(use_regular_nms), 1, 0, NULL},
    {"nms_score_threshold", QF_ATTR_FLOAT, DETECT(score_threshold), 1, 0, NULL},
    {"nms_iou_threshold", QF_ATTR_FLOAT, DETECT(iou_threshold), 1, 0.6, NULL},
    {"y_scale", QF_ATTR_FLOAT, DETECT(scale_y), 1, 10, NULL},
    {"x_scale", QF_ATTR_FLOAT, DETECT(scale_x), 1, 10, NULL},
    {"h_scale", QF_ATTR_FLOAT, DETECT(scale_h), 1, 5, NULL},
    {"w_scale", QF_ATTR_FLOAT, DETECT(scale_w), 1, 5, NULL},
    {NULL},
};

static gboolean check_attrs(const QfDetectionAttrs *a, GError **error)
{
  const int32_t limit = 100000;
  if (a->max_detections < 1 || a->max_detections > limit || a->max_classes_per_detection < 1 ||
      a->max_classes_per_detection > limit || a->num_classes < 1 || a->detections_per_class < 1)
    return qf_infer_fail(error, QF_ERROR_FORMAT,
                         "%d detections of %d classes each, %d a class, of %d classes are not possible",
                         a->max_detections, a->max_classes_per_detection, a->detections_per_class,
                         a->num_classes);
  if (!(a->iou_threshold > 0 && a->iou_threshold <= 1) || !(a->scale_y > 0) || !(a->scale_x > 0) ||
      !(a->scale_h > 0) || !(a->scale_w > 0))
    return qf_infer_fail(error, QF_ERROR_FORMAT,
                         "the overlap threshold %g must lie in (0, 1], and the scales %g, %g, %g, %g above 0",
                         a->iou_threshold, a->scale_y, a->scale_x, a->scale_h, a->scale_w);
  return TRUE;
}

static gboolean infer_detection(QfNode *node, GError **error)
{
  const QfDetectionAttrs *a = node->attrs;
  if (!qf_infer_begin(node, error) || !qf_infer_rank(node, 0, 3, 3, error) ||
      !qf_infer_rank(node, 1, 3, 3, error) || !qf_infer_rank(node, 2, 2, 2, error) || !check_attrs(a, error))
    return FALSE;
  const int64_t *boxes = node->inputs[0]->dims, *scores = node->inputs[1]->dims;
  const int64_t *anchors = node->inputs[2]->dims;
  int64_t offset = scores[2] - a->num_classes;
  if (boxes[0] != 1 || scores[0] != 1 || boxes[1] != scores[1] || boxes[1] != anchors[0] || boxes[2] < 4 ||
      anchors[1] != 4 || offset < 0 || offset > 1 || boxes[1] > INT32_MAX / 4)
    return qf_infer_fail(error, QF_ERROR_SHAPE,
                         "boxes 1xNx4, scores 1xNx%d (or one more) and anchors Nx4 are needed, but the sizes "
                         "are %" G_GINT64_FORMAT "x%" G_GINT64_FORMAT "x%" G_GINT64_FORMAT
                         ", %" G_GINT64_FORMAT "x%" G_GINT64_FORMAT "x%" G_GINT64_FORMAT
                         " and %" G_GINT64_FORMAT "x%" G_GINT64_FORMAT,
                         a->num_classes, boxes[0], boxes[1], boxes[2], scores[0], scores[1], scores[2],
                         anchors[0], anchors[1]);
  if (a->max_classes_per_detection > a->num_classes)
    return qf_infer_fail(error, QF_ERROR_FORMAT, "%d classes per detection are wanted of %d",
                         a->max_classes_per_detection, a->num_classes);
  int64_t n =
      a->use_regular_nms ? a->max_detections : (int64_t)a->max_detections * a->max_classes_per_detection;
  int64_t out[3] = {1, n, 4}, one = 1;
  return qf_infer_set(node, 0, QF_DTYPE_FLOAT32, out, 3, error) &&
         qf_infer_set(node, 1, QF_DTYPE_FLOAT32, out, 2, error) &&
         qf_infer_set(node, 2, QF_DTYPE_FLOAT32, out, 2, error) &&
         qf_infer_set(node, 3, QF_DTYPE_FLOAT32, &one, 1, error);
}

const QfOpDef qf_op_DetectionPostProcess = {
    .name = "DetectionPostProcess",
    .summary = "boxes, classes, scores and their number after non-maximum suppression",
    .min_inputs = 3,
    .max_inputs = 3,
    .min_outputs = 4,
    .max_outputs = 4,
    .attrs_size = sizeof(QfDetectionAttrs),
    .attrs = detection_attrs,
    .move = QF_MOVE_FIXED,
    .quant = QF_QUANT_NONE,
    .infer = infer_detection,
};

#define SSD(member) offsetof(QfSsdAttrs, member)

static const char *const box_codes[] = {"corner", "center_size", "corner_size", NULL};

static const QfAttrDef ssd_attrs[] = {
    {"num_classes", QF_ATTR_INT, SSD(num_classes), 1, 1, NULL},
    {"share_location", QF_ATTR_BOOL, SSD(share_location), 1, 1, NULL},
    {"background_class_idx", QF_ATTR_INT, SSD(background_class), 1, 0, NULL},
    {"top_k", QF_ATTR_INT, SSD(top_k), 1, -1, NULL},
    {"keep_top_k", QF_ATTR_INT, SSD(keep_top_k), 1, -1, NULL},
    {"code_type", QF_ATTR_ENUM, SSD(code_type), 1, QF_BOX_CORNER, box_codes},
    {"variance_in_target", QF_ATTR_BOOL, SSD(variance_in_target), 1, 0, NULL},
    {"iou_threshold", QF_ATTR_FLOAT, SSD(nms_threshold), 1, 0.3, NULL},
    {"nms_eta", QF_ATTR_FLOAT, SSD(nms_eta), 1, 1, NULL},
    {"confidence_threshold", QF_ATTR_FLOAT, SSD(confidence_threshold), 1, 0, NULL},
    {NULL},
};

/* The most detections that one image can have. */
static int64_t ssd_rows(const QfSsdAttrs *a, int64_t priors)
{
  gboolean background = a->background_class >= 0 && a->background_class < a->num_classes;
  int64_t classes = a->num_classes - (background ? 1 : 0);
  int64_t all = classes * (a->top_k >= 0 ? MIN(a->top_k, priors) : priors);
  return MAX(a->keep_top_k >= 0 ? MIN(a->keep_top_k, all) : all, 1);
}

static gboolean infer_ssd(QfNode *node, GError **error)
{
  const QfSsdAttrs *a = node->attrs;
  if (!qf_infer_begin(node, error) || !qf_infer_rank(node, 0, 2, 2, error) ||
      !qf_infer_rank(node, 1, 2, 2, error) || !qf_infer_rank(node, 2, 3, 3, error))
    return FALSE;
  if (a->num_classes < 1 || a->num_classes > 1 << 16 || !(a->nms_threshold >= 0) ||
      !(a->nms_eta > 0 && a->nms_eta <= 1))
    return qf_infer_fail(
        error, QF_ERROR_FORMAT,
        "%d classes, overlap threshold %g and eta %g are not possible: at least one class, a "
        "threshold of 0 or more, eta in (0, 1]",
        a->num_classes, a->nms_threshold, a->nms_eta);
  const int64_t *loc = node->inputs[0]->dims, *conf = node->inputs[1]->dims, *box = node->inputs[2]->dims;
  int64_t priors = box[2] / 4, places = a->share_location ? 1 : a->num_classes;
  if (box[0] != 1 || box[1] != 2 || priors > INT32_MAX / 16 || box[2] % 4 || loc[0] != conf[0] ||
      loc[1] != priors * 4 * places || conf[1] != priors * a->num_classes)
    return qf_infer_fail(error, QF_ERROR_SHAPE,
                         "%" G_GINT64_FORMAT
                         " priors of %d classes need as many boxes and scores an image, but there "
                         "are %" G_GINT64_FORMAT " and %" G_GINT64_FORMAT " numbers",
                         priors, a->num_classes, loc[1], conf[1]);
  int64_t rows = ssd_rows(a, priors);
  int64_t out[4] = {1, 1, loc[0] && rows > INT32_MAX / loc[0] ? -1 : loc[0] * rows, 7};
  if (out[2] < 0)
    return qf_infer_fail(error, QF_ERROR_LIMIT, "too many detections are possible: set keep_top_k");
  return qf_infer_set(node, 0, QF_DTYPE_FLOAT32, out, 4, error);
}

const QfOpDef qf_op_SsdDetectionOutput = {
    .name = "SsdDetectionOutput",
    .summary = "rows of image, class, score and box after non-maximum suppression for each class",
    .min_inputs = 3,
    .max_inputs = 3,
    .min_outputs = 1,
    .max_outputs = 1,
    .attrs_size = sizeof(QfSsdAttrs),
    .attrs = ssd_attrs,
    .move = QF_MOVE_FIXED,
    .quant = QF_QUANT_NONE,
    .infer = infer_ssd,
};
