/* SPDX-License-Identifier: MIT */
/*
 * igemm.c - implicit GEMM: row pointers for a block of pixels, then panels times tiles.
 *
 * Everything that depends on one pixel is done once a block; a block is as many rows as leave their values in the second-level
 * cache while the panels pass by.
 */
#include "igemm.h"

#include <string.h>

#define BLOCK_BYTES (192u << 10) /* of A in one block */
#define MAX_ROWS 2048u
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))

static uint32_t round_up(uint32_t x, uint32_t to)
{
  return (x + to - 1) / to * to;
}

/* Bytes of one copied segment (S16: of a whole row). */
static size_t patch_bytes(const QfkIgemm *p)
{
  const size_t value = p->kernel->kind == QFK_TILE_S16 ? 2 : p->x_size;
  return (round_up(p->k, p->kernel->kr) * value + 15) / 16 * 16;
}

static void finish(QfkIgemm *p, int32_t cg)
{
  static const uint8_t value_bytes[] = {
      [QFK_TILE_F32] = 4, [QFK_TILE_S16] = 2, [QFK_TILE_DOT_U] = 1, [QFK_TILE_DOT_S] = 1};
  const bool widened = p->kernel->kind == QFK_TILE_S16;
  p->x_size = p->kernel->kind == QFK_TILE_F32 ? 4 : 1;
  p->y_size = p->x_size;
  p->k = 0;
  for (uint32_t i = 0; i < (widened ? p->n_seg : 1); i++)
    p->k += (uint32_t)(p->segs[i].nx * cg);
  p->tile_seg = widened ? 1 : p->n_seg;
  p->direct = !widened && p->k % p->kernel->kr == 0;
  size_t row = (size_t)p->k * p->tile_seg * value_bytes[p->kernel->kind];
  size_t rows = (size_t)p->n * p->vh * p->vw;
  rows = MIN(rows, MAX(BLOCK_BYTES / row, 2u * p->kernel->mr));
  p->max_rows = round_up((uint32_t)MIN(rows, MAX_ROWS), p->kernel->mr);
}

void qfk_igemm_conv(QfkIgemm *p, const QfkTileKernel *kernel, const QfkConvShape *s, QfkSeg *segs)
{
  const bool whole_rows =
      s->dilation[1] == 1 && s->group == 1; /* the columns of a filter row are neighbours in memory */
  uint32_t n = 0;
  for (int32_t ky = 0; ky < s->kh; ky++)
    for (int32_t kx = 0; kx < (whole_rows ? 1 : s->kw); kx++)
      segs[n++] =
          (QfkSeg){ky * s->dilation[0] - s->pad[0], kx * s->dilation[1] - s->pad[1], whole_rows ? s->kw : 1};
  *p = (QfkIgemm){.kernel = kernel,
                  .n = s->n,
                  .h = s->h,
                  .w = s->w,
                  .c = s->c,
                  .oh = s->oh,
                  .ow = s->ow,
                  .oc = s->oc,
                  .vh = s->oh,
                  .vw = s->ow,
                  .in_step = {s->stride[0], s->stride[1]},
                  .out_step = {1, 1},
                  .group = s->group,
                  .segs = segs,
                  .n_seg = n};
  p->dense = s->kh == 1 && s->kw == 1 && s->stride[0] == 1 && s->stride[1] == 1 && !s->pad[0] && !s->pad[1] &&
             s->oh == s->h && s->ow == s->w && s->group == 1;
  finish(p, s->c / s->group);
}

/* Input pixel of grid pixel 0 for tap @k in dimension @d of a phase; INT32_MIN: the tap never falls on a pixel. */
static int32_t phase_source(const QfkConvShape *s, int d, int32_t phase, int32_t k)
{
  int32_t t = phase + s->pad[d] - k * s->dilation[d], st = s->stride[d];
  return ((t % st) + st) % st ? INT32_MIN : (t - ((t % st) + st) % st) / st;
}

