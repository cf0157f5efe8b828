/* SPDX-License-Identifier: MIT */
/*
 * signal.c - rows of DFT and TfIdfVectorizer.
 */
#include "ref.h"
#include "../../graph/numbers.h"
#include "kernels/signal/signal.h"

static void run_dft(const void *params, const void *const *in, void *const *out)
{
  qfk_dft_f32_ref(params, in[0], out[0], out[1]);
}

gboolean qf_ref_lower_dft(QfLower *lower, QfNode *node, GError **error)
{
  const QfDftAttrs *a = node->attrs;
  const QfTensor *x = node->inputs[0], *y = node->outputs[0];
  const int32_t last = x->rank - 1;
  QfkDft *p = qf_lower_alloc(lower, sizeof(*p));
  *p = (QfkDft){.outer = qf_dims_count(x->dims, a->axis),
                .n_in = x->dims[a->axis],
                .n_out = y->dims[a->axis],
                .inner = qf_dims_count(x->dims + a->axis + 1, last - a->axis - 1),
                .length = a->length,
                .in_parts = (int32_t)x->dims[last],
                .out_parts = (int32_t)y->dims[last],
                .inverse = a->inverse != 0,
                .mirror = a->inverse && a->onesided};
  qf_ref_lower_as(lower, node, "dft_f32_ref", run_dft, p,
                  (QfRefPorts){.as = QF_DTYPE_FLOAT32, .in = 1, .out = 1, .scratch = qfk_dft_scratch(p)});
  return TRUE;
}

static void run_ngrams(const void *params, const void *const *in, void *const *out)
{
  qfk_ngrams_ref(params, in[1], in[0], out[0]);
}

gboolean qf_ref_lower_ngrams(QfLower *lower, QfNode *node, GError **error)
{
  const QfTfIdfAttrs *a = node->attrs;
  const QfTensor *x = node->inputs[0], *weights = node->n_inputs > 4 ? node->inputs[4] : NULL;
  QfkNgrams *p = qf_lower_alloc(lower, sizeof(*p));
  if (weights && (!weights->data || weights->dtype != QF_DTYPE_FLOAT32))
    return qf_ref_unsupported(node, error, "its weights are not constant float32",
                              "make them an initializer");
  *p = (QfkNgrams){.rows = x->rank == 2 ? x->dims[0] : 1,
                   .columns = x->rank ? x->dims[x->rank - 1] : 1,
                   .outputs = node->outputs[0]->dims[node->outputs[0]->rank - 1],
                   .pool_size = node->inputs[1]->dims[0],
                   .n_sizes = node->inputs[2]->dims[0],
                   .least = a->min_gram,
                   .most = a->max_gram,
                   .skips = a->max_skip,
                   .once = a->mode == 1,
                   .first = qf_tensor_data(node->inputs[2]),
                   .place = qf_tensor_data(node->inputs[3]),
                   .weight = weights && a->mode ? qf_tensor_data(weights) : NULL};
  qf_ref_lower_as(lower, node, "ngrams_ref", run_ngrams, p, (QfRefPorts){.as = QF_DTYPE_INT64, .in = 1});
  return TRUE;
}
