/* SPDX-License-Identifier: MIT */
/*
 * gather.c - rows of the operators that read or write at computed indices.
 */
#include "ref.h"
#include "kernels/gather/gather.h"

#include <math.h>
#include <string.h>

typedef struct {
  QfkGather gather;
  QfkElements elements;
  QfkGatherNd nd;
  QfkCombine combine;
  size_t bytes, element_bytes; /* of the data */
  bool wide;
} Params;

static QfkIndices indices_of(const Params *p, const void *data)
{
  return (QfkIndices){data, p->wide};
}

static void run_gather(const void *params, const void *const *in, void *const *out)
{
  const Params *p = params;
  qfk_gather_ref(&p->gather, in[0], indices_of(p, in[1]), out[0]);
}

static void run_gather_elements(const void *params, const void *const *in, void *const *out)
{
  const Params *p = params;
  qfk_gather_elements_ref(&p->elements, in[0], indices_of(p, in[1]), out[0]);
}

static void run_gather_nd(const void *params, const void *const *in, void *const *out)
{
  const Params *p = params;
  qfk_gather_nd_ref(&p->nd, in[0], indices_of(p, in[1]), out[0]);
}

static void run_scatter_elements(const void *params, const void *const *in, void *const *out)
{
  const Params *p = params;
  memcpy(out[0], in[0], p->bytes);
  qfk_scatter_elements_ref(&p->elements, indices_of(p, in[1]), in[2], p->combine, out[0]);
}

static void run_scatter_nd(const void *params, const void *const *in, void *const *out)
{
  const Params *p = params;
  memcpy(out[0], in[0], p->bytes);
  qfk_scatter_nd_ref(&p->nd, indices_of(p, in[1]), in[2], p->combine, p->element_bytes, out[0]);
}

#define COMBINE(name, type, expression)                                                                      \
  static void name##_##type(void *there, const void *value, size_t count)                                    \
  {                                                                                                          \
    for (size_t i = 0; i < count; i++) {                                                                     \
      type a, b;                                                                                             \
      memcpy(&a, (char *)there + i * sizeof(a), sizeof(a));                                                  \
      memcpy(&b, (const char *)value + i * sizeof(b), sizeof(b));                                            \
      a = (type)(expression);                                                                                \
      memcpy((char *)there + i * sizeof(a), &a, sizeof(a));                                                  \
    }                                                                                                        \
  }
/* Integers wrap around, as the sums of other operators do. */
#define COMBINES(type, wide)                                                                                 \
  COMBINE(add, type, (wide)a + (wide)b)                                                                      \
  COMBINE(mul, type, (wide)a *(wide)b)                                                                       \
  COMBINE(max, type, a > b ? a : b)                                                                          \
  COMBINE(min, type, a < b ? a : b)
COMBINES(float, float)
COMBINES(double, double)
COMBINES(int8_t, uint32_t)
COMBINES(uint8_t, uint32_t)
COMBINES(int16_t, uint32_t)
COMBINES(uint16_t, uint32_t)
COMBINES(int32_t, uint32_t)
COMBINES(uint32_t, uint32_t)
COMBINES(int64_t, uint64_t)
COMBINES(uint64_t, uint64_t)

#define COMBINE_ROW(dtype, type)                                                                             \
  {                                                                                                          \
    dtype,                                                                                                   \
    {                                                                                                        \
      NULL, add_##type, mul_##type, max_##type, min_##type                                                   \
    }                                                                                                        \
  }
static const struct {
  QfDType dtype;
  QfkCombine combine[5]; /* by QfGatherAttrs.reduction */
} combines[] = {
    COMBINE_ROW(QF_DTYPE_FLOAT32, float), COMBINE_ROW(QF_DTYPE_FLOAT64, double),
    COMBINE_ROW(QF_DTYPE_INT8, int8_t),   COMBINE_ROW(QF_DTYPE_UINT8, uint8_t),
    COMBINE_ROW(QF_DTYPE_INT16, int16_t), COMBINE_ROW(QF_DTYPE_UINT16, uint16_t),
    COMBINE_ROW(QF_DTYPE_INT32, int32_t), COMBINE_ROW(QF_DTYPE_UINT32, uint32_t),
    COMBINE_ROW(QF_DTYPE_INT64, int64_t), COMBINE_ROW(QF_DTYPE_UINT64, uint64_t),
    COMBINE_ROW(QF_DTYPE_BOOL, uint8_t),
};

