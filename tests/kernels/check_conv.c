/* SPDX-License-Identifier: MIT */
/*
 * check_conv.c - convolutions and transposed convolutions through every tile kernel: padding, strides, dilation, groups, tails,
 * all ways to cut a run into items.
 */
#include "check.h"
#include "kernels/conv/igemm.h"
#include "kernels/gemm/bf16.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  const QfkTileKernel *k;
  QfkConvShape s;
  bool transposed;
  bool x_signed, y_signed, residual; /* integers: something comes after it */
  int32_t act;
  ChkFill fill;
} Case;

typedef struct {
  const void *w;
  const int32_t *bias, *w_zero;
  const float *scale;
  int32_t x_zero; /* as the kernel sees it */
} Constants;

/* A list for a scan, with room for that many. */
static QfkRestList new_list(const QfkPack *p, uint32_t room)
{
  return (QfkRestList){.counts = chk_alloc_aligned(p->n * sizeof(QfkRestCount)),
                       .found = chk_alloc_aligned((room + 1) * sizeof(QfkRestFound)),
                       .room = room};
}

/* Takes the rests off the packed weights of a plan of one segment. */
static void split(QfkIgemm *p, const QfkPack *m, void *panels)
{
  QfkRest *rest = chk_alloc_aligned(sizeof(*rest));
  QfkRestList list = new_list(m, 0);
  qfk_rest_scan(m, &list);
  qfk_rest_split(p->kernel, m, &list, panels,
                 chk_alloc_aligned(qfk_rest_starts(m, list.layers) * sizeof(uint32_t)),
                 chk_alloc_aligned((list.pairs + 1) * sizeof(QfkRestPair)), rest);
  rest->flip = p->flip;
  p->rest = list.layers ? rest : NULL;
  p->rest_fn = qfk_rest_find(chk_features());
}

/* Packs all groups of @p, whose shape is set. */
static void pack(QfkIgemm *p, const Constants *c, const int32_t *seg_row)
{
  const uint32_t og = (uint32_t)(p->oc / p->group);
  const size_t w_size = qfk_tile_is_float(p->kernel->kind) ? 4 : 1;
  QfkPack m = {
      .w = c->w, .row = p->oc, .col = 1, .seg_row = seg_row, .n_seg = p->n_seg, .n = og, .w_type = QFK_S8};
  m.k = (uint32_t)(p->c / p->group * p->segs[0].nx);
  p->columns = qfk_pack_columns(p->kernel, og);
  p->group_bytes = qfk_pack_bytes(p->kernel, &m);
  uint8_t *panels = chk_alloc_aligned(p->group_bytes * (size_t)p->group);
  uint32_t *bias = chk_alloc_aligned(p->columns * 4 * (size_t)p->group);
  float *scale = chk_alloc_aligned(p->columns * 4 * (size_t)p->group);
  int32_t *sums = chk_alloc_aligned(og * 4);
  for (uint32_t g = 0; g < (uint32_t)p->group; g++) {
    QfkPack part = m;
    part.w = (const uint8_t *)c->w + g * og * w_size;
    part.w_zero = c->w_zero ? c->w_zero + g * og : NULL;
    const int32_t *b = c->bias + g * og;
    if (w_size == 1)
      qfk_pack_bias(&part, b, c->x_zero, sums);
    qfk_pack_panels(p->kernel, &part, panels + g * p->group_bytes);
    if (p->kernel->kind == QFK_TILE_PAIRS && part.n_seg == 1 && p->group == 1 && !seg_row) {
      part.w_zero = NULL; /* all are 0 */
      split(p, &part, panels);
    }
    qfk_pack_vector(p->kernel, og, w_size == 1 ? sums : b, bias + g * p->columns);
    if (c->scale)
      qfk_pack_vector(p->kernel, og, c->scale + g * og, scale + g * p->columns);
  }
  p->panels = panels;
  p->bias = bias;
  p->scale = scale;
}

