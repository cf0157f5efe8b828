/* SPDX-License-Identifier: MIT */
/*
 * check_vector.c - binary, unary, pool, reduce, softmax, quantize and copy: every line of their lists against the reference. Integers bit for
 * bit; floats within a few units of rounding, for the sums' order and the polynomials of vmath.h.
 */
#include "check.h"
#include "kernels/binary/binary_fast.h"
#include "kernels/copy/copy_fast.h"
#include "kernels/norm/norm_fast.h"
#include "kernels/pool/pool_fast.h"
#include "kernels/resize/resize_fast.h"
#include "kernels/quantize/quantize_fast.h"
#include "kernels/reduce/reduce_fast.h"
#include "kernels/softmax/softmax_fast.h"
#include "kernels/unary/unary_fast.h"

#include <math.h>
#include <string.h>

/* Dense, tails of every length, a scalar on either side, and rows that repeat. */
static const QfkNd binary_shapes[] = {
    {1, 3, {1}, {{1}, {1}, {1}}},
    {1, 3, {37}, {{1}, {1}, {1}}},
    {1, 3, {130}, {{1}, {1}, {0}}},
    {1, 3, {67}, {{1}, {0}, {1}}},
    {2, 3, {5, 19}, {{19, 1}, {19, 1}, {0, 1}}},
    {2, 3, {7, 33}, {{33, 1}, {0, 1}, {1, 0}}},
};

static size_t element_size(int32_t kind)
{
  return kind == QFK_BINARY_F32 ? 4 : 1;
}

static void check_binary_case(const QfkKernel *k, QfkBinaryOp op, int act, size_t shape, ChkFill fill)
{
  QfkBinary p = {.op = op, .nd = binary_shapes[shape], .act = {.act = act, .lo = -0.5f, .hi = 0.75f}};
  const bool integer = k->kind != QFK_BINARY_F32;
  const QfkInt type = k->kind == QFK_BINARY_U8 ? QFK_U8 : QFK_S8;
  const size_t n = (size_t)qfk_nd_count(&p.nd), bytes = n * element_size(k->kind);
  void *a = chk_alloc(bytes), *b = chk_alloc(bytes), *want = chk_alloc(bytes), *got = chk_alloc(bytes);
  if (!qfk_binary_is_vec(&p, integer)) {
    chk_free_all();
    return;
  }
  if (integer) {
    chk_fill_bytes(a, n, fill);
    chk_fill_bytes(b, n, fill);
    qfk_binary_int_init(&p, (QfkEncoding){type, .013f, type ? -3 : 121},
                        (QfkEncoding){type, .031f, type ? 20 : 0},
                        (QfkEncoding){type, .027f, type ? -90 : 131});
    qfk_binary_int_ref(&p, a, b, want);
  } else {
    chk_fill_f32(a, n, fill);
    chk_fill_f32(b, n, fill);
    qfk_binary_f32_ref(&p, a, b, want);
  }
  ((QfkBinaryFunc)k->function)(&p, a, b, got);
  bool same = chk_same(want, got, bytes) || (!integer && chk_close(got, want, n, 0, 0));
  bool guards = chk_free_all();
  chk_result(same && guards, k->name, "op %d act %d shape %zu fill %d", (int)op, act, shape, (int)fill);
}

static void check_binary(void)
{
  for (const QfkKernel *k = qfk_binary_kernels; k->name; k++)
    if (chk_can_run(k->name, k->isa))
      for (int op = 0; op <= QFK_BINARY_PRELU; op++)
        for (int act = 0; act <= QFK_ACT_CLAMP; act++)
          for (size_t s = 0; s < sizeof(binary_shapes) / sizeof(*binary_shapes); s++)
            for (int fill = 0; fill < CHK_N_FILLS; fill++)
              check_binary_case(k, (QfkBinaryOp)op, act, s, (ChkFill)fill);
}

