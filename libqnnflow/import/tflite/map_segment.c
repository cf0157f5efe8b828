/* SPDX-License-Identifier: MIT */
/*
 * map_segment.c - operators that look up, scatter and sum by index, as expressions of gathers and scatters (emit.h), and those
 * whose result's size depends on their data, which are computed here when the data is constant.
 */
#include "emit.h"

#include "../../graph/numbers.h"

#include <math.h>
#include <string.h>

/* Numbers of a list that is made here. */
#define MAX_INDICES (1 << 22)

static gboolean done(const QfTensor *t)
{
  return t != NULL;
}

/* Rows of a table. Quantized ones are made real behind the gather when they share one scale, else before it. */
static gboolean map_embedding_lookup(QfTflNode *n, GError **error)
{
  QfTensor *table = n->in[1], *out = n->out[0];
  gboolean hybrid = qf_tensor_is_quantized(table) && qf_dtype_is_float(out->dtype);
  if (!hybrid)
    return done(qf_tfl_emit_gather(n, table, n->in[0], 0, 0, out, error));
  if (table->enc.count == 1) {
    QfTensor *rows = qf_tfl_emit_gather(n, table, n->in[0], 0, 0, NULL, error);
    return rows && qf_tfl_add_change(n, "Dequantize", rows, out, error);
  }
  QfTensor *real = qf_tfl_temp(n, "table", NULL);
  real->dtype = out->dtype;
  return qf_tfl_add_change(n, "Dequantize", table, real, error) &&
         done(qf_tfl_emit_gather(n, real, n->in[0], 0, 0, out, error));
}

/* The shape [count, 1, 1, ...] of rank @rank. */
static QfTensor *as_column(QfTflNode *n, QfTensor *x, int64_t count, int32_t rank, GError **error)
{
  int64_t dims[QF_MAX_RANK] = {count, 1, 1, 1, 1, 1, 1, 1};
  return qf_tfl_emit_reshape(n, x, dims, rank, NULL, error);
}

/* Whether each wanted key is there, and its row or zeros. */
static gboolean map_hashtable_lookup(QfTflNode *n, GError **error)
{
  QfTensor *lookup = n->in[0], *keys = n->in[1], *values = n->in[2];
  if (lookup->rank != 1 || keys->rank != 1 || values->rank < 1 || values->dims[0] != keys->dims[0])
    return qf_tfl_fail(n, error, QF_ERROR_SHAPE, "keys and values do not fit together; the file is damaged");
  QfTensor *column = as_column(n, lookup, lookup->dims[0], 2, error);
  QfTensor *equal = qf_tfl_emit2(n, "ElementWiseEqual", column, keys, NULL, error);
  QfTensor *one = qf_tfl_emit_cast(n, equal, QF_DTYPE_INT32, NULL, error), *at = qf_tfl_temp(n, "at", NULL);
  QfTensor *hit = qf_tfl_emit_reduce(n, "ReduceMax", one, 1, NULL, error);
  if (!hit)
    return FALSE;
  QfNode *node = qf_tfl_new_node(n, "Argmax", &one, 1, &at, 1);
  *(QfAxisAttrs *)node->attrs = (QfAxisAttrs){.axis = 1, .dtype = QF_DTYPE_INT32};
  if (!qf_tfl_add_node(n, node, error) || !qf_tfl_emit_cast(n, hit, n->out[1]->dtype, n->out[1], error))
    return FALSE;
  QfTensor *rows = qf_tfl_emit_gather(n, values, at, 0, 0, NULL, error);
  QfTensor *flag = qf_tfl_emit_cast(n, hit, QF_DTYPE_BOOL, NULL, error);
  QfTensor *flags = flag ? as_column(n, flag, lookup->dims[0], values->rank, error) : NULL;
  return done(qf_tfl_emit_select(n, flags, rows, qf_tfl_emit_like(n, values, 0), n->out[0], error));
}

