/* SPDX-License-Identifier: MIT */
/*
 * concat.c - rows of Concat, Pack, Split and Unpack: each part is a run of bytes in every row of the whole. A part of Concat
 * whose encoding differs from the whole's is requantized on the way.
 */
#include "fixed.h"
#include "kernels/quantize/quantize.h"

#include <string.h>

typedef struct {
  int64_t count; /* elements of the part in one row */
  gboolean requantize;
  QfkRequantize q;
} Part;

typedef struct {
  int64_t rows, row; /* rows of the whole, and elements in one */
  size_t element_bytes;
  uint32_t n;
  Part *parts;
} Params;

static void run_join(const void *params, const void *const *in, void *const *out)
{
  const Params *p = params;
  int64_t start = 0;
  for (uint32_t i = 0; i < p->n; start += p->parts[i++].count) {
    const Part *part = &p->parts[i];
    const size_t bytes = (size_t)part->count * p->element_bytes;
    for (int64_t r = 0; r < p->rows; r++) {
      const char *from = (const char *)in[i] + (size_t)r * bytes;
      char *to = (char *)out[0] + (size_t)(r * p->row + start) * p->element_bytes;
      if (part->requantize)
        qfk_requantize_ref(&part->q, from, to, (size_t)part->count);
      else
        memcpy(to, from, bytes);
    }
  }
}

static void run_cut(const void *params, const void *const *in, void *const *out)
{
  const Params *p = params;
  int64_t start = 0;
  for (uint32_t i = 0; i < p->n; start += p->parts[i++].count) {
    const size_t bytes = (size_t)p->parts[i].count * p->element_bytes;
    for (int64_t r = 0; r < p->rows; r++)
      memcpy((char *)out[i] + (size_t)r * bytes,
             (const char *)in[0] + (size_t)(r * p->row + start) * p->element_bytes, bytes);
  }
}

/* @whole is cut at @axis; a part has all its elements there. */
static Params *new_params(QfLower *lower, const QfTensor *whole, int32_t axis, uint32_t n,
                          QfTensor *const *parts)
{
  Params *p = qf_lower_alloc(lower, sizeof(*p));
  p->rows = qf_dims_count(whole->dims, axis);
  p->row = qf_dims_count(whole->dims + axis, whole->rank - axis);
  p->element_bytes = qf_dtype_size(whole->dtype);
  p->n = n;
  p->parts = qf_lower_alloc(lower, n * sizeof(Part));
  for (uint32_t i = 0; i < n; i++)
    p->parts[i].count = p->rows ? qf_tensor_count(parts[i]) / p->rows : 0;
  return p;
}

gboolean qf_ref_lower_join(QfLower *lower, QfNode *node, GError **error)
{
  const QfTensor *y = node->outputs[0];
  Params *p = new_params(lower, y, ((const QfConcatAttrs *)node->attrs)->axis, node->n_inputs, node->inputs);
  gboolean plain = TRUE;
  for (uint32_t i = 0; i < p->n; i++) {
    QfkEncoding ex, ey;
    if (qf_ref_same_form(node->inputs[i], y))
      continue;
    if (qf_ref_is_encoded(node->inputs[i], &ex) && qf_ref_is_encoded(y, &ey) &&
        qf_dtype_size(node->inputs[i]->dtype) == p->element_bytes) {
      p->parts[i].requantize = TRUE;
      p->parts[i].q =
          (QfkRequantize){ex.type, ey.type, ex.zero, ey.zero, (float)((double)ex.scale / (double)ey.scale),
                          NULL};
      p->parts[i].q.fixed = qf_ref_fixed_multiplier(lower, (double)ex.scale / (double)ey.scale, FALSE);
    } else
      plain = FALSE;
  }
  if (plain) {
    qf_ref_lower_plain(lower, node, "concat_ref", run_join, p);
    return TRUE;
  }
  for (uint32_t i = 0; i < p->n; i++)
    p->parts[i].requantize = FALSE;
  p->element_bytes = sizeof(float);
  qf_ref_lower_real(lower, node, "concat_f32_ref", run_join, p, QF_REF_ALL_PORTS, 1);
  return TRUE;
}

gboolean qf_ref_lower_cut(QfLower *lower, QfNode *node, GError **error)
{
  const QfTensor *x = node->inputs[0];
  Params *p =
      new_params(lower, x, ((const QfConcatAttrs *)node->attrs)->axis, node->n_outputs, node->outputs);
  gboolean plain = TRUE;
  for (uint32_t i = 0; i < p->n; i++)
    plain = plain && qf_ref_same_form(x, node->outputs[i]);
  if (plain)
    qf_ref_lower_plain(lower, node, "split_ref", run_cut, p);
  else {
    p->element_bytes = sizeof(float);
    qf_ref_lower_real(lower, node, "split_f32_ref", run_cut, p, 1, QF_REF_ALL_PORTS);
  }
  return TRUE;
}
