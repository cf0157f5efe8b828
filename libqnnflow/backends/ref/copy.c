/* SPDX-License-Identifier: MIT */
/*
 * copy.c - rows of the operators that move values along strides: they differ in the loop nest only. When input and output do not
 * share one encoding, values are moved as real numbers.
 */
#include "encoded.h"
#include "../../graph/numbers.h"
#include "kernels/copy/copy_fast.h"

#include <math.h>
#include <string.h>

typedef struct {
  QfkNd nd;
  QfkNd fill; /* rank 0: nothing to fill */
  QfkCopyMap map;
  uint32_t element_bytes;
  int64_t x_start, y_start; /* elements */
  size_t bytes;
  char value[8]; /* one element of the fill */
  const void *constant;
} Params;

static void run_nest(const void *params, const void *const *in, void *const *out)
{
  const Params *p = params;
  const int64_t size = p->element_bytes;
  if (p->fill.rank)
    qfk_fill_ref(&p->fill, p->element_bytes, p->value, out[0]);
  /* Constants are turned by this when a model is made, so it is the fast one; it is checked against the plain one. */
  qfk_copy_tiled(&p->nd, p->element_bytes, (const char *)in[0] + p->x_start * size,
                 (char *)out[0] + p->y_start * size);
}

static void run_map(const void *params, const void *const *in, void *const *out)
{
  const Params *p = params;
  qfk_copy_map_ref(&p->map, p->element_bytes, in[0], out[0]);
}

static void run_bytes(const void *params, const void *const *in, void *const *out)
{
  if (((const Params *)params)->bytes) /* of nothing there may be no address */
    memcpy(out[0], in[0], ((const Params *)params)->bytes);
}

static void run_constant(const void *params, const void *const *in, void *const *out)
{
  const Params *p = params;
  if (p->bytes)
    memcpy(out[0], p->constant, p->bytes);
}

/* Elements are moved as stored, or as float32 when the encodings differ. */
static Params *new_params(QfLower *lower, const QfNode *node)
{
  const QfTensor *x = node->inputs[0], *y = node->outputs[0];
  Params *p = qf_lower_alloc(lower, sizeof(*p));
  p->element_bytes = (uint32_t)(qf_ref_same_form(x, y) ? qf_dtype_size(y->dtype) : sizeof(float));
  return p;
}

static gboolean add(QfLower *lower, const QfNode *node, const char *kernel, QfRefFunc run, const Params *p)
{
  if (qf_ref_same_form(node->inputs[0], node->outputs[0]))
    qf_ref_lower_plain(lower, node, kernel, run, p);
  else
    qf_ref_lower_real(lower, node, kernel, run, p, 1, 1);
  return TRUE;
}

gboolean qf_ref_lower_reshape(QfLower *lower, QfNode *node, GError **error)
{
  const QfTensor *x = node->inputs[0], *y = node->outputs[0];
  Params *p = new_params(lower, node);
  p->bytes = (size_t)qf_tensor_count(y) * p->element_bytes;
  if (qf_ref_same_form(x, y) && qf_lower_alias(lower, y, x))
    return TRUE;
  return add(lower, node, "copy_ref", run_bytes, p);
}

gboolean qf_ref_lower_shape(QfLower *lower, QfNode *node, GError **error)
{
  const QfTensor *x = node->inputs[0], *y = node->outputs[0];
  Params *p = qf_lower_alloc(lower, sizeof(*p));
  char *dims = qf_lower_alloc(lower, QF_MAX_RANK * sizeof(int64_t));
  for (int32_t i = 0; i < x->rank; i++)
    qf_number_store(y->dtype, dims, i, (double)x->dims[i]);
  p->constant = dims;
  p->bytes = qf_tensor_size_bytes(y);
  qf_ref_lower_plain(lower, node, "shape_ref", run_constant, p);
  return TRUE;
}

/* The output walked densely; x strides are filled by the caller. */
static void begin_nest(QfkNd *nd, const QfTensor *y)
{
  int64_t strides[QF_MAX_RANK];
  qf_ref_strides(y, strides);
  *nd = (QfkNd){.rank = MAX(y->rank, 1), .n_operands = 2, .dims = {1}};
  for (int32_t i = 0; i < y->rank; i++) {
    nd->dims[i] = y->dims[i];
    nd->stride[0][i] = strides[i];
  }
}

gboolean qf_ref_lower_transpose(QfLower *lower, QfNode *node, GError **error)
{
  const QfTransposeAttrs *a = node->attrs;
  Params *p = new_params(lower, node);
  int64_t strides[QF_MAX_RANK];
  qf_ref_strides(node->inputs[0], strides);
  begin_nest(&p->nd, node->outputs[0]);
  for (int32_t i = 0; i < a->perm.n; i++)
    p->nd.stride[1][i] = strides[a->perm.v[i]];
  qfk_nd_collapse(&p->nd);
  return add(lower, node, "transpose_ref", run_nest, p);
}

gboolean qf_ref_lower_slice(QfLower *lower, QfNode *node, GError **error)
{
  const QfStridedSliceAttrs *a = node->attrs;
  Params *p = new_params(lower, node);
  int64_t strides[QF_MAX_RANK];
  qf_ref_strides(node->inputs[0], strides);
  begin_nest(&p->nd, node->outputs[0]);
  for (int32_t i = 0; i < a->begin.n; i++) {
    p->x_start += a->begin.v[i] * strides[i];
    p->nd.stride[1][i] = a->stride.v[i] * strides[i];
    if (p->nd.dims[i] <= 1) /* one step is never taken: it may not overflow */
      p->nd.stride[1][i] = 0;
  }
  if (!qf_tensor_count(node->outputs[0]))
    p->x_start = 0;
  qfk_nd_collapse(&p->nd);
  return add(lower, node, "slice_ref", run_nest, p);
}

