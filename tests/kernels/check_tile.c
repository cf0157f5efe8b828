/* SPDX-License-Identifier: MIT */
/*
 * check_tile.c - every tile kernel at every height and width, with several segments; activations and widening.
 */
#include "check.h"
#include "kernels/gemm/gemm.h"
#include "kernels/gemm/tile.h"

#include <stdio.h>
#include <string.h>

#define SEGS 3

typedef struct {
  const QfkTileKernel *k;
  uint32_t m, n, kk; /* kk: values of K in a segment */
  ChkFill fill;
  bool residual;
} Case;

static size_t a_size(const QfkTileKernel *k)
{
  return k->kind == QFK_TILE_F32 ? 4 : qfk_tile_converts(k->kind) ? 2 : 1;
}

/* Rows of A: every segment of every row in memory of its own. */
static const void **make_rows(const Case *c, void *dense)
{
  const size_t bytes = c->kk * a_size(c->k);
  const void **rows = chk_alloc_aligned(c->m * SEGS * sizeof(void *));
  for (uint32_t i = 0; i < c->m * SEGS; i++) {
    uint8_t *p = chk_alloc(bytes);
    if (c->k->kind == QFK_TILE_F32)
      chk_fill_f32((float *)p, c->kk, c->fill);
    else if (qfk_tile_widens(c->k->kind))
      for (uint32_t j = 0; j < c->kk; j++)
        memcpy(p + 2 * j, &(int16_t){(int16_t)chk_range(-255, 255)}, 2);
    else
      chk_fill_bytes(p, c->kk, c->fill);
    memcpy((uint8_t *)dense + i * bytes, p, bytes);
    rows[i] = p;
  }
  return rows;
}

static void check_float(const Case *c)
{
  const uint32_t k_all = c->kk * SEGS;
  float *a = chk_alloc_aligned(c->m * k_all * 4), *b = chk_alloc_aligned(k_all * c->n * 4);
  float *bias = chk_alloc_aligned(c->n * 4), *want = chk_alloc_aligned(c->m * c->n * 4);
  float *y = chk_alloc(c->m * c->n * 4), *res = chk_alloc(c->m * c->n * 4);
  chk_fill_f32(b, k_all * c->n, CHK_PLAIN);
  chk_fill_f32(bias, c->n, CHK_PLAIN);
  chk_fill_f32(res, c->m * c->n, CHK_PLAIN);
  const QfkPack pack = {.w = b, .row = (ptrdiff_t)c->n, .col = 1, .n_seg = SEGS, .k = c->kk, .n = c->n};
  void *panel = chk_alloc_aligned(qfk_pack_bytes(c->k, &pack));
  float *packed_bias = chk_alloc_aligned(qfk_pack_columns(c->k, c->n) * 4);
  qfk_pack_panels(c->k, &pack, panel);
  qfk_pack_vector(c->k, c->n, bias, packed_bias);
  void *rows[16];
  for (uint32_t i = 0; i < c->m; i++)
    rows[i] = y + i * c->n;
  QfkTile t = {.a = make_rows(c, a),
               .n_seg = SEGS,
               .steps = c->kk / c->k->kr,
               .n = c->n,
               .b = panel,
               .bias = packed_bias,
               .c = rows,
               .res = c->residual ? (const uint8_t *)res : NULL,
               .c_base = (const uint8_t *)y,
               .lo = -0.5f,
               .hi = 3};
  c->k->run(&t, c->m);
  const QfkGemmShape s = {
      (int32_t)c->m, (int32_t)c->n, (int32_t)k_all, (ptrdiff_t)k_all, 1, (ptrdiff_t)c->n, 1, (ptrdiff_t)c->n};
  const QfkEpilogue e = {.act = QFK_ACT_CLAMP, .lo = -0.5f, .hi = 3};
  qfk_gemm_f32_ref(&s, a, b, bias, c->residual ? res : NULL, &e, want);
  bool ok = chk_close(y, want, c->m * c->n, 1e-5f, (c->fill ? 1e-4f : 1e-5f) * (float)k_all);
  ok &= chk_free_all();
  chk_result(ok, c->k->name, "m %u n %u k %u%s%s", c->m, c->n, k_all, c->fill ? " edge" : "",
             c->residual ? " residual" : "");
}

/* Neighbours of one column sum up to 128 at most. */
static void limit_pairs(int8_t *w, uint32_t rows, uint32_t n)
{
  for (uint32_t i = 0; i + 1 < rows; i += 2)
    for (uint32_t j = 0; j < n; j++) {
      int8_t *u = w + i * n + j, *v = u + n;
      const int32_t sum = *u + *v;
      *v = (int8_t)(sum > 128 ? 128 - *u : sum < -128 ? -128 - *u : *v);
    }
}

