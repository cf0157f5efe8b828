/* SPDX-License-Identifier: MIT */
/*
 * pointwise.c - steps that go over values one by one, where layouts do not matter, and Softmax of flat rows.
 */
#include "step.h"
#include "kernels/binary/binary16_hvx.h"
#include "kernels/binary/binary_hvx.h"
#include "kernels/softmax/softmax_hvx.h"
#include "kernels/unary/lookup_hvx.h"

#include <string.h>

#define RUN_BYTES (16 << 10) /* of a job */

static uint32_t runs(uint32_t bytes)
{
  return (bytes + RUN_BYTES - 1) / RUN_BYTES;
}

/* Bytes of a job from @at on. */
static uint32_t run_at(uint32_t bytes, uint32_t at)
{
  return bytes - at < RUN_BYTES ? bytes - at : RUN_BYTES;
}

typedef struct {
  uint8_t table[256] __attribute__((aligned(128)));
  uint32_t bytes;
} Lookup;

bool qf_dsp_lookup_plan(QfDspPlan *p)
{
  const QfDspLookup *c = p->params;
  p->form_bytes = sizeof(Lookup);
  p->jobs = runs(p->in[0].size_bytes);
  if (p->form) {
    Lookup *f = (Lookup *)(void *)p->form;
    memcpy(f->table, c->table, sizeof(f->table));
    f->bytes = p->in[0].size_bytes;
  }
  return p->in[0].size_bytes == p->out[0].size_bytes;
}

void qf_dsp_lookup_job(const QfDspCall *call, uint32_t job, const QfDspScratch *scratch)
{
  const Lookup *f = call->form;
  const uint32_t at = job * RUN_BYTES;
  (void)scratch;
  qfk_lookup_u8_hvx(f->table, call->in[0] + at, call->out[0] + at, run_at(f->bytes, at));
}

#define TABLE16_BYTES (65536 * 2)

typedef struct {
  const uint16_t *table;
  uint32_t planes, bytes; /* no planes: of all */
  uint32_t parts;         /* jobs of a plane */
} Lookup16;

bool qf_dsp_lookup16_plan(QfDspPlan *p)
{
  const QfDspLookup16 *c = p->params;
  const uint32_t size = p->in[0].size_bytes;
  Lookup16 f = {.table = p->in[1].data, .planes = (uint32_t)c->planes, .bytes = size};
  if (c->planes && QF_DSP_PRODUCT(2, c->planes, c->bytes) != size)
    return false;
  if (c->planes)
    f.bytes = (uint32_t)c->bytes;
  if (!size || size % 2 || p->out[0].size_bytes != size || !qf_dsp_is_constant(&p->in[1], TABLE16_BYTES))
    return false;
  f.parts = runs(f.bytes);
  p->form_bytes = sizeof(f);
  p->jobs = c->planes ? (uint32_t)QF_DSP_PRODUCT(c->planes, (int32_t)f.parts) : f.parts;
  if (p->form)
    memcpy(p->form, &f, sizeof(f));
  return p->jobs != 0;
}

void qf_dsp_lookup16_job(const QfDspCall *call, uint32_t job, const QfDspScratch *scratch)
{
  const Lookup16 *f = call->form;
  const uint32_t run = job % f->parts * RUN_BYTES, n = run_at(f->bytes, run);
  const size_t at = (size_t)(job / f->parts) * 2 * f->bytes + run;
  const uint8_t *x = call->in[0] + at;
  uint8_t *y = call->out[0] + at;
  (void)scratch;
  if (f->planes)
    qfk_lookup_u16_hvx(f->table, x, x + f->bytes, y, y + f->bytes, n);
  else
    qfk_lookup_flat_u16_hvx(f->table, (const uint16_t *)(const void *)x, (uint16_t *)(void *)y, n / 2);
}

typedef struct {
  QfkBinaryHvx p;
  uint32_t bytes;
} Binary;

static bool is_halfword(int32_t v)
{
  return qf_dsp_within(v, INT16_MIN, INT16_MAX);
}

