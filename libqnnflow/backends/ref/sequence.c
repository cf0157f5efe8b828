/* SPDX-License-Identifier: MIT */
/*
 * sequence.c - rows of ReverseSequence and Col2Im.
 */
#include "ref.h"
#include "kernels/gather/gather.h"

#include <string.h>

static void run_reverse(const void *params, const void *const *in, void *const *out)
{
  qfk_reverse_sequence_ref(params, in[0], (QfkIndices){in[1], true}, out[0]);
}

static size_t span(const QfTensor *t, int32_t first, int32_t last)
{
  return (size_t)qf_dims_count(t->dims + first, last - first);
}

gboolean qf_ref_lower_reverse_sequence(QfLower *lower, QfNode *node, GError **error)
{
  const QfReverseAttrs *a = node->attrs;
  const QfTensor *x = node->inputs[0];
  const int32_t first = MIN(a->time_axis, a->batch_axis), second = MAX(a->time_axis, a->batch_axis);
  QfkReverse *p = qf_lower_alloc(lower, sizeof(*p));
  *p = (QfkReverse){.outer = span(x, 0, first),
                    .first = (size_t)x->dims[first],
                    .middle = span(x, first + 1, second),
                    .second = (size_t)x->dims[second],
                    .inner_bytes = span(x, second + 1, x->rank) * qf_dtype_size(x->dtype),
                    .time_first = a->time_axis < a->batch_axis};
  qf_ref_lower_as(lower, node, "reverse_sequence_ref", run_reverse, p,
                  (QfRefPorts){.as = QF_DTYPE_INT64, .in = 2});
  return TRUE;
}

static void run_col2im(const void *params, const void *const *in, void *const *out)
{
  qfk_col2im_f32_ref(params, in[0], out[0]);
}

gboolean qf_ref_lower_col2im(QfLower *lower, QfNode *node, GError **error)
{
  const QfCol2ImAttrs *a = node->attrs;
  QfkCol2Im *p = qf_lower_alloc(lower, sizeof(*p));
  p->rank = a->image.n;
  p->planes = node->outputs[0]->dims[0] * node->outputs[0]->dims[1];
  for (int i = 0; i < p->rank; i++) {
    const int64_t padded = a->image.v[i] + a->pad_before.v[i] + a->pad_after.v[i];
    p->image[i] = a->image.v[i];
    p->block[i] = a->block.v[i];
    p->stride[i] = a->stride.v[i];
    p->dilation[i] = a->dilation.v[i];
    p->pad[i] = a->pad_before.v[i];
    p->columns[i] = (padded - a->dilation.v[i] * (a->block.v[i] - 1) - 1) / a->stride.v[i] + 1;
  }
  qf_ref_lower_real(lower, node, "col2im_f32_ref", run_col2im, p, 1, 1);
  return TRUE;
}