static gboolean find_combine(const QfNode *node, QfkCombine *combine, GError **error)
{
  const QfGatherAttrs *a = node->attrs;
  *combine = NULL;
  if (!a->reduction)
    return TRUE;
  for (size_t i = 0; i < G_N_ELEMENTS(combines); i++)
    if (combines[i].dtype == node->inputs[0]->dtype && !node->inputs[0]->enc.count) {
      *combine = combines[i].combine[a->reduction];
      return TRUE;
    }
  return qf_ref_unsupported(node, error,
                            "a reduction works on plain float32, float64, integers and bool only",
                            "add a Cast or a Dequantize");
}

static size_t span(const QfTensor *t, int32_t first, int32_t last)
{
  return last > first ? (size_t)qf_dims_count(t->dims + first, last - first) : 1;
}

static Params *new_params(QfLower *lower, const QfNode *node)
{
  Params *p = qf_lower_alloc(lower, sizeof(*p));
  p->wide = node->inputs[1]->dtype == QF_DTYPE_INT64;
  p->bytes = qf_tensor_size_bytes(node->inputs[0]);
  p->element_bytes = qf_dtype_size(node->inputs[0]->dtype);
  return p;
}

static gboolean nothing_to_read(const QfNode *node)
{
  return qf_tensor_count(node->inputs[0]) == 0 && qf_tensor_count(node->inputs[1]) != 0;
}

static gboolean add(QfLower *lower, const QfNode *node, const char *kernel, QfRefFunc run, const Params *p,
                    GError **error)
{
  if (nothing_to_read(node))
    return qf_ref_unsupported(node, error, "it indexes an empty tensor", "check the shape before it");
  qf_ref_lower_plain(lower, node, kernel, run, p);
  return TRUE;
}

gboolean qf_ref_lower_gather(QfLower *lower, QfNode *node, GError **error)
{
  const QfGatherAttrs *a = node->attrs;
  const QfTensor *x = node->inputs[0], *indices = node->inputs[1];
  Params *p = new_params(lower, node);
  p->gather = (QfkGather){.batch = span(x, 0, a->batch_dims),
                          .outer = span(x, a->batch_dims, a->axis),
                          .axis = (size_t)x->dims[a->axis],
                          .count = span(indices, a->batch_dims, indices->rank),
                          .inner_bytes = span(x, a->axis + 1, x->rank) * p->element_bytes};
  return add(lower, node, "gather_ref", run_gather, p, error);
}

static Params *elements_params(QfLower *lower, const QfNode *node)
{
  const QfTensor *x = node->inputs[0], *indices = node->inputs[1];
  Params *p = new_params(lower, node);
  p->elements.rank = x->rank;
  p->elements.axis = ((const QfGatherAttrs *)node->attrs)->axis;
  p->elements.element_bytes = p->element_bytes;
  memcpy(p->elements.x_dims, x->dims, sizeof(x->dims));
  memcpy(p->elements.dims, indices->dims, sizeof(indices->dims));
  return p;
}

gboolean qf_ref_lower_gather_elements(QfLower *lower, QfNode *node, GError **error)
{
  return add(lower, node, "gather_elements_ref", run_gather_elements, elements_params(lower, node), error);
}

gboolean qf_ref_lower_scatter_elements(QfLower *lower, QfNode *node, GError **error)
{
  Params *p = elements_params(lower, node);
  return find_combine(node, &p->combine, error) &&
         add(lower, node, "scatter_elements_ref", run_scatter_elements, p, error);
}

static Params *nd_params(QfLower *lower, const QfNode *node, int32_t batch)
{
  const QfTensor *x = node->inputs[0], *indices = node->inputs[1];
  Params *p = new_params(lower, node);
  int32_t depth = (int32_t)indices->dims[indices->rank - 1];
  p->nd = (QfkGatherNd){.batch = span(x, 0, batch),
                        .count = span(indices, batch, indices->rank - 1),
                        .depth = (size_t)depth,
                        .slice_bytes = span(x, batch + depth, x->rank) * p->element_bytes};
  memcpy(p->nd.dims, x->dims + batch, (size_t)depth * sizeof(*x->dims));
  return p;
}

gboolean qf_ref_lower_gather_nd(QfLower *lower, QfNode *node, GError **error)
{
  const QfGatherAttrs *a = node->attrs;
  return add(lower, node, "gather_nd_ref", run_gather_nd, nd_params(lower, node, a->batch_dims), error);
}

gboolean qf_ref_lower_scatter_nd(QfLower *lower, QfNode *node, GError **error)
{
  Params *p = nd_params(lower, node, 0);
  return find_combine(node, &p->combine, error) &&
         add(lower, node, "scatter_nd_ref", run_scatter_nd, p, error);
}