/* A tensor of @dims filled with @value, with the type of @like. */
static QfTensor *filled(QfTflNode *n, const QfTensor *like, double value, const QfInts *dims, GError **error)
{
  return qf_tfl_emit_broadcast(n, qf_tfl_emit_like(n, like, value), dims, NULL, error);
}

/*
 * Rows of @data combined by @ids into @count rows, starting from @start. Negative ids go into a row behind the last one, which
 * is cut off: in the graph's operator they would count from the end.
 */
static QfTensor *combine_rows(QfTflNode *n, QfTensor *data, QfTensor *ids, int64_t count, double start,
                              int32_t reduction, QfTensor *out, GError **error)
{
  int64_t index[QF_MAX_RANK];
  QfInts dims = {data->rank - ids->rank + 1, {count + 1}}, begin = {dims.n, {0}}, end = dims;
  for (int32_t i = 1; i < dims.n; i++)
    dims.v[i] = end.v[i] = data->dims[ids->rank - 1 + i];
  end.v[0] = count;
  for (int32_t i = 0; i < ids->rank; i++)
    index[i] = ids->dims[i];
  index[ids->rank] = 1;
  QfTensor *negative =
      qf_tfl_emit2(n, "ElementWiseLess", ids, qf_tfl_emit_scalar(n, ids->dtype, 0), NULL, error);
  QfTensor *rows =
      qf_tfl_emit_select(n, negative, qf_tfl_emit_scalar(n, ids->dtype, (double)count), ids, NULL, error);
  QfTensor *tuples = qf_tfl_emit_reshape(n, rows, index, ids->rank + 1, NULL, error);
  QfTensor *sums =
      qf_tfl_emit_scatter(n, filled(n, data, start, &dims, error), tuples, data, reduction, NULL, error);
  return qf_tfl_emit_slice(n, sums, &begin, &end, out, error);
}

static gboolean check_segments(const QfTflNode *n, const QfTensor *data, const QfTensor *ids, int64_t count,
                               GError **error)
{
  gboolean fits = ids->rank >= 1 && ids->rank <= data->rank && ids->rank < QF_MAX_RANK;
  for (int32_t i = 0; fits && i < ids->rank; i++)
    fits = ids->dims[i] == data->dims[i];
  if (!fits)
    return qf_tfl_fail(n, error, QF_ERROR_SHAPE,
                       "its segment numbers do not have the data's leading dimensions");
  return (count >= 0 && count <= G_MAXINT32 / 2) ||
         qf_tfl_fail(n, error, QF_ERROR_FORMAT, "%" G_GINT64_FORMAT " segments; the file is damaged", count);
}

/* What combining starts from, by type, where it is not 0 or 1. */
static double extreme(QfDType dtype, gboolean largest)
{
  int64_t min, max;
  if (dtype == QF_DTYPE_FLOAT32)
    return largest ? (double)3.402823466e38f : -(double)3.402823466e38f;
  qf_dtype_range(dtype, &min, &max);
  return (double)(largest ? max : min);
}

typedef struct {
  int32_t reduction; /* as in QfGatherAttrs */
  int32_t start;     /* 0 or 1; 2: the smallest number, 3: the largest */
} SegmentData;

static const SegmentData segment_sum = {1, 0}, segment_prod = {2, 1}, segment_max = {3, 2},
                         segment_min = {4, 3};

static gboolean map_unsorted_segment(QfTflNode *n, GError **error)
{
  const SegmentData *d = n->row->data;
  const QfTensor *data = n->in[0];
  int64_t count;
  if (!qf_tfl_get_int(n, 2, &count, error) || !check_segments(n, data, n->in[1], count, error))
    return FALSE;
  double start = d->start > 1 ? extreme(data->dtype, d->start == 3) : d->start;
  return done(combine_rows(n, n->in[0], n->in[1], count, start, d->reduction, n->out[0], error));
}