static void check_unary(void)
{
  static const size_t sizes[] = {1, 7, 16, 33, 200};
  for (const QfkKernel *k = qfk_unary_kernels; k->name; k++)
    for (int op = 0; chk_can_run(k->name, k->isa) && op < QFK_N_UNARY; op++)
      for (size_t s = 0; qfk_unary_is_vec((QfkUnaryOp)op) && s < sizeof(sizes) / sizeof(*sizes); s++) {
        const QfkUnary p = {(QfkUnaryOp)op, .3f, .5f, -.4f, .6f};
        const size_t n = sizes[s];
        float *x = chk_alloc(n * 4), *want = chk_alloc(n * 4), *got = chk_alloc(n * 4);
        chk_fill_f32(x, n, CHK_PLAIN);
        for (size_t i = 0; i < n; i++) /* roots of positive numbers; the interesting range of the curves */
          x[i] = op == QFK_UNARY_SQRT || op == QFK_UNARY_RSQRT ? fabsf(x[i]) + .01f : x[i] * 12;
        qfk_unary_f32_ref(&p, x, want, n);
        ((QfkUnaryFunc)k->function)(&p, x, got, n);
        bool close = chk_close(got, want, n, 2e-6f, 5e-7f * 12);
        chk_result(close && chk_free_all(), k->name, "op %d n %zu", op, n);
      }
}

static const QfkPoolShape pool_shapes[] = {
    {1, 5, 6, 3, 2, 3, 2, 2, {2, 2}, {1, 1}, {0, 0, 0, 0}, 0},
    {2, 7, 7, 70, 4, 4, 3, 3, {2, 2}, {1, 1}, {1, 1, 1, 1}, 0},
    {1, 7, 7, 33, 4, 4, 3, 3, {2, 2}, {1, 1}, {1, 1, 1, 1}, 1},
    {1, 9, 8, 16, 5, 4, 3, 3, {1, 1}, {2, 2}, {0, 0, 0, 0}, 0},
    {1, 7, 7, 129, 1, 1, 7, 7, {1, 1}, {1, 1}, {0, 0, 0, 0}, 0},
    {1, 6, 6, 8, 6, 6, 5, 5, {1, 1}, {1, 1}, {2, 2, 2, 2}, 0},
};

typedef struct {
  bool max;
  int type; /* QfkInt, -1: float */
} PoolKind;

static const PoolKind pool_kinds[] = {
    [QFK_POOL_AVG_F32] = {false, -1},    [QFK_POOL_MAX_F32] = {true, -1},
    [QFK_POOL_AVG_U8] = {false, QFK_U8}, [QFK_POOL_MAX_U8] = {true, QFK_U8},
    [QFK_POOL_AVG_S8] = {false, QFK_S8}, [QFK_POOL_MAX_S8] = {true, QFK_S8}};

static void check_pool_case(const QfkKernel *k, const QfkPoolShape *s, ChkFill fill)
{
  const PoolKind kind = pool_kinds[k->kind];
  const bool real = kind.type < 0;
  const size_t e = real ? 4 : 1, in = (size_t)(s->n * s->h * s->w * s->c),
               out = (size_t)(s->n * s->oh * s->ow * s->c);
  float m[64];
  const QfkEpilogue act = {.act = QFK_ACT_CLAMP, .lo = -.6f, .hi = .7f};
  const QfkPoolInt q = {.type = (QfkInt)kind.type,
                        .y_type = (QfkInt)kind.type,
                        .x_zero = kind.type ? -7 : 100,
                        .m = m,
                        .y_zero = kind.type ? 4 : 90,
                        .lo = kind.type ? -100 : 10,
                        .hi = kind.type ? 110 : 240};
  void *x = chk_alloc(in * e), *want = chk_alloc(out * e), *got = chk_alloc(out * e);
  for (int d = 1; d < 64; d++)
    m[d] = 1.1f / (float)d;
  if (real)
    chk_fill_f32(x, in, fill);
  else
    chk_fill_bytes(x, in, fill);
  if (real)
    (kind.max ? qfk_pool_max_f32_ref : qfk_pool_avg_f32_ref)(s, &act, x, want);
  else
    (kind.max ? qfk_pool_max_int_ref : qfk_pool_avg_int_ref)(s, &q, x, want);
  const size_t rows = (size_t)(s->n * s->oh);
  QfkPoolFunc run = (QfkPoolFunc)k->function;
  run(s, real ? (const void *)&act : &q, x, got, 0, rows / 2); /* in two pieces, as threads do */
  run(s, real ? (const void *)&act : &q, x, got, rows / 2, rows);
  bool same = real ? chk_close(got, want, out, 1e-6f, 1e-6f) : chk_same(got, want, out);
  bool guards = chk_free_all();
  chk_result(same && guards, k->name, "shape %d fill %d", (int)(s - pool_shapes), (int)fill);
}