static void run_plan(const QfkIgemm *p, const void *x, const void *res, void *y)
{
  QfkIgemmGrid grid;
  qfk_igemm_grid(p, (uint32_t)chk_range(1, 3), &grid);
  void *scratch = chk_alloc(qfk_igemm_scratch(p));
  for (uint32_t i = grid.items; i--;)
    qfk_igemm_run(p, &grid, i, x, res, y, scratch);
}

/* Makes the plan or plans of @c with the numbers of @base, packs and runs them. */
static void run_case(const Case *c, const QfkIgemm *base, const Constants *constants, const void *x,
                     const void *res, void *y)
{
  const QfkConvShape *s = &c->s;
  QfkSeg segs[64];
  int32_t seg_row[64];
  for (int32_t i = 0; i < (c->transposed ? s->stride[0] * s->stride[1] : 1); i++) {
    QfkIgemm p;
    if (!c->transposed)
      qfk_igemm_conv(&p, c->k, s, segs);
    else if (!qfk_igemm_deconv(&p, c->k, s, i / s->stride[1], i % s->stride[1], segs, seg_row))
      continue;
    p.widen = base->widen;
    p.act_fn = base->act_fn;
    p.act = base->act;
    p.lo = base->lo;
    p.hi = base->hi;
    p.x_zero = base->x_zero;
    p.y_zero = base->y_zero;
    p.x_signed = base->x_signed;
    p.y_signed = base->y_signed;
    p.flip = base->flip;
    p.after = base->after;
    uint8_t *zeros = chk_alloc_aligned(p.k * p.x_size);
    if (p.x_size == 1)
      memset(zeros, (uint8_t)base->x_zero, p.k);
    p.zeros = zeros;
    pack(&p, constants, c->transposed ? seg_row : NULL);
    run_plan(&p, x, res, y);
  }
}

static void report(const Case *c, bool ok)
{
  const QfkConvShape *s = &c->s;
  ok &= chk_free_all();
  chk_result(
      ok, c->k->name,
      "%s %dx%dx%dx%d to %dx%dx%d filter %dx%d stride %d,%d dilation %d,%d pad %d,%d group %d act %d%s",
      c->transposed ? "deconv" : "conv", s->n, s->h, s->w, s->c, s->oh, s->ow, s->oc, s->kh, s->kw,
      s->stride[0], s->stride[1], s->dilation[0], s->dilation[1], s->pad[0], s->pad[1], s->group, c->act,
      c->fill ? " edge" : "");
}

static void to_bf16(float *p, size_t n)
{
  for (size_t i = 0; i < n; i++)
    p[i] = qfk_bf16_to(qfk_bf16_from(p[i]));
}

static void check_float(const Case *c)
{
  const QfkConvShape *s = &c->s;
  const size_t nx = (size_t)s->n * s->h * s->w * s->c, ny = (size_t)s->n * s->oh * s->ow * s->oc;
  const size_t k = (size_t)s->kh * s->kw * (s->c / s->group), nw = k * s->oc;
  float *x = chk_alloc(nx * 4), *y = chk_alloc(ny * 4), *res = chk_alloc(ny * 4),
        *want = chk_alloc_aligned(ny * 4);
  float *w = chk_alloc_aligned(nw * 4), *bias = chk_alloc_aligned(s->oc * 4), *slope = chk_alloc(s->oc * 4);
  chk_fill_f32(x, nx, c->fill);
  chk_fill_f32(w, nw, CHK_PLAIN);
  if (c->k->kind == QFK_TILE_BF16) { /* numbers that it has: then it is as exact as float */
    to_bf16(x, nx);
    to_bf16(w, nw);
  }
  chk_fill_f32(res, ny, CHK_PLAIN);
  chk_fill_f32(bias, s->oc, CHK_PLAIN);
  chk_fill_f32(slope, s->oc, CHK_PLAIN);
  const QfkEpilogue e = {.act = c->act, .lo = -0.5f, .hi = 1, .alpha = 0.2f, .slope = slope};
  const bool bounds = c->act == QFK_ACT_CLAMP;
  QfkIgemm base = {.widen = c->k->kind == QFK_TILE_BF16 ? qfk_narrow_find(chk_features()) : NULL,
                   .act = e,
                   .act_fn = c->act > QFK_ACT_CLAMP ? qfk_act_find(chk_features()) : NULL,
                   .lo = bounds ? e.lo : -INFINITY,
                   .hi = bounds ? e.hi : INFINITY};
  run_case(c, &base, &(Constants){.w = w, .bias = (const int32_t *)bias}, x, c->residual ? res : NULL, y);
  (c->transposed ? qfk_deconv2d_f32_ref : qfk_conv2d_f32_ref)(s, x, w, bias, c->residual ? res : NULL, &e,
                                                              want);
  report(c, chk_close(y, want, ny, 1e-5f, (c->fill ? 1e-4f : 1e-5f) * (float)(k < 8 ? 8 : k)));
}