gboolean qf_ref_lower_broadcast(QfLower *lower, QfNode *node, GError **error)
{
  const QfTensor *y = node->outputs[0], *const tensors[] = {y, node->inputs[0]};
  Params *p = new_params(lower, node);
  qf_ref_broadcast_nest(&p->nd, y->dims, y->rank, tensors, 2);
  return add(lower, node, "broadcast_ref", run_nest, p);
}

/* Each dimension becomes two: repetitions, which stand still in x, and the dimension itself. */
gboolean qf_ref_lower_tile(QfLower *lower, QfNode *node, GError **error)
{
  const QfTileAttrs *a = node->attrs;
  const QfTensor *x = node->inputs[0], *y = node->outputs[0];
  Params *p = new_params(lower, node);
  int64_t sx[QF_MAX_RANK], sy[QF_MAX_RANK];
  qf_ref_strides(x, sx);
  qf_ref_strides(y, sy);
  p->nd = (QfkNd){.rank = MAX(2 * x->rank, 1), .n_operands = 2, .dims = {1}};
  for (int32_t i = 0; i < x->rank; i++) {
    p->nd.dims[2 * i] = a->multiples.v[i];
    p->nd.stride[0][2 * i] = x->dims[i] * sy[i];
    p->nd.dims[2 * i + 1] = x->dims[i];
    p->nd.stride[0][2 * i + 1] = sy[i];
    p->nd.stride[1][2 * i + 1] = sx[i];
  }
  qfk_nd_collapse(&p->nd);
  return add(lower, node, "tile_ref", run_nest, p);
}

/* The input index for output position @at of a mirrored or stretched border. */
static int64_t mirror(int32_t scheme, int64_t at, int64_t n)
{
  if (at < 0)
    at = scheme == QF_PAD_EDGE ? 0 : scheme == QF_PAD_REFLECT ? -at : -at - 1;
  else if (at >= n)
    at = scheme == QF_PAD_EDGE ? n - 1 : scheme == QF_PAD_REFLECT ? 2 * (n - 1) - at : 2 * n - 1 - at;
  return CLAMP(at, 0, n - 1);
}

static gboolean lower_mirrored(QfLower *lower, QfNode *node, Params *p, GError **error)
{
  const QfPadAttrs *a = node->attrs;
  const QfTensor *x = node->inputs[0], *y = node->outputs[0];
  int64_t strides[QF_MAX_RANK];
  qf_ref_strides(x, strides);
  p->map.rank = MAX(y->rank, 1);
  p->map.dims[0] = 1;
  for (int32_t i = 0; i < y->rank; i++) {
    if (y->dims[i] > INT32_MAX || x->dims[i] > INT32_MAX)
      return qf_ref_unsupported(node, error, "a dimension is too large to be mirrored", "use a smaller one");
    int32_t *map = qf_lower_alloc(lower, (size_t)y->dims[i] * sizeof(*map));
    for (int64_t k = 0; k < y->dims[i]; k++)
      map[k] = (int32_t)mirror(a->scheme, k - a->before.v[i], x->dims[i]);
    p->map.dims[i] = y->dims[i];
    p->map.stride[i] = strides[i];
    p->map.map[i] = map;
  }
  return add(lower, node, "pad_mirror_ref", run_map, p);
}

/* The border's value as one element of what is moved. */
static void store_value(Params *p, const QfNode *node)
{
  const QfTensor *x = node->inputs[0], *y = node->outputs[0];
  double value = ((const QfPadAttrs *)node->attrs)->value;
  gboolean moved_as_real = !qf_ref_same_form(x, y);
  if (y->enc.count && !moved_as_real)
    value = rint(value / (double)y->enc.entries[0].scale) - y->enc.entries[0].offset;
  qf_number_store(moved_as_real ? QF_DTYPE_FLOAT32 : y->dtype, p->value, 0, value);
}

gboolean qf_ref_lower_pad(QfLower *lower, QfNode *node, GError **error)
{
  const QfPadAttrs *a = node->attrs;
  const QfTensor *x = node->inputs[0], *y = node->outputs[0];
  Params *p = new_params(lower, node);
  int64_t strides[QF_MAX_RANK];
  if (a->scheme != QF_PAD_CONSTANT)
    return lower_mirrored(lower, node, p, error);
  store_value(p, node);
  begin_nest(&p->fill, y);
  begin_nest(&p->nd, y);
  qf_ref_strides(x, strides);
  for (int32_t i = 0; i < x->rank; i++) {
    int64_t crop = MAX(-a->before.v[i], 0), shift = MAX(a->before.v[i], 0);
    p->nd.dims[i] = MAX(MIN(x->dims[i] - crop, y->dims[i] - shift), 0);
    p->nd.stride[1][i] = strides[i];
    p->x_start += crop * strides[i];
    p->y_start += shift * p->nd.stride[0][i];
  }
  if (!qfk_nd_count(&p->nd))
    p->x_start = p->y_start = 0;
  qfk_nd_collapse(&p->fill);
  qfk_nd_collapse(&p->nd);
  return add(lower, node, "pad_ref", run_nest, p);
}
