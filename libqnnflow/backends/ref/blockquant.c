/* SPDX-License-Identifier: MIT */
/*
 * blockquant.c - row of BlockQuantMatMul.
 */
#include "weighted.h"
#include "kernels/blockquant/blockmm.h"

typedef struct {
  QfkBlockMm mm;
  QfRefWeighted w;
} Params;

static void run(const void *params, const void *const *in, void *const *out)
{
  const Params *p = params;
  const QfkEpilogue act = qf_ref_weighted_act(&p->w, in);
  qfk_blockmm_ref(&p->mm, in[0], in[1], qf_ref_weighted_bias(&p->w, in), qf_ref_weighted_residual(&p->w, in),
                  &act, out[0]);
}

gboolean qf_ref_lower_blockquant(QfLower *lower, QfNode *node, GError **error)
{
  const QfBlockQuantMatMulAttrs *a = node->attrs;
  const QfTensor *w = node->inputs[1];
  const int64_t rows = qf_tensor_count(node->inputs[0]) / a->in_features;
  Params *p = qf_lower_alloc(lower, sizeof(*p));
  if (rows > INT32_MAX / 2)
    return qf_ref_unsupported(node, error, "it has too many rows", "use a smaller batch");
  if (!qf_ref_weighted_init(&p->w, lower, node, &a->epi, w->dims[0], error))
    return FALSE;
  p->mm = (QfkBlockMm){.format = &qfk_block_formats[a->format],
                       .rows = (uint32_t)rows,
                       .out = (uint32_t)w->dims[0],
                       .k = (uint32_t)a->in_features,
                       .row_bytes = (size_t)w->dims[1]};
  qf_ref_lower_real(lower, node, "blockmm_ref", run, p, ~2u, 1);
  return TRUE;
}