/* A table of random bytes, or the sum with @res. */
static QfkAfter make_after(QfkAfterKind kind)
{
  QfkAfter a = {.kind = kind, .y_scale = 0.7f, .x_scale = 1.1f, .constant = 2.25f, .lo = -128, .hi = 90};
  if (kind == QFK_AFTER_SUM_U8)
    a.lo = 3, a.hi = 255;
  chk_fill_bytes(a.table, sizeof(a.table), CHK_PLAIN);
  a.run = (QfkAfterFunc)qfk_kernel_find(qfk_after_kernels, chk_features(), (int32_t)kind)->function;
  return a;
}

static void check_after(const QfkKernel *k)
{
  for (size_t n = 1; n < 300; n += n < 70 ? 1 : 31) {
    const QfkAfter a = make_after((QfkAfterKind)k->kind);
    uint8_t *x = chk_alloc(n), *y = chk_alloc(n), *want = chk_alloc_aligned(n);
    chk_fill_bytes(x, n, n % 2 ? CHK_EDGE : CHK_PLAIN);
    chk_fill_bytes(y, n, CHK_PLAIN);
    memcpy(want, y, n);
    (k->kind == QFK_AFTER_TABLE    ? qfk_after_table_ref
     : k->kind == QFK_AFTER_SUM_U8 ? qfk_after_sum_u8_ref
                                   : qfk_after_sum_s8_ref)(&a, x, want, n);
    ((QfkAfterFunc)k->function)(&a, x, y, n);
    bool ok = chk_same(y, want, n);
    ok &= chk_free_all();
    chk_result(ok, k->name, "n %zu", n);
  }
}

/* What is packed for PAIRS, as a matrix of @p->n columns. */
static int8_t *unpack_pairs(const QfkTileKernel *kernel, const QfkPack *p, const int8_t *panels)
{
  int8_t *w = chk_alloc_aligned((size_t)p->k * p->n);
  for (uint32_t n0 = 0; n0 < p->n; n0 += kernel->nr) {
    const uint32_t width = qfk_panel_width(kernel, p->n - n0);
    const int8_t *panel = panels + (size_t)n0 * ((p->k + 3) / 4 * 4);
    for (uint32_t i = 0; i < width * p->k; i++) {
      const uint32_t j = n0 + qfk_panel_column(kernel, width, i % width);
      if (j < p->n)
        w[i / width * p->n + j] = panel[qfk_rest_place(width, i % width, i / width)];
    }
  }
  return w;
}

