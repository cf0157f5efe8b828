/* SPDX-License-Identifier: MIT */
/*
 * build.c - see build.h. One graph node gets the record's own name: that of the target operator, or else the first that can be all
 * of it; the others are "name/Operator_number".
 */
#include "build.h"
#include "../graph/numbers.h"

#include <string.h>

gboolean qf_build_fail(const QfBuild *b, GError **error, QfError code, const char *format, ...)
{
  va_list args;
  if (error && *error)
    return FALSE; /* the first one counts */
  va_start(args, format);
  g_autofree char *text = g_strdup_vprintf(format, args);
  va_end(args);
  g_set_error(error, QF_ERROR, code, "%s: %s '%.200s' (%.80s): %s", b->graph->name, b->what, b->name, b->type,
              text);
  return FALSE;
}

/* A graph that a small file describes may have this much of made-up constants, and more as the file is larger. */
#define CHARGE_BYTES ((uint64_t)64 << 20)
#define CHARGE_PER_BYTE 64

gboolean qf_build_affordable(QfGraph *graph, uint64_t bytes)
{
  uint64_t more = graph->file_bytes < G_MAXUINT32 ? graph->file_bytes * CHARGE_PER_BYTE : G_MAXUINT64 / 4;
  graph->folded_bytes = bytes > G_MAXUINT64 / 4 ? G_MAXUINT64 / 2 : graph->folded_bytes + bytes;
  return graph->folded_bytes <= CHARGE_BYTES + more;
}

gboolean qf_build_charge(const QfBuild *b, uint64_t bytes, GError **error)
{
  return qf_build_affordable(b->graph, bytes) ||
         qf_build_fail(b, error, QF_ERROR_LIMIT, "what it and others make out of sizes alone is too large");
}

/* A node that makes an output at once needs no other to be the record's. */
static gboolean gets_name(const QfBuild *b, const char *op, gboolean direct)
{
  return !b->target || g_str_has_suffix(op, b->target) || (direct && !b->n_emitted);
}

QfNode *qf_build_begin_many(QfBuild *b, const char *op, QfTensor *const *in, uint32_t n_in,
                            QfTensor *const *out, uint32_t n_out)
{
  g_autofree char *helper = NULL;
  if (b->named || !gets_name(b, op, n_out == 1 && out[0]))
    helper = g_strdup_printf("%s/%s_%u", b->name, op, b->n_emitted);
  b->named |= !helper;
  b->n_emitted++;
  QfTensor *made = NULL;
  if (n_out == 1 && !out[0]) {
    made = qf_graph_add_tensor(b->graph, helper ? helper : b->name);
    out = &made;
  }
  return qf_graph_new_node(b->graph, op, helper ? helper : b->name, in, n_in, out, n_out);
}

QfNode *qf_build_begin(QfBuild *b, const char *op, QfTensor *const *in, uint32_t n_in, QfTensor *out)
{
  return qf_build_begin_many(b, op, in, n_in, &out, 1);
}

QfTensor *qf_build_end(QfBuild *b, QfNode *node, GError **error)
{
  if (error && *error)
    return NULL; /* a map function may go on after one node failed */
  if (b->before_add)
    b->before_add(node);
  return qf_graph_add_node(node, error) ? node->outputs[0] : NULL;
}

QfTensor *qf_build_apply1(QfBuild *b, const char *op, QfTensor *x, QfTensor *out, GError **error)
{
  return x ? qf_build_end(b, qf_build_begin(b, op, &x, 1, out), error) : NULL;
}

QfTensor *qf_build_apply2(QfBuild *b, const char *op, QfTensor *x, QfTensor *y, QfTensor *out, GError **error)
{
  QfTensor *in[] = {x, y};
  return x && y ? qf_build_end(b, qf_build_begin(b, op, in, 2, out), error) : NULL;
}

QfTensor *qf_build_with(QfBuild *b, const char *op, QfTensor *x, double value, QfTensor *out, GError **error)
{
  return x ? qf_build_apply2(b, op, x, qf_build_scalar(b, value, QF_DTYPE_FLOAT32), out, error) : NULL;
}

QfTensor *qf_build_transpose(QfBuild *b, QfTensor *x, const QfInts *perm, QfTensor *out, GError **error)
{
  if (!x)
    return NULL;
  QfNode *node = qf_build_begin(b, "Transpose", &x, 1, out);
  ((QfTransposeAttrs *)node->attrs)->perm = *perm;
  return qf_build_end(b, node, error);
}