/* The kernel's constants; false: one of them is not what a host may say. */
static bool binary_is_sound(const QfDspBinary *c, QfkBinaryHvx *p)
{
  const bool known = c->op == QFK_BINARY_ADD || c->op == QFK_BINARY_SUB || c->op == QFK_BINARY_MUL ||
                     c->op == QFK_BINARY_MAX || c->op == QFK_BINARY_MIN;
  *p = (QfkBinaryHvx){.op = (QfkBinaryOp)c->op,
                      .a = c->a,
                      .b = c->b,
                      .shift = c->shift,
                      .ca = c->ca,
                      .cb = c->cb,
                      .a_zero = c->a_zero,
                      .b_zero = c->b_zero,
                      .m = {c->multiplier, c->left}};
  return known && is_halfword(c->a) && is_halfword(c->b) && qf_dsp_within(c->shift, 0, 15) &&
         qf_dsp_within(c->left, 0, 30) && qf_dsp_within((int64_t)c->ca + c->cb, INT32_MIN, INT32_MAX) &&
         is_halfword(c->a_zero) && is_halfword(c->b_zero) && qf_dsp_out(&c->out, &p->out);
}

bool qf_dsp_binary_plan(QfDspPlan *p)
{
  Binary f = {.bytes = p->in[0].size_bytes};
  if (!binary_is_sound(p->params, &f.p) || p->in[1].size_bytes != f.bytes || p->out[0].size_bytes != f.bytes)
    return false;
  p->form_bytes = sizeof(f);
  p->jobs = runs(f.bytes);
  if (p->form)
    memcpy(p->form, &f, sizeof(f));
  return true;
}

void qf_dsp_binary_job(const QfDspCall *call, uint32_t job, const QfDspScratch *scratch)
{
  const Binary *f = call->form;
  const uint32_t at = job * RUN_BYTES;
  (void)scratch;
  qfk_binary_u8_hvx(&f->p, call->in[0] + at, call->in[1] + at, call->out[0] + at, run_at(f->bytes, at));
}

typedef struct {
  uint8_t bytes[768] __attribute__((aligned(128)));
  QfkSoftmaxHvx p;
  QfkSoftmaxInt q;
  int32_t rows, n, rows_job;
} Softmax;

/* No sum of a row is zero, for the largest value's exponential is e[0]. */
static bool exponentials_are_sound(const int32_t *e)
{
  for (int i = 0; i < 256; i++)
    if (!qf_dsp_within(e[i], i ? 0 : 1, (1 << 24) - 1))
      return false;
  return true;
}

static int64_t join(const int32_t *words)
{
  return (int64_t)((uint64_t)(uint32_t)words[1] << 32 | (uint32_t)words[0]);
}

bool qf_dsp_softmax_plan(QfDspPlan *p)
{
  const QfDspSoftmax *c = p->params;
  const uint64_t bytes = QF_DSP_PRODUCT(c->rows, c->n);
  const int64_t inverse = join(c->inverse);
  QfkHvxOut out;
  if (!bytes || p->in[0].size_bytes != bytes || p->out[0].size_bytes != bytes || c->rows_job < 1 ||
      !exponentials_are_sound(c->e) || !qf_dsp_within(inverse, 1, INT64_C(1) << 62) || c->n > 1 << 24 ||
      !qf_dsp_out(&c->out, &out))
    return false;
  const int32_t rows_job = c->rows_job < c->rows ? c->rows_job : c->rows;
  p->form_bytes = sizeof(Softmax);
  p->scratch_bytes = ((uint64_t)c->n + 127) / 128 * 384;
  p->jobs = (uint32_t)((c->rows + rows_job - 1) / rows_job);
  if (!p->form)
    return true;
  Softmax *f = (Softmax *)(void *)p->form;
  f->rows = c->rows;
  f->n = c->n;
  f->rows_job = rows_job;
  f->q = (QfkSoftmaxInt){.x_type = QFK_U8, .y_type = QFK_U8, .y_zero = c->out.zero, .inverse = inverse};
  memcpy(f->q.e, c->e, sizeof(f->q.e));
  return qfk_softmax_hvx_init(&f->p, &f->q, f->bytes);
}

