/* SPDX-License-Identifier: MIT */
/*
 * map_compose.c - operators on elements and windows for which the graph has no operator of its own: each is an expression of
 * those it has (emit.h). map_segment.c has those that look up and scatter.
 */
#include "emit.h"

#include <math.h>

#define MAX_BOUNDARIES 65536

static gboolean done(const QfTensor *t)
{
  return t != NULL;
}

/* sqrt(mean(x^2)) over the window. */
static gboolean map_l2_pool(QfTflNode *n, GError **error)
{
  QfTensor *out = n->out[0];
  QfTensor *square = qf_tfl_emit2(n, "ElementWiseMultiply", n->in[0], n->in[0], NULL, error);
  QfTensor *mean = square ? qf_tfl_emit_pool(n, square, error) : NULL;
  return mean && qf_tfl_split_activation(n, QF_TFL_POOL_ACTIVATION, &out, error) &&
         done(qf_tfl_emit1(n, "ElementWiseSquareRoot", mean, out, error));
}

/* Sum of squares over the channels from c - radius to c + radius - 1, as the peer has it: the mean of a window, times its
 * length behind this. */
static QfTensor *sum_channels(QfTflNode *n, QfTensor *square, int32_t radius, GError **error)
{
  const QfTensor *x = n->in[0];
  int64_t channels = x->dims[x->rank - 1], rows = qf_dims_count(x->dims, x->rank - 1);
  int64_t image[] = {rows, channels, 1, 1};
  QfTensor *column = qf_tfl_emit_reshape(n, square, image, 4, NULL, error),
           *mean = qf_tfl_temp(n, "mean", NULL);
  if (!column)
    return NULL;
  QfNode *node = qf_tfl_new_node(n, "PoolAvg2d", &column, 1, &mean, 1);
  QfPool2dAttrs *a = node->attrs;
  a->filter[0] = 2 * radius;
  a->filter[1] = a->stride[0] = a->stride[1] = 1;
  a->pad[0] = radius;
  a->pad[1] = radius - 1;
  a->count_pad = 1;
  return qf_tfl_add_node(n, node, error) ? qf_tfl_emit_reshape(n, mean, x->dims, x->rank, NULL, error) : NULL;
}

/* x * (bias + alpha * sum)^-beta */
static gboolean map_local_response(QfTflNode *n, GError **error)
{
  int64_t radius = qf_tfl_option(n, QF_TFL_LRN_RADIUS, 0);
  float bias = qf_tfl_option_float(n, QF_TFL_LRN_BIAS, 0),
        alpha = qf_tfl_option_float(n, QF_TFL_LRN_ALPHA, 0),
        beta = qf_tfl_option_float(n, QF_TFL_LRN_BETA, 0);
  QfTensor *x = n->in[0];
  if (!qf_tfl_check_rank(n, 0, 4, error))
    return FALSE;
  if (radius < 1 || radius > 1 << 20)
    return qf_tfl_fail(n, error, QF_ERROR_FORMAT, "a radius of %" G_GINT64_FORMAT "; the file is damaged",
                       radius);
  QfTensor *square = qf_tfl_emit2(n, "ElementWiseMultiply", x, x, NULL, error);
  QfTensor *mean = square ? sum_channels(n, square, (int32_t)radius, error) : NULL;
  QfTensor *scaled =
      qf_tfl_emit2(n, "ElementWiseMultiply", mean,
                   qf_tfl_emit_scalar(n, QF_DTYPE_FLOAT32, (double)alpha * (double)(2 * radius)), NULL,
                   error);
  QfTensor *base =
      qf_tfl_emit2(n, "ElementWiseAdd", scaled, qf_tfl_emit_scalar(n, QF_DTYPE_FLOAT32, bias), NULL, error);
  QfTensor *power =
      qf_tfl_emit2(n, "ElementWisePower", base, qf_tfl_emit_scalar(n, QF_DTYPE_FLOAT32, -beta), NULL, error);
  return done(qf_tfl_emit2(n, "ElementWiseMultiply", x, power, n->out[0], error));
}

