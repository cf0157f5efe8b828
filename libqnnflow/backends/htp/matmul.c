/* SPDX-License-Identifier: MIT */
/*
 * matmul.c - MatMul of two tensors of 8-bit activations: matrices lie flat, one product for each of a batch.
 */
#include "move.h"
#include "../../ops/attrs.h"
#include "kernels/gemm/matmul_hvx.h"

static int64_t batch_of(const QfTensor *t)
{
  return qf_dims_count(t->dims, t->rank - 2);
}

/* [k, m] as [m, k]. */
static uint32_t turn(QfHtpBuild *b, uint32_t x, const QfDspMatmul *c, GString *why)
{
  const int64_t m = c->m, k = c->k;
  const QfkNd nd = {.rank = 3,
                    .n_operands = 2,
                    .dims = {c->a_batch ? c->batch : 1, m, k},
                    .stride = {{m * k, k, 1}, {m * k, 1, m}}};
  const uint32_t to = qf_htp_temp(b, x);
  return qf_htp_move(b, &nd, 1, x, 0, to, 0, why) ? to : QF_HTP_NONE;
}

static gboolean describe(const QfNode *node, QfDspMatmul *c, GString *why)
{
  const QfMatMulAttrs *attrs = node->attrs;
  const QfTensor *a = node->inputs[0], *b = node->inputs[1], *y = node->outputs[0];
  if (a->rank < 2 || b->rank < 2 || y->rank < 2)
    return qf_htp_refuse(why, "one of its sides is a vector");
  const int64_t batch = batch_of(y);
  if ((batch_of(a) != batch && batch_of(a) != 1) || (batch_of(b) != batch && batch_of(b) != 1))
    return qf_htp_refuse(why, "its batches broadcast along some dimensions only");
  c->batch = (int32_t)batch;
  c->m = (int32_t)y->dims[y->rank - 2];
  c->n = (int32_t)y->dims[y->rank - 1];
  c->k = (int32_t)a->dims[a->rank - (attrs->transpose_in0 ? 2 : 1)];
  c->turned = attrs->transpose_in1 != 0;
  c->a_batch = batch_of(a) == batch;
  c->b_batch = batch_of(b) == batch;
  return TRUE;
}

gboolean qf_htp_matmul(QfHtpBuild *b, const QfNode *node, GString *why)
{
  QfDspMatmul c = {0};
  QfkMatmulHvx k;
  QfkEncoding e[3];
  for (int i = 0; i < 3; i++)
    if (!qf_htp_encoding(i < 2 ? node->inputs[i] : node->outputs[0], &e[i], why))
      return FALSE;
  if (!describe(node, &c, why))
    return FALSE;
  const QfkFixed factor = qfk_once((double)e[0].scale * (double)e[1].scale / (double)e[2].scale, FALSE);
  const QfkGemmShape s = {.m = c.m,
                          .n = c.n,
                          .k = c.k,
                          .a_row = c.k,
                          .a_col = 1,
                          .b_row = c.turned ? 1 : c.n,
                          .b_col = c.turned ? c.k : 1,
                          .c_row = c.n};
  const QfkIntArgs q = {.requant = {.hi = 255, .fixed = &factor, .once = TRUE}};
  if (!qfk_matmul_hvx_init(&k, &s, &q))
    return qf_htp_refuse(why, "it has more than 33025 products to a sum, or is too large");
  c.a_zero = e[0].zero;
  c.b_zero = e[1].zero;
  c.multiplier = factor.multiplier;
  c.left = factor.shift;
  c.out = (QfDspOut){e[2].zero, 0, 255};
  /* A job packs the right matrix, so rows are parted only as threads need them. */
  const int32_t parts = MAX((int32_t)(2 * b->n_threads) / c.batch, 1);
  c.rows = MIN(MAX((c.m + parts - 1) / parts, 32), c.m);
  uint32_t in[] = {qf_htp_in(b, node->inputs[0], QF_HTP_FLAT), qf_htp_in(b, node->inputs[1], QF_HTP_FLAT)};
  if (((const QfMatMulAttrs *)node->attrs)->transpose_in0 && (in[0] = turn(b, in[0], &c, why)) == QF_HTP_NONE)
    return FALSE;
  qf_htp_step(b, QF_DSP_ROW_matmul, &c, sizeof(c), NULL, 0, in, 2,
              qf_htp_out(b, node->outputs[0], QF_HTP_FLAT));
  return TRUE;
}