QfTensor *qf_build_reshape(QfBuild *b, QfTensor *x, const QfInts *shape, QfTensor *out, GError **error)
{
  if (!x)
    return NULL;
  if (!out && x->rank == shape->n && !memcmp(x->dims, shape->v, (size_t)shape->n * sizeof(*shape->v)))
    return x;
  QfNode *node = qf_build_begin(b, "Reshape", &x, 1, out);
  ((QfReshapeAttrs *)node->attrs)->shape = *shape;
  return qf_build_end(b, node, error);
}

QfTensor *qf_build_slice(QfBuild *b, QfTensor *x, int32_t axis, int64_t begin, int64_t end, QfTensor *out,
                         GError **error)
{
  if (!x)
    return NULL;
  QfNode *node = qf_build_begin(b, "StridedSlice", &x, 1, out);
  QfStridedSliceAttrs *a = node->attrs;
  a->begin.n = a->end.n = a->stride.n = x->rank;
  for (int i = 0; i < x->rank; i++) {
    a->begin.v[i] = i == axis ? begin : 0;
    a->end.v[i] = i == axis ? end : x->dims[i];
    a->stride.v[i] = 1;
  }
  return qf_build_end(b, node, error);
}

QfTensor *qf_build_cast(QfBuild *b, QfTensor *x, QfDType dtype, QfTensor *out, GError **error)
{
  if (!x || (!out && x->dtype == dtype))
    return x;
  QfNode *node = qf_build_begin(b, "Cast", &x, 1, out);
  ((QfCastAttrs *)node->attrs)->dtype = dtype;
  return qf_build_end(b, node, error);
}

QfTensor *qf_build_clamp(QfBuild *b, QfTensor *x, double lo, double hi, QfTensor *out, GError **error)
{
  if (!x)
    return NULL;
  QfNode *node = qf_build_begin(b, "ReluMinMax", &x, 1, out);
  QfUnaryAttrs *a = node->attrs;
  a->lo = (float)lo;
  a->hi = (float)hi;
  return qf_build_end(b, node, error);
}

QfTensor *qf_build_unary(QfBuild *b, const char *op, QfTensor *x, double alpha, double beta, QfTensor *out,
                         GError **error)
{
  if (!x)
    return NULL;
  QfNode *node = qf_build_begin(b, op, &x, 1, out);
  QfUnaryAttrs *a = node->attrs;
  a->alpha = (float)alpha;
  a->beta = (float)beta;
  return qf_build_end(b, node, error);
}

QfTensor *qf_build_reduce(QfBuild *b, const char *op, QfTensor *x, const QfInts *axes, gboolean keep_dims,
                          QfTensor *out, GError **error)
{
  if (!x)
    return NULL;
  QfNode *node = qf_build_begin(b, op, &x, 1, out);
  QfReduceAttrs *a = node->attrs;
  a->axes = *axes;
  a->keep_dims = keep_dims;
  return qf_build_end(b, node, error);
}

QfTensor *qf_build_softmax(QfBuild *b, const char *op, QfTensor *x, int32_t axis, QfTensor *out,
                           GError **error)
{
  if (!x)
    return NULL;
  QfNode *node = qf_build_begin(b, op, &x, 1, out);
  QfAxisAttrs *a = node->attrs;
  a->axis = axis;
  a->beta = 1;
  return qf_build_end(b, node, error);
}

QfTensor *qf_build_concat(QfBuild *b, QfTensor *const *in, uint32_t n_in, int32_t axis, QfTensor *out,
                          GError **error)
{
  for (uint32_t i = 0; i < n_in; i++)
    if (!in[i])
      return NULL;
  QfNode *node = qf_build_begin(b, "Concat", in, n_in, out);
  ((QfConcatAttrs *)node->attrs)->axis = axis;
  return qf_build_end(b, node, error);
}

QfTensor *qf_build_pad_image(QfBuild *b, QfTensor *x, const int64_t *pad, double value, GError **error)
{
  if (!x || (!pad[0] && !pad[1] && !pad[2] && !pad[3]))
    return x;
  QfNode *node = qf_build_begin(b, "Pad", &x, 1, NULL);
  QfPadAttrs *a = node->attrs;
  a->before = (QfInts){4, {0, pad[0], pad[2], 0}};
  a->after = (QfInts){4, {0, pad[1], pad[3], 0}};
  a->value = (float)value;
  return qf_build_end(b, node, error);
}

