/* SPDX-License-Identifier: MIT */
/*
 * map_window.c - REDUCE_WINDOW, non-maximum suppression, random numbers, BITCAST, and MediaPipe's pooling that remembers where
 * its maxima were.
 */
#include "emit.h"

static gboolean map_reduce_window(QfTflNode *n, GError **error)
{
  static const int32_t reductions[] = {[1] = 0, [2] = 1, [3] = 2, [4] = 3};
  int64_t function = qf_tfl_option(n, QF_TFL_REDUCE_WINDOW_FUNCTION, 0);
  QfTensor *in[] = {n->in[0], n->in[1]};
  QfNode *node = qf_tfl_new_node(n, "ReduceWindow", in, 2, n->out, 1);
  QfWindowAttrs *a = node->attrs;
  if (function < 1 || function > 4)
    return qf_tfl_fail(n, error, QF_ERROR_UNSUPPORTED,
                       "reduce function %" G_GINT64_FORMAT
                       " is not supported; ADD, MUL, MINIMUM and MAXIMUM are",
                       function);
  a->reduction = reductions[function];
  return qf_tfl_get_ints(n, 2, &a->window, error) && qf_tfl_get_ints(n, 3, &a->stride, error) &&
         qf_tfl_get_ints(n, 4, &a->dilation, error) && qf_tfl_add_node(n, node, error);
}

/* V5 gives scores and takes a sigma, V4 does neither. */
static gboolean map_suppress(QfTflNode *n, GError **error)
{
  gboolean soft = n->n_out == 3;
  QfTensor *in[] = {n->in[0], n->in[1], n->in[3], n->in[4], soft ? n->in[5] : NULL};
  QfTensor *out[] = {n->out[0], soft ? n->out[1] : qf_tfl_temp(n, "scores", NULL), n->out[n->n_out - 1]};
  int64_t wanted;
  if (!qf_tfl_get_int(n, 2, &wanted, error))
    return FALSE;
  QfNode *node = qf_tfl_new_node(n, "SoftNonMaxSuppression", in, soft ? 5 : 4, out, 3);
  ((QfSuppressAttrs *)node->attrs)->wanted = (int32_t)CLAMP(wanted, -1, G_MAXINT32);
  return qf_tfl_add_node(n, node, error);
}

static gboolean map_random(QfTflNode *n, GError **error)
{
  QfNode *node = qf_tfl_new_node(n, n->row->op, n->in, 0, n->out, 1);
  QfRandomAttrs *a = node->attrs;
  int64_t seed = qf_flat_get_int(&n->record->options, QF_TFL_RANDOM_SEED, QF_FLAT_I64, 0),
          other = qf_flat_get_int(&n->record->options, QF_TFL_RANDOM_SEED2, QF_FLAT_I64, 0);
  a->dtype = n->out[0]->dtype;
  a->seeded = seed || other;
  a->seed = (int32_t)(uint32_t)((uint64_t)seed ^ (uint64_t)other * 0x9e3779b1u);
  return qf_tfl_get_ints(n, 0, &a->shape, error) && qf_tfl_add_node(n, node, error);
}

static gboolean map_multinomial(QfTflNode *n, GError **error)
{
  QfNode *node = qf_tfl_new_node(n, "Multinomial", n->in, 1, n->out, 1);
  QfRandomAttrs *a = node->attrs;
  int64_t samples, seed = qf_flat_get_int(&n->record->options, QF_TFL_RANDOM_SEED, QF_FLAT_I64, 0);
  if (!qf_tfl_get_int(n, 1, &samples, error))
    return FALSE;
  a->dtype = n->out[0]->dtype;
  a->samples = (int32_t)CLAMP(samples, -1, G_MAXINT32);
  a->seeded = seed != 0;
  a->seed = (int32_t)(uint32_t)seed;
  return qf_tfl_add_node(n, node, error);
}