bool qfk_igemm_deconv(QfkIgemm *p, const QfkTileKernel *kernel, const QfkConvShape *s, int32_t py, int32_t px,
                      QfkSeg *segs, int32_t *seg_row)
{
  const int32_t cg = s->c / s->group;
  uint32_t n = 0;
  for (int32_t ky = 0; ky < s->kh; ky++)
    for (int32_t kx = 0; kx < s->kw; kx++) {
      int32_t dy = phase_source(s, 0, py, ky), dx = phase_source(s, 1, px, kx);
      if (dy == INT32_MIN || dx == INT32_MIN)
        continue;
      seg_row[n] = (ky * s->kw + kx) * cg;
      segs[n++] = (QfkSeg){dy, dx, 1};
    }
  if (!n) {
    seg_row[n] = -1;
    segs[n++] = (QfkSeg){0, 0, 1};
  }
  *p = (QfkIgemm){.kernel = kernel,
                  .n = s->n,
                  .h = s->h,
                  .w = s->w,
                  .c = s->c,
                  .oh = s->oh,
                  .ow = s->ow,
                  .oc = s->oc,
                  .vh = (s->oh - py + s->stride[0] - 1) / s->stride[0],
                  .vw = (s->ow - px + s->stride[1] - 1) / s->stride[1],
                  .in_step = {1, 1},
                  .out_at = {py, px},
                  .out_step = {s->stride[0], s->stride[1]},
                  .group = s->group,
                  .segs = segs,
                  .n_seg = n};
  if (p->vh <= 0 || p->vw <= 0)
    return false;
  finish(p, cg);
  return true;
}

/* Scratch: row pointers, output pointers, copied segments. */
static size_t table_bytes(const QfkIgemm *p, uint32_t rows)
{
  return ((size_t)rows * (p->tile_seg + 1) * sizeof(void *) + 63) / 64 * 64;
}

size_t qfk_igemm_scratch(const QfkIgemm *p)
{
  return table_bytes(p, p->max_rows) + p->max_rows * p->tile_seg * patch_bytes(p) + 64;
}

void qfk_igemm_grid(const QfkIgemm *p, uint32_t n_threads, QfkIgemmGrid *grid)
{
  const uint32_t rows = (uint32_t)p->n * (uint32_t)p->vh * (uint32_t)p->vw;
  const uint32_t panels = (p->columns + p->kernel->nr - 1) / p->kernel->nr;
  const uint32_t wanted = n_threads > 1 ? 2 * n_threads : 1;
  uint32_t share = round_up((rows + wanted - 1) / wanted, p->kernel->mr);
  uint32_t fewest =
      MIN(p->max_rows, 8u * p->kernel->mr); /* smaller blocks would only read the panels more often */
  grid->rows = MIN(p->max_rows, MAX(share, fewest));
  grid->blocks = (rows + grid->rows - 1) / grid->rows;
  uint32_t have = grid->blocks * (uint32_t)p->group;
  grid->splits = have < wanted ? MIN(panels, (wanted + have - 1) / have) : 1;
  grid->items = have * grid->splits;
}

typedef struct {
  const QfkIgemm *p;
  const uint8_t *x; /* at the group's first channel */
  const void **a;   /* [rows][tile_seg] */
  void **c;         /* [rows] */
  uint8_t *patches; /* [rows][tile_seg] */
  size_t patch_bytes;
} Block;

/* Copies the columns ix .. ix + nx of input row iy (NULL: outside) of one group, with padding where there are none. */
static void copy_segment(const Block *b, const uint8_t *row, int32_t ix, int32_t nx, uint8_t *dst)
{
  const QfkIgemm *p = b->p;
  const size_t cg = (size_t)(p->c / p->group), cell = cg * p->x_size, pixel = (size_t)p->c * p->x_size;
  const bool widened = p->widen != NULL;
  for (int32_t i = 0; i < nx;) {
    const bool inside = row && ix + i >= 0 && ix + i < p->w;
    int32_t run = 1; /* neighbours that can be copied together */
    if (inside && cell == pixel)
      run = MIN(nx - i, p->w - (ix + i));
    const uint8_t *src = inside ? row + (size_t)(ix + i) * pixel : p->zeros;
    if (!widened)
      memcpy(dst, src, (size_t)run * cell);
    else if (inside)
      p->widen((int16_t *)dst, src, (size_t)run * cg, p->x_zero, p->x_signed);
    else
      memset(dst, 0, 2 * cg);
    dst += (size_t)run * cell * (widened ? 2 : 1);
    i += run;
  }
}

