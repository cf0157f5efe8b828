/* SPDX-License-Identifier: MIT */
/*
 * pointwise.c - operators that go over values one by one: whatever has one input is a table. And Softmax.
 */
#include "build.h"
#include "../ref/encoded.h"
#include "../../ops/list.h"
#include "kernels/binary/binary16_hvx.h"
#include "kernels/binary/binary_hvx.h"
#include "kernels/quantize/quantize.h"
#include "kernels/softmax/softmax_hvx.h"

#include <string.h>

/* What the reference has made of bytes as they are @stored, for bytes as the DSP has them. */
static void turn(const uint8_t *stored, const QfTensor *x, const QfTensor *y, uint8_t *table)
{
  for (int i = 0; i < 256; i++)
    table[i ^ qf_htp_flip(x)] = stored[i] ^ qf_htp_flip(y);
}

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
  turn(stored, from, to, table);
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

/* @x through @table gives @y. */
static void emit_table(QfHtpBuild *b, const uint8_t *table, const QfTensor *x, const QfTensor *y)
{
  const QfHtpForm form = qf_htp_form(b, x);
  const uint32_t in = qf_htp_in(b, x, form);
  add_lookup(b, table, in, qf_htp_out(b, y, form));
}

gboolean qf_htp_convert(QfHtpBuild *b, const QfNode *node, GString *why)
{
  const QfTensor *x = node->inputs[0], *y = node->outputs[0];
  uint8_t table[256];
  if (qf_dtype_size(x->dtype) == 2 || qf_dtype_size(y->dtype) == 2)
    return qf_htp_convert_wide(b, node, why);
  if (!qf_htp_convert_table(x, y, table, why))
    return FALSE;
  emit_table(b, table, x, y);
  return TRUE;
}

/* Of 16 bits, what the reference gives for each of them. */
static gboolean emit_lookup16(QfHtpBuild *b, const QfNode *node)
{
  const QfTensor *x = node->inputs[0], *y = node->outputs[0];
  const QfHtpForm form = qf_htp_form(b, x);
  QfDspLookup16 c = {0};
  uint16_t *table = NULL;
  uint32_t in[2] = {qf_htp_in(b, x, form), qf_htp_constant(b, 65536 * sizeof(*table), &table)};
  if (table)
    qf_ref_unary_table16(node, table);
  if (form == QF_HTP_D4) {
    int32_t n, pixels, channels;
    qf_htp_images(x, &n, &pixels, &channels);
    c = (QfDspLookup16){n * ((channels + 3) / 4), pixels * 4};
  }
  qf_htp_step(b, QF_DSP_ROW_lookup16, &c, sizeof(c), NULL, 0, in, 2, qf_htp_out(b, y, form));
  return TRUE;
}

