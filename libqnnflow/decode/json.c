/* SPDX-License-Identifier: MIT */
/*
 * json.c - results as one line of JSON. Numbers are written with a point in every locale; what is not finite is null.
 */
#include <qnnflow/decode.h>

#include <math.h>

static void add_number(GString *s, const char *key, double value)
{
  char text[G_ASCII_DTOSTR_BUF_SIZE];
  g_string_append_printf(s, "\"%s\":%s", key,
                         isfinite(value) ? g_ascii_formatd(text, sizeof text, "%.6g", value) : "null");
}

static void add_string(GString *s, const char *text)
{
  g_autofree char *valid = g_utf8_make_valid(text, -1);
  g_string_append_c(s, '"');
  for (const char *p = valid; *p; p++) {
    if (*p == '"' || *p == '\\')
      g_string_append_printf(s, "\\%c", *p);
    else if ((guchar)*p < 0x20)
      g_string_append_printf(s, "\\u%04x", (guchar)*p);
    else
      g_string_append_c(s, *p);
  }
  g_string_append_c(s, '"');
}

/* {"class_id":..,"label":..,"score":.. and the brace is left open */
static void open_class(GString *s, int32_t class_id, const char *label, float score)
{
  g_string_append_printf(s, "{\"class_id\":%d,", class_id);
  if (label) {
    g_string_append(s, "\"label\":");
    add_string(s, label);
    g_string_append_c(s, ',');
  }
  add_number(s, "score", (double)score);
}

static void add_detection(GString *s, const QfDetection *d)
{
  open_class(s, d->class_id, d->label, d->score);
  const struct {
    const char *key;
    float value;
  } box[] = {{"x", d->x}, {"y", d->y}, {"width", d->width}, {"height", d->height}};
  for (guint i = 0; i < G_N_ELEMENTS(box); i++) {
    g_string_append_c(s, ',');
    add_number(s, box[i].key, (double)box[i].value);
  }
  if (d->n_keypoints)
    g_string_append(s, ",\"keypoints\":[");
  for (uint32_t i = 0; i < d->n_keypoints; i++) {
    g_string_append(s, i ? ",{" : "{");
    add_number(s, "x", (double)d->keypoints[i].x);
    g_string_append_c(s, ',');
    add_number(s, "y", (double)d->keypoints[i].y);
    g_string_append_c(s, ',');
    add_number(s, "score", (double)d->keypoints[i].score);
    g_string_append_c(s, '}');
  }
  g_string_append(s, d->n_keypoints ? "]}" : "}");
}

/* A mask as its size and the share of each class that is there: pixels do not belong into a line of text. */
static void add_mask(GString *s, const QfMask *m)
{
  uint64_t count[256] = {0}, n = (uint64_t)m->width * (uint64_t)m->height;
  for (uint64_t i = 0; i < n; i++)
    count[m->classes[i]]++;
  g_string_append_printf(s, ",\"mask\":{\"width\":%d,\"height\":%d,\"region\":[%d,%d,%d,%d],\"shares\":{",
                         m->width, m->height, m->region.x, m->region.y, m->region.width, m->region.height);
  const char *comma = "";
  for (int c = 0; c < 256; c++) {
    char key[8];
    if (!count[c])
      continue;
    g_string_append(s, comma);
    g_snprintf(key, sizeof key, "%d", c);
    add_number(s, key, (double)count[c] / (double)n);
    comma = ",";
  }
  g_string_append(s, "}}");
}

char *qf_results_to_json(const QfResults *r, uint64_t frame_index, uint64_t pts_ns)
{
  GString *s = g_string_new(NULL);
  g_string_append_printf(s, "{\"frame\":%" G_GUINT64_FORMAT ",\"pts_ns\":", (guint64)frame_index);
  if (pts_ns == UINT64_MAX)
    g_string_append(s, "null");
  else
    g_string_append_printf(s, "%" G_GUINT64_FORMAT, (guint64)pts_ns);
  g_string_append(s, ",\"detections\":[");
  for (uint32_t i = 0; i < r->n_detections; i++) {
    g_string_append(s, i ? "," : "");
    add_detection(s, &r->detections[i]);
  }
  g_string_append(s, "],\"classes\":[");
  for (uint32_t i = 0; i < r->n_classes; i++) {
    g_string_append(s, i ? "," : "");
    open_class(s, r->classes[i].class_id, r->classes[i].label, r->classes[i].score);
    g_string_append_c(s, '}');
  }
  g_string_append_c(s, ']');
  if (r->mask.classes)
    add_mask(s, &r->mask);
  g_string_append_c(s, '}');
  return g_string_free(s, FALSE);
}
