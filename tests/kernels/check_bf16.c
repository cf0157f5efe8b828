/* SPDX-License-Identifier: MIT */
/*
 * check_bf16.c - bfloat16: tiles stay within the bound that kernels/gemm/bf16.h states of the exact product of the floats; and but for
 * bfdot, which has a rounding of its own, they give the bits that it says.
 */
#include "check.h"
#include "kernels/gemm/bf16.h"
#include "kernels/gemm/tile.h"

#include <math.h>
#include <string.h>

enum { SEGS = 2 };

typedef struct {
  const QfkTileKernel *k;
  uint32_t m, n, kk; /* kk: values of K in a segment */
  ChkFill fill;
  bool residual;
  float *a, *b, *bias, *res; /* [m][SEGS * kk], [SEGS * kk][n], [n], [m][n] */
} Case;

/* What the tile must give, bit for bit. */
static float sum_of(const Case *c, uint32_t r, uint32_t n)
{
  float sum = c->bias[n];
  const uint32_t k_all = c->kk * SEGS;
  for (uint32_t i = 0; i < k_all; i += 2) {
    const uint16_t a[2] = {qfk_bf16_from(c->a[r * k_all + i]), qfk_bf16_from(c->a[r * k_all + i + 1])};
    const uint16_t b[2] = {qfk_bf16_from(c->b[i * c->n + n]), qfk_bf16_from(c->b[(i + 1) * c->n + n])};
    sum = qfk_bf16_step(sum, a, b);
  }
  return sum;
}

static float clamp(float x, float lo, float hi)
{
  return x < lo ? lo : x > hi ? hi : x;
}

/* Whether the result @y is as near to that of the product of the floats as promised. */
static bool is_near(const Case *c, uint32_t r, uint32_t n, float y, float lo, float hi)
{
  const uint32_t k_all = c->kk * SEGS;
  double exact = c->bias[n], size = fabs(c->bias[n]);
  for (uint32_t i = 0; i < k_all; i++) {
    const double term = (double)c->a[r * k_all + i] * c->b[i * c->n + n];
    exact += term;
    size += fabs(term);
  }
  const double bound = (0x1p-7 + 0x1p-16 + k_all * 0x1p-23) * size + 1e-35; /* what was flushed */
  const double want = fmin(fmax(c->residual ? exact + c->res[r * c->n + n] : exact, lo), hi);
  return fabs(y - want) <= bound + 0x1p-23 * fabs(want);
}

static bool matches(const Case *c, const float *y, float lo, float hi)
{
  bool ok = true;
  for (uint32_t i = 0; i < c->m * c->n; i++) {
    const float sum = sum_of(c, i / c->n, i % c->n);
    const bool same = y[i] == clamp(c->residual ? sum + c->res[i] : sum, lo, hi);
    ok &= (same || c->k->isa & QFK_CPU_NEONBF16) && is_near(c, i / c->n, i % c->n, y[i], lo, hi);
  }
  return ok;
}

static void check_case(Case c)
{
  const uint32_t k_all = c.kk * SEGS;
  c.a = chk_alloc_aligned(c.m * k_all * 4);
  c.b = chk_alloc_aligned(k_all * c.n * 4);
  c.bias = chk_alloc_aligned(c.n * 4);
  c.res = chk_alloc(c.m * c.n * 4);
  chk_fill_f32(c.a, c.m * k_all, c.fill);
  chk_fill_f32(c.b, k_all * c.n, c.fill);
  chk_fill_f32(c.bias, c.n, CHK_PLAIN);
  chk_fill_f32(c.res, c.m * c.n, CHK_PLAIN);
  const QfkPack pack = {.w = c.b, .row = (ptrdiff_t)c.n, .col = 1, .n_seg = SEGS, .k = c.kk, .n = c.n};
  void *panel = chk_alloc_aligned(qfk_pack_bytes(c.k, &pack));
  float *bias = chk_alloc_aligned(qfk_pack_columns(c.k, c.n) * 4), *y = chk_alloc(c.m * c.n * 4);
  qfk_pack_panels(c.k, &pack, panel);
  qfk_pack_vector(c.k, c.n, c.bias, bias);
  const void **rows = chk_alloc_aligned(c.m * SEGS * sizeof(void *));
  void *to[16];
  for (uint32_t i = 0; i < c.m * SEGS; i++) {
    int16_t *row = chk_alloc(c.kk * 2);
    qfk_narrow_find(chk_features())(row, (const uint8_t *)(c.a + i * c.kk), c.kk, 0, false);
    rows[i] = row;
  }
  for (uint32_t i = 0; i < c.m; i++)
    to[i] = y + i * c.n;
  const QfkTile t = {.a = rows,
                     .n_seg = SEGS,
                     .steps = c.kk / c.k->kr,
                     .n = c.n,
                     .b = panel,
                     .bias = bias,
                     .c = to,
                     .res = c.residual ? (const uint8_t *)c.res : NULL,
                     .c_base = (const uint8_t *)y,
                     .lo = c.residual ? -0.5f : -INFINITY,
                     .hi = c.residual ? 3 : INFINITY};
  c.k->run(&t, c.m);
  bool ok = matches(&c, y, t.lo, t.hi);
  ok &= chk_free_all();
  chk_result(ok, c.k->name, "m %u n %u k %u%s%s", c.m, c.n, k_all, c.fill ? " edge" : "",
             c.residual ? " residual" : "");
}