gboolean qf_htp_unary(QfHtpBuild *b, const QfNode *node, GString *why)
{
  const QfTensor *x = node->inputs[0], *y = node->outputs[0];
  uint8_t stored[256], table[256];
  if (qf_htp_any_encoding(x, NULL, why) && qf_ref_unary_table16(node, NULL))
    return emit_lookup16(b, node);
  if (why->len)
    return FALSE;
  if (!qf_htp_encoding(x, NULL, why) || !qf_htp_encoding(y, NULL, why) || !qf_ref_unary_table(node, stored))
    return FALSE;
  turn(stored, x, y, table);
  emit_table(b, table, x, y);
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

static gboolean is_like(const QfTensor *t, const QfTensor *y)
{
  return t->rank == y->rank && !memcmp(t->dims, y->dims, (size_t)y->rank * sizeof(*y->dims));
}

/* How operand @t lies to the rows of @y: one value for all; for images in planes, whose rows are planes, a value a channel or a pixel. FALSE: in
 * another way. */
static gboolean spread_of(const QfTensor *t, const QfTensor *y, QfkSpread *spread, int32_t *row)
{
  const int32_t more = y->rank - t->rank;
  int64_t dims[QF_MAX_RANK];
  *row = 0;
  if (qf_tensor_count(t) == 1) {
    *spread = QFK_SPREAD_BYTE;
    return TRUE;
  }
  for (int32_t i = 0; i < y->rank; i++)
    dims[i] = i < more ? 1 : t->dims[i - more];
  if (y->rank != 4 || dims[0] != y->dims[0] || (more && t->rank != 1))
    return FALSE;
  const gboolean one_pixel = dims[1] == 1 && dims[2] == 1;
  *spread = one_pixel ? QFK_SPREAD_WORD : QFK_SPREAD_LANE;
  *row = one_pixel ? 4 : 0;
  return one_pixel ? dims[3] == y->dims[3]
                   : dims[1] == y->dims[1] && dims[2] == y->dims[2] && dims[3] == 1 && dims[0] == 1;
}

/* How flat operand @t lies to rows of @n of y: one row for all, or a value a row. FALSE: in another way. */
static gboolean spread_flat(const QfTensor *t, const QfTensor *y, QfkSpread *spread, int32_t *row, int32_t *n)
{
  const int32_t more = y->rank - t->rank;
  int32_t like[2] = {0, 0}; /* dimensions from the first on: all 1, all y's */
  for (int k = 0; k < 2; k++)
    while (like[k] < y->rank && (like[k] < more ? 1 : t->dims[like[k] - more]) == (k ? y->dims[like[k]] : 1))
      like[k]++;
  const int32_t at = MAX(like[0], like[1]);
  for (int32_t i = at; i < y->rank; i++)
    if (t->dims[i - more] != (like[0] >= like[1] ? y->dims[i] : 1))
      return FALSE;
  *spread = like[0] >= like[1] ? QFK_SPREAD_NONE : QFK_SPREAD_BYTE;
  *row = like[0] >= like[1] ? 0 : 1;
  *n = (int32_t)qf_dims_count(y->dims + at, y->rank - at);
  return TRUE;
}

/* Both operands in @form, as large as the output. */
static gboolean make_whole(QfHtpBuild *b, const QfNode *node, QfHtpForm form, uint32_t *in, GString *why)
{
  for (int i = 0; i < 2; i++)
    in[i] = is_like(node->inputs[i], node->outputs[0])
                ? qf_htp_in(b, node->inputs[i], form)
                : qf_htp_expand(b, node->inputs[i], node->outputs[0], form, why);
  return in[0] != QF_HTP_NONE && in[1] != QF_HTP_NONE;
}

static gboolean emit_whole(QfHtpBuild *b, const QfNode *node, const QfDspBinary *c, QfHtpForm form,
                           GString *why)
{
  uint32_t in[2];
  if (!make_whole(b, node, form, in, why))
    return FALSE;
  qf_htp_step(b, QF_DSP_ROW_binary, c, sizeof(*c), NULL, 0, in, 2, qf_htp_out(b, node->outputs[0], form));
  return TRUE;
}

/* One operand has the output's shape, the other broadcasts. */
static gboolean emit_rows(QfHtpBuild *b, const QfNode *node, const QfDspBinary *binary, GString *why)
{
  const QfTensor *y = node->outputs[0];
  const int other = is_like(node->inputs[0], y) ? 1 : 0;
  const QfTensor *whole = node->inputs[!other], *t = node->inputs[other];
  QfkSpread spread;
  int32_t row, n_images, pixels, channels, n = (int32_t)qf_tensor_count(y);
  const gboolean planes = is_like(whole, y) && spread_of(t, y, &spread, &row);
  if (!is_like(whole, y) || (!planes && !spread_flat(t, y, &spread, &row, &n)))
    return emit_whole(b, node, binary, qf_htp_form(b, node->inputs[0]), why);
  const QfHtpForm form = !planes                     ? QF_HTP_FLAT
                         : spread == QFK_SPREAD_BYTE ? qf_htp_form(b, whole)
                                                     : QF_HTP_D4;
  QfDspBinaryRows c = {.binary = *binary, .rows = (int32_t)(qf_tensor_count(y) / n), .n = n};
  if (form == QF_HTP_D4) {
    qf_htp_images(y, &n_images, &pixels, &channels);
    c.rows = n_images * ((channels + 3) / 4);
    c.n = pixels * 4;
  }
  c.a_row = other ? c.n : row;
  c.b_row = other ? row : c.n;
  c.a = other ? QFK_SPREAD_NONE : (int32_t)spread;
  c.b = other ? (int32_t)spread : QFK_SPREAD_NONE;
  const QfHtpForm t_form = spread == QFK_SPREAD_BYTE || !planes ? QF_HTP_FLAT : QF_HTP_D4;
  const uint32_t in[] = {qf_htp_in(b, node->inputs[0], other ? form : t_form),
                         qf_htp_in(b, node->inputs[1], other ? t_form : form)};
  qf_htp_step(b, QF_DSP_ROW_binary_rows, &c, sizeof(c), NULL, 0, in, 2, qf_htp_out(b, y, form));
  return TRUE;
}

/* Of 16 bits: images in planes, whatever the rank. */
static gboolean emit_wide(QfHtpBuild *b, const QfNode *node, const QfkBinary *p, GString *why)
{
  const QfTensor *y = node->outputs[0];
  QfkBinary16Hvx k;
  int32_t n, channels;
  uint32_t in[2];
  if (!qfk_binary16_hvx_init(&k, p)) {
    g_string_append(why, "not all of its tensors are of 16 bits, or its scales are too far from each other");
    return FALSE;
  }
  QfDspBinary16 c = {.op = (int32_t)k.op,
                     .a_flip = k.a_flip,
                     .b_flip = k.b_flip,
                     .a = k.a,
                     .b = k.b,
                     .shift = k.shift,
                     .ca = {k.ca.high, k.ca.low},
                     .cb = {k.cb.high, k.cb.low},
                     .a_zero = k.a_zero,
                     .b_zero = k.b_zero,
                     .multiplier = k.m.multiplier,
                     .right = k.m.shift,
                     .out = {k.out.zero, k.out.lo, k.out.hi}};
  qf_htp_images(y, &n, &c.pixels, &channels);
  c.planes = n * ((channels + 3) / 4);
  if (!make_whole(b, node, QF_HTP_D4, in, why))
    return FALSE;
  qf_htp_step(b, QF_DSP_ROW_binary16, &c, sizeof(c), NULL, 0, in, 2, qf_htp_out(b, y, QF_HTP_D4));
  return TRUE;
}

/* An operation of 8 bits with one constant number is a table, made by the reference. */
gboolean qf_htp_binary_table(QfHtpBuild *b, const QfNode *node, GString *why)
{
  const QfEpilogue *epi = &((const QfBinaryAttrs *)node->attrs)->epi;
  const QfTensor *in[] = {node->inputs[0], node->inputs[1]}, *y = node->outputs[0];
  const int varies = in[0]->data ? 1 : 0;
  const QfTensor *x = in[varies], *number = in[!varies];
  uint8_t bytes[256], stored[256], table[256];
  QfkEncoding e[3];
  QfkBinary p = {.op = node->op == &qf_op_ElementWiseDivide ? QFK_BINARY_DIV : QFK_BINARY_SQUARED_DIFFERENCE,
                 .nd = {.rank = 1, .n_operands = 3, .dims = {256}, .stride = {{1}}},
                 .act = {.act = epi->act, .lo = epi->lo, .hi = epi->hi, .alpha = epi->alpha}};
  for (int i = 0; i < 3; i++)
    if (!qf_htp_encoding(i < 2 ? in[i] : y, &e[i], why))
      return FALSE;
  if (!number->data || qf_tensor_count(number) != 1 || !is_like(x, y)) {
    g_string_append(why, "neither operand is one constant number");
    return FALSE;
  }
  qf_ref_is_encoded(in[0], &e[0]);
  qf_ref_is_encoded(in[1], &e[1]);
  qf_ref_is_encoded(y, &e[2]);
  qfk_binary_int_init(&p, e[0], e[1], e[2]);
  p.nd.stride[1 + varies][0] = 1;
  for (int i = 0; i < 256; i++)
    bytes[i] = (uint8_t)i;
  qfk_binary_int_ref(&p, varies ? qf_tensor_data(number) : bytes, varies ? bytes : qf_tensor_data(number),
                     stored);
  turn(stored, x, y, table);
  emit_table(b, table, x, y);
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
    if (!qf_htp_any_encoding(i < 2 ? node->inputs[i] : node->outputs[0], &e[i], why))
      return FALSE;
  if (!qfk_binary_is_linear(p.op, epi->act)) {
    g_string_append(why, "its activation is no clamp");
    return FALSE;
  }
  /* Encodings as of uint8 from the start: the clamp's bounds come out of them likewise. */
  qfk_binary_int_init(&p, e[0], e[1], e[2]);
  qfk_binary_fixed_init(&p, &fixed, e[0], e[1], e[2]);
  if (e[0].type != QFK_U8 || e[1].type != QFK_U8 || e[2].type != QFK_U8)
    return emit_wide(b, node, &p, why);
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
  if (!is_like(node->inputs[0], node->outputs[0]) || !is_like(node->inputs[1], node->outputs[0]))
    return emit_rows(b, node, &c, why);
  const QfHtpForm form =
      node->inputs[0]->data ? qf_htp_form(b, node->inputs[1]) : qf_htp_form(b, node->inputs[0]);
  return emit_whole(b, node, &c, form, why);
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