void qf_dsp_softmax_job(const QfDspCall *call, uint32_t job, const QfDspScratch *scratch)
{
  const Softmax *f = call->form;
  const int32_t first = (int32_t)job * f->rows_job, left = f->rows - first;
  const ptrdiff_t at = (ptrdiff_t)first * f->n;
  qfk_softmax_u8_hvx(&f->p, call->in[0] + at, left < f->rows_job ? left : f->rows_job, f->n,
                     call->out[0] + at, scratch->vectors);
}

typedef struct {
  uint8_t bytes[768] __attribute__((aligned(128)));
  QfkSoftmaxColumnsHvx p;
  int32_t parts; /* jobs of an image */
  int32_t units; /* of a job */
  size_t image;  /* bytes; of the whole where there are no images */
} SoftmaxColumns;

bool qf_dsp_softmax_columns_plan(QfDspPlan *p)
{
  const QfDspSoftmaxColumns *c = p->params;
  const bool images = c->pixels > 0;
  const int32_t n_images = images ? c->outer : 1;
  const QfkSoftmax s = {.outer = images ? 1 : c->outer, .n = c->n, .inner = images ? 1 : c->inner};
  QfkSoftmaxInt q = {.x_type = QFK_U8, .y_type = QFK_U8, .y_zero = c->out.zero, .inverse = join(c->inverse)};
  QfkHvxOut out;
  SoftmaxColumns f = {0};
  if (p->in[0].size_bytes != p->out[0].size_bytes || !exponentials_are_sound(c->e) ||
      !qf_dsp_out(&c->out, &out) || !qf_dsp_within(q.inverse, 1, INT64_C(1) << 62) ||
      !qf_dsp_within(c->n, 1, 255) ||
      (images ? !qf_dsp_is_d4(&p->in[0], c->outer, c->n, c->pixels, 1)
              : QF_DSP_PRODUCT(c->outer, c->n, c->inner) != p->in[0].size_bytes || c->inner < 1))
    return false;
  memcpy(q.e, c->e, sizeof(q.e));
  if (!qfk_softmax_columns_hvx_init(&f.p, &s, images ? c->pixels : 0, &q, f.bytes))
    return false;
  f.image = p->in[0].size_bytes / (uint32_t)n_images;
  f.units = (f.p.units + 15) / 16;
  f.parts = (f.p.units + f.units - 1) / f.units;
  p->form_bytes = sizeof(f);
  p->scratch_bytes = (uint64_t)f.p.n * 384;
  p->jobs = (uint32_t)QF_DSP_PRODUCT(n_images, f.parts);
  if (!p->form)
    return p->jobs != 0;
  memcpy(p->form, &f, sizeof(f));
  SoftmaxColumns *made = (SoftmaxColumns *)(void *)p->form;
  made->p.bytes = made->bytes;
  return true;
}

void qf_dsp_softmax_columns_job(const QfDspCall *call, uint32_t job, const QfDspScratch *scratch)
{
  const SoftmaxColumns *f = call->form;
  const size_t at = job / (uint32_t)f->parts * f->image;
  const int32_t unit = (int32_t)(job % (uint32_t)f->parts) * f->units, left = f->p.units - unit;
  qfk_softmax_columns_u8_hvx(&f->p, call->in[0] + at, call->out[0] + at, unit,
                             left < f->units ? left : f->units, scratch->vectors);
}

typedef struct {
  QfkBinaryHvx p;
  QfkBinaryRowsHvx r;
  int32_t rows_job;
} BinaryRows;

/* What @rows of @n take from an operand, @row apart, lies within @bytes. */
static bool operand_is_sound(const QfDspBinaryRows *c, int32_t row, int32_t spread, uint32_t bytes)
{
  const int64_t last = spread == QFK_SPREAD_BYTE ? 1 : spread == QFK_SPREAD_WORD ? 4 : c->n;
  return qf_dsp_within(spread, QFK_SPREAD_NONE, QFK_SPREAD_LANE) && qf_dsp_within(row, 0, INT32_MAX) &&
         (int64_t)(c->rows - 1) * row + last <= (int64_t)bytes;
}