/* Rests of random and of edge weights, against products of the matrices. */
static void check_rest(uint32_t k, uint32_t n, uint32_t count, ChkFill fill)
{
  const QfkTileKernel *kernel = qfk_tile_find(QFK_TILE_PAIRS, chk_features());
  int8_t *w = chk_alloc_aligned((size_t)k * n);
  const void **rows = chk_alloc_aligned(count * sizeof(void *));
  const QfkPack p = {.w = w, .row = (ptrdiff_t)n, .col = 1, .n_seg = 1, .k = k, .n = n, .w_type = QFK_S8};
  QfkRestList list = new_list(&p, n % 2 ? 9 : k * n); /* with too little room they are looked for once more */
  QfkRest r;
  chk_fill_bytes((uint8_t *)w, (size_t)k * n, fill);
  uint8_t *bytes = chk_alloc((size_t)count * k);
  chk_fill_bytes(bytes, (size_t)count * k, fill);
  for (uint32_t i = 0; i < count; i++)
    rows[i] = bytes + (size_t)i * k;
  if (!kernel || !qfk_rest_scan(&p, &list)) {
    chk_free_all();
    return;
  }
  void *panels = chk_alloc_aligned(qfk_pack_bytes(kernel, &p));
  qfk_pack_panels(kernel, &p, panels);
  const uint32_t layers = list.layers, pairs = list.pairs;
  qfk_rest_split(kernel, &p, &list, panels, chk_alloc_aligned(qfk_rest_starts(&p, layers) * 4),
                 chk_alloc_aligned((pairs + 1) * sizeof(QfkRestPair)), &r);
  const int8_t *clean = unpack_pairs(kernel, &p, panels);
  const uint32_t wide = (count + QFK_REST_PIXELS - 1) / QFK_REST_PIXELS * QFK_REST_PIXELS;
  uint8_t *columns = chk_alloc(wide / QFK_REST_PIXELS * qfk_rest_block_bytes(&r));
  int16_t *sums = chk_alloc((size_t)wide * 16 * QFK_REST_LAYERS * 2),
          *want = chk_alloc_aligned((size_t)wide * 16 * QFK_REST_LAYERS * 2);
  const QfkRestFuncs f = qfk_rest_find(chk_features());
  bool ok = qfk_rest_valid(&r, n, pairs) &&
            (!r.start[qfk_rest_starts(&p, layers) - 1] || !qfk_rest_valid(&r, n, 0));
  f.turn(&r, rows, count, columns);
  for (uint32_t n0 = 0; n0 < n; n0 += 16) {
    const uint32_t width = qfk_panel_width(kernel, n - n0);
    const uint32_t used = f.sum(&r, n0 / 16, columns, count, sums, wide);
    ok &= used == qfk_rest_sum_ref(&r, n0 / 16, columns, count, want, wide);
    for (uint32_t i = 0; i < count * width; i++) {
      const uint32_t row = i / width, column = n0 + qfk_panel_column(kernel, width, i % width);
      int64_t got = 0, all = 0;
      for (uint32_t l = 0; l < used; l++) {
        got += sums[(l * wide + row) * 16 + i % width];
        ok &= sums[(l * wide + row) * 16 + i % width] == want[(l * wide + row) * 16 + i % width];
      }
      for (uint32_t j = 0; column < n && j < k; j++)
        all += ((const uint8_t *)rows[row])[j] * (w[j * n + column] - clean[j * n + column]);
      ok &= got == all;
    }
  }
  for (uint32_t i = 0; i + 1 < k; i += 2)
    for (uint32_t j = 0; j < n; j++)
      ok &= abs(clean[i * n + j] + clean[(i + 1) * n + j]) <= 128;
  ok &= chk_free_all();
  chk_result(ok, "qfk_rest", "k %u n %u rows %u layers %u%s", k, n, count, layers, fill ? " edge" : "");
}

/* All bytes, in place. */
static void check_whole_table(const QfkKernel *k)
{
  const QfkAfter a = make_after(QFK_AFTER_TABLE);
  uint8_t *y = chk_alloc(256);
  bool ok = true;
  for (int i = 0; i < 256; i++)
    y[i] = (uint8_t)i;
  ((QfkAfterFunc)k->function)(&a, y, y, 256);
  for (int i = 0; i < 256; i++)
    ok &= y[i] == a.table[i];
  ok &= chk_free_all();
  chk_result(ok, k->name, "all bytes");
}

