/* SPDX-License-Identifier: MIT */
/*
 * wino.c - the walk over blocks of tiles. Weights are transformed by winopack.c.
 */
#include "wino.h"

#include <string.h>

#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))
/* Of both transformed sides of an item. */
#define BLOCK_BYTES (384u << 10)   /* integers */
#define MAX_BLOCK_BYTES (2u << 20) /* integers where the weights are larger by far */
#define F32_BLOCK_BYTES                                                                                      \
  (4u << 20) /* floats: a third cache is near enough, reading the weights seldom gains more */
#define MAX_WEIGHT_BYTES                                                                                     \
  (20u << 20) /* integers: beyond, reading four times the weights costs what the multiplications save */

#define READ_COST 12 /* integers: reading a weight, in multiplications */

/* Floats: what things cost a thread, in multiplications of its time; measured on Zen 3. */
enum {
  COST_WEIGHT = 3,    /* a byte of weights, which are fetched while others are multiplied */
  COST_TRANSFORM = 10 /* a value transformed, and its detour through the caches */
};

#define QFK_WINO(what, suffix, isa, kind, edge, lanes)                                                       \
  {"qfk_wino_" #what "_" #suffix, isa, kind, edge, lanes, qfk_wino_in_##what##_##suffix,                     \
   qfk_wino_out_##what##_##suffix},
const QfkWinoKernel qfk_wino_kernels[] = {
#include "wino.inc"
};
#undef QFK_WINO
const uint32_t qfk_n_wino_kernels = sizeof(qfk_wino_kernels) / sizeof(qfk_wino_kernels[0]);

/* Bytes of one transformed weight. */
static size_t weight_size(QfkTileKind kind)
{
  return kind == QFK_TILE_F32 ? sizeof(float) : 2;
}

/* Bytes from one plane to the next: not a power of two, or their rows would share cache sets. */
static size_t v_plane_bytes(const QfkWino *p)
{
  return ((size_t)p->block * (size_t)p->s.c * p->v_size + 127) / 64 * 64;
}

static size_t m_plane_bytes(const QfkWino *p)
{
  return ((size_t)p->block * (size_t)p->s.oc * 4 + 127) / 64 * 64;
}

static bool suits(const QfkConvShape *s)
{
  return s->kh == 3 && s->kw == 3 && s->stride[0] == 1 && s->stride[1] == 1 && s->dilation[0] == 1 &&
         s->dilation[1] == 1 && s->group == 1;
}

/* Whether integers gain. */
static bool pays(const QfkConvShape *s, uint32_t planes)
{
  return s->oh >= 4 && s->ow >= 4 && s->c >= 32 && s->oc >= 32 &&
         (size_t)s->c * (size_t)s->oc * planes * weight_size(QFK_TILE_S16) <= MAX_WEIGHT_BYTES;
}

static uint32_t planes_of(const QfkWinoKernel *k)
{
  return (uint32_t)(k->edge + 2) * (uint32_t)(k->edge + 2);
}

/* Whether transformed inputs and weights fit int16, and the last sums int32. */
static bool fits(uint32_t edge, const QfkWinoRange *r)
{
  static const struct {
    int32_t x, w, sum;
  } gains[] = {[2] = {4, 9, 4}, [4] = {100, 49, 64}};
  const int32_t most = INT16_MAX / gains[edge].w;
  return r->x_max <= INT16_MAX / gains[edge].x && qfk_pack_within(r->w, -most, most) &&
         qfk_pack_fits(r->w, NULL, r->x_max * gains[edge].sum);
}

bool qfk_wino_can(const QfkWinoKernel *k, const QfkConvShape *s, const QfkWinoRange *range)
{
  return s->c % k->lanes == 0 && s->oc % k->lanes == 0 && suits(s) &&
         (qfk_tile_is_float(k->kind) || (pays(s, planes_of(k)) && fits(k->edge, range)));
}

static uint32_t tiles_along(const QfkWinoKernel *k, int32_t n)
{
  return ((uint32_t)n + k->edge - 1) / k->edge;
}

/* In multiplications, roughly: those of the tiles, and reading the weights once. */
static double cost_int(const QfkWinoKernel *k, const QfkConvShape *s)
{
  const double tiles = (double)tiles_along(k, s->oh) * tiles_along(k, s->ow) * s->n;
  return (tiles + READ_COST) * planes_of(k);
}

/* Multiplying @rows by @planes matrices of weights takes as long as reading these, at least; few rows keep the multipliers
 * waiting. Two products of bfloat16 take the time, and the bytes, of one of floats. */
static double cost_products(QfkTileKind kind, const QfkConvShape *s, double rows, uint32_t planes)
{
  const double floats = fmax(fmax(rows, 4), sizeof(float) * COST_WEIGHT) * planes * s->c * s->oc;
  return kind == QFK_TILE_BF16 ? floats / 2 : floats;
}

static double cost_floats(const QfkWinoKernel *k, const QfkConvShape *s)
{
  const double tiles = (double)tiles_along(k, s->oh) * tiles_along(k, s->ow) * s->n;
  return cost_products(k->kind, s, tiles, planes_of(k)) +
         tiles * planes_of(k) * (s->c + s->oc) * COST_TRANSFORM;
}

void qfk_wino_init(QfkWino *p, const QfkWinoKernel *k, uint32_t features, const QfkConvShape *s)
{
  *p = (QfkWino){.s = *s, .wino = k, .tile = qfk_tile_find(k->kind, features), .planes = planes_of(k)};
  const bool is_float = qfk_tile_is_float(k->kind);
  p->x_size = is_float ? sizeof(float) : 1;
  p->v_size = weight_size(k->kind);
  p->tiles[0] = tiles_along(k, s->oh);
  p->tiles[1] = tiles_along(k, s->ow);
  const size_t tile = p->planes * ((size_t)s->c * p->v_size + (size_t)s->oc * 4);
  const size_t quarter = p->planes * p->v_size * (size_t)s->c * (size_t)s->oc / 4;
  const size_t bytes = is_float ? F32_BLOCK_BYTES : MAX(BLOCK_BYTES, MIN(quarter, MAX_BLOCK_BYTES));
  const uint32_t mr = p->tile->mr, all = p->tiles[0] * p->tiles[1] * (uint32_t)s->n;
  const uint32_t block = MIN(MAX((uint32_t)(bytes / tile) / mr, 2), is_float ? 6 : 8) * mr;
  p->block = MIN(block, all);
}

/* The cheapest of the kernels that are not @refused, if it is cheaper than @least; those of the first instruction set count. */
static const QfkWinoKernel *cheapest(uint32_t features, QfkTileKind kind, const QfkConvShape *s, double least,
                                     const bool *refused)
{
  const QfkWinoKernel *best = NULL;
  for (uint32_t i = 0; i < qfk_n_wino_kernels; i++) {
    const QfkWinoKernel *k = &qfk_wino_kernels[i];
    if (k->kind != kind || (k->isa & ~features) || refused[i] || (best && k->isa != best->isa))
      continue;
    const double own = qfk_tile_is_float(kind) ? cost_floats(k, s) : cost_int(k, s);
    if (own >= least)
      continue;
    least = own;
    best = k;
  }
  return best;
}

/* Whether a kernel can do it is asked when it would be taken: it may mean reading all weights. */
bool qfk_wino_plan(QfkWino *p, uint32_t features, QfkTileKind kind, const QfkConvShape *s,
                   const QfkWinoRange *range)
{
  bool refused[sizeof(qfk_wino_kernels) / sizeof(qfk_wino_kernels[0])] = {false};
  const double direct =
      qfk_tile_is_float(kind) ? cost_products(kind, s, (double)s->n * s->oh * s->ow, 9) : INFINITY;
  const QfkWinoKernel *k;
  while ((k = cheapest(features, kind, s, direct, refused)) && !qfk_wino_can(k, s, range))
    refused[k - qfk_wino_kernels] = true;
  if (k)
    qfk_wino_init(p, k, features, s);
  return k;
}

/* What things cost a thread, in multiplications of its time. */
enum {
  COST_READ = 1,    /* a byte of weights */
  COST_MOVE = 24,   /* a value transformed */
  COST_FOREIGN = 4, /* a byte of x or y of which another core has made, or needs, half */
};

/* Of a plane, for the thread with the most work, when @blocks of tiles and @splits of panels are shared out. One core may be slower than
 * another just now; then part of an item is waited for. */
static uint64_t grid_cost(const QfkWino *p, uint32_t n_threads, uint32_t all, uint32_t panels,
                          uint32_t blocks, uint32_t splits)
{
  const uint64_t count = (all + blocks - 1) / blocks, mr = p->tile->mr, c = (uint64_t)p->s.c;
  const uint64_t width = (uint64_t)((panels + splits - 1) / splits) * p->tile->nr;
  const uint64_t turns = (blocks * splits + n_threads - 1) / n_threads;
  const uint64_t item = (count + (count + mr - 1) / mr) * width * c + count * (c + width) * COST_MOVE +
                        c * width * p->v_size * COST_READ;
  const uint64_t pixels = (uint64_t)p->s.n * (uint64_t)p->s.oh * (uint64_t)p->s.ow;
  const uint64_t foreign = pixels * (c + (uint64_t)p->s.oc) * p->x_size * COST_FOREIGN / p->planes;
  return turns * item + item / 16 + (splits > 1 ? foreign : 0);
}

void qfk_wino_grid(const QfkWino *p, uint32_t n_threads, QfkWinoGrid *grid)
{
  const uint32_t all = p->tiles[0] * p->tiles[1] * (uint32_t)p->s.n, least = (all + p->block - 1) / p->block;
  const uint32_t panels = ((uint32_t)p->s.oc + p->tile->nr - 1) / p->tile->nr;
  uint64_t best = UINT64_MAX;
  *grid = (QfkWinoGrid){all, least, 1, 0};
  /* Two tiles a block at least: one alone may be summed in another order, and threads must not change results. */
  for (uint32_t turns = 1; turns <= 4 && n_threads > 1; turns *= 2) {
    const uint32_t blocks =
        MIN((least + turns * n_threads - 1) / (turns * n_threads) * turns * n_threads, MAX(all / 2, least));
    const uint32_t splits = MIN(turns * n_threads, panels);
    const uint64_t by_tiles = grid_cost(p, n_threads, all, panels, blocks, 1);
    const uint64_t by_panels = grid_cost(p, n_threads, all, panels, least, splits);
    if (MIN(by_tiles, by_panels) >= best)
      continue;
    best = MIN(by_tiles, by_panels);
    grid->blocks = by_tiles <= by_panels ? blocks : least;
    grid->splits = by_tiles <= by_panels ? 1 : splits;
  }
  grid->items = grid->blocks * grid->splits;
}

size_t qfk_wino_scratch(const QfkWino *p)
{
  return p->planes * (v_plane_bytes(p) + m_plane_bytes(p) + (size_t)p->s.c * p->x_size) +
         2 * p->block * sizeof(void *) + 128;
}

/* Image, row and column of the first output pixel of a tile. */
typedef struct {
  int32_t n, y, x;
} Place;

static Place place_of(const QfkWino *p, uint32_t tile)
{
  const uint32_t across = p->tiles[1], down = p->tiles[0], edge = p->wino->edge;
  return (Place){(int32_t)(tile / across / down), (int32_t)(tile / across % down * edge),
                 (int32_t)(tile % across * edge)};
}

static void transform_in(const QfkWino *p, Place at, const uint8_t *x, uint8_t *v, uint8_t *patch)
{
  const QfkConvShape *s = &p->s;
  const int32_t iy = at.y - s->pad[0], ix = at.x - s->pad[1], side = p->wino->edge + 2;
  const size_t pixel = (size_t)s->c * p->x_size;
  const uint8_t *image = x + (size_t)at.n * (size_t)s->h * (size_t)s->w * pixel;
  QfkWinoSource t = {.row = (ptrdiff_t)s->w * s->c,
                     .col = s->c,
                     .c = (uint32_t)s->c,
                     .v = v,
                     .plane = v_plane_bytes(p) / p->v_size,
                     .zero = p->x_zero,
                     .is_signed = p->x_signed};
  if (iy >= 0 && ix >= 0 && iy + side <= s->h && ix + side <= s->w) {
    t.x = image + ((size_t)iy * (size_t)s->w + (size_t)ix) * pixel;
    p->wino->in(&t);
    return;
  }
  memset(patch, (uint8_t)p->x_zero, (size_t)(side * side) * pixel);
  const int32_t x0 = ix < 0 ? -ix : 0, x1 = MIN(side, s->w - ix);
  for (int32_t k = iy < 0 ? -iy : 0; k < MIN(side, s->h - iy) && x1 > x0; k++)
    memcpy(patch + (size_t)(side * k + x0) * pixel,
           image + ((size_t)(iy + k) * (size_t)s->w + (size_t)(ix + x0)) * pixel, (size_t)(x1 - x0) * pixel);
  t.x = patch;
  t.row = (ptrdiff_t)side * s->c;
  p->wino->in(&t);
}

/* Channels [n0, n1) of a tile. */
static void transform_out(const QfkWino *p, Place at, uint32_t n0, uint32_t n1, const uint8_t *m,
                          const uint8_t *res, uint8_t *y)
{
  const QfkConvShape *s = &p->s;
  const size_t oc = (size_t)s->oc;
  const size_t first =
      (((size_t)at.n * (size_t)s->oh + (size_t)at.y) * (size_t)s->ow + (size_t)at.x) * oc + n0;
  const QfkWinoTile t = {.m = m + (size_t)n0 * 4,
                         .plane = m_plane_bytes(p) / 4,
                         .y = y + first * p->x_size,
                         .res = res && !p->after ? (const float *)(const void *)res + first : NULL,
                         .bias = (const uint32_t *)p->bias + n0,
                         .scale = p->scale ? p->scale + n0 : NULL,
                         .row = (ptrdiff_t)((size_t)s->ow * oc),
                         .pixel = (ptrdiff_t)oc,
                         .c = n1 - n0,
                         .h = (uint32_t)MIN(p->wino->edge, s->oh - at.y),
                         .w = (uint32_t)MIN(p->wino->edge, s->ow - at.x),
                         .lo = p->lo,
                         .hi = p->hi,
                         .zero_point = p->y_zero};
  p->wino->out(&t);
  const size_t run = t.c == oc ? t.w * oc : t.c; /* bytes that lie together */
  for (uint32_t k = 0; p->after && k < t.h; k++)
    for (size_t i = first + k * (size_t)t.row, end = i + t.w * oc; i < end; i += run == t.c ? oc : run)
      qfk_after_run(p->after, res ? res + i : NULL, y + i, run);
  if (!p->act_fn)
    return;
  /* Pixels that follow each other are as one, but where channels count. */
  const bool joins = t.c == oc && p->act.act != QFK_ACT_PRELU;
  const uint32_t calls = joins ? 1 : t.w;
  for (uint32_t i = 0; i < t.h * calls; i++)
    p->act_fn(&p->act, (float *)t.y + (ptrdiff_t)(i / calls) * t.row + i % calls * oc, joins ? t.w * oc : t.c,
              n0);
}

/* One plane: rows of tiles times its weights, while the next panel of the same or the next plane is fetched. */
static void multiply(const QfkWino *p, uint32_t plane, uint32_t n0, uint32_t n1, const uint8_t *v, uint8_t *m,
                     uint32_t count, const void **rows)
{
  const uint32_t oc = (uint32_t)p->s.oc, nr = p->tile->nr;
  const uint32_t steps = ((uint32_t)p->s.c + p->tile->kr - 1) / p->tile->kr;
  const size_t column = (size_t)steps * p->tile->kr * p->v_size, end = p->planes * p->plane_bytes;
  void **c = (void **)rows + p->block;
  QfkTile t = {
      .a = rows, .n_seg = 1, .steps = steps, .bias = p->zeros, .c = c, .lo = -INFINITY, .hi = INFINITY};
  for (uint32_t i = 0; i < count; i++) {
    rows[i] = v + (size_t)i * (size_t)p->s.c * p->v_size;
    c[i] = m + (size_t)i * oc * 4;
  }
  for (uint32_t n = n0; n < n1; n += nr) {
    const size_t at = plane * p->plane_bytes + n * column;
    const size_t next = MIN(n + nr < n1 ? at + nr * column : (plane + 1) * p->plane_bytes + n0 * column, end);
    t.b = p->u + at;
    t.n = MIN(nr, oc - n);
    t.c_at = (size_t)n * 4;
    t.next = p->u + next;
    t.next_lines = (uint32_t)(MIN(nr * column, end - next) / QFK_LINE);
    qfk_tile_rows(p->tile, &t, count);
  }
}

void qfk_wino_run(const QfkWino *p, const QfkWinoGrid *grid, uint32_t item, const void *x, const void *res,
                  void *y, void *scratch)
{
  const uint32_t block = item % grid->blocks, split = item / grid->blocks, nr = p->tile->nr;
  const uint32_t begin = (uint32_t)((uint64_t)grid->tiles * block / grid->blocks);
  const uint32_t count = (uint32_t)((uint64_t)grid->tiles * (block + 1) / grid->blocks) - begin;
  const uint32_t oc = (uint32_t)p->s.oc, panels = (oc + nr - 1) / nr;
  const uint32_t n0 = panels * split / grid->splits * nr,
                 n1 = MIN(panels * (split + 1) / grid->splits * nr, oc);
  const size_t v_plane = v_plane_bytes(p), m_plane = m_plane_bytes(p);
  const void **rows = (const void **)(((uintptr_t)scratch + 63) / 64 * 64);
  uint8_t *v = (uint8_t *)(((uintptr_t)(rows + 2 * p->block) + 63) / 64 * 64), *m = v + p->planes * v_plane,
          *patch = m + p->planes * m_plane;
  for (uint32_t i = 0; i < count; i++)
    transform_in(p, place_of(p, begin + i), x, v + (size_t)i * (size_t)p->s.c * p->v_size, patch);
  for (uint32_t k = 0; k < p->planes; k++)
    multiply(p, k, n0, n1, v + k * v_plane, m + k * m_plane, count, rows);
  for (uint32_t i = 0; i < count; i++)
    transform_out(p, place_of(p, begin + i), n0, n1, m + (size_t)i * (size_t)p->s.oc * 4, res, y);
}