/* Sorted numbers, so that the last one says how many segments there are. */
static gboolean map_segment_sum(QfTflNode *n, GError **error)
{
  const QfTensor *ids = n->in[1];
  int64_t length = ids->rank == 1 ? ids->dims[0] : 0, last = -1;
  if (!qf_tensor_data(ids))
    return qf_tfl_fail(
        n, error, QF_ERROR_DYNAMIC,
        "the size of its result depends on input 1, which must be constant; UNSORTED_SEGMENT_SUM "
        "with a fixed number of segments works");
  if (length)
    last = qf_number_int(ids->dtype, qf_tensor_data(ids), length - 1);
  return check_segments(n, n->in[0], ids, last + 1, error) &&
         done(combine_rows(n, n->in[0], n->in[1], last + 1, 0, 1, n->out[0], error));
}

/* Weighted sums of rows; @indices say which cell of the result each row goes to. */
static gboolean map_embedding_sparse(QfTflNode *n, GError **error)
{
  QfTensor *ids = n->in[0], *indices = n->in[1], *weights = n->in[3], *table = n->in[4];
  int64_t combiner = qf_tfl_option_byte(n, QF_TFL_EMBEDDING_COMBINER, 0);
  QfInts shape, dims = {0};
  if (!qf_tfl_get_ints(n, 2, &shape, error))
    return FALSE;
  gboolean fits = ids->rank == 1 && indices->rank == 2 && indices->dims[1] == shape.n && weights->rank == 1 &&
                  shape.n >= 2 && table->rank >= 2 && shape.n - 1 + table->rank - 1 <= QF_MAX_RANK;
  if (!fits || combiner < 0 || combiner > 2)
    return qf_tfl_fail(n, error, QF_ERROR_SHAPE, "its ids, indices and weights do not fit together");
  for (int32_t i = 0; i < shape.n - 1; i++)
    dims.v[dims.n++] = shape.v[i];
  for (int32_t i = 1; i < table->rank; i++)
    dims.v[dims.n++] = table->dims[i];
  QfInts begin = {2, {0}}, end = {2, {indices->dims[0], shape.n - 1}}, cells = {dims.n, {0}};
  for (int32_t i = 0; i < dims.n; i++)
    cells.v[i] = i < shape.n - 1 ? dims.v[i] : 1;
  QfTensor *at = qf_tfl_emit_slice(n, indices, &begin, &end, NULL, error);
  QfTensor *column = as_column(n, weights, weights->dims[0], table->rank, error);
  QfTensor *rows = qf_tfl_emit_gather(n, table, ids, 0, 0, NULL, error);
  QfTensor *scaled = qf_tfl_emit2(n, "ElementWiseMultiply", rows, column, NULL, error);
  QfTensor *zeros = filled(n, table, 0, &dims, error), *whole = combiner ? NULL : n->out[0];
  QfTensor *sum = qf_tfl_emit_scatter(n, zeros, at, scaled, 1, whole, error);
  if (!sum || !combiner)
    return done(sum);
  QfTensor *share =
      combiner == 1 ? column : qf_tfl_emit2(n, "ElementWiseMultiply", column, column, NULL, error);
  QfTensor *total = qf_tfl_emit_scatter(n, filled(n, table, 0, &cells, error), at, share, 1, NULL, error);
  QfTensor *norm =
      combiner == 1 || !total ? total : qf_tfl_emit1(n, "ElementWiseSquareRoot", total, NULL, error);
  QfTensor *zero =
      qf_tfl_emit2(n, "ElementWiseEqual", norm, qf_tfl_emit_scalar(n, QF_DTYPE_FLOAT32, 0), NULL, error);
  QfTensor *divisor =
      qf_tfl_emit_select(n, zero, qf_tfl_emit_scalar(n, QF_DTYPE_FLOAT32, 1), norm, NULL, error);
  return done(qf_tfl_emit2(n, "ElementWiseDivide", sum, divisor, n->out[0], error));
}