static void check_int(const Case *c)
{
  const QfkConvShape *s = &c->s;
  const size_t nx = (size_t)s->n * s->h * s->w * s->c, ny = (size_t)s->n * s->oh * s->ow * s->oc;
  const size_t nw = (size_t)s->kh * s->kw * (s->c / s->group) * s->oc;
  uint8_t *x = chk_alloc(nx), *y = chk_alloc(ny), *want = chk_alloc_aligned(ny), *w = chk_alloc_aligned(nw);
  int32_t *bias = chk_alloc_aligned(s->oc * 4), *w_zero = chk_alloc_aligned(s->oc * 4);
  float *scale = chk_alloc_aligned(s->oc * 4);
  const bool widened = qfk_tile_widens(c->k->kind);
  chk_fill_bytes(x, nx, c->fill);
  chk_fill_bytes(w, nw, c->fill);
  for (int32_t i = 0; i < s->oc; i++) {
    bias[i] = chk_range(-10000, 10000);
    w_zero[i] = c->k->kind == QFK_TILE_S16 ? chk_range(-128, 127) : 0;
    scale[i] = (1.5f + chk_float()) * 1e-3f;
  }
  const int32_t x_zero = c->x_signed ? -9 : 131, y_zero = c->y_signed ? 4 : 120;
  const int32_t lo = c->y_signed ? -128 : 0, hi = c->y_signed ? 99 : 255;
  const bool flip = c->k->kind == QFK_TILE_DOT_S ? !c->x_signed : !widened && c->x_signed;
  /* Pairs that are too large: only where they are split. */
  const QfkPack all = {.w = w,
                       .row = s->oc,
                       .col = 1,
                       .n_seg = 1,
                       .k = (uint32_t)(s->kh * s->kw * s->c),
                       .n = (uint32_t)s->oc,
                       .w_type = QFK_S8};
  QfkRestList list = new_list(&all, 0);
  if (c->k->kind == QFK_TILE_PAIRS &&
      (c->transposed || s->kh * s->kw > 1 || s->group > 1 || !qfk_rest_scan(&all, &list)))
    for (size_t i = 0; i < nw; i++)
      w[i] = (uint8_t)((int8_t)w[i] / 2);
  QfkIgemm base = {.x_zero = x_zero,
                   .y_zero = y_zero,
                   .x_signed = c->x_signed,
                   .y_signed = c->y_signed,
                   .flip = flip ? 0x80 : 0,
                   .lo = (float)(lo - y_zero),
                   .hi = (float)(hi - y_zero),
                   .widen = widened ? qfk_widen_find(chk_features()) : NULL};
  const Constants constants = {w, bias, w_zero, scale,
                               widened ? 0
                                       : x_zero + (!flip         ? 0
                                                   : c->x_signed ? 128
                                                                 : -128)};
  uint8_t *res = chk_alloc(ny);
  chk_fill_bytes(res, ny, c->fill);
  const QfkAfter after = make_after(c->act % 2    ? QFK_AFTER_TABLE
                                    : c->y_signed ? QFK_AFTER_SUM_S8
                                                  : QFK_AFTER_SUM_U8);
  base.after = c->residual ? &after : NULL;
  run_case(c, &base, &constants, x, c->residual ? res : NULL, y);
  const QfkIntArgs q = {
      c->x_signed ? QFK_S8 : QFK_U8, QFK_S8, c->y_signed ? QFK_S8 : QFK_U8, x_zero, w_zero, bias,
      {scale, true, y_zero, lo, hi}};
  (c->transposed ? qfk_deconv2d_int_ref : qfk_conv2d_int_ref)(s, &q, x, w, want);
  if (c->residual)
    qfk_after_run(&after, res, want, ny);
  report(c, chk_same(y, want, ny));
}

