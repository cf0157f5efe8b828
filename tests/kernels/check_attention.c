/* SPDX-License-Identifier: MIT */
/*
 * check_attention.c - attention against its parts: product, softmax, product of the references. Heads beside each other and one
 * after the other, k as rows and as columns, masks, tails, rows in two shares.
 */
#include "check.h"
#include "kernels/attention/attention.h"

#include <stdio.h>
#include <string.h>

typedef struct {
  int32_t batch, heads, rows, keys, depth, width;
  bool inner, k_columns; /* heads lie beside each other in a row; k lies as [depth][keys] */
  int32_t mask;          /* 0 none, 1 for all rows, 2 for each head and row */
} Case;

static const Case cases[] = {
    {1, 1, 1, 1, 1, 1, false, false, 0},    {2, 3, 7, 33, 16, 24, true, false, 0},
    {1, 2, 50, 17, 5, 9, false, true, 2},   {1, 4, 40, 64, 64, 64, true, true, 1},
    {2, 1, 13, 300, 31, 7, true, false, 2}, {1, 2, 97, 130, 8, 66, true, false, 1},
};

/* Strides of [batch][heads][rows][columns], dense, or with heads inside rows; or with columns before rows. */
static QfkHeads layout(const Case *c, int32_t rows, int32_t cols, bool columns)
{
  const ptrdiff_t h = c->heads, r = rows, n = cols;
  if (columns)
    return (QfkHeads){h * r * n, r * n, 1, r};
  return c->inner ? (QfkHeads){h * r * n, n, h * n, 1} : (QfkHeads){h * r * n, r * n, n, 1};
}

static QfkAttention describe(const Case *c, const QfkKernel *k)
{
  QfkAttention p = {.n_batch = c->batch,
                    .n_heads = c->heads,
                    .rows = c->rows,
                    .keys = c->keys,
                    .depth = c->depth,
                    .width = c->width,
                    .q = layout(c, c->rows, c->depth, false),
                    .k = layout(c, c->keys, c->depth, c->k_columns),
                    .v = layout(c, c->keys, c->width, false),
                    .y = layout(c, c->rows, c->width, false),
                    .mask = {0, 0, 0, 1},
                    .scale = 0.37f,
                    .softmax = (QfkAttentionRows)k->function};
  if (c->mask == 2)
    p.mask = (QfkHeads){(ptrdiff_t)c->heads * c->rows * c->keys, (ptrdiff_t)c->rows * c->keys, c->keys, 1};
  return p;
}

static void run(const QfkAttention *p, const void *q, const void *k, const void *v, const float *mask,
                void *y)
{
  void *scratch = chk_alloc(qfk_attention_scratch(p));
  const uint32_t rows = (uint32_t)p->rows;
  for (uint32_t h = (uint32_t)(p->n_batch * p->n_heads); h--;) {
    qfk_attention_run(p, h, rows / 3, rows, q, k, v, mask, y, scratch);
    qfk_attention_run(p, h, 0, rows / 3, q, k, v, mask, y, scratch);
  }
}

static size_t at(const QfkHeads *h, int32_t image, int32_t head)
{
  return (size_t)(image * h->batch + head * h->head);
}

static QfkGemmShape scores_shape(const QfkAttention *p)
{
  return (QfkGemmShape){p->rows, p->keys, p->depth, p->q.row, 1, p->k.col, p->k.row, p->keys};
}

static QfkGemmShape values_shape(const QfkAttention *p)
{
  return (QfkGemmShape){p->rows, p->width, p->keys, p->keys, 1, p->v.row, p->v.col, p->y.row};
}

static void want_f32(const QfkAttention *p, const float *q, const float *k, const float *v, const float *mask,
                     float *y)
{
  const QfkGemmShape qk = scores_shape(p), pv = values_shape(p);
  const QfkSoftmax soft = {p->rows, p->keys, 1, 1, false};
  float *s = chk_alloc_aligned((size_t)(p->rows * p->keys) * 4);
  for (int32_t b = 0; b < p->n_batch; b++)
    for (int32_t h = 0; h < p->n_heads; h++) {
      qfk_gemm_f32_ref(&qk, q + at(&p->q, b, h), k + at(&p->k, b, h), NULL, NULL, &(QfkEpilogue){0}, s);
      for (int32_t i = 0; i < p->rows; i++)
        for (int32_t j = 0; j < p->keys; j++)
          s[i * p->keys + j] = s[i * p->keys + j] * p->scale +
                               (mask ? mask[at(&p->mask, b, h) + (size_t)(i * p->mask.row + j)] : 0);
      qfk_softmax_f32_ref(&soft, s, s);
      qfk_gemm_f32_ref(&pv, s, v + at(&p->v, b, h), NULL, NULL, &(QfkEpilogue){0}, y + at(&p->y, b, h));
    }
}