static void check_narrow(void)
{
  static const struct {
    const char *name;
    uint32_t isa;
    QfkWidenFunc fn;
  } lines[] = {
#define QFK_TILE(fn, isa, kind, mr, nr, kr, lanes)
#define QFK_ACT(fn, isa)
#define QFK_WIDEN(fn, isa)
#define QFK_NARROW(fn, isa) {#fn, isa, fn},
#include "kernels/gemm/tile.inc"
#undef QFK_TILE
#undef QFK_ACT
#undef QFK_WIDEN
#undef QFK_NARROW
  };
  static const struct {
    uint32_t from;
    uint16_t to;
  } known[] = {{0x3f800000, 0x3f80}, {0x3f808000, 0x3f80}, {0x3f818000, 0x3f82}, {0x3f808001, 0x3f81},
               {0xff7fffff, 0xff80}, {0x7f800000, 0x7f80}, {0x7f800001, 0x7fc0}, {0x807fffff, 0x8000},
               {0x00800000, 0x0080}, {0x80000000, 0x8000}, {0x7f7f0000, 0x7f7f}, {0xffffffff, 0xffff}};
  enum { KNOWN = sizeof(known) / sizeof(known[0]), N = KNOWN + 60 };
  for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
    for (size_t n = 1; n <= N && chk_can_run(lines[i].name, lines[i].isa); n += n < 20 ? 1 : 13) {
      uint8_t *x = chk_alloc(n * 4);
      int16_t *y = chk_alloc(n * 2);
      bool ok = true;
      for (size_t j = 0; j < n; j++)
        memcpy(x + 4 * j, &(uint32_t){j < KNOWN ? known[j].from : chk_random()}, 4);
      lines[i].fn(y, x, n, 0, false);
      for (size_t j = 0; j < n; j++) {
        float value;
        uint16_t got;
        memcpy(&value, x + 4 * j, 4);
        memcpy(&got, y + j, 2);
        ok &= got == (j < KNOWN ? known[j].to : qfk_bf16_from(value));
      }
      ok &= chk_free_all();
      chk_result(ok, lines[i].name, "n %zu", n);
    }
}

void chk_bf16(void)
{
  for (uint32_t i = 0; i < qfk_n_tile_kernels; i++) {
    const QfkTileKernel *k = &qfk_tile_kernels[i];
    if (k->kind != QFK_TILE_BF16 || !chk_can_run(k->name, k->isa))
      continue;
    for (uint32_t m = 1; m <= k->mr; m++)
      for (uint32_t n = 1; n <= k->nr; n += n < 20 ? 1 : 5)
        check_case((Case){.k = k,
                          .m = m,
                          .n = n,
                          .kk = 2 * (uint32_t)chk_range(1, 9),
                          .fill = chk_random() % 2,
                          .residual = n % 3 == 0});
    check_case((Case){.k = k, .m = k->mr, .n = k->nr, .kk = 512, .residual = true});
    check_case((Case){.k = k, .m = 1, .n = k->nr, .kk = 518, .fill = CHK_EDGE});
  }
  check_narrow();
}