bool qf_dsp_binary_rows_plan(QfDspPlan *p)
{
  const QfDspBinaryRows *c = p->params;
  BinaryRows f = {0};
  const uint64_t bytes = QF_DSP_PRODUCT(c->rows, c->n);
  if (!bytes || p->out[0].size_bytes != bytes || !binary_is_sound(&c->binary, &f.p) ||
      !operand_is_sound(c, c->a_row, c->a, p->in[0].size_bytes) ||
      !operand_is_sound(c, c->b_row, c->b, p->in[1].size_bytes))
    return false;
  f.r = (QfkBinaryRowsHvx){c->rows, c->n, c->a_row, c->b_row, (QfkSpread)c->a, (QfkSpread)c->b};
  f.rows_job = (c->rows + 15) / 16;
  p->form_bytes = sizeof(f);
  p->jobs = (uint32_t)((c->rows + f.rows_job - 1) / f.rows_job);
  if (p->form)
    memcpy(p->form, &f, sizeof(f));
  return true;
}

void qf_dsp_binary_rows_job(const QfDspCall *call, uint32_t job, const QfDspScratch *scratch)
{
  const BinaryRows *f = call->form;
  const int32_t row = (int32_t)job * f->rows_job, left = f->r.rows - row;
  (void)scratch;
  qfk_binary_rows_u8_hvx(&f->p, &f->r, call->in[0], call->in[1], call->out[0], row,
                         left < f->rows_job ? left : f->rows_job);
}

typedef struct {
  QfkBinary16Hvx p;
  int32_t planes, bytes;
  int32_t planes_job;
} Binary16;

static bool is_flip(int32_t v)
{
  return v == 0 || v == 0x80;
}

bool qf_dsp_binary16_plan(QfDspPlan *p)
{
  const QfDspBinary16 *c = p->params;
  const uint64_t bytes = QF_DSP_PRODUCT(8, c->planes, c->pixels);
  const bool linear = c->op == QFK_BINARY_ADD || c->op == QFK_BINARY_SUB || c->op == QFK_BINARY_MAX ||
                      c->op == QFK_BINARY_MIN;
  Binary16 f = {.p = {.op = (QfkBinaryOp)c->op,
                      .a_flip = (uint8_t)c->a_flip,
                      .b_flip = (uint8_t)c->b_flip,
                      .a = c->a,
                      .b = c->b,
                      .shift = c->shift,
                      .ca = {c->ca[0], c->ca[1]},
                      .cb = {c->cb[0], c->cb[1]},
                      .a_zero = c->a_zero,
                      .b_zero = c->b_zero,
                      .m = {c->multiplier, c->right}}};
  if (!bytes || p->in[0].size_bytes != bytes || p->in[1].size_bytes != bytes ||
      p->out[0].size_bytes != bytes || !is_flip(c->a_flip) || !is_flip(c->b_flip) ||
      !qf_dsp_within(c->a_zero, 0, UINT16_MAX) || !qf_dsp_within(c->b_zero, 0, UINT16_MAX) ||
      !(linear ? qf_dsp_within(c->shift, 18, 31)
               : c->op == QFK_BINARY_MUL && c->multiplier >= 0 && qf_dsp_are_shifts(&c->right, 1, true)) ||
      !qf_dsp_wide_out(&c->out, &f.p.out))
    return false;
  f.planes = c->planes;
  f.bytes = c->pixels * 4;
  f.planes_job = (c->planes + 15) / 16;
  p->form_bytes = sizeof(f);
  p->jobs = (uint32_t)((c->planes + f.planes_job - 1) / f.planes_job);
  if (p->form)
    memcpy(p->form, &f, sizeof(f));
  return true;
}

void qf_dsp_binary16_job(const QfDspCall *call, uint32_t job, const QfDspScratch *scratch)
{
  const Binary16 *f = call->form;
  const int32_t first = (int32_t)job * f->planes_job, left = f->planes - first;
  const size_t at = (size_t)first * 2 * (size_t)f->bytes;
  (void)scratch;
  qfk_binary_u16_hvx(&f->p, call->in[0] + at, call->in[1] + at, call->out[0] + at,
                     left < f->planes_job ? left : f->planes_job, f->bytes);
}
