/* SPDX-License-Identifier: MIT */
/*
 * map_custom.c - custom operators that keep their options in a FlexBuffer.
 */
#include "map.h"

#include "flex.h"

/* How TFLite_Detection_PostProcess names its options. */
static const struct {
  const char *key;
  size_t offset;
  gboolean real;
  double def;
} detection_options[] = {
    {"max_detections", offsetof(QfDetectionAttrs, max_detections), FALSE, -1},
    {"max_classes_per_detection", offsetof(QfDetectionAttrs, max_classes_per_detection), FALSE, -1},
    {"detections_per_class", offsetof(QfDetectionAttrs, detections_per_class), FALSE, 100},
    {"num_classes", offsetof(QfDetectionAttrs, num_classes), FALSE, -1},
    {"use_regular_nms", offsetof(QfDetectionAttrs, use_regular_nms), FALSE, 0},
    {"nms_score_threshold", offsetof(QfDetectionAttrs, score_threshold), TRUE, -1},
    {"nms_iou_threshold", offsetof(QfDetectionAttrs, iou_threshold), TRUE, -1},
    {"y_scale", offsetof(QfDetectionAttrs, scale_y), TRUE, -1},
    {"x_scale", offsetof(QfDetectionAttrs, scale_x), TRUE, -1},
    {"h_scale", offsetof(QfDetectionAttrs, scale_h), TRUE, -1},
    {"w_scale", offsetof(QfDetectionAttrs, scale_w), TRUE, -1},
};

static gboolean map_detection(QfTflNode *n, GError **error)
{
  const QfFlatVector *v = &n->record->custom_options;
  QfFlexMap map;
  if (!v->flat || !qf_flex_open(&map, v->flat->data + v->at, v->count))
    return qf_tfl_fail(n, error, QF_ERROR_FORMAT, "its options are damaged");
  QfNode *node = qf_tfl_new_node(n, "DetectionPostProcess", n->in, 3, n->out, 4);
  for (uint32_t i = 0; i < G_N_ELEMENTS(detection_options); i++) {
    double value = qf_flex_get(&map, detection_options[i].key, detection_options[i].def);
    char *field = (char *)node->attrs + detection_options[i].offset;
    if (!(value >= 0 && value <= 1e9))
      return qf_tfl_fail(n, error, QF_ERROR_FORMAT, "its option %s is missing or out of range",
                         detection_options[i].key);
    if (detection_options[i].real)
      *(float *)field = (float)value;
    else
      *(int32_t *)field = (int32_t)value;
  }
  return qf_tfl_add_node(n, node, error);
}

const QfTflRow qf_tfl_custom_rows[] = {
    {QF_TFL_OP_CUSTOM, "TFLite_Detection_PostProcess", map_detection, 3, 3, 4, NULL, NULL},
    {0},
};