/* How many boundaries are not above the value. */
static gboolean map_bucketize(QfTflNode *n, GError **error)
{
  const QfTensor *x = n->in[0];
  QfFlatVector list = qf_flat_get_vector(&n->record->options, QF_TFL_BUCKETIZE_BOUNDARIES, 4);
  int64_t dims[QF_MAX_RANK + 1] = {0}, count = list.count;
  if (x->rank >= QF_MAX_RANK || count > MAX_BOUNDARIES)
    return qf_tfl_fail(n, error, QF_ERROR_UNSUPPORTED, "%u boundaries for %d dimensions; at most %d for %d",
                       list.count, x->rank, MAX_BOUNDARIES, QF_MAX_RANK - 1);
  g_autofree double *values = g_new0(double, count + 1);
  for (uint32_t i = 0; i < count; i++)
    values[i] = (double)qf_flat_at_float(&list, i);
  for (int32_t i = 0; i < x->rank; i++)
    dims[i] = x->dims[i];
  dims[x->rank] = 1;
  QfDType dtype = qf_dtype_is_float(x->dtype) ? x->dtype : QF_DTYPE_FLOAT64;
  QfTensor *real = qf_tfl_emit_cast(n, n->in[0], dtype, NULL, error);
  QfTensor *column = qf_tfl_emit_reshape(n, real, dims, x->rank + 1, NULL, error);
  QfTensor *above = qf_tfl_emit2(n, "ElementWiseGreaterEqual", column,
                                 qf_tfl_emit_values(n, dtype, values, &count, 1), NULL, error);
  QfTensor *ones = qf_tfl_emit_cast(n, above, QF_DTYPE_INT32, NULL, error);
  return done(qf_tfl_emit_reduce(n, "ReduceSum", ones, x->rank, n->out[0], error));
}

/* A range [min, max] that is moved so that 0 is one of its 2^bits steps. */
static void nudge(double min, double max, int64_t bits, gboolean narrow, double *low, double *high,
                  double *scale)
{
  double first = narrow ? 1 : 0, last = ldexp(1, (int)bits) - 1;
  *scale = (double)(float)((max - min) / (last - first));
  double zero = first - min / *scale;
  double moved = zero < first ? first : zero > last ? last : floor(zero + 0.5);
  *low = (double)(float)((first - moved) * *scale);
  *high = (double)(float)((last - moved) * *scale);
}

static gboolean map_fake_quant(QfTflNode *n, GError **error)
{
  int64_t bits = qf_tfl_option(n, QF_TFL_FAKE_QUANT_BITS, 0);
  double min = (double)qf_tfl_option_float(n, QF_TFL_FAKE_QUANT_MIN, 0),
         max = (double)qf_tfl_option_float(n, QF_TFL_FAKE_QUANT_MAX, 0), low, high, scale;
  if (bits < 2 || bits > 16 || !(max > min) || !isfinite(max - min))
    return qf_tfl_fail(n, error, QF_ERROR_FORMAT,
                       "%" G_GINT64_FORMAT " bits for %g to %g; the file is damaged", bits, min, max);
  nudge(min, max, bits, qf_tfl_option_byte(n, QF_TFL_FAKE_QUANT_NARROW, 0) != 0, &low, &high, &scale);
  QfTensor *clamped = qf_tfl_temp(n, "clamped", NULL);
  QfNode *node = qf_tfl_new_node(n, "ReluMinMax", n->in, 1, &clamped, 1);
  ((QfUnaryAttrs *)node->attrs)->lo = (float)low;
  ((QfUnaryAttrs *)node->attrs)->hi = (float)high;
  if (!qf_tfl_add_node(n, node, error))
    return FALSE;
  QfTensor *zero = qf_tfl_emit_scalar(n, QF_DTYPE_FLOAT32, low),
           *step = qf_tfl_emit_scalar(n, QF_DTYPE_FLOAT32, scale);
  QfTensor *inverse = qf_tfl_emit_scalar(n, QF_DTYPE_FLOAT32, (double)(1.0f / (float)scale)),
           *half = qf_tfl_emit_scalar(n, QF_DTYPE_FLOAT32, 0.5);
  QfTensor *from_low = qf_tfl_emit2(n, "ElementWiseSubtract", clamped, zero, NULL, error);
  QfTensor *steps = qf_tfl_emit2(n, "ElementWiseMultiply", from_low, inverse, NULL, error);
  QfTensor *up = qf_tfl_emit2(n, "ElementWiseAdd", steps, half, NULL, error);
  QfTensor *whole = qf_tfl_emit1(n, "ElementWiseFloor", up, NULL, error);
  QfTensor *real = qf_tfl_emit2(n, "ElementWiseMultiply", whole, step, NULL, error);
  return done(qf_tfl_emit2(n, "ElementWiseAdd", real, zero, n->out[0], error));
}