static void check_pool(void)
{
  for (const QfkKernel *k = qfk_pool_kernels; k->name; k++)
    for (size_t s = 0; chk_can_run(k->name, k->isa) && s < sizeof(pool_shapes) / sizeof(*pool_shapes); s++) {
      check_pool_case(k, &pool_shapes[s], CHK_PLAIN);
      if (pool_kinds[k->kind].type >= 0)
        check_pool_case(k, &pool_shapes[s], CHK_EDGE);
    }
}

/* The reference's loop nests of a middle. */
static QfkReduce middle_reduce(const QfkMiddle *m)
{
  QfkReduce r = {.op = QFK_REDUCE_SUM, .count = (int64_t)m->n};
  r.kept = (QfkNd){2,
                   2,
                   {(int64_t)m->outer, (int64_t)m->inner},
                   {{(int64_t)m->inner, 1}, {(int64_t)(m->n * m->inner), 1}}};
  r.reduced = (QfkNd){1, 2, {(int64_t)m->n}, {{0}, {(int64_t)m->inner}}};
  return r;
}

static void check_reduce(void)
{
  static const size_t shapes[][3] = {{1, 49, 70}, {3, 5, 16}, {2, 100, 1},
                                     {1, 7, 129}, {4, 1, 3},  {2, 1000, 67}};
  static const float multiplier = .02f;
  for (const QfkKernel *k = qfk_reduce_kernels; k->name; k++)
    for (size_t s = 0; chk_can_run(k->name, k->isa) && s < sizeof(shapes) / sizeof(*shapes); s++) {
      const bool real = k->kind == QFK_MIDDLE_SUM_F32;
      const QfkInt type = k->kind == QFK_MIDDLE_SUM_U8 ? QFK_U8 : QFK_S8;
      const QfkRequant requant = {.m = &multiplier,
                                  .zero_point = 3,
                                  .lo = type ? -128 : 0,
                                  .hi = type ? 127 : 255};
      const size_t parts = qfk_middle_parts(shapes[s][0], shapes[s][1], shapes[s][2]);
      const QfkMiddle m = {shapes[s][0], shapes[s][1], shapes[s][2], parts, 1, type ? -5 : 120, requant};
      const QfkReduce ref = middle_reduce(&m);
      const QfkReduceInt q = {type, type, m.x_zero, requant};
      const size_t in = m.outer * m.n * m.inner, out = m.outer * m.inner, e = real ? 4 : 1;
      void *x = chk_alloc(in * e), *want = chk_alloc(out * e), *got = chk_alloc(out * e);
      if (real) {
        chk_fill_f32(x, in, CHK_PLAIN);
        qfk_reduce_f32_ref(&ref, x, want);
      } else {
        chk_fill_bytes(x, in, CHK_EDGE);
        qfk_reduce_int_ref(&ref, &q, x, want);
      }
      void *sums = parts > 1 ? chk_alloc(out * parts * 4) : got;
      ((QfkMiddleFunc)k->function)(&m, x, sums, 0, m.outer * parts);
      if (parts > 1)
        qfk_middle_join(&m, (QfkMiddleKind)k->kind, sums, got);
      bool same = real ? chk_close(got, want, out, 1e-5f, 1e-5f) : chk_same(got, want, out);
      bool guards = chk_free_all();
      chk_result(same && guards, k->name, "%zux%zux%zu", m.outer, m.n, m.inner);
    }
}