static gboolean map_sparse_to_dense(QfTflNode *n, GError **error)
{
  QfTensor *indices = n->in[0], *values = n->in[2], *fill = n->in[3];
  QfInts dims;
  if (!qf_tfl_get_ints(n, 1, &dims, error))
    return FALSE;
  int64_t count = indices->rank == 0 ? 1 : indices->dims[0], tuple[] = {count, dims.n};
  QfInts rows = {1, {count}};
  QfTensor *at = qf_tfl_emit_reshape(n, indices, tuple, 2, NULL, error);
  QfTensor *list = values->rank == 0 ? qf_tfl_emit_broadcast(n, values, &rows, NULL, error) : values;
  QfTensor *dense = qf_tfl_emit_broadcast(n, fill, &dims, NULL, error);
  return done(qf_tfl_emit_scatter(n, dense, at, list, 0, n->out[0], error));
}

/* Indices of the elements of a block of @dims[0..depth-1]: a constant [elements, depth]. */
static QfTensor *block_indices(QfTflNode *n, const int64_t *dims, int32_t depth, GError **error)
{
  int64_t count = qf_dims_count(dims, depth), shape[] = {count, depth};
  if (count < 0 || count > MAX_INDICES / depth) {
    qf_tfl_fail(n, error, QF_ERROR_LIMIT, "a block of more than 2^22 indices");
    return NULL;
  }
  int32_t *values = g_new0(int32_t, count * depth + 1);
  for (int64_t i = 0; i < count; i++)
    for (int32_t k = depth - 1, rest = (int32_t)i; k >= 0; k--) {
      values[i * depth + k] = rest % (int32_t)dims[k];
      rest /= (int32_t)dims[k];
    }
  return qf_graph_add_constant(n->graph, NULL, QF_DTYPE_INT32, shape, 2,
                               g_bytes_new_take(values, (gsize)(count * depth) * 4));
}

/*
 * The update is written where its start, moved so that it fits, says. Dimensions that it fills need no index: only those up to
 * the last that is longer than the update.
 */
static gboolean map_dynamic_update_slice(QfTflNode *n, GError **error)
{
  QfTensor *x = n->in[0], *update = n->in[1], *start = n->in[2];
  double room[QF_MAX_RANK];
  int64_t rank = x->rank, dims[QF_MAX_RANK + 1];
  int32_t depth = 0;
  gboolean fits = update->rank == rank && qf_tensor_count(start) == rank && rank > 0;
  for (int32_t i = 0; fits && i < rank; i++) {
    fits = update->dims[i] <= x->dims[i];
    room[i] = (double)(x->dims[i] - update->dims[i]);
    depth = room[i] > 0 ? i + 1 : depth;
  }
  if (!fits)
    return qf_tfl_fail(n, error, QF_ERROR_SHAPE, "its update does not fit into its operand");
  if (!depth || qf_tensor_count(update) == 0)
    return done(qf_tfl_emit_reshape(n, depth ? x : update, x->dims, x->rank, n->out[0], error));
  int64_t count = qf_dims_count(update->dims, depth), kept = x->rank - depth + 1;
  QfInts begin = {1, {0}}, end = {1, {depth}};
  dims[0] = count;
  for (int32_t i = depth; i < rank; i++)
    dims[1 + i - depth] = update->dims[i];
  QfTensor *whole = qf_tfl_emit_cast(n, start, QF_DTYPE_INT32, NULL, error);
  QfTensor *least =
      qf_tfl_emit2(n, "ElementWiseMaximum", whole, qf_tfl_emit_scalar(n, QF_DTYPE_INT32, 0), NULL, error);
  QfTensor *moved = qf_tfl_emit2(n, "ElementWiseMinimum", least,
                                 qf_tfl_emit_values(n, QF_DTYPE_INT32, room, &rank, 1), NULL, error);
  QfTensor *first = qf_tfl_emit_slice(n, moved, &begin, &end, NULL, error);
  QfTensor *places = first ? block_indices(n, update->dims, depth, error) : NULL;
  QfTensor *at = qf_tfl_emit2(n, "ElementWiseAdd", places, first, NULL, error);
  QfTensor *rows = qf_tfl_emit_reshape(n, update, dims, (int32_t)kept, NULL, error);
  return done(qf_tfl_emit_scatter(n, x, at, rows, 0, n->out[0], error));
}