/* Puts steps - 1 elements of @value behind each one along @axis but the last. */
static QfTensor *dilate(QfTflNode *n, QfTensor *x, int32_t axis, int64_t step, double value, GError **error)
{
  int64_t dims[QF_MAX_RANK + 1], wide[QF_MAX_RANK];
  QfInts before = {x->rank + 1, {0}}, after = before, begin = {x->rank, {0}}, end = {x->rank, {0}};
  if (x->rank >= QF_MAX_RANK)
    return qf_tfl_emit_reshape(n, x, x->dims, QF_MAX_RANK + 1, NULL, error);
  for (int32_t i = 0, k = 0; i < x->rank; i++) {
    dims[k++] = x->dims[i];
    wide[i] = end.v[i] = x->dims[i];
    if (i != axis)
      continue;
    after.v[k] = step - 1;
    dims[k++] = 1;
    wide[i] *= step;
    end.v[i] = (x->dims[i] - 1) * step + 1;
  }
  QfTensor *apart = qf_tfl_emit_reshape(n, x, dims, x->rank + 1, NULL, error);
  QfTensor *padded = qf_tfl_emit_pad(n, apart, &before, &after, value, NULL, error);
  QfTensor *joined = qf_tfl_emit_reshape(n, padded, wide, x->rank, NULL, error);
  return qf_tfl_emit_slice(n, joined, &begin, &end, NULL, error);
}

static gboolean map_dilate(QfTflNode *n, GError **error)
{
  QfTensor *x = n->in[0];
  QfInts steps;
  if (!qf_tfl_get_ints(n, 1, &steps, error))
    return FALSE;
  if (steps.n != x->rank || !qf_tensor_data(n->in[2]) || qf_tensor_count(n->in[2]) != 1)
    return qf_tfl_fail(n, error, QF_ERROR_UNSUPPORTED,
                       "it needs one constant for each of %d dimensions, and a constant between them",
                       x->rank);
  double value = qf_tensor_get_real(n->in[2], 0);
  for (int32_t i = 0; x && i < steps.n; i++) {
    if (steps.v[i] < 1 || steps.v[i] > 65536)
      return qf_tfl_fail(n, error, QF_ERROR_FORMAT, "a dilation of %" G_GINT64_FORMAT "; the file is damaged",
                         steps.v[i]);
    if (steps.v[i] > 1 && x->dims[i] > 1)
      x = dilate(n, x, i, steps.v[i], value, error);
  }
  return x && done(qf_tfl_emit_reshape(n, x, x->dims, x->rank, n->out[0], error));
}

/* TRUE on the diagonal of the last two dimensions. */
static QfTensor *diagonal(QfTflNode *n, int64_t rows, int64_t columns, GError **error)
{
  int64_t dims[] = {rows, columns};
  if (rows < 0 || columns < 0 || (columns && rows > ((int64_t)1 << 24) / columns)) {
    qf_tfl_fail(n, error, QF_ERROR_LIMIT,
                "a matrix of %" G_GINT64_FORMAT " by %" G_GINT64_FORMAT " is too large", rows, columns);
    return NULL;
  }
  uint8_t *data = g_malloc0((size_t)(rows * columns) + 1);
  for (int64_t i = 0; i < MIN(rows, columns); i++)
    data[i * columns + i] = 1;
  return qf_graph_add_constant(n->graph, NULL, QF_DTYPE_BOOL, dims, 2,
                               g_bytes_new_take(data, (gsize)(rows * columns)));
}

static gboolean check_ranks(const QfTflNode *n, int32_t rank, GError **error)
{
  return (rank >= 1 && rank < QF_MAX_RANK) ||
         qf_tfl_fail(n, error, QF_ERROR_UNSUPPORTED, "diagonals of %d dimensions; 1 to %d are supported",
                     rank, QF_MAX_RANK - 1);
}

static gboolean map_matrix_diag(QfTflNode *n, GError **error)
{
  const QfTensor *x = n->in[0];
  int64_t dims[QF_MAX_RANK];
  if (!check_ranks(n, x->rank, error))
    return FALSE;
  for (int32_t i = 0; i < x->rank; i++)
    dims[i] = x->dims[i];
  dims[x->rank] = dims[x->rank - 1];
  dims[x->rank - 1] = 1;
  QfTensor *rows = qf_tfl_emit_reshape(n, n->in[0], dims, x->rank + 1, NULL, error);
  QfTensor *on = diagonal(n, dims[x->rank], dims[x->rank], error);
  return done(qf_tfl_emit_select(n, on, rows, qf_tfl_emit_like(n, x, 0), n->out[0], error));
}