static void check_softmax_case(const QfkKernel *k, int64_t width)
{
  const bool real = k->kind == QFK_SOFTMAX_F32;
  const QfkInt type = k->kind == QFK_SOFTMAX_U8 ? QFK_U8 : QFK_S8;
  QfkSoftmaxRows p = {{3, width, 1, 1.5f, false}, {type, type, 1.0f / 256, type == QFK_S8 ? -128 : 0, {0}}};
  const size_t n = (size_t)(3 * width), e = real ? 4 : 1;
  void *x = chk_alloc(n * e), *want = chk_alloc(n * e), *got = chk_alloc(n * e);
  qfk_softmax_int_init(&p.integer, 1.5f, .05f);
  if (real) {
    chk_fill_f32(x, n, CHK_PLAIN);
    for (size_t i = 0; i < n; i++)
      ((float *)x)[i] *= 30;
    qfk_softmax_f32_ref(&p.softmax, x, want);
  } else {
    chk_fill_bytes(x, n, CHK_PLAIN);
    qfk_softmax_int_ref(&p.softmax, &p.integer, x, want);
  }
  ((QfkSoftmaxRowsFunc)k->function)(&p, x, got, 0, 3);
  bool same = real ? chk_close(got, want, n, 1e-5f, 1e-7f) : chk_same(got, want, n);
  bool guards = chk_free_all();
  chk_result(same && guards, k->name, "3x%d", (int)width);
}

static void check_softmax(void)
{
  static const int64_t widths[] = {1, 3, 16, 21, 256, 1001};
  for (const QfkKernel *k = qfk_softmax_kernels; k->name; k++)
    for (size_t s = 0; chk_can_run(k->name, k->isa) && s < sizeof(widths) / sizeof(*widths); s++)
      check_softmax_case(k, widths[s]);
}

static void check_quantize(void)
{
  static const QfkInt types[] = {QFK_U8, QFK_S8, QFK_U16, QFK_S16};
  for (const QfkKernel *k = qfk_quantize_kernels; k->name; k++)
    for (size_t n = 1; chk_can_run(k->name, k->isa) && n < 100; n += 31) {
      const bool forward = k->kind < QFK_LINEAR_DEQUANTIZE_U8;
      const QfkInt type = types[k->kind % 4];
      const size_t e = qfk_int_size(type), in = forward ? 4 : e, out = forward ? e : 4;
      const QfkLinear p = {.0117f, type == QFK_U8 || type == QFK_U16 ? 100 : -11};
      const QfkScales scales = {1, 1, (int64_t)n, &p.scale, &p.zero};
      void *x = chk_alloc(n * in), *want = chk_alloc(n * out), *got = chk_alloc(n * out);
      if (forward) {
        chk_fill_f32(x, n, n % 2 ? CHK_EDGE : CHK_PLAIN);
        qfk_quantize_f32_ref(&scales, type, x, want);
      } else {
        chk_fill_bytes(x, n * in, CHK_EDGE);
        qfk_dequantize_f32_ref(&scales, type, x, want);
      }
      ((QfkLinearFunc)k->function)(&p, x, got, n);
      bool same = chk_same(got, want, n * out);
      bool guards = chk_free_all();
      chk_result(same && guards, k->name, "n %zu", n);
    }
}

static void check_copy(void)
{
  static const QfkNd nests[] = {
      {2, 2, {35, 3}, {{3, 1}, {1, 35}}},
      {2, 2, {3, 70}, {{70, 1}, {1, 3}}},
      {3, 2, {2, 33, 40}, {{1320, 40, 1}, {1320, 1, 33}}},
      {3, 2, {4, 5, 6}, {{30, 6, 1}, {1, 24, 4}}},
      {3, 2, {4, 5, 6}, {{30, 6, 1}, {6, 24, 1}}},
  };
  for (size_t s = 0; s < sizeof(nests) / sizeof(*nests); s++)
    for (uint32_t bytes = 1; bytes <= 8; bytes *= 2) {
      const size_t n = (size_t)qfk_nd_count(&nests[s]) * bytes;
      void *x = chk_alloc_aligned(n), *want = chk_alloc_aligned(n), *got = chk_alloc_aligned(n);
      chk_fill_bytes(x, n, CHK_PLAIN);
      qfk_copy_ref(&nests[s], bytes, x, want);
      qfk_copy_tiled(&nests[s], bytes, x, got);
      bool same = chk_same(want, got, n);
      chk_result(same && chk_free_all(), "qfk_copy_tiled", "nest %zu, %u bytes", s, bytes);
    }
}

