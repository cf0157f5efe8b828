/* SPDX-License-Identifier: MIT */
/*
 * check_resize.c - resampling for HVX against the integer reference, and that against the real one.
 */
#include "hvx_check.h"
#include "kernels/resize/resize_hvx.h"

#include <math.h>

typedef struct {
  int32_t h, w, c, oh, ow, rows; /* rows of a tile, 0: all */
} Case;

static const Case cases[] = {{8, 8, 8, 16, 16, 0},    {7, 9, 5, 20, 31, 6},    {16, 70, 4, 32, 140, 5},
                             {33, 65, 3, 11, 16, 0},  {10, 200, 4, 10, 37, 0}, {1, 1, 12, 9, 40, 4},
                             {12, 100, 1, 30, 97, 0}, {5, 40, 4, 1, 1, 0},     {40, 33, 4, 64, 33, 7}};

static const char *const modes[] = {"half pixel", "pytorch", "corners", "asymmetric"};

/* Reals of the same samples in steps, halves not yet decided: the integers may be one step off. */
static bool near_real(const QfkResize *r, const QfkResizeInt *q, const uint8_t *x, const uint8_t *y,
                      float factor, size_t in, size_t out)
{
  float *real = chk_alloc_aligned(in * sizeof(float)), *want = chk_alloc_aligned(out * sizeof(float));
  for (size_t i = 0; i < in; i++)
    real[i] = (float)(qfk_load_int(x, q->x_type, i) - q->x_zero) * factor;
  qfk_resize_f32_ref(r, real, want);
  for (size_t i = 0; i < out; i++) {
    const float v = fminf(fmaxf(want[i] + (float)q->y_zero, (float)q->lo), (float)q->hi);
    if (fabsf(v - (float)qfk_load_int(y, q->y_type, i)) > 0.53f)
      return false;
  }
  return true;
}

static void check(const Case *c, int mode, bool nearest, bool same, QfkInt type, ChkFill fill)
{
  QfkResize r = {.rank = 4,
                 .in = {1, c->h, c->w, c->c},
                 .out = {1, c->oh, c->ow, c->c},
                 .interpolation = nearest ? QFK_RESIZE_NEAREST : QFK_RESIZE_LINEAR,
                 .coordinate_mode = mode,
                 .nearest_mode = (int32_t)(chk_random() % 4)};
  for (int d = 0; d < 4; d++)
    r.scale[d] = (float)r.out[d] / (float)r.in[d];
  const int32_t least = type == QFK_S8 ? -128 : 0, cut = same ? 0 : chk_range(0, 20);
  const int32_t m = same ? 1 << 24 : chk_range(1 << 23, 1 << 25);
  QfkResizeInt q = {.x_type = type,
                    .y_type = same || chk_random() % 2 ? type : (QfkInt)!type,
                    .x_zero = least + chk_range(0, 255)};
  const int32_t y_least = q.y_type == QFK_S8 ? -128 : 0;
  q.y_zero = same ? q.x_zero : y_least + chk_range(0, 255);
  q.lo = y_least + cut;
  q.hi = y_least + 255 - cut;
  q.m = nearest ? (QfkFixed){1 << 30, 1} : (QfkFixed){m, 0};
  const size_t in = (size_t)c->h * c->w * c->c, out = (size_t)c->oh * c->ow * c->c;
  uint8_t *x = chk_alloc(in), *want = chk_alloc(out), *y = chk_alloc(qfk_d4_bytes(c->c, c->oh, c->ow));
  chk_fill_bytes(x, in, fill);
  QfkResizeHvx p;
  bool ok = qfk_resize_hvx_init(&p, &r, &q, c->rows ? c->rows : c->oh);
  if (ok) {
    const QfkResizeHvxSizes n = qfk_resize_hvx_sizes(&p);
    QfkResizeRow *row = chk_alloc_aligned(n.rows * sizeof(*row));
    int32_t *first = chk_alloc_aligned(n.firsts * 4), *weight = chk_alloc_aligned(n.weights * 4);
    QfkResizePiece *piece = chk_alloc_aligned(n.pieces * sizeof(*piece));
    uint8_t *network = chk_alloc_aligned(n.network);
    qfk_resize_hvx_pack(&p, &r, row, first, piece, network, weight);
    p.row = row;
    p.first = first;
    p.piece = piece;
    p.network = network;
    p.weight = weight;
    const uint8_t *planes = chk_d4_make(x, c->c, c->h * c->w);
    void *scratch = chk_alloc_aligned(qfk_resize_hvx_scratch(&p));
    for (int32_t at = 0; at < c->oh; at += p.rows)
      qfk_resize_u8_hvx(&p, planes, at, y, scratch);
    qfk_resize_int_ref(&r, &q, x, want);
    ok = chk_d4_same(y, want, c->c, c->oh * c->ow) &&
         near_real(&r, &q, x, want, (float)m / 16777216.0f, in, out);
  }
  ok &= chk_free_all();
  chk_result(ok, "resize_u8_hvx", "%s, %s%s, %dx%dx%d to %dx%d%s%s", nearest ? "nearest" : "linear",
             modes[mode], same ? ", same" : "", (int)c->h, (int)c->w, (int)c->c, (int)c->oh, (int)c->ow,
             type == QFK_S8 ? " s8" : "", fill ? " edge" : "");
}

void chk_hvx_resize(void)
{
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
    for (int mode = 0; mode < 4; mode++) {
      check(&cases[i], mode, true, true, mode % 2 ? QFK_S8 : QFK_U8, CHK_PLAIN);
      check(&cases[i], mode, false, true, mode % 2 ? QFK_U8 : QFK_S8, mode % 3 ? CHK_EDGE : CHK_PLAIN);
      check(&cases[i], mode, false, false, mode % 2 ? QFK_S8 : QFK_U8, mode % 3 ? CHK_PLAIN : CHK_EDGE);
    }
}
