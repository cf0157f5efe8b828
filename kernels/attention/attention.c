/* SPDX-License-Identifier: MIT */
/*
 * attention.c - the walk over the blocks of a head, and the list of attention.inc.
 *
 * A head's k and v are packed once for all blocks. Scratch: panels of k, panels of v, a line for packing, rows of q (integers),
 * scores, probabilities (integers), pointers to rows.
 */
#include "attention.h"

#define BLOCK_BYTES (24u << 10) /* of scores */

const QfkKernel qfk_attention_kernels[] = {
#define QFK_KERNEL(function, isa, kind) {#function, isa, kind, (void (*)(void))function},
#include "attention.inc"
#undef QFK_KERNEL
    {NULL, 0, 0, NULL},
};

static bool is_float(const QfkAttention *p)
{
  return p->qk.kernel->kind == QFK_TILE_F32;
}

static size_t round64(size_t n)
{
  return (n + 63) / 64 * 64;
}

void qfk_attention_init(QfkAttention *p)
{
  const uint32_t mr = p->qk.kernel->mr;
  p->pitch = ((uint32_t)p->keys + 15) / 16 * 16;
  p->block = BLOCK_BYTES / (p->pitch * (uint32_t)(is_float(p) ? sizeof(float) : sizeof(int16_t))) / mr * mr;
  p->block = p->block < mr ? mr : p->block > 16 * mr ? 16 * mr : p->block;
  p->qk.s = (QfkGemmShape){.m = (int32_t)p->block,
                           .n = p->keys,
                           .k = p->depth,
                           .a_row = p->q.row,
                           .a_col = 1,
                           .b_row = p->k.col,
                           .b_col = p->k.row,
                           .c_row = p->pitch};
  p->pv.s = (QfkGemmShape){.m = (int32_t)p->block,
                           .n = p->width,
                           .k = p->keys,
                           .a_row = p->pitch,
                           .a_col = 1,
                           .b_row = p->v.row,
                           .b_col = p->v.col,
                           .c_row = p->y.row};
}

static size_t panels_bytes(const QfkProduct *p)
{
  return round64(qfk_product_panel_bytes(p) * qfk_product_panels(p));
}

/* The parts of scratch. */
typedef struct {
  uint8_t *k, *v, *line, *q, *scores, *probabilities;
  const void **rows;
  size_t bytes;
} Parts;

/* @base NULL: only counted. */
static uint8_t *part(Parts *t, uint8_t *base, size_t bytes)
{
  uint8_t *at = base ? base + t->bytes : NULL;
  t->bytes += round64(bytes);
  return at;
}

static Parts divide(const QfkAttention *p, void *scratch)
{
  uint8_t *base = (uint8_t *)(((uintptr_t)scratch + 63) / 64 * 64);
  const bool f32 = is_float(p);
  const size_t a = qfk_product_panel_bytes(&p->qk), b = qfk_product_panel_bytes(&p->pv),
               values = (size_t)p->block * p->pitch;
  Parts t = {.bytes = 0};
  t.k = part(&t, base, panels_bytes(&p->qk));
  t.v = part(&t, base, panels_bytes(&p->pv));
  t.line = part(&t, base, f32 ? 0 : a > b ? a : b);
  t.q = part(&t, base, f32 ? 0 : p->block * (a / p->qk.kernel->nr));
  t.scores = part(&t, base, values * (f32 ? sizeof(float) : 1));
  t.probabilities = part(&t, base, f32 ? 0 : values * sizeof(int16_t));
  t.rows = (const void **)(void *)part(&t, base, p->block * sizeof(void *));
  return t;
}

size_t qfk_attention_scratch(const QfkAttention *p)
{
  return divide(p, NULL).bytes + 64;
}

static void pack(const QfkProduct *p, const void *b, uint8_t *panels, void *line)
{
  for (uint32_t i = 0; i < qfk_product_panels(p); i++)
    qfk_product_pack(p, b, i * p->kernel->nr, panels + i * qfk_product_panel_bytes(p), line);
}

static void multiply(const QfkProduct *p, const void *const *rows, uint32_t m, const uint8_t *panels, void *c)
{
  for (uint32_t i = 0; i < qfk_product_panels(p); i++)
    qfk_product_panel(p, rows, m, i * p->kernel->nr, panels + i * qfk_product_panel_bytes(p), c);
}

static const uint8_t *head_of(const void *base, const QfkHeads *h, uint32_t image, uint32_t head,
                              size_t value)
{
  return (const uint8_t *)base + ((ptrdiff_t)image * h->batch + (ptrdiff_t)head * h->head) * (ptrdiff_t)value;
}

/* @m rows from q to y. */
static void run_block(const QfkAttention *p, const Parts *t, uint32_t m, const uint8_t *q, const float *mask,
                      uint8_t *y)
{
  const bool f32 = is_float(p);
  const size_t value = f32 ? sizeof(float) : 1, q_bytes = qfk_product_panel_bytes(&p->qk) / p->qk.kernel->nr;
  const uint8_t *a = f32 ? t->scores : t->probabilities;
  const size_t a_bytes = p->pitch * (f32 ? sizeof(float) : sizeof(int16_t));
  for (uint32_t r = 0; r < m; r++) {
    const uint8_t *src = q + (ptrdiff_t)r * p->q.row * (ptrdiff_t)value;
    t->rows[r] = f32 ? src : t->q + r * q_bytes;
    if (!f32)
      qfk_product_row(&p->qk, src, t->q + r * q_bytes);
  }
  multiply(&p->qk, t->rows, m, t->k, t->scores);
  p->softmax(p, m, t->scores, mask, (int16_t *)(void *)t->probabilities);
  for (uint32_t r = 0; r < m; r++)
    t->rows[r] = a + r * a_bytes;
  multiply(&p->pv, t->rows, m, t->v, y);
}

void qfk_attention_run(const QfkAttention *p, uint32_t head, uint32_t begin, uint32_t end, const void *q,
                       const void *k, const void *v, const float *mask, void *y, void *scratch)
{
  const size_t value = is_float(p) ? sizeof(float) : 1;
  const uint32_t image = head / (uint32_t)p->n_heads, h = head % (uint32_t)p->n_heads;
  const Parts t = divide(p, scratch);
  const uint8_t *from = head_of(q, &p->q, image, h, value);
  uint8_t *to = (uint8_t *)head_of(y, &p->y, image, h, value);
  if (mask)
    mask += (ptrdiff_t)image * p->mask.batch + (ptrdiff_t)h * p->mask.head;
  pack(&p->qk, head_of(k, &p->k, image, h, value), t.k, t.line);
  pack(&p->pv, head_of(v, &p->v, image, h, value), t.v, t.line);
  for (uint32_t r = begin; r < end; r += p->block) {
    const uint32_t m = end - r < p->block ? end - r : p->block;
    run_block(p, &t, m, from + (ptrdiff_t)r * p->q.row * (ptrdiff_t)value,
              mask ? mask + (ptrdiff_t)r * p->mask.row : NULL,
              to + (ptrdiff_t)r * p->y.row * (ptrdiff_t)value);
  }
}