static size_t count(const Case *c, int32_t rows, int32_t columns)
{
  return (size_t)(c->batch * c->heads) * (size_t)(rows * columns);
}

static void check_float(const QfkKernel *kernel, const Case *c)
{
  QfkAttention p = describe(c, kernel);
  const size_t nq = count(c, c->rows, c->depth), nk = count(c, c->keys, c->depth),
               nv = count(c, c->keys, c->width), ny = count(c, c->rows, c->width),
               nm = c->mask == 2 ? count(c, c->rows, c->keys) : (size_t)c->keys;
  float *q = chk_alloc(nq * 4), *k = chk_alloc(nk * 4), *v = chk_alloc(nv * 4), *y = chk_alloc(ny * 4),
        *mask = c->mask ? chk_alloc(nm * 4) : NULL, *want = chk_alloc_aligned(ny * 4);
  p.qk.kernel = p.pv.kernel = qfk_tile_find(QFK_TILE_F32, chk_features());
  p.qk.lo = p.pv.lo = -INFINITY;
  p.qk.hi = p.pv.hi = INFINITY;
  p.qk.bias = p.pv.bias = chk_alloc_aligned(p.qk.kernel->nr * 4);
  chk_fill_f32(q, nq, CHK_PLAIN);
  chk_fill_f32(k, nk, CHK_PLAIN);
  chk_fill_f32(v, nv, CHK_PLAIN);
  if (mask)
    chk_fill_f32(mask, nm, CHK_PLAIN);
  for (size_t i = 0; mask && i < nm; i += 5) /* what masks are for; never a whole row */
    mask[i] = i % (size_t)c->keys ? -INFINITY : mask[i];
  qfk_attention_init(&p);
  run(&p, q, k, v, mask, y);
  want_f32(&p, q, k, v, mask, want);
  bool ok = chk_close(y, want, ny, 1e-5f, 2e-6f);
  ok &= chk_free_all();
  chk_result(ok, kernel->name, "%dx%dx%dx%d keys %d width %d%s%s mask %d", c->batch, c->heads, c->rows,
             c->depth, c->keys, c->width, c->inner ? " heads inside" : "",
             c->k_columns ? " k in columns" : "", c->mask);
}

/* Types and zero points: q, k, scores, probabilities, v, y. */
typedef struct {
  QfkInt type[6];
  int32_t zero[6];
} Encodings;

static void set_product(QfkProduct *p, const Encodings *e, int first, int b, int y, float scale, int32_t n)
{
  p->kernel = qfk_tile_find(QFK_TILE_S16, chk_features());
  p->widen = qfk_widen_find(chk_features());
  p->bias = chk_alloc_aligned(p->kernel->nr * 4);
  float *scales = chk_alloc_aligned(p->kernel->nr * 4);
  int32_t *zeros = chk_alloc_aligned((size_t)n * 4);
  for (uint32_t i = 0; i < p->kernel->nr; i++)
    scales[i] = scale;
  for (int32_t i = 0; i < n; i++)
    zeros[i] = e->zero[b];
  p->scale = scales;
  p->b_zero = zeros;
  p->b_type = e->type[b];
  p->a_zero = e->zero[first];
  p->a_signed = e->type[first] == QFK_S8;
  p->c_zero = e->zero[y];
  p->c_signed = e->type[y] == QFK_S8;
  p->lo = (float)((p->c_signed ? INT8_MIN : 0) - p->c_zero);
  p->hi = (float)((p->c_signed ? INT8_MAX : UINT8_MAX) - p->c_zero);
}