static void check_pad(void)
{
  static const size_t cases[][4] = {{5, 0, 24, 4}, {3, 2, 7, 9}, {1, 1, 1, 0}, {9, 0, 3, 1}, {2, 4, 16, 8}};
  for (size_t s = 0; s < sizeof(cases) / sizeof(*cases); s++) {
    const size_t rows = cases[s][0], before = cases[s][1], n = cases[s][2], after = cases[s][3];
    const size_t width = before + n + after;
    const uint32_t value = 0x01020304;
    uint32_t *x = chk_alloc(rows * n * 4), *got = chk_alloc(rows * width * 4),
             *want = chk_alloc(rows * width * 4);
    const QfkNd all = {1, 1, {(int64_t)(rows * width)}, {{1}}};
    const QfkNd inside = {2, 2, {(int64_t)rows, (int64_t)n}, {{(int64_t)width, 1}, {(int64_t)n, 1}}};
    chk_fill_bytes(x, rows * n * 4, CHK_PLAIN);
    qfk_fill_ref(&all, 4, &value, want);
    qfk_copy_ref(&inside, 4, x, want + before);
    qfk_pad_rows(rows, before, n, after, value, x, got);
    bool same = chk_same(want, got, rows * width * 4);
    chk_result(same && chk_free_all(), "qfk_pad_rows", "%zu rows %zu+%zu+%zu", rows, before, n, after);
  }
}

static void check_norm(void)
{
  static const size_t shapes[][3] = {{2, 37, 1},
                                     {3, 256, 1},
                                     {2, 50, 70},
                                     {1, 600, 3}}; /* images or rows, n, channels */
  for (const QfkKernel *k = qfk_norm_kernels; k->name; k++)
    for (size_t s = 0; chk_can_run(k->name, k->isa) && s < 4; s++)
      for (int affine = 0; affine < 2; affine++) {
        const bool layer = k->kind == QFK_LAYER_NORM_F32;
        const size_t rows = shapes[s][0], n = shapes[s][1], c = layer ? 1 : shapes[s][2],
                     wide = layer ? n : c;
        const QfkNorm p = {n, c, 1e-3f};
        float *x = chk_alloc(rows * n * c * 4), *w = chk_alloc(wide * 4), *b = chk_alloc(wide * 4);
        float *want = chk_alloc(rows * n * c * 4), *got = chk_alloc(rows * n * c * 4);
        chk_fill_f32(x, rows * n * c, CHK_PLAIN);
        chk_fill_f32(w, wide, CHK_PLAIN);
        chk_fill_f32(b, wide, CHK_PLAIN);
        if (layer)
          qfk_layer_norm_f32_ref(rows, n, p.epsilon, x, affine ? w : NULL, affine ? b : NULL, want);
        else
          qfk_instance_norm_f32_ref(rows, n, c, p.epsilon, x, affine ? w : NULL, affine ? b : NULL, want);
        const size_t count = layer ? rows : rows * ((c + QFK_NORM_CHANNELS - 1) / QFK_NORM_CHANNELS);
        ((QfkNormFunc)k->function)(&p, x, affine ? w : NULL, affine ? b : NULL, got, 0, count);
        bool close = chk_close(got, want, rows * n * c, 1e-5f, 2e-6f);
        chk_result(close && chk_free_all(), k->name, "%zux%zux%zu affine %d", rows, n, c, affine);
      }
}