/* n, h, w, c, oh, ow, oc, kh, kw, stride, dilation, pad, group */
static const QfkConvShape convs[] = {
    {1, 5, 7, 8, 5, 7, 16, 1, 1, {1, 1}, {1, 1}, {0, 0}, 1},
    {2, 4, 3, 5, 4, 3, 33, 1, 1, {1, 1}, {1, 1}, {0, 0}, 1},
    {1, 7, 9, 4, 4, 5, 24, 1, 1, {2, 2}, {1, 1}, {0, 0}, 1},
    {1, 8, 8, 3, 4, 4, 10, 3, 3, {2, 2}, {1, 1}, {1, 1}, 1},
    {1, 8, 9, 3, 4, 4, 17, 3, 3, {2, 2}, {1, 1}, {0, 0}, 1},
    {1, 6, 7, 8, 6, 7, 64, 3, 3, {1, 1}, {1, 1}, {1, 1}, 1},
    {2, 5, 5, 7, 5, 5, 9, 3, 3, {1, 1}, {1, 1}, {1, 1}, 1},
    {1, 9, 9, 5, 9, 9, 18, 3, 3, {1, 1}, {2, 2}, {2, 2}, 1},
    {1, 7, 11, 12, 7, 11, 12, 3, 3, {1, 1}, {1, 1}, {1, 1}, 3},
    {1, 3, 3, 2, 3, 3, 5, 5, 5, {1, 1}, {1, 1}, {2, 2}, 1},
    {1, 16, 15, 3, 8, 8, 64, 7, 7, {2, 2}, {1, 1}, {3, 3}, 1},
    {1, 1, 40, 4, 1, 20, 8, 1, 5, {1, 2}, {1, 1}, {0, 2}, 1},
    {1, 12, 1, 6, 4, 1, 40, 3, 1, {3, 1}, {1, 1}, {0, 0}, 1},
    {1, 40, 30, 16, 40, 30, 70, 3, 3, {1, 1}, {1, 1}, {1, 1}, 1},
    {1, 1, 1, 129, 1, 1, 130, 1, 1, {1, 1}, {1, 1}, {0, 0}, 1},
    {1, 4, 4, 6, 2, 2, 4, 3, 3, {2, 2}, {1, 1}, {1, 1}, 2},
};
static const QfkConvShape deconvs[] = {
    {1, 4, 5, 8, 8, 10, 16, 2, 2, {2, 2}, {1, 1}, {0, 0}, 1},
    {1, 4, 5, 3, 8, 10, 5, 3, 3, {2, 2}, {1, 1}, {1, 1}, 1},
    {2, 3, 3, 7, 9, 9, 9, 4, 4, {2, 2}, {1, 1}, {0, 0}, 1},
    {1, 5, 5, 4, 5, 5, 6, 3, 3, {1, 1}, {1, 1}, {1, 1}, 1},
    {1, 3, 4, 4, 10, 13, 6, 2, 2, {3, 3}, {1, 1}, {0, 0}, 1},
    {1, 4, 4, 6, 9, 9, 4, 3, 3, {2, 2}, {1, 1}, {0, 0}, 2},
    {1, 4, 4, 5, 11, 11, 4, 3, 3, {2, 2}, {2, 2}, {0, 0}, 1},
};

static void check_shape(const QfkTileKernel *k, const QfkConvShape *s, bool transposed, uint32_t i)
{
  for (int j = 0; j < 4; j++) {
    Case c = {.k = k,
              .s = *s,
              .transposed = transposed,
              .x_signed = j & 1,
              .y_signed = j >> 1,
              .fill = j == 3 ? CHK_EDGE : CHK_PLAIN};
    c.act = (int32_t)((i + (uint32_t)j * 3) % QFK_N_ACTS);
    c.residual = j == 1 || (j == 2 && !qfk_tile_is_float(k->kind));
    (qfk_tile_is_float(k->kind) ? check_float : check_int)(&c);
  }
}

void chk_conv(void)
{
  for (uint32_t i = 0; i < 24; i++)
    check_rest((uint32_t)chk_range(1, 90), (uint32_t)chk_range(1, 70), (uint32_t)chk_range(1, 300),
               i % 4 ? CHK_PLAIN : CHK_EDGE);
  for (const QfkKernel *k = qfk_after_kernels; k->name; k++)
    if (chk_can_run(k->name, k->isa)) {
      check_after(k);
      if (k->kind == QFK_AFTER_TABLE)
        check_whole_table(k);
    }
  for (uint32_t i = 0; i < qfk_n_tile_kernels; i++) {
    const QfkTileKernel *k = &qfk_tile_kernels[i];
    if (!chk_can_run(k->name, k->isa))
      continue;
    for (uint32_t j = 0; j < sizeof(convs) / sizeof(convs[0]); j++)
      check_shape(k, &convs[j], false, j);
    for (uint32_t j = 0; j < sizeof(deconvs) / sizeof(deconvs[0]); j++)
      check_shape(k, &deconvs[j], true, j);
  }
}

typedef struct {
  QfkIgemm p;
  QfkIgemmGrid grid;
  const void *x;
  void *y, *scratch;
} Bench;

