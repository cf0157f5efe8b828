/* SPDX-License-Identifier: MIT */
/*
 * random.c - what the operators mean that draw random numbers. Numbers: kernels/random.
 */
#include "list.h"
#include "infer.h"

#define RANDOM(member) offsetof(QfRandomAttrs, member)

static const QfAttrDef noise_attrs[] = {
    {"shape", QF_ATTR_INTS, RANDOM(shape), 1, 0, NULL},
    {"fixed", QF_ATTR_BOOL, RANDOM(fixed), 1, 0, NULL},
    {"dtype", QF_ATTR_DTYPE, RANDOM(dtype), 1, QF_DTYPE_FLOAT32, NULL},
    {"a", QF_ATTR_FLOAT, RANDOM(a), 1, 0, NULL},
    {"b", QF_ATTR_FLOAT, RANDOM(b), 1, 1, NULL},
    {"seeded", QF_ATTR_BOOL, RANDOM(seeded), 1, 0, NULL},
    {"seed", QF_ATTR_INT, RANDOM(seed), 1, 0, NULL},
    {NULL},
};

static const QfAttrDef multinomial_attrs[] = {
    {"num_samples", QF_ATTR_INT, RANDOM(samples), 1, 1, NULL},
    {"dtype", QF_ATTR_DTYPE, RANDOM(dtype), 1, QF_DTYPE_INT32, NULL},
    {"seeded", QF_ATTR_BOOL, RANDOM(seeded), 1, 0, NULL},
    {"seed", QF_ATTR_INT, RANDOM(seed), 1, 0, NULL},
    {NULL},
};

static gboolean infer_noise(QfNode *node, GError **error)
{
  const QfRandomAttrs *a = node->attrs;
  if (!qf_infer_begin(node, error))
    return FALSE;
  if (!qf_dtype_is_float((QfDType)a->dtype))
    return qf_infer_fail(error, QF_ERROR_TYPE, "it gives float types, not %s",
                         qf_dtype_name((QfDType)a->dtype));
  if (!a->fixed)
    return qf_infer_set(node, 0, (QfDType)a->dtype, node->inputs[0]->dims, node->inputs[0]->rank, error);
  return qf_infer_set(node, 0, (QfDType)a->dtype, a->shape.v, a->shape.n, error);
}

static gboolean infer_multinomial(QfNode *node, GError **error)
{
  const QfRandomAttrs *a = node->attrs;
  if (!qf_infer_begin(node, error) || !qf_infer_rank(node, 0, 2, 2, error))
    return FALSE;
  const QfTensor *x = node->inputs[0];
  const int64_t dims[2] = {x->dims[0], a->samples};
  if (a->dtype != QF_DTYPE_INT32 && a->dtype != QF_DTYPE_INT64)
    return qf_infer_fail(error, QF_ERROR_TYPE, "it gives int32 or int64, not %s",
                         qf_dtype_name((QfDType)a->dtype));
  if (a->samples < 0 || x->dims[1] < 1)
    return qf_infer_fail(error, QF_ERROR_SHAPE, "%d samples of %" G_GINT64_FORMAT " classes are not possible",
                         a->samples, x->dims[1]);
  return qf_infer_set(node, 0, (QfDType)a->dtype, dims, 2, error);
}

#define RANDOM_OP(Name, text, table, infer_fn)                                                               \
  const QfOpDef qf_op_##Name = {                                                                             \
      .name = #Name,                                                                                         \
      .summary = text,                                                                                       \
      .min_inputs = 1,                                                                                       \
      .max_inputs = 1,                                                                                       \
      .min_outputs = 1,                                                                                      \
      .max_outputs = 1,                                                                                      \
      .attrs_size = sizeof(QfRandomAttrs),                                                                   \
      .attrs = table,                                                                                        \
      .move = QF_MOVE_FIXED,                                                                                 \
      .quant = QF_QUANT_NONE,                                                                                \
      .random = TRUE,                                                                                        \
      .infer = infer_fn,                                                                                     \
  };

RANDOM_OP(RandomUniform, "numbers from a to b, all as likely", noise_attrs, infer_noise)
RANDOM_OP(RandomNormal, "normal numbers of mean a and deviation b", noise_attrs, infer_noise)
RANDOM_OP(Multinomial, "classes drawn by their probabilities", multinomial_attrs, infer_multinomial)