/* Row pointers of one segment for @count pixels that follow each other in a grid row. */
static void segment_pointers(Block *b, uint32_t row0, uint32_t count, const uint8_t *image, int32_t vy,
                             int32_t vx, uint32_t s)
{
  const QfkIgemm *p = b->p;
  const QfkSeg *seg = &p->segs[s];
  const int32_t iy = vy * p->in_step[0] + seg->dy;
  const size_t pixel = (size_t)p->c * p->x_size, step = p->in_step[1] * pixel;
  const void **a = b->a + (size_t)row0 * p->tile_seg + s;
  const bool inside = iy >= 0 && iy < p->h;
  if (!inside && p->direct) {
    for (uint32_t i = 0; i < count; i++)
      a[(size_t)i * p->tile_seg] = p->zeros;
    return;
  }
  const uint8_t *row = inside ? image + (size_t)iy * p->w * pixel : NULL;
  for (uint32_t i = 0; i < count;) {
    int32_t ix = (vx + (int32_t)i) * p->in_step[1] + seg->dx;
    if (p->direct && ix >= 0 && ix + seg->nx <= p->w) {
      uint32_t run = MIN(count - i, (uint32_t)((p->w - seg->nx - ix) / p->in_step[1]) + 1);
      const uint8_t *src = row + (size_t)ix * pixel;
      for (uint32_t end = i + run; i < end; i++, src += step)
        a[(size_t)i * p->tile_seg] = src;
      continue;
    }
    uint8_t *patch = b->patches + ((size_t)(row0 + i) * p->tile_seg + s) * b->patch_bytes;
    copy_segment(b, row, ix, seg->nx, patch);
    a[(size_t)i++ * p->tile_seg] = patch;
  }
}

/* All segments of @count pixels as int16, one row of memory each. */
static void widened_rows(Block *b, uint32_t row0, uint32_t count, const uint8_t *image, int32_t vy,
                         int32_t vx)
{
  const QfkIgemm *p = b->p;
  const size_t pixel = (size_t)p->c * p->x_size;
  for (uint32_t i = 0; i < count; i++) {
    uint8_t *dst = b->patches + (size_t)(row0 + i) * b->patch_bytes;
    b->a[row0 + i] = dst;
    for (uint32_t s = 0; s < p->n_seg; s++) {
      const QfkSeg *seg = &p->segs[s];
      int32_t iy = vy * p->in_step[0] + seg->dy, ix = (vx + (int32_t)i) * p->in_step[1] + seg->dx;
      const uint8_t *row = iy >= 0 && iy < p->h ? image + (size_t)iy * p->w * pixel : NULL;
      copy_segment(b, row, ix, seg->nx, dst);
      dst += (size_t)seg->nx * (size_t)(p->c / p->group) * 2;
    }
    if (p->k % p->kernel->kr)
      memset(dst, 0, 2);
  }
}

static void dense_rows(Block *b, uint32_t begin, uint32_t count, uint8_t *y)
{
  const QfkIgemm *p = b->p;
  const size_t in = (size_t)p->c * p->x_size, out = (size_t)p->oc * p->y_size;
  const uint8_t *src = b->x + begin * in;
  for (uint32_t i = 0; i < count; i++) {
    b->c[i] = y + (begin + i) * out;
    b->a[i] = src + i * in;
  }
  if (p->direct)
    return;
  for (uint32_t i = 0; i < count; i++) {
    uint8_t *dst = b->patches + i * b->patch_bytes;
    if (p->widen) {
      p->widen((int16_t *)dst, b->a[i], p->k, p->x_zero, p->x_signed);
      memset(dst + 2 * (size_t)p->k, 0, p->k % p->kernel->kr ? 2 : 0);
    } else {
      memcpy(dst, b->a[i], in);
    }
    b->a[i] = dst;
  }
}