static void check_int(const Case *c, bool x_signed, bool y_signed)
{
  const uint32_t k_all = c->kk * SEGS;
  const bool s16 = qfk_tile_widens(c->k->kind);
  uint8_t *a = chk_alloc_aligned(c->m * k_all * a_size(c->k)), *b = chk_alloc_aligned(k_all * c->n);
  int32_t *bias = chk_alloc_aligned(c->n * 4), *sums = chk_alloc_aligned(c->n * 4);
  float *scale = chk_alloc_aligned(c->n * 4);
  uint8_t *want = chk_alloc_aligned(c->m * c->n), *y = chk_alloc(c->m * c->n);
  chk_fill_bytes(b, k_all * c->n, c->fill);
  if (c->k->kind == QFK_TILE_PAIRS)
    limit_pairs((int8_t *)b, k_all, c->n);
  for (uint32_t i = 0; i < c->n; i++) {
    bias[i] = chk_range(-100000, 100000);
    scale[i] = (1 + chk_float()) * (c->fill == CHK_EDGE ? 0.01f : 1e-4f);
  }
  const int32_t y_zero = y_signed ? -3 : 121, x_zero = s16 ? 0 : x_signed ? -7 : 130;
  const QfkPack pack = {
      .w = b, .row = (ptrdiff_t)c->n, .col = 1, .n_seg = SEGS, .k = c->kk, .n = c->n, .w_type = QFK_S8};
  const bool flip = c->k->kind == QFK_TILE_DOT_S ? !x_signed : !s16 && x_signed;
  const int32_t seen_zero = x_zero + (!flip ? 0 : x_signed ? 128 : -128);
  void *panel = chk_alloc_aligned(qfk_pack_bytes(c->k, &pack));
  int32_t *packed_bias = chk_alloc_aligned(qfk_pack_columns(c->k, c->n) * 4);
  float *packed_scale = chk_alloc_aligned(qfk_pack_columns(c->k, c->n) * 4);
  qfk_pack_panels(c->k, &pack, panel);
  qfk_pack_bias(&pack, bias, seen_zero, sums);
  qfk_pack_vector(c->k, c->n, sums, packed_bias);
  qfk_pack_vector(c->k, c->n, scale, packed_scale);
  void *rows[16];
  for (uint32_t i = 0; i < c->m; i++)
    rows[i] = y + i * c->n;
  const int32_t lo = y_signed ? -100 : 10, hi = y_signed ? 127 : 250;
  QfkTile t = {.a = make_rows(c, a),
               .n_seg = SEGS,
               .steps = c->kk / c->k->kr,
               .n = c->n,
               .b = panel,
               .bias = packed_bias,
               .scale = packed_scale,
               .c = rows,
               .lo = (float)(lo - y_zero),
               .hi = (float)(hi - y_zero),
               .zero_point = y_zero,
               .y_signed = y_signed,
               .below_one = chk_random() % 2,
               .flip = flip ? 0x80 : 0};
  c->k->run(&t, c->m);
  const QfkGemmShape s = {
      (int32_t)c->m, (int32_t)c->n, (int32_t)k_all, (ptrdiff_t)k_all, 1, (ptrdiff_t)c->n, 1, (ptrdiff_t)c->n};
  const QfkIntArgs q = {s16        ? QFK_S16
                        : x_signed ? QFK_S8
                                   : QFK_U8,
                        QFK_S8,
                        y_signed ? QFK_S8 : QFK_U8,
                        x_zero,
                        NULL,
                        bias,
                        {scale, true, y_zero, lo, hi}};
  qfk_gemm_int_ref(&s, &q, a, b, want);
  bool ok = chk_same(y, want, c->m * c->n);
  ok &= chk_free_all();
  chk_result(ok, c->k->name, "m %u n %u k %u %s to %s%s", c->m, c->n, k_all, x_signed ? "s8" : "u8",
             y_signed ? "s8" : "u8", c->fill ? " edge" : "");
}

static void check_case(const Case *c)
{
  if (c->k->kind == QFK_TILE_F32) {
    check_float(c);
    return;
  }
  check_int(c, false, false);
  check_int(c, true, true);
}

