/* SPDX-License-Identifier: MIT */
/*
 * pointwise.c - operators that go over values one by one: whatever has one 8-bit input is a table. And Softmax.
 */
#include "build.h"
#include "../ref/encoded.h"
#include "../../ops/list.h"
#include "kernels/binary/binary_hvx.h"
#include "kernels/quantize/quantize.h"
#include "kernels/softmax/softmax_hvx.h"

#include <string.h>

gboolean qf_htp_convert_table(const QfTensor *from, const QfTensor *to, uint8_t *table, GString *why)
{
  uint8_t bytes[256], stored[256];
  QfkEncoding x, y;
  if (!qf_htp_encoding(from, NULL, why) || !qf_htp_encoding(to, NULL, why) || !qf_ref_is_encoded(from, &x) ||
      !qf_ref_is_encoded(to, &y))
    return FALSE;
  const double ratio = (double)x.scale / (double)y.scale;
  const QfkFixed fixed = qfk_once(ratio, FALSE);
  const QfkRequantize q = {x.type, y.type, x.zero, y.zero, (float)ratio, &fixed};
  for (int i = 0; i < 256; i++)
    bytes[i] = (uint8_t)i;
  qfk_requantize_ref(&q, bytes, stored, 256);
  for (int i = 0; i < 256; i++)
    table[i ^ qf_htp_flip(from)] = stored[i] ^ qf_htp_flip(to);
  return TRUE;
}

static void add_lookup(QfHtpBuild *b, const uint8_t *table, uint32_t in, uint32_t out)
{
  QfDspLookup c = {0};
  memcpy(c.table, table, sizeof(c.table));
  qf_htp_step(b, QF_DSP_ROW_lookup, &c, sizeof(c), NULL, 0, &in, 1, out);
}

uint32_t qf_htp_through(QfHtpBuild *b, uint32_t tensor, const uint8_t *table)
{
  const uint32_t out = qf_htp_temp(b, tensor);
  add_lookup(b, table, tensor, out);
  return out;
}

gboolean qf_htp_convert(QfHtpBuild *b, const QfNode *node, GString *why)
{
  const QfTensor *x = node->inputs[0], *y = node->outputs[0];
  uint8_t table[256];
  if (!qf_htp_convert_table(x, y, table, why))
    return FALSE;
  const QfHtpForm form = qf_htp_form(b, x);
  const uint32_t in = qf_htp_in(b, x, form);
  add_lookup(b, table, in, qf_htp_out(b, y, form));
  return TRUE;
}

gboolean qf_htp_unary(QfHtpBuild *b, const QfNode *node, GString *why)
{
  const QfTensor *x = node->inputs[0], *y = node->outputs[0];
  uint8_t stored[256], table[256];
  if (!qf_htp_encoding(x, NULL, why) || !qf_htp_encoding(y, NULL, why) || !qf_ref_unary_table(node, stored))
    return FALSE;
  for (int i = 0; i < 256; i++)
    table[i ^ qf_htp_flip(x)] = stored[i] ^ qf_htp_flip(y);
  const QfHtpForm form = qf_htp_form(b, x);
  const uint32_t in = qf_htp_in(b, x, form);
  add_lookup(b, table, in, qf_htp_out(b, y, form));
  return TRUE;
}

static const struct {
  const QfOpDef *op;
  QfkBinaryOp kernel;
} kinds[] = {
    {&qf_op_ElementWiseAdd, QFK_BINARY_ADD},      {&qf_op_ElementWiseSubtract, QFK_BINARY_SUB},
    {&qf_op_ElementWiseMultiply, QFK_BINARY_MUL}, {&qf_op_ElementWiseMaximum, QFK_BINARY_MAX},
    {&qf_op_ElementWiseMinimum, QFK_BINARY_MIN},
};

/* Both operands have the output's shape. */
static gboolean alike(const QfNode *node)
{
  const QfTensor *y = node->outputs[0];
  for (int i = 0; i < 2; i++) {
    const QfTensor *t = node->inputs[i];
    if (t->rank != y->rank || memcmp(t->dims, y->dims, (size_t)y->rank * sizeof(*y->dims)))
      return FALSE;
  }
  return TRUE;
}