static void product_ref(const QfkProduct *p, const QfkGemmShape *s, QfkInt a_type, QfkInt y_type,
                        const void *a, const void *b, void *c)
{
  const int32_t min = y_type == QFK_S8 ? INT8_MIN : 0;
  const QfkIntArgs q = {a_type,
                        p->b_type,
                        y_type,
                        p->a_zero,
                        p->b_zero,
                        NULL,
                        {p->scale, false, p->c_zero, min, min + UINT8_MAX}};
  qfk_gemm_int_ref(s, &q, a, b, c);
}

static void want_int(const QfkAttention *p, const Encodings *e, const uint8_t *q, const uint8_t *k,
                     const uint8_t *v, uint8_t *y)
{
  const QfkGemmShape qk = scores_shape(p), pv = values_shape(p);
  const QfkSoftmax soft = {p->rows, p->keys, 1, 1, false};
  const size_t n = (size_t)(p->rows * p->keys);
  uint8_t *s = chk_alloc_aligned(n);
  for (int32_t b = 0; b < p->n_batch; b++)
    for (int32_t h = 0; h < p->n_heads; h++) {
      product_ref(&p->qk, &qk, e->type[0], e->type[2], q + at(&p->q, b, h), k + at(&p->k, b, h), s);
      for (size_t i = 0; i < n; i++)
        s[i] = p->mapped ? p->map[s[i]] : s[i] ^ p->map[0];
      qfk_softmax_int_ref(&soft, &p->integer, s, s);
      product_ref(&p->pv, &pv, e->type[3], e->type[5], s, v + at(&p->v, b, h), y + at(&p->y, b, h));
    }
}

static void check_int(const QfkKernel *kernel, const Case *c, const Encodings *e, bool mapped)
{
  QfkAttention p = describe(c, kernel);
  const size_t nq = count(c, c->rows, c->depth), nk = count(c, c->keys, c->depth),
               nv = count(c, c->keys, c->width), ny = count(c, c->rows, c->width);
  uint8_t *q = chk_alloc(nq), *k = chk_alloc(nk), *v = chk_alloc(nv), *y = chk_alloc(ny),
          *want = chk_alloc_aligned(ny);
  set_product(&p.qk, e, 0, 1, 2, 3e-3f / (float)c->depth, c->keys);
  set_product(&p.pv, e, 3, 4, 5, 7e-3f, c->width);
  p.integer =
      (QfkSoftmaxInt){.x_type = QFK_U8, .y_type = e->type[3], .y_scale = 1.0f / 256, .y_zero = e->zero[3]};
  qfk_softmax_int_init(&p.integer, 1, 0.05f);
  p.mapped = mapped;
  for (int i = 0; i < 256; i++)
    p.map[i] = (uint8_t)(mapped ? 255 - i : e->type[2] == QFK_S8 ? 0x80 ^ i : i);
  chk_fill_bytes(q, nq, CHK_PLAIN);
  chk_fill_bytes(k, nk, CHK_PLAIN);
  chk_fill_bytes(v, nv, CHK_EDGE);
  qfk_attention_init(&p);
  run(&p, q, k, v, NULL, y);
  want_int(&p, e, q, k, v, want);
  bool ok = chk_same(y, want, ny);
  ok &= chk_free_all();
  chk_result(ok, kernel->name, "%dx%dx%dx%d keys %d width %d%s%s%s", c->batch, c->heads, c->rows, c->depth,
             c->keys, c->width, c->inner ? " heads inside" : "", c->k_columns ? " k in columns" : "",
             mapped ? " mapped" : "");
}

void chk_attention(void)
{
  static const Encodings encodings[] = {
      {{QFK_U8, QFK_U8, QFK_U8, QFK_U8, QFK_U8, QFK_U8}, {127, 120, 148, 0, 126, 134}},
      {{QFK_S8, QFK_S8, QFK_S8, QFK_S8, QFK_S8, QFK_S8}, {3, 0, -5, -128, 7, 11}},
  };
  for (const QfkKernel *k = qfk_attention_kernels; k->name; k++) {
    if (!chk_can_run(k->name, k->isa))
      continue;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
      if (k->kind == QFK_ATTENTION_F32)
        check_float(k, &cases[i]);
      else
        for (int v = 0; v < 4; v++)
          check_int(k, &cases[i], &encodings[v & 1], v >> 1);
  }
}