static void check_acts(void)
{
  static const struct {
    const char *name;
    uint32_t isa;
    QfkActFunc fn;
  } lines[] = {
#define QFK_TILE(fn, isa, kind, mr, nr, kr, lanes)
#define QFK_ACT(fn, isa) {#fn, isa, fn},
#define QFK_WIDEN(fn, isa)
#define QFK_NARROW(fn, isa)
#include "kernels/gemm/tile.inc"
#undef QFK_ACT
#undef QFK_WIDEN
#undef QFK_NARROW
  };
  enum { N = 43 };
  for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
    for (int32_t act = 0; act < QFK_N_ACTS && (act || chk_can_run(lines[i].name, lines[i].isa)); act++) {
      float *y = chk_alloc(N * 4), *want = chk_alloc_aligned(N * 4), *slope = chk_alloc(N * 4);
      chk_fill_f32(slope, N, CHK_PLAIN);
      for (int j = 0; j < N; j++)
        want[j] = y[j] = j < 4 ? (float[]){-200, 200, 0, -1e-3f}[j] : chk_float() * (j % 2 ? 1.0f : 12.0f);
      const QfkEpilogue e = {.act = act, .lo = -0.25f, .hi = 2, .alpha = 0.1f, .slope = slope};
      lines[i].fn(&e, y, N - 2, 2);
      for (int j = 0; j < N - 2; j++)
        want[j] = qfk_act_scalar(&e, want[j], (size_t)j + 2);
      bool ok = chk_close(y, want, N, 2e-6f, 1e-6f);
      ok &= chk_free_all();
      chk_result(ok, lines[i].name, "activation %d", act);
    }
}

static void check_widen(void)
{
  static const struct {
    const char *name;
    uint32_t isa;
    QfkWidenFunc fn;
  } lines[] = {
#define QFK_ACT(fn, isa)
#define QFK_WIDEN(fn, isa) {#fn, isa, fn},
#define QFK_NARROW(fn, isa)
#include "kernels/gemm/tile.inc"
#undef QFK_TILE
#undef QFK_ACT
#undef QFK_WIDEN
#undef QFK_NARROW
  };
  for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
    if (!chk_can_run(lines[i].name, lines[i].isa))
      continue;
    for (size_t n = 1; n < 70; n += 3) {
      uint8_t *x = chk_alloc(n);
      int16_t *y = chk_alloc(2 * n);
      chk_fill_bytes(x, n, CHK_PLAIN);
      bool ok = true;
      lines[i].fn(y, x, n, 17, n % 2);
      for (size_t j = 0; j < n; j++) {
        int16_t got;
        memcpy(&got, y + j, 2);
        ok &= got == (n % 2 ? (int8_t)x[j] : x[j]) - 17;
      }
      ok &= chk_free_all();
      chk_result(ok, lines[i].name, "n %zu", n);
    }
  }
}

void chk_tile(void)
{
  for (uint32_t i = 0; i < qfk_n_tile_kernels; i++) {
    const QfkTileKernel *k = &qfk_tile_kernels[i];
    if (k->kind == QFK_TILE_BF16 || !chk_can_run(k->name, k->isa)) /* BF16: in check_bf16.c */
      continue;
    for (uint32_t m = 1; m <= k->mr; m++)
      for (uint32_t n = 1; n <= k->nr; n += n < 20 ? 1 : 5)
        check_case(&(Case){k, m, n, (uint32_t)chk_range(1, 9) * k->kr, chk_random() % 2, n % 3 == 0});
    check_case(&(Case){k, k->mr, k->nr, 512, CHK_PLAIN, true});
    check_case(&(Case){k, 1, k->nr, 512 + 3u * k->kr, CHK_EDGE, false});
  }
  check_acts();
  check_widen();
}

typedef struct {
  const QfkTileKernel *k;
  QfkTile t;
} Bench;

static void run_bench(void *arg)
{
  Bench *b = arg;
  for (int i = 0; i < 50; i++)
    b->k->run(&b->t, b->k->mr);
}

void chk_tile_bench(void)
{
  for (uint32_t i = 0; i < qfk_n_tile_kernels; i++) {
    const QfkTileKernel *k = &qfk_tile_kernels[i];
    if (k->isa & ~chk_features())
      continue;
    for (uint32_t kk = 16; kk <= 1024; kk *= 4) {
      uint8_t *a = chk_alloc_aligned(k->mr * kk * 4 + 4096),
              *y = chk_alloc_aligned((size_t)k->mr * k->nr * 4);
      const void *rows[16];
      void *c[16];
      for (uint32_t r = 0; r < k->mr; r++) {
        rows[r] = a + r * kk * a_size(k);
        c[r] = y + r * k->nr * 4;
      }
      Bench b = {
          k, {.a = rows, .n_seg = 1, .steps = kk / k->kr, .n = k->nr, .c = c, .hi = 1, .below_one = true}};
      b.t.b = chk_alloc_aligned(kk * k->nr * 4);
      b.t.bias = b.t.scale = chk_alloc_aligned(k->nr * 4);
      char shape[40];
      snprintf(shape, sizeof(shape), "tile %ux%u, K %u", k->mr, k->nr, kk);
      const ChkBenchRow row = {.kernel = k->name,
                               .shape = shape,
                               .macs = (double)kk * k->mr * k->nr,
                               .calls = 50,
                               .unit = chk_unit(k->kind),
                               .isa = k->isa};
      chk_bench(&row, run_bench, &b);
      chk_free_all();
    }
  }
}
