/* SPDX-License-Identifier: MIT */
/*
 * map_more.c - operators that are a few others: fused arithmetic, shrinking, statistics in pairs, blocks of pixels, repetition.
 */
#include "map.h"

#include <string.h>

/* self + value * (tensor1 op tensor2). data: the ONNX operator. */
static gboolean map_addc(QfPt2Node *n, GError **error)
{
  const int32_t type = qf_pt2_type(n, n->out[0]);
  const char *y = qf_pt2_emit(n, n->row->data, NULL, 2, qf_pt2_operand(n, "tensor1", type),
                              qf_pt2_operand(n, "tensor2", type));
  if (qf_pt2_arg(n, "value"))
    y = qf_pt2_emit(n, "Mul", NULL, 2, y, qf_pt2_operand(n, "value", type));
  qf_pt2_emit(n, "Add", n->out[0], 2, qf_pt2_operand(n, "self", type), y);
  return TRUE;
}

/* self + weight * (end - self) */
static gboolean map_lerp(QfPt2Node *n, GError **error)
{
  const int32_t type = qf_pt2_type(n, n->out[0]);
  const char *a = qf_pt2_tensor(n, "self"), *d = qf_pt2_emit(n, "Sub", NULL, 2, qf_pt2_tensor(n, "end"), a);
  qf_pt2_emit(n, "Add", n->out[0], 2, a,
              qf_pt2_emit(n, "Mul", NULL, 2, d, qf_pt2_operand(n, "weight", type)));
  return TRUE;
}

/* Towards zero. */
static gboolean map_trunc(QfPt2Node *n, GError **error)
{
  const char *x = qf_pt2_tensor(n, "self");
  const char *size = qf_pt2_emit(n, "Floor", NULL, 1, qf_pt2_emit(n, "Abs", NULL, 1, x));
  qf_pt2_emit(n, "Mul", n->out[0], 2, size, qf_pt2_emit(n, "Sign", NULL, 1, x));
  return TRUE;
}

static gboolean map_exp2(QfPt2Node *n, GError **error)
{
  qf_pt2_emit(n, "Pow", n->out[0], 2, qf_pt2_number(n, 2), qf_pt2_tensor(n, "self"));
  return TRUE;
}

static gboolean map_threshold(QfPt2Node *n, GError **error)
{
  const int32_t type = qf_pt2_type(n, n->out[0]);
  const char *x = qf_pt2_tensor(n, "self");
  const char *above = qf_pt2_emit(n, "Greater", NULL, 2, x, qf_pt2_operand(n, "threshold", type));
  qf_pt2_emit(n, "Where", n->out[0], 3, above, x, qf_pt2_operand(n, "value", type));
  return TRUE;
}

/* data: "soft" takes the bound off what is beyond it. */
static gboolean map_shrink(QfPt2Node *n, GError **error)
{
  const double bound = qf_pt2_arg_float(n, "lambd", 0.5);
  qf_pt2_emit(n, "Shrink", n->out[0], 1, qf_pt2_tensor(n, "self"));
  qf_pt2_attr_float(n->p->emit, qf_pt2_last(n), "lambd", bound);
  qf_pt2_attr_float(n->p->emit, qf_pt2_last(n), "bias", n->row->data ? bound : 0);
  return TRUE;
}

static gboolean map_tanhshrink(QfPt2Node *n, GError **error)
{
  const char *x = qf_pt2_tensor(n, "self");
  qf_pt2_emit(n, "Sub", n->out[0], 2, x, qf_pt2_emit(n, "Tanh", NULL, 1, x));
  return TRUE;
}

/* A column times a row. */
static gboolean map_outer(QfPt2Node *n, GError **error)
{
  const int64_t column[] = {-1, 1};
  qf_pt2_emit(n, "Mul", n->out[0], 2, qf_pt2_reshape(n, qf_pt2_tensor(n, "self"), column, 2, NULL),
              qf_pt2_tensor(n, "vec2"));
  return TRUE;
}