/* Up, down and the same size; few and many channels. */
static const struct {
  int64_t h, w, c, oh, ow;
  int32_t mode;
} resize_shapes[] = {
    {5, 7, 3, 11, 9, QFK_COORD_HALF_PIXEL},      {9, 8, 21, 4, 3, QFK_COORD_ASYMMETRIC},
    {4, 4, 40, 13, 13, QFK_COORD_ALIGN_CORNERS}, {1, 1, 8, 5, 6, QFK_COORD_HALF_PIXEL},
    {5, 4, 33, 40, 19, QFK_COORD_ALIGN_CORNERS}, {6, 30, 9, 7, 11, QFK_COORD_HALF_PIXEL},
};

static const QfkTap2 *resize_taps(const QfkResize *r, int32_t dim)
{
  QfkTap2 *taps = chk_alloc_aligned((size_t)r->out[dim] * sizeof(*taps));
  for (int64_t i = 0; i < r->out[dim]; i++) {
    QfkTaps t;
    qfk_resize_taps(r, dim, i, &t);
    taps[i] =
        (QfkTap2){{(int32_t)t.index[0], (int32_t)t.index[t.n - 1]}, {t.weight[0], t.n > 1 ? t.weight[1] : 0}};
  }
  return taps;
}

/* Integers against the float reference between the conversions of quantize.h. */
static void check_resize_case(const QfkKernel *k, size_t s)
{
  const int64_t h = resize_shapes[s].h, w = resize_shapes[s].w, c = resize_shapes[s].c;
  const QfkResize r = {4,
                       {1, h, w, c},
                       {1, resize_shapes[s].oh, resize_shapes[s].ow, c},
                       {1, (float)resize_shapes[s].oh / (float)h, (float)resize_shapes[s].ow / (float)w, 1},
                       QFK_RESIZE_LINEAR,
                       resize_shapes[s].mode,
                       0,
                       0,
                       false};
  const bool real = k->kind == QFK_RESIZE_LINEAR_F32;
  const QfkInt type = k->kind == QFK_RESIZE_LINEAR_U8 ? QFK_U8 : QFK_S8;
  const float sx = .02f, sy = .025f;
  const int32_t zx = type ? 3 : 120, zy = type ? -8 : 99, min = type ? -128 : 0;
  const size_t in = (size_t)(h * w * c), out = (size_t)(r.out[1] * r.out[2] * c), e = real ? 4 : 1;
  void *x = chk_alloc(in * e), *want = chk_alloc(out * e), *got = chk_alloc(out * e);
  float *xf = chk_alloc_aligned(in * 4), *yf = chk_alloc_aligned(out * 4);
  const QfkScales from = {1, 1, (int64_t)in, &sx, &zx}, to = {1, 1, (int64_t)out, &sy, &zy};
  const QfkResizeImage p = {(size_t)h,
                            (size_t)w,
                            (size_t)c,
                            (size_t)r.out[1],
                            (size_t)r.out[2],
                            resize_taps(&r, 1),
                            resize_taps(&r, 2),
                            sx,
                            sy,
                            zx,
                            zy,
                            (float)(min - zy),
                            (float)(min + 255 - zy)};
  if (real) {
    chk_fill_f32(x, in, CHK_PLAIN);
    qfk_resize_f32_ref(&r, x, want);
  } else {
    chk_fill_bytes(x, in, CHK_PLAIN);
    qfk_dequantize_f32_ref(&from, type, x, xf);
    qfk_resize_f32_ref(&r, xf, yf);
    qfk_quantize_f32_ref(&to, type, yf, want);
  }
  ((QfkResizeFunc)k->function)(&p, x, got, 0, p.oh);
  bool same = real ? chk_close(got, want, out, 1e-6f, 1e-7f) : chk_same(got, want, out);
  bool guards = chk_free_all();
  chk_result(same && guards, k->name, "shape %zu", s);
}

static void check_resize(void)
{
  for (const QfkKernel *k = qfk_resize_kernels; k->name; k++)
    for (size_t s = 0; chk_can_run(k->name, k->isa) && s < sizeof(resize_shapes) / sizeof(*resize_shapes);
         s++)
      check_resize_case(k, s);
}

void chk_vector(void)
{
  check_norm();
  check_resize();
  check_binary();
  check_unary();
  check_pool();
  check_reduce();
  check_softmax();
  check_quantize();
  check_copy();
  check_pad();
}