QfTensor *qf_build_lrn(QfBuild *b, QfTensor *x, int32_t size, double alpha, double beta, double k,
                       GError **error)
{
  if (!x)
    return NULL;
  int64_t channels = x->dims[x->rank - 1];
  QfInts shape = qf_build_dims(x), rows = {4, {1, qf_tensor_count(x) / MAX(channels, 1), channels, 1}};
  QfTensor *y = qf_build_apply2(b, "ElementWiseMultiply", x, x, NULL, error);
  y = qf_build_reshape(b, y, &rows, NULL, error);
  if (!y)
    return NULL;
  QfNode *node = qf_build_begin(b, "PoolAvg2d", &y, 1, NULL);
  QfPool2dAttrs *a = node->attrs;
  *a = (QfPool2dAttrs){.filter = {1, size}, .stride = {1, 1}, .dilation = {1, 1}, .count_pad = 1};
  a->pad[2] = (size - 1) / 2;
  a->pad[3] = size - 1 - a->pad[2];
  y = qf_build_reshape(b, qf_build_end(b, node, error), &shape, NULL, error);
  y = qf_build_with(b, "ElementWiseMultiply", y, alpha * size, NULL, error);
  y = qf_build_with(b, "ElementWiseAdd", y, k, NULL, error);
  y = qf_build_with(b, "ElementWisePower", y, beta, NULL, error);
  return qf_build_apply2(b, "ElementWiseDivide", x, y, NULL, error);
}

QfTensor *qf_build_scalar(QfBuild *b, double value, QfDType dtype)
{
  uint64_t bits = 0;
  qf_number_store(dtype, &bits, 0, value);
  return qf_graph_add_constant_copy(b->graph, NULL, dtype, NULL, 0, &bits);
}

QfTensor *qf_build_floats(QfBuild *b, const QfInts *shape, const float *values)
{
  return qf_graph_add_constant_copy(b->graph, NULL, QF_DTYPE_FLOAT32, shape->v, shape->n, values);
}

static QfInts channel_perm(int32_t rank, gboolean to_last)
{
  QfInts p = {.n = rank, .v = {0}};
  for (int i = 1; i < rank; i++)
    p.v[i] = to_last ? (i == rank - 1 ? 1 : i + 1) : (i == 1 ? rank - 1 : i - 1);
  return p;
}

QfTensor *qf_build_channels_last(QfBuild *b, QfTensor *x, GError **error)
{
  if (!x || x->rank <= 2)
    return x;
  QfTensor *known = b->channels_last ? g_hash_table_lookup(b->channels_last, x) : NULL;
  if (known)
    return known;
  QfInts perm = channel_perm(x->rank, TRUE);
  QfTensor *y = qf_build_transpose(b, x, &perm, NULL, error);
  if (y && b->channels_last)
    g_hash_table_insert(b->channels_last, x, y);
  return y;
}

QfTensor *qf_build_channels_first(QfBuild *b, QfTensor *x, QfTensor *out, GError **error)
{
  if (!x)
    return NULL;
  QfInts perm = channel_perm(x->rank, FALSE);
  QfTensor *y = qf_build_transpose(b, x, &perm, out, error);
  if (y && b->channels_last)
    g_hash_table_insert(b->channels_last, y, x);
  return y;
}

QfLayout qf_build_guess_layout(const QfTensor *t)
{
  if (t->rank != 4)
    return QF_LAYOUT_ANY;
  if (t->dims[1] <= 4)
    return QF_LAYOUT_NCHW;
  return t->dims[3] <= 4 ? QF_LAYOUT_NHWC : QF_LAYOUT_ANY;
}

gboolean qf_build_add_output(QfGraph *graph, QfTensor *t, const char *name, GHashTable *taken, GError **error)
{
  if (t->data || !t->producer || g_hash_table_contains(taken, t) || strcmp(t->name, name)) {
    QfTensor *y = qf_graph_add_tensor(graph, name);
    QfNode *node = qf_graph_new_node(graph, "Reshape", name, &t, 1, &y, 1);
    ((QfReshapeAttrs *)node->attrs)->shape = qf_build_dims(t);
    y->layout = t->layout;
    if (!qf_graph_add_node(node, error))
      return FALSE;
    t = y;
  }
  if (t->layout == QF_LAYOUT_ANY)
    t->layout = qf_build_guess_layout(t);
  g_hash_table_add(taken, t);
  g_ptr_array_add(graph->outputs, t);
  return TRUE;
}