static gboolean map_bitcast(QfTflNode *n, GError **error)
{
  QfNode *node = qf_tfl_new_node(n, "BitCast", n->in, 1, n->out, 1);
  ((QfCastAttrs *)node->attrs)->dtype = n->out[0]->dtype;
  return qf_tfl_add_raw_node(n, node, error);
}

/* The options are plain int32: padding (1 same, 2 valid), strides and filter, each width before height, activation. */
static gboolean get_pool(const QfTflNode *n, QfArgPoolAttrs *a, gboolean *same, GError **error)
{
  QfFlatVector v = n->record->custom_options;
  int32_t values[6];
  v.stride = 4;
  v.count /= 4;
  for (uint32_t i = 0; i < 6; i++)
    values[i] = i < v.count ? (int32_t)qf_flat_at_int(&v, i, QF_FLAT_I32) : 0;
  *same = values[0] == 1;
  for (int i = 0; i < 2; i++) {
    a->stride[i] = values[2 - i];
    a->filter[i] = values[4 - i];
  }
  gboolean fits = values[0] >= 1 && values[0] <= 2 && values[5] == QF_TFL_ACT_NONE;
  for (int i = 1; i < 5; i++)
    fits &= values[i] >= 1 && values[i] <= 65536;
  return fits || qf_tfl_fail(n, error, QF_ERROR_FORMAT, "its options are damaged, or fuse an activation");
}

/* What SAME adds, for @out windows over @in elements. */
static void pad(QfArgPoolAttrs *a, int i, int64_t in, int64_t out)
{
  int64_t total = MAX((out - 1) * a->stride[i] + a->filter[i] - in, 0);
  a->pad[2 * i] = (int32_t)(total / 2);
  a->pad[2 * i + 1] = (int32_t)(total - total / 2);
}

static gboolean map_arg_pool(QfTflNode *n, GError **error)
{
  gboolean same, back = n->n_in == 2;
  QfNode *node = qf_tfl_new_node(n, n->row->op, n->in, n->n_in, n->out, n->n_out);
  QfArgPoolAttrs *a = node->attrs;
  if (!qf_tfl_check_rank(n, 0, 4, error) || !get_pool(n, a, &same, error))
    return FALSE;
  for (int i = 0; i < 2 && same; i++) {
    int64_t in = n->in[0]->dims[1 + i];
    if (in > 1 << 20)
      return qf_tfl_fail(n, error, QF_ERROR_LIMIT, "an image of %" G_GINT64_FORMAT " pixels", in);
    if (back)
      pad(a, i, in * a->filter[i], in);
    else
      pad(a, i, in, (in + a->stride[i] - 1) / a->stride[i]);
  }
  return qf_tfl_add_node(n, node, error);
}

const QfTflRow qf_tfl_window_rows[] = {
    {205, "REDUCE_WINDOW", map_reduce_window, 5, 5, 1, NULL, NULL},
    {120, "NON_MAX_SUPPRESSION_V4", map_suppress, 5, 5, 2, NULL, NULL},
    {121, "NON_MAX_SUPPRESSION_V5", map_suppress, 6, 6, 3, NULL, NULL},
    {148, "RANDOM_UNIFORM", map_random, 1, 1, 1, "RandomUniform", NULL},
    {146, "RANDOM_STANDARD_NORMAL", map_random, 1, 1, 1, "RandomNormal", NULL},
    {149, "MULTINOMIAL", map_multinomial, 2, 2, 1, NULL, NULL},
    {159, "BITCAST", map_bitcast, 1, 1, 1, NULL, NULL},
    {QF_TFL_OP_CUSTOM, "MaxPoolingWithArgmax2D", map_arg_pool, 1, 1, 2, "MaxPoolWithArgmax", NULL},
    {QF_TFL_OP_CUSTOM, "MaxUnpooling2D", map_arg_pool, 2, 2, 1, "MaxUnpool2d", NULL},
    {0},
};