static gboolean map_matrix_set_diag(QfTflNode *n, GError **error)
{
  const QfTensor *x = n->in[0], *d = n->in[1];
  int64_t dims[QF_MAX_RANK];
  if (!check_ranks(n, d->rank, error))
    return FALSE;
  if (x->rank != d->rank + 1)
    return qf_tfl_fail(n, error, QF_ERROR_SHAPE, "a diagonal of %d dimensions for matrices of %d", d->rank,
                       x->rank);
  int64_t rows = x->dims[x->rank - 2], columns = x->dims[x->rank - 1], count = MIN(rows, columns);
  QfInts before = {d->rank, {0}}, after = {d->rank, {0}};
  after.v[d->rank - 1] = columns - count;
  for (int32_t i = 0; i < d->rank; i++)
    dims[i] = d->dims[i];
  if (dims[d->rank - 1] != count)
    return qf_tfl_fail(n, error, QF_ERROR_SHAPE, "a diagonal of %" G_GINT64_FORMAT " for %" G_GINT64_FORMAT,
                       dims[d->rank - 1], count);
  dims[d->rank - 1] = 1;
  dims[d->rank] = columns;
  QfTensor *wide =
      after.v[d->rank - 1] ? qf_tfl_emit_pad(n, n->in[1], &before, &after, 0, NULL, error) : n->in[1];
  QfTensor *row = qf_tfl_emit_reshape(n, wide, dims, x->rank, NULL, error),
           *on = diagonal(n, rows, columns, error);
  return done(qf_tfl_emit_select(n, on, row, n->in[0], n->out[0], error));
}

/* Shapes as data: from the right, 1 gives way to the other. */
static gboolean map_broadcast_args(QfTflNode *n, GError **error)
{
  QfTensor *both[2] = {n->in[0], n->in[1]};
  int64_t length = 0;
  for (int i = 0; i < 2; i++) {
    if (!qf_tfl_check_rank(n, (uint32_t)i, 1, error))
      return FALSE;
    length = MAX(length, both[i]->dims[0]);
  }
  for (int i = 0; i < 2; i++) {
    QfInts before = {1, {length - both[i]->dims[0]}}, after = {1, {0}};
    both[i] = before.v[0] ? qf_tfl_emit_pad(n, both[i], &before, &after, 1, NULL, error) : both[i];
    if (!both[i])
      return FALSE;
  }
  QfTensor *one =
      qf_tfl_emit2(n, "ElementWiseEqual", both[0], qf_tfl_emit_scalar(n, both[0]->dtype, 1), NULL, error);
  return done(qf_tfl_emit_select(n, one, both[1], both[0], n->out[0], error));
}

/* The angle of (x, y): atan(y / x), turned by half a circle where x is negative. */
static gboolean map_atan2(QfTflNode *n, GError **error)
{
  QfTensor *y = n->in[0], *x = n->in[1], *zero = qf_tfl_emit_like(n, y, 0);
  QfTensor *half = qf_tfl_emit_like(n, y, M_PI), *other = qf_tfl_emit_like(n, y, -M_PI);
  QfTensor *angle = qf_tfl_emit1(n, "ElementWiseAtan",
                                 qf_tfl_emit2(n, "ElementWiseDivide", y, x, NULL, error), NULL, error);
  QfTensor *below = qf_tfl_emit2(n, "ElementWiseLess", y, zero, NULL, error);
  QfTensor *left = qf_tfl_emit2(n, "ElementWiseLess", x, zero, NULL, error);
  QfTensor *turn = qf_tfl_emit_select(n, below, other, half, NULL, error);
  QfTensor *turned = qf_tfl_emit2(n, "ElementWiseAdd", angle, turn, NULL, error);
  QfTensor *whole = qf_tfl_emit_select(n, left, turned, angle, NULL, error);
  QfTensor *level = qf_tfl_emit2(n, "ElementWiseEqual", y, zero, NULL, error);
  QfTensor *upright = qf_tfl_emit2(n, "ElementWiseEqual", x, zero, NULL, error);
  QfTensor *origin = qf_tfl_emit2(n, "ElementWiseAnd", level, upright, NULL, error);
  return done(qf_tfl_emit_select(n, origin, zero, whole, n->out[0], error));
}

const QfTflRow qf_tfl_compose_rows[] = {
    {156, "ATAN2", map_atan2, 2, 2, 1, NULL, NULL},
    {12, "L2_POOL_2D", map_l2_pool, 1, 1, 1, "PoolAvg2d", NULL},
    {13, "LOCAL_RESPONSE_NORMALIZATION", map_local_response, 1, 1, 1, NULL, NULL},
    {147, "BUCKETIZE", map_bucketize, 1, 1, 1, NULL, NULL},
    {80, "FAKE_QUANT", map_fake_quant, 1, 1, 1, NULL, NULL},
    {203, "DILATE", map_dilate, 3, 3, 1, NULL, NULL},
    {113, "MATRIX_DIAG", map_matrix_diag, 1, 1, 1, NULL, NULL},
    {115, "MATRIX_SET_DIAG", map_matrix_set_diag, 2, 2, 1, NULL, NULL},
    {145, "BROADCAST_ARGS", map_broadcast_args, 2, 2, 1, NULL, NULL},
    {0},
};