gboolean qf_htp_binary(QfHtpBuild *b, const QfNode *node, GString *why)
{
  const QfEpilogue *epi = &((const QfBinaryAttrs *)node->attrs)->epi;
  QfkBinary p = {.act = {.act = epi->act, .lo = epi->lo, .hi = epi->hi}};
  QfkBinaryFixed fixed;
  QfkBinaryHvx k;
  QfkEncoding e[3];
  for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++)
    if (kinds[i].op == node->op)
      p.op = kinds[i].kernel;
  for (int i = 0; i < 3; i++)
    if (!qf_htp_encoding(i < 2 ? node->inputs[i] : node->outputs[0], &e[i], why))
      return FALSE;
  if (!alike(node) || !qfk_binary_is_linear(p.op, epi->act)) {
    g_string_append(why, "its operands differ in shape, or its activation is no clamp");
    return FALSE;
  }
  /* Encodings as of uint8 from the start: the clamp's bounds come out of them likewise. */
  qfk_binary_int_init(&p, e[0], e[1], e[2]);
  qfk_binary_fixed_init(&p, &fixed, e[0], e[1], e[2]);
  if (!qfk_binary_hvx_init(&k, &p)) {
    g_string_append(why, "its scales are too far from each other");
    return FALSE;
  }
  const QfDspBinary c = {(int32_t)k.op,
                         k.a,
                         k.b,
                         k.shift,
                         k.ca,
                         k.cb,
                         k.a_zero,
                         k.b_zero,
                         k.m.multiplier,
                         k.m.shift,
                         {k.out.zero, k.out.lo, k.out.hi}};
  const QfHtpForm form =
      node->inputs[0]->data ? qf_htp_form(b, node->inputs[1]) : qf_htp_form(b, node->inputs[0]);
  const uint32_t in[] = {qf_htp_in(b, node->inputs[0], form), qf_htp_in(b, node->inputs[1], form)};
  qf_htp_step(b, QF_DSP_ROW_binary, &c, sizeof(c), NULL, 0, in, 2, qf_htp_out(b, node->outputs[0], form));
  return TRUE;
}

/* Values that lie apart; of few channels, as images have them. */
static void emit_columns(QfHtpBuild *b, const QfNode *node, const QfkSoftmaxInt *q, int64_t n, int64_t inner,
                         QfkEncoding y)
{
  const QfTensor *x = node->inputs[0];
  const int64_t inverse = (int64_t)rint(ldexp(1, 31) / (double)y.scale);
  const QfHtpForm form = inner > 1 ? QF_HTP_FLAT : QF_HTP_D4;
  QfDspSoftmaxColumns c = {.outer = (int32_t)(qf_tensor_count(x) / n / inner),
                           .n = (int32_t)n,
                           .inner = (int32_t)inner,
                           .inverse = {(int32_t)(uint32_t)inverse, (int32_t)(inverse >> 32)},
                           .out = {y.zero, 0, 255}};
  if (form == QF_HTP_D4)
    qf_htp_images(x, &c.outer, &c.pixels, &c.n);
  memcpy(c.e, q->e, sizeof(c.e));
  const uint32_t in = qf_htp_in(b, x, form);
  qf_htp_step(b, QF_DSP_ROW_softmax_columns, &c, sizeof(c), NULL, 0, &in, 1,
              qf_htp_out(b, node->outputs[0], form));
}

gboolean qf_htp_softmax(QfHtpBuild *b, const QfNode *node, GString *why)
{
  const QfAxisAttrs *a = node->attrs;
  const QfTensor *x = node->inputs[0], *y = node->outputs[0];
  const int64_t n = x->dims[a->axis], rows = n ? qf_tensor_count(x) / n : 0;
  QfkEncoding ex, ey;
  QfkSoftmaxInt q = {0};
  if (!qf_htp_encoding(x, &ex, why) || !qf_htp_encoding(y, &ey, why))
    return FALSE;
  const int64_t inner = qf_dims_count(x->dims + a->axis + 1, x->rank - a->axis - 1);
  if (!(a->beta >= 0) || (inner > 1 && n > 255)) {
    g_string_append(why, "its beta is negative, or it is along more than 255 values that lie apart");
    return FALSE;
  }
  qfk_softmax_int_init(&q, a->beta, ex.scale);
  if (inner > 1 || (n < 64 && x->rank == 4 && qf_htp_form(b, x) == QF_HTP_D4)) {
    emit_columns(b, node, &q, n, inner, ey);
    return TRUE;
  }
  const int64_t inverse = (int64_t)rint(ldexp(1, 31) / (double)ey.scale);
  QfDspSoftmax c = {.rows = (int32_t)rows,
                    .n = (int32_t)n,
                    .rows_job = (int32_t)MAX(rows / (2 * b->n_threads), 1),
                    .inverse = {(int32_t)(uint32_t)inverse, (int32_t)(inverse >> 32)},
                    .out = {ey.zero, 0, 255}};
  memcpy(c.e, q.e, sizeof(c.e));
  const uint32_t in = qf_htp_in(b, x, QF_HTP_FLAT);
  qf_htp_step(b, QF_DSP_ROW_softmax, &c, sizeof(c), NULL, 0, &in, 1, qf_htp_out(b, y, QF_HTP_FLAT));
  return TRUE;
}