static void run_bench(void *arg)
{
  Bench *b = arg;
  for (uint32_t i = 0; i < b->grid.items; i++)
    qfk_igemm_run(&b->p, &b->grid, i, b->x, NULL, b->y, b->scratch);
}

typedef struct {
  const char *net;
  int32_t size, in, out, filter, stride;
} Layer;

static const Layer layers[] = {
#define LAYER(...) {__VA_ARGS__},
#include "layers.inc"
#undef LAYER
};

/* Which goal the row counts for. */
static ChkLimit limit_of(const QfkTileKernel *k, const Layer *l)
{
  if (strcmp(l->net, "resnet50") || l->in < 16 || l->size == 1)
    return CHK_LIMIT_NONE;
  return !qfk_tile_is_float(k->kind) ? CHK_LIMIT_INT : l->filter == 1 ? CHK_LIMIT_F32 : CHK_LIMIT_NONE;
}

static void bench_layer(const QfkTileKernel *k, const Layer *l)
{
  const int32_t o = (l->size + l->stride - 1) / l->stride, pad = l->filter / 2, f = l->filter;
  const QfkConvShape s = {1,      l->size,    l->size, l->in, o, o, l->out, f, f, {l->stride, l->stride},
                          {1, 1}, {pad, pad}, 1};
  const bool f32 = qfk_tile_is_float(k->kind);
  const size_t nw = (size_t)s.kh * s.kw * s.c * s.oc, nx = (size_t)s.h * s.w * s.c,
               ny = (size_t)s.oh * s.ow * s.oc;
  QfkSeg segs[64];
  Bench b;
  uint8_t *w = chk_alloc_aligned(nw * 4), *x = chk_alloc_aligned(nx * 4);
  if (f32)
    chk_fill_f32((float *)w, nw, CHK_PLAIN), chk_fill_f32((float *)x, nx, CHK_PLAIN);
  else
    chk_fill_bytes(w, nw, CHK_PLAIN), chk_fill_bytes(x, nx, CHK_PLAIN);
  qfk_igemm_conv(&b.p, k, &s, segs);
  b.p.lo = f32 ? 0 : -128, b.p.hi = f32 ? 6 : 127, b.p.y_zero = 128;
  b.p.widen = qfk_tile_widens(k->kind)   ? qfk_widen_find(chk_features())
              : k->kind == QFK_TILE_BF16 ? qfk_narrow_find(chk_features())
                                         : NULL;
  b.p.zeros = chk_alloc_aligned(b.p.k * 4);
  float *scale = chk_alloc_aligned((size_t)s.oc * 4);
  void *bias = memset(chk_alloc_aligned((size_t)s.oc * 4), 0, (size_t)s.oc * 4);
  for (int32_t i = 0; i < s.oc; i++)
    scale[i] = 1e-3f;
  b.p.below_one = true;
  pack(&b.p, &(Constants){.w = w, .bias = bias, .scale = scale}, NULL);
  b.x = x;
  b.y = chk_alloc_aligned(ny * 4);
  b.scratch = chk_alloc_aligned(qfk_igemm_scratch(&b.p));
  qfk_igemm_grid(&b.p, 1, &b.grid);
  char shape[80];
  snprintf(shape, sizeof(shape), "%dx%dx%d to %d, %dx%d/%d, %s", l->size, l->size, l->in, l->out, f, f,
           l->stride, l->net);
  const ChkBenchRow row = {.kernel = k->name,
                           .shape = shape,
                           .macs = (double)ny * f * f * l->in,
                           .unit = chk_unit(k->kind),
                           .isa = k->isa,
                           .limit = limit_of(k, l)};
  chk_bench(&row, run_bench, &b);
  chk_free_all();
}

void chk_conv_bench(void)
{
  for (uint32_t i = 0; i < qfk_n_tile_kernels; i++)
    for (size_t j = 0; j < sizeof(layers) / sizeof(layers[0]) && qfk_tile_kernels[i].isa; j++)
      if (!(qfk_tile_kernels[i].isa & ~chk_features()))
        bench_layer(&qfk_tile_kernels[i], &layers[j]);
}