/* Pointers of the pixels [begin, begin + count) of the grid. */
static void grid_rows(Block *b, uint32_t begin, uint32_t count, uint8_t *y)
{
  const QfkIgemm *p = b->p;
  const size_t out = (size_t)p->oc * p->y_size;
  for (uint32_t done = 0; done < count;) {
    const uint32_t at = begin + done;
    const int32_t vx = (int32_t)(at % (uint32_t)p->vw),
                  vy = (int32_t)(at / (uint32_t)p->vw % (uint32_t)p->vh);
    const size_t image = at / (uint32_t)p->vw / (uint32_t)p->vh;
    const uint32_t run = MIN(count - done, (uint32_t)(p->vw - vx));
    const uint8_t *x = b->x + image * p->h * p->w * p->c * p->x_size;
    const size_t oy = (size_t)p->out_at[0] + (size_t)vy * p->out_step[0];
    const size_t ox = (size_t)p->out_at[1] + (size_t)vx * p->out_step[1];
    uint8_t *c = y + ((image * p->oh + oy) * p->ow + ox) * out;
    for (uint32_t i = 0; i < run; i++)
      b->c[done + i] = c + (size_t)i * p->out_step[1] * out;
    if (p->widen)
      widened_rows(b, done, run, x, vy, vx);
    else
      for (uint32_t s = 0; s < p->n_seg; s++)
        segment_pointers(b, done, run, x, vy, vx, s);
    done += run;
  }
}

static void activate(const QfkIgemm *p, void *const *c, uint32_t m, uint32_t n, size_t channel)
{
  for (uint32_t r = 0; r < m; r++)
    p->act_fn(&p->act, c[r], n, channel);
}

/* One panel over all tiles of the block. */
static void run_panel(const Block *b, QfkTile *t, uint32_t count, size_t channel)
{
  const QfkIgemm *p = b->p;
  const uint32_t tiles = (count + p->kernel->mr - 1) / p->kernel->mr;
  void *c[16];
  for (uint32_t i = 0, row = 0; i < tiles; i++) {
    const uint32_t m = (count - row + tiles - i - 1) / (tiles - i); /* even heights */
    for (uint32_t r = 0; r < m; r++)
      c[r] = (uint8_t *)b->c[row + r] + channel * p->y_size;
    t->a = b->a + (size_t)row * p->tile_seg;
    t->c = c;
    p->kernel->run(t, m);
    if (p->act_fn)
      activate(p, c, m, t->n, channel);
    row += m;
  }
}

void qfk_igemm_run(const QfkIgemm *p, const QfkIgemmGrid *grid, uint32_t item, const void *x, const void *res,
                   void *y, void *scratch)
{
  const uint32_t split = item % grid->splits, g = item / grid->splits % (uint32_t)p->group;
  const uint32_t begin = item / grid->splits / (uint32_t)p->group * grid->rows;
  const uint32_t all = (uint32_t)p->n * (uint32_t)p->vh * (uint32_t)p->vw,
                 count = MIN(grid->rows, all - begin);
  const uint32_t og = (uint32_t)(p->oc / p->group), nr = p->kernel->nr, panels = (og + nr - 1) / nr;
  uint8_t *tables = (uint8_t *)(((uintptr_t)scratch + 63) / 64 * 64);
  Block b = {.p = p,
             .x = (const uint8_t *)x + (size_t)g * (size_t)(p->c / p->group) * p->x_size,
             .a = (const void **)tables,
             .c = (void **)tables + (size_t)count * p->tile_seg,
             .patches = tables + table_bytes(p, count),
             .patch_bytes = patch_bytes(p)};
  (p->dense ? dense_rows : grid_rows)(&b, begin, count, y);
  QfkTile t = {.n_seg = p->tile_seg,
               .steps = (p->k + p->kernel->kr - 1) / p->kernel->kr,
               .res = res,
               .c_base = y,
               .lo = p->lo,
               .hi = p->hi,
               .zero_point = p->y_zero,
               .y_signed = p->y_signed,
               .flip = p->flip};
  const size_t panel = p->group_bytes / p->columns * nr;
  for (uint32_t i = panels * split / grid->splits; i < panels * (split + 1) / grid->splits; i++) {
    const size_t column = (size_t)g * p->columns + (size_t)i * nr;
    t.n = MIN(og - i * nr, nr);
    t.b = p->panels + g * p->group_bytes + i * panel;
    t.bias = (const uint32_t *)p->bias + column;
    t.scale = p->scale ? p->scale + column : NULL;
    run_panel(&b, &t, count, (size_t)g * og + (size_t)i * nr);
  }
}