/* Element t of a row comes from length - 1 - t below the row's length, from t above it. */
static gboolean map_reverse_sequence(QfTflNode *n, GError **error)
{
  QfTensor *x = n->in[0];
  int32_t sequence, batch;
  QfInts perm = {x->rank, {0}}, back = perm;
  if (!qf_tfl_axis(n, qf_tfl_option(n, QF_TFL_REVERSE_SEQUENCE_DIM, 0), x->rank, &sequence, error) ||
      !qf_tfl_axis(n, qf_tfl_option(n, QF_TFL_REVERSE_BATCH_DIM, 0), x->rank, &batch, error))
    return FALSE;
  if (sequence == batch || n->in[1]->rank != 1 || n->in[1]->dims[0] != x->dims[batch] ||
      x->dims[sequence] > MAX_INDICES)
    return qf_tfl_fail(n, error, QF_ERROR_SHAPE, "it needs one length for each of its batches");
  perm.v[0] = batch;
  perm.v[1] = sequence;
  for (int32_t i = 0, k = 2; i < x->rank; i++)
    if (i != batch && i != sequence)
      perm.v[k++] = i;
  for (int32_t i = 0; i < x->rank; i++)
    back.v[perm.v[i]] = i;
  int64_t count = x->dims[sequence];
  g_autofree double *steps = g_new0(double, count + 1);
  for (int64_t i = 0; i < count; i++)
    steps[i] = (double)i;
  QfTensor *t = qf_tfl_emit_values(n, QF_DTYPE_INT32, steps, &count, 1);
  QfTensor *length = qf_tfl_emit_cast(n, n->in[1], QF_DTYPE_INT32, NULL, error);
  QfTensor *column = length ? as_column(n, length, x->dims[batch], 2, error) : NULL;
  QfTensor *below = qf_tfl_emit2(n, "ElementWiseLess", t, column, NULL, error);
  QfTensor *last =
      qf_tfl_emit2(n, "ElementWiseSubtract", column, qf_tfl_emit_scalar(n, QF_DTYPE_INT32, 1), NULL, error);
  QfTensor *turned = qf_tfl_emit2(n, "ElementWiseSubtract", last, t, NULL, error);
  QfTensor *at = qf_tfl_emit_select(n, below, turned, t, NULL, error);
  QfTensor *rows = qf_tfl_emit_transpose(n, x, &perm, NULL, error);
  QfTensor *taken = qf_tfl_emit_gather(n, rows, at, 1, 1, NULL, error);
  return done(qf_tfl_emit_transpose(n, taken, &back, n->out[0], error));
}

static gboolean need_constant(const QfTflNode *n, GError **error)
{
  return qf_tensor_data(n->in[0]) ||
         qf_tfl_fail(
             n, error, QF_ERROR_DYNAMIC,
             "the size of its result depends on the data of \"%s\", which must be constant; run that part "
             "outside the model",
             n->in[0]->name);
}

static void become(QfTflNode *n, uint32_t output, QfDType dtype, const int64_t *dims, int32_t rank,
                   void *data)
{
  QfTensor *t = n->out[output];
  qf_tensor_set_shape(t, dtype, dims, rank);
  qf_tensor_set_data(n->graph, t, g_bytes_new_take(data, qf_tensor_size_bytes(t)));
}