/* Blocks of pixels become channels, those of one channel next to each other; data: "groups" of channels change places instead. */
static gboolean map_blocks(QfPt2Node *n, GError **error)
{
  static const int64_t unshuffle[] = {0, 1, 3, 5, 2, 4}, shuffle[] = {0, 2, 1, 3, 4};
  const gboolean groups = n->row->data != NULL;
  const char *x = qf_pt2_tensor(n, "self");
  const int64_t f = qf_pt2_arg_int(n, groups ? "groups" : "downscale_factor", 1);
  QfPt2Tensor m;
  const gboolean known = qf_pt2_meta(n, x, &m) && m.rank == 4 && f > 0;
  for (int i = 1; known && i < 4; i++)
    if (m.dims[i] < 0 || m.dims[groups ? 1 : MAX(i, 2)] % f)
      return qf_pt2_fail(n, error, QF_ERROR_UNSUPPORTED, "its image must be known and divide");
  if (!known)
    return qf_pt2_fail(n, error, QF_ERROR_UNSUPPORTED, "its image must have four dimensions");
  if (groups) {
    const int64_t split[] = {m.dims[0], f, m.dims[1] / f, m.dims[2], m.dims[3]};
    x = qf_pt2_permute(n, qf_pt2_reshape(n, x, split, 5, NULL), shuffle, 5, NULL);
  } else {
    const int64_t split[] = {m.dims[0], m.dims[1], m.dims[2] / f, f, m.dims[3] / f, f};
    x = qf_pt2_permute(n, qf_pt2_reshape(n, x, split, 6, NULL), unshuffle, 6, NULL);
  }
  return qf_pt2_reshape_like(n, x, n->out[0], error);
}

/* Each value along a dimension several times, next to each other. */
static gboolean map_interleave(QfPt2Node *n, GError **error)
{
  const char *x = qf_pt2_tensor(n, "self");
  const int64_t times = qf_pt2_arg_int(n, "repeats", -1);
  QfPt2Tensor m;
  if (!qf_pt2_meta(n, x, &m) || times < 1 || m.rank >= QF_MAX_RANK || m.rank < 1)
    return qf_pt2_fail(n, error, QF_ERROR_UNSUPPORTED, "how often it repeats must be one known number");
  const int64_t flat = -1,
                at = qf_pt2_arg(n, "dim") ? qf_pt2_dim(qf_pt2_arg_int(n, "dim", 0), m.rank) + 1 : 1;
  int64_t shape[QF_MAX_RANK];
  if (!qf_pt2_arg(n, "dim")) {
    x = qf_pt2_reshape(n, x, &flat, 1, NULL);
    m.rank = 1;
  }
  if (at < 1 || at > m.rank)
    return qf_pt2_fail(n, error, QF_ERROR_FORMAT, "its dimension does not fit its input");
  for (int i = 0; i <= m.rank; i++)
    shape[i] = i == at ? times : 1;
  x = qf_pt2_emit(n, "Unsqueeze", NULL, 2, x, qf_pt2_const_ints(n->p->emit, &at, 1));
  x = qf_pt2_emit(n, "Expand", NULL, 2, x, qf_pt2_const_ints(n->p->emit, shape, (uint32_t)m.rank + 1));
  return qf_pt2_reshape_like(n, x, n->out[0], error);
}

static gboolean map_one_hot(QfPt2Node *n, GError **error)
{
  static const int64_t off_on[] = {0, 1};
  const int64_t classes = qf_pt2_arg_int(n, "num_classes", -1);
  if (classes < 1)
    return qf_pt2_fail(n, error, QF_ERROR_UNSUPPORTED, "the number of classes must be given");
  qf_pt2_emit(n, "OneHot", n->out[0], 3, qf_pt2_tensor(n, "self"), qf_pt2_const_ints(n->p->emit, &classes, 1),
              qf_pt2_const_ints(n->p->emit, off_on, 2));
  qf_pt2_attr_int(n->p->emit, qf_pt2_last(n), "axis", -1);
  return TRUE;
}

const QfPt2Row qf_pt2_more_rows[] = {
    {"addcmul", map_addc, "Mul"},
    {"addcdiv", map_addc, "Div"},
    {"lerp", map_lerp, NULL},
    {"trunc", map_trunc, NULL},
    {"fix", map_trunc, NULL},
    {"exp2", map_exp2, NULL},
    {"threshold", map_threshold, NULL},
    {"hardshrink", map_shrink, NULL},
    {"softshrink", map_shrink, "soft"},
    {"tanhshrink", map_tanhshrink, NULL},
    {"outer", map_outer, NULL},
    {"pixel_unshuffle", map_blocks, NULL},
    {"channel_shuffle", map_blocks, "groups"},
    {"native_channel_shuffle", map_blocks, "groups"},
    {"repeat_interleave", map_interleave, NULL},
    {"one_hot", map_one_hot, NULL},
    {NULL},
};
