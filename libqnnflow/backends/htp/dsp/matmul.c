/* SPDX-License-Identifier: MIT */
/*
 * matmul.c - products of matrices of activations, one for each of a batch. A job is some rows of one product, for which it packs the right
 * matrix in its own memory.
 */
#include "step.h"
#include "kernels/gemm/matmul_hvx.h"

#include <string.h>

typedef struct {
  QfkMatmulHvx p;
  int32_t rows, chunks;   /* of a job; of a product */
  size_t a_step, b_step;  /* bytes from product to product */
  size_t packed, columns; /* bytes in scratch memory: of the packed matrix, of its columns' sums */
} Form;

static bool init(const QfDspMatmul *c, QfkMatmulHvx *k)
{
  const QfkFixed factor = {c->multiplier, c->left};
  const QfkGemmShape s = {.m = c->m,
                          .n = c->n,
                          .k = c->k,
                          .a_row = c->k,
                          .a_col = 1,
                          .b_row = c->turned ? 1 : c->n,
                          .b_col = c->turned ? c->k : 1,
                          .c_row = c->n};
  const QfkIntArgs q = {.x_type = QFK_U8,
                        .w_type = QFK_U8,
                        .y_type = QFK_U8,
                        .x_zero = c->a_zero,
                        .requant = {.lo = 0, .hi = 255, .fixed = &factor, .once = true}};
  if (!QF_DSP_PRODUCT(c->m, c->k) || !QF_DSP_PRODUCT(c->m, c->n) || !QF_DSP_PRODUCT(c->k, c->n) ||
      !qf_dsp_within(c->left, 0, 30) || !qf_dsp_within(c->a_zero, 0, 255) ||
      !qf_dsp_within(c->b_zero, 0, 255) || !qf_dsp_within(c->turned, 0, 1))
    return false;
  if (!qfk_matmul_hvx_init(k, &s, &q) || !qf_dsp_out(&c->out, &k->out))
    return false;
  k->b_zero = c->b_zero;
  k->turned = c->turned; /* a vector is both */
  return true;
}

static bool sizes_are_sound(const QfDspPlan *p, const QfDspMatmul *c)
{
  const uint64_t a = QF_DSP_PRODUCT(c->a_batch ? c->batch : 1, c->m, c->k);
  const uint64_t b = QF_DSP_PRODUCT(c->b_batch ? c->batch : 1, c->k, c->n);
  const uint64_t y = QF_DSP_PRODUCT(c->batch, c->m, c->n);
  return a && b && y && qf_dsp_within(c->a_batch, 0, 1) && qf_dsp_within(c->b_batch, 0, 1) &&
         p->in[0].size_bytes == a && p->in[1].size_bytes == b && p->out[0].size_bytes == y;
}

bool qf_dsp_matmul_plan(QfDspPlan *p)
{
  const QfDspMatmul *c = p->params;
  Form f = {0};
  if (!sizes_are_sound(p, c) || !qf_dsp_within(c->rows, 1, c->m) || !init(c, &f.p))
    return false;
  f.rows = c->rows;
  f.chunks = (c->m + c->rows - 1) / c->rows;
  f.a_step = c->a_batch ? (size_t)c->m * (size_t)c->k : 0;
  f.b_step = c->b_batch ? (size_t)c->k * (size_t)c->n : 0;
  f.packed = qf_dsp_round(qfk_matmul_hvx_packed(&f.p));
  f.columns = qf_dsp_round(qfk_matmul_hvx_columns(&f.p));
  p->form_bytes = sizeof(f);
  p->scratch_bytes = f.packed + f.columns;
  p->scalar_bytes = qfk_matmul_hvx_scratch(&f.p);
  p->rows = (uint32_t)c->rows;
  p->jobs = (uint32_t)QF_DSP_PRODUCT(c->batch, f.chunks);
  if (p->form)
    memcpy(p->form, &f, sizeof(f));
  return p->jobs != 0;
}

void qf_dsp_matmul_job(const QfDspCall *call, uint32_t job, const QfDspScratch *scratch)
{
  const Form *f = call->form;
  const size_t product = job / (uint32_t)f->chunks;
  const int32_t row = (int32_t)(job % (uint32_t)f->chunks) * f->rows, left = f->p.m - row;
  uint8_t *packed = scratch->vectors;
  int32_t *sums = (int32_t *)(void *)(packed + f->packed);
  qfk_matmul_prepare_hvx(&f->p, call->in[1] + product * f->b_step, packed, sums);
  qfk_matmul_u8_hvx(&f->p, call->in[0] + product * f->a_step, packed, sums, row,
                    left < f->rows ? left : f->rows, call->out[0] + product * (size_t)f->p.m * (size_t)f->p.n,
                    scratch->scalars);
}