/* Values in the order in which they first occur, and for each element which of them it is. */
static gboolean map_unique(QfTflNode *n, GError **error)
{
  const QfTensor *x = n->in[0];
  QfDType index_type = n->out[1]->dtype;
  if (!qf_tfl_check_rank(n, 0, 1, error) || !need_constant(n, error))
    return FALSE;
  size_t size = qf_dtype_size(x->dtype), count = (size_t)x->dims[0], found = 0;
  const char *data = qf_tensor_data(x);
  if (count > MAX_INDICES)
    return qf_tfl_fail(n, error, QF_ERROR_LIMIT, "%zu values; at most %d are supported", count, MAX_INDICES);
  char *values = g_malloc0(count * size + 1), *index = g_malloc0(count * 8 + 1);
  g_autofree int64_t *keys = g_new0(int64_t, count + 1);
  g_autoptr(GHashTable) seen = g_hash_table_new(g_int64_hash, g_int64_equal);
  for (size_t i = 0; i < count; i++) {
    memcpy(&keys[i], data + i * size, size);
    gpointer at = g_hash_table_lookup(seen, &keys[i]);
    if (!at) {
      memcpy(values + found++ * size, data + i * size, size);
      at = GSIZE_TO_POINTER(found);
      g_hash_table_insert(seen, &keys[i], at);
    }
    qf_number_store(index_type, index, (int64_t)i, (double)(GPOINTER_TO_SIZE(at) - 1));
  }
  int64_t n_found = (int64_t)found;
  become(n, 0, x->dtype, &n_found, 1, values);
  become(n, 1, index_type, x->dims, 1, index);
  return TRUE;
}

/* The indices of what is not zero, in order. */
static gboolean map_where(QfTflNode *n, GError **error)
{
  const QfTensor *x = n->in[0];
  int64_t rank = x->rank, count = 0, dims[2] = {0, rank};
  if (!need_constant(n, error))
    return FALSE;
  const void *data = qf_tensor_data(x);
  int64_t total = qf_tensor_count(x);
  if (total > MAX_INDICES / MAX(rank, 1))
    return qf_tfl_fail(n, error, QF_ERROR_LIMIT, "more than 2^22 indices");
  int64_t *found = g_new0(int64_t, total * MAX(rank, 1) + 1);
  for (int64_t i = 0; i < total; i++) {
    if (qf_number_real(x->dtype, data, i) == 0)
      continue;
    for (int64_t k = rank - 1, rest = i; k >= 0; rest /= x->dims[k--])
      found[count * rank + k] = rest % x->dims[k];
    count++;
  }
  dims[0] = count;
  become(n, 0, QF_DTYPE_INT64, dims, 2, found);
  return TRUE;
}

/* Sparse constants are dense already. */
static gboolean map_densify(QfTflNode *n, GError **error)
{
  return done(qf_tfl_emit_reshape(n, n->in[0], n->in[0]->dims, n->in[0]->rank, n->out[0], error));
}

const QfTflRow qf_tfl_segment_rows[] = {
    {124, "DENSIFY", map_densify, 1, 1, 1, NULL, NULL},
    {7, "EMBEDDING_LOOKUP", map_embedding_lookup, 2, 2, 1, NULL, NULL},
    {33, "EMBEDDING_LOOKUP_SPARSE", map_embedding_sparse, 5, 5, 1, NULL, NULL},
    {10, "HASHTABLE_LOOKUP", map_hashtable_lookup, 3, 3, 2, NULL, NULL},
    {125, "SEGMENT_SUM", map_segment_sum, 2, 2, 1, NULL, NULL},
    {153, "UNSORTED_SEGMENT_PROD", map_unsorted_segment, 3, 3, 1, NULL, &segment_prod},
    {154, "UNSORTED_SEGMENT_MAX", map_unsorted_segment, 3, 3, 1, NULL, &segment_max},
    {155, "UNSORTED_SEGMENT_SUM", map_unsorted_segment, 3, 3, 1, NULL, &segment_sum},
    {157, "UNSORTED_SEGMENT_MIN", map_unsorted_segment, 3, 3, 1, NULL, &segment_min},
    {68, "SPARSE_TO_DENSE", map_sparse_to_dense, 4, 4, 1, NULL, NULL},
    {151, "DYNAMIC_UPDATE_SLICE", map_dynamic_update_slice, 3, 3, 1, NULL, NULL},
    {112, "REVERSE_SEQUENCE", map_reverse_sequence, 2, 2, 1, NULL, NULL},
    {103, "UNIQUE", map_unique, 1, 1, 2, NULL, NULL},
    {109, "WHERE", map_where, 1, 1, 1, NULL, NULL},
    {0},
};
