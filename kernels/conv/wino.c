/* SPDX-License-Identifier: MIT */
/*
 * wino.c - transformed weights, and the walk over blocks of tiles.
 */
#include "wino.h"

#include <string.h>

#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))
#define PLANES 36
#define BLOCK_BYTES (384u << 10)   /* of both transformed sides of an item */
#define MAX_BLOCK_BYTES (2u << 20) /* where the weights are larger by far */
#define MAX_WEIGHT_BYTES                                                                                     \
  (20u << 20) /* beyond, reading four times the weights costs what the multiplications save */

#define QFK_WINO(suffix, isa, lanes)                                                                         \
  {"qfk_wino_f32_" #suffix, isa, lanes, qfk_wino_in_##suffix, qfk_wino_out_##suffix},
const QfkWinoKernel qfk_wino_kernels[] = {
#include "wino.inc"
};
#undef QFK_WINO
const uint32_t qfk_n_wino_kernels = sizeof(qfk_wino_kernels) / sizeof(qfk_wino_kernels[0]);

/* Floats between planes: not a power of two apart, or their rows would share cache sets. */
static size_t plane_floats(const QfkWino *p, int32_t channels)
{
  return (size_t)p->block * (size_t)channels + 16;
}

static bool suits(const QfkConvShape *s)
{
  const bool filter = s->kh == 3 && s->kw == 3 && s->stride[0] == 1 && s->stride[1] == 1 &&
                      s->dilation[0] == 1 && s->dilation[1] == 1 && s->group == 1;
  return filter && s->oh >= 8 && s->ow >= 8 && s->c >= 32 && s->oc >= 32 &&
         (size_t)s->c * (size_t)s->oc * PLANES * sizeof(float) <= MAX_WEIGHT_BYTES;
}

bool qfk_wino_plan(QfkWino *p, uint32_t features, const QfkConvShape *s)
{
  *p = (QfkWino){.s = *s};
  if (!suits(s))
    return false;
  for (uint32_t i = 0; i < qfk_n_wino_kernels && !p->wino; i++) {
    const uint32_t lanes = qfk_wino_kernels[i].lanes;
    if (!(qfk_wino_kernels[i].isa & ~features) && (uint32_t)s->c % lanes == 0 && (uint32_t)s->oc % lanes == 0)
      p->wino = &qfk_wino_kernels[i];
  }
  p->tile = qfk_tile_find(QFK_TILE_F32, features);
  if (!p->wino)
    return false;
  p->tiles[0] = (uint32_t)(s->oh + 3) / 4;
  p->tiles[1] = (uint32_t)(s->ow + 3) / 4;
  const size_t tile = PLANES * sizeof(float) * (size_t)(s->c + s->oc);
  const size_t quarter = PLANES * sizeof(float) * (size_t)s->c * (size_t)s->oc / 4;
  const size_t bytes = MAX(BLOCK_BYTES, MIN(quarter, MAX_BLOCK_BYTES));
  const uint32_t mr = p->tile->mr, all = p->tiles[0] * p->tiles[1] * (uint32_t)s->n;
  const uint32_t block = MIN(MAX((uint32_t)(bytes / tile) / mr, 2), 8) * mr;
  p->block = MIN(block, all);
  return true;
}

void qfk_wino_weights(const QfkConvShape *s, const float *w, float *planes)
{
  const double a = sqrt(0.5), b = sqrt(2.0);
  const double g[6][3] = {{1, 0, 0},
                          {-1 / 1.5, -a / 1.5, -0.5 / 1.5},
                          {-1 / 1.5, a / 1.5, -0.5 / 1.5},
                          {1 / 6.0, b / 6, 2 / 6.0},
                          {1 / 6.0, -b / 6, 2 / 6.0},
                          {0, 0, 1}};
  const size_t n = (size_t)s->c * (size_t)s->oc;
  for (size_t i = 0; i < n; i++) {
    double t[6][3];
    for (int y = 0; y < 6; y++)
      for (int x = 0; x < 3; x++)
        t[y][x] = g[y][0] * w[(size_t)x * n + i] + g[y][1] * w[(size_t)(3 + x) * n + i] +
                  g[y][2] * w[(size_t)(6 + x) * n + i];
    for (int y = 0; y < 6; y++)
      for (int x = 0; x < 6; x++)
        planes[(size_t)(6 * y + x) * n + i] =
            (float)(g[x][0] * t[y][0] + g[x][1] * t[y][1] + g[x][2] * t[y][2]);
  }
}

uint32_t qfk_wino_items(const QfkWino *p, uint32_t n_threads, uint32_t *block)
{
  const uint32_t all = p->tiles[0] * p->tiles[1] * (uint32_t)p->s.n;
  const uint32_t most = MIN(p->block, (all + n_threads - 1) / n_threads), items = (all + most - 1) / most;
  *block = (all + items - 1) / items;
  return (all + *block - 1) / *block;
}

size_t qfk_wino_scratch(const QfkWino *p)
{
  return (PLANES * (plane_floats(p, p->s.c) + plane_floats(p, p->s.oc)) + PLANES * (size_t)p->s.c) *
             sizeof(float) +
         p->block * sizeof(void *) + 64;
}

/* Image, row and column of the first output pixel of a tile. */
typedef struct {
  int32_t n, y, x;
} Place;

static Place place_of(const QfkWino *p, uint32_t tile)
{
  const uint32_t across = p->tiles[1], down = p->tiles[0];
  return (Place){(int32_t)(tile / across / down), (int32_t)(tile / across % down * 4),
                 (int32_t)(tile % across * 4)};
}

static void transform_in(const QfkWino *p, Place at, const float *x, float *v, size_t plane, float *patch)
{
  const QfkConvShape *s = &p->s;
  const int32_t iy = at.y - s->pad[0], ix = at.x - s->pad[1];
  const size_t c = (size_t)s->c;
  const float *image = x + (size_t)at.n * (size_t)s->h * (size_t)s->w * c;
  if (iy >= 0 && ix >= 0 && iy + 6 <= s->h && ix + 6 <= s->w) {
    p->wino->in(image + ((size_t)iy * (size_t)s->w + (size_t)ix) * c, (ptrdiff_t)(s->w * c), (ptrdiff_t)c,
                (uint32_t)c, v, plane);
    return;
  }
  memset(patch, 0, PLANES * c * sizeof(float));
  const int32_t x0 = ix < 0 ? -ix : 0, x1 = MIN(6, s->w - ix);
  for (int32_t k = iy < 0 ? -iy : 0; k < MIN(6, s->h - iy) && x1 > x0; k++)
    memcpy(patch + (size_t)(6 * k + x0) * c,
           image + ((size_t)(iy + k) * (size_t)s->w + (size_t)(ix + x0)) * c,
           (size_t)(x1 - x0) * c * sizeof(float));
  p->wino->in(patch, 6 * (ptrdiff_t)c, (ptrdiff_t)c, (uint32_t)c, v, plane);
}

static void transform_out(const QfkWino *p, Place at, const float *m, size_t plane, const float *res,
                          float *y)
{
  const QfkConvShape *s = &p->s;
  const size_t oc = (size_t)s->oc;
  const size_t first = (((size_t)at.n * (size_t)s->oh + (size_t)at.y) * (size_t)s->ow + (size_t)at.x) * oc;
  const QfkWinoTile t = {.m = m,
                         .plane = plane,
                         .y = y + first,
                         .res = res ? res + first : NULL,
                         .bias = p->bias,
                         .row = (ptrdiff_t)(s->ow * oc),
                         .c = (uint32_t)oc,
                         .h = (uint32_t)MIN(4, s->oh - at.y),
                         .w = (uint32_t)MIN(4, s->ow - at.x),
                         .lo = p->lo,
                         .hi = p->hi};
  p->wino->out(&t);
  for (uint32_t i = 0; p->act_fn && i < t.h * t.w; i++)
    p->act_fn(&p->act, t.y + (ptrdiff_t)(i / t.w) * t.row + i % t.w * oc, oc, 0);
}

/* One plane: rows of tiles times its weights. */
static void multiply(const QfkWino *p, uint32_t plane, const float *v, float *m, uint32_t count,
                     const void **rows)
{
  const uint32_t oc = (uint32_t)p->s.oc, nr = p->tile->nr, tiles = (count + p->tile->mr - 1) / p->tile->mr;
  QfkTile t = {.n_seg = 1, .steps = (uint32_t)p->s.c, .bias = p->zeros, .lo = -INFINITY, .hi = INFINITY};
  void *c[16];
  t.c = c;
  for (uint32_t i = 0; i < count; i++)
    rows[i] = v + (size_t)i * (size_t)p->s.c;
  for (uint32_t n = 0; n < oc; n += nr) {
    t.b = p->u + plane * p->plane_bytes + (size_t)n * (size_t)p->s.c * sizeof(float);
    t.n = MIN(nr, oc - n);
    for (uint32_t i = 0, row = 0; i < tiles; i++) {
      const uint32_t height = (count - row + tiles - i - 1) / (tiles - i);
      for (uint32_t r = 0; r < height; r++)
        c[r] = m + (size_t)(row + r) * oc + n;
      t.a = rows + row;
      p->tile->run(&t, height);
      row += height;
    }
  }
}

void qfk_wino_run(const QfkWino *p, uint32_t block, uint32_t item, const float *x, const float *res, float *y,
                  void *scratch)
{
  const uint32_t all = p->tiles[0] * p->tiles[1] * (uint32_t)p->s.n, begin = item * block;
  const uint32_t count = MIN(block, all - begin);
  const size_t v_plane = plane_floats(p, p->s.c), m_plane = plane_floats(p, p->s.oc);
  float *v = (float *)(((uintptr_t)scratch + 63) / 64 * 64), *m = v + PLANES * v_plane,
        *patch = m + PLANES * m_plane;
  const void **rows = (const void **)(patch + PLANES * (size_t)p->s.c);
  for (uint32_t i = 0; i < count; i++)
    transform_in(p, place_of(p, begin + i), x, v + (size_t)i * (size_t)p->s.c, v_plane, patch);
  for (uint32_t k = 0; k < PLANES; k++)
    multiply(p, k, v + k * v_plane, m + k * m_plane, count, rows);
  for (uint32_t i = 0; i < count; i++)
    transform_out(p, place_of(p, begin + i), m + (size_t)i * (size_t)p->s.oc, m_plane, res, y);
}
