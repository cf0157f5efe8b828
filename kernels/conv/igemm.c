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

/* Bytes of C in one block, where something is done to them afterwards. */
#define AFTER_BYTES (128u << 10)

static uint32_t round_up(uint32_t x, uint32_t to)
{
  return (x + to - 1) / to * to;
}

/* Bytes of one value of A as the kernel reads it. */
static size_t value_bytes(const QfkIgemm *p)
{
  return qfk_tile_converts(p->kernel->kind) ? 2 : p->x_size;
}

/* Bytes of one copied segment. */
static size_t patch_bytes(const QfkIgemm *p)
{
  return (round_up(p->k, p->kernel->kr) * value_bytes(p) + 15) / 16 * 16;
}

/* Rows and columns of input that a grid pixel's taps may touch, relative to the pixel. */
typedef struct {
  int32_t y0, y1, x0, x1; /* half open */
} Window;

static Window window(const QfkIgemm *p)
{
  Window w = {INT32_MAX, INT32_MIN, INT32_MAX, INT32_MIN};
  for (uint32_t i = 0; i < p->n_seg; i++) {
    const QfkSeg *s = &p->segs[i];
    w.y0 = MIN(w.y0, s->dy);
    w.y1 = MAX(w.y1, s->dy + 1);
    w.x0 = MIN(w.x0, s->dx);
    w.x1 = MAX(w.x1, s->dx + s->nx);
  }
  return w;
}

static void finish(QfkIgemm *p, int32_t cg)
{
  const bool one_tap = p->n_seg == 1 && p->segs[0].nx == 1;
  p->x_size = qfk_tile_is_float(p->kernel->kind) ? 4 : 1;
  p->y_size = p->x_size;
  p->k = (uint32_t)(p->segs[0].nx * cg);
  p->direct = !qfk_tile_converts(p->kernel->kind) && p->k % p->kernel->kr == 0;
  p->lines = !p->direct && !one_tap;
  /* One tap reads no pixels between. */
  const size_t pixels = one_tap ? 1 : (size_t)p->in_step[0] * (size_t)p->in_step[1];
  const size_t pixel = pixels * (size_t)p->c * value_bytes(p);
  size_t rows = (size_t)p->n * p->vh * p->vw;
  rows = MIN(rows, MAX(BLOCK_BYTES / pixel, 2u * p->kernel->mr));
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

/* Scratch: row pointers, output pointers, copied segments or lines. */
static size_t table_bytes(const QfkIgemm *p, uint32_t rows)
{
  return ((size_t)rows * (p->n_seg + 1) * sizeof(void *) + 63) / 64 * 64;
}

/* One line has the columns of all pixels of a grid row, and slack for the last segment's padding to kr. */
static size_t line_bytes(const QfkIgemm *p)
{
  const Window w = window(p);
  const size_t columns = (size_t)(p->vw - 1) * (size_t)p->in_step[1] + (size_t)(w.x1 - w.x0);
  return ((columns * (size_t)p->c + p->kernel->kr) * value_bytes(p) + 63) / 64 * 64;
}

/* The most lines that @rows pixels in a row need: they may begin and end within a grid row, and within an image. */
static size_t max_lines(const QfkIgemm *p, uint32_t rows)
{
  const Window w = window(p);
  const size_t grid_rows = MIN((size_t)rows / (size_t)p->vw + 2, (size_t)p->n * (size_t)p->vh);
  const size_t images = MIN(grid_rows / (size_t)p->vh + 2, (size_t)p->n);
  return grid_rows * (size_t)p->in_step[0] + images * (size_t)(w.y1 - w.y0);
}

static size_t copies_bytes(const QfkIgemm *p, uint32_t rows)
{
  const size_t bytes =
      p->lines ? max_lines(p, rows) * line_bytes(p) : (size_t)rows * p->n_seg * patch_bytes(p);
  return (bytes + 63) / 64 * 64;
}

/* For rests: the rows of A as columns, and sums of one panel. */
static size_t turned_bytes(const QfkIgemm *p, uint32_t rows)
{
  return round_up(rows, QFK_REST_PIXELS) / QFK_REST_PIXELS * qfk_rest_block_bytes(p->rest);
}

static size_t sums_bytes(const QfkIgemm *p, uint32_t rows)
{
  return (size_t)round_up(rows, QFK_REST_PIXELS) * p->rest->layers * p->kernel->nr * sizeof(int16_t);
}

size_t qfk_igemm_scratch(const QfkIgemm *p)
{
  const uint32_t rows = p->max_rows + 1; /* the last block may have one more */
  return table_bytes(p, rows) + 64 + copies_bytes(p, rows) +
         (p->rest ? turned_bytes(p, rows) + sums_bytes(p, rows) : 0);
}

/* What things cost a thread, in multiply-accumulates of its time; measured on two Zen 3 cores that do not share a cache. */
enum {
  COST_ITEM = 30000,  /* taking it and making its row pointers */
  COST_WIDEN = 3,     /* a value of A, where values are widened */
  COST_WEIGHT = 2,    /* a byte of B that comes from memory */
  COST_FOREIGN = 5,   /* a byte of A or C of which another core has made, or needs, half */
  LEAST_MACS = 60000, /* of a run that is worth a second thread: some microseconds */
};

/* Tiles of the highest block. */
static uint32_t block_tiles(uint32_t tiles, uint32_t blocks)
{
  return (tiles + blocks - 1) / blocks;
}

/* Of the thread with the most work when @blocks of tiles of rows and @splits of panels are shared out to @n_threads. One core may be
 * slower than another just now; then part of an item is waited for. */
static uint64_t grid_cost(const QfkIgemm *p, uint32_t tiles, uint32_t panels, uint32_t n_threads,
                          uint32_t blocks, uint32_t splits)
{
  const uint64_t k = (uint64_t)p->k * p->n_seg, pixel = (uint64_t)p->in_step[0] * p->in_step[1] * p->c;
  const uint64_t height = block_tiles(tiles, blocks) * p->kernel->mr;
  const uint64_t width = (uint64_t)block_tiles(panels, splits) * p->kernel->nr;
  const uint64_t items = (uint64_t)blocks * p->group * splits, turns = (items + n_threads - 1) / n_threads;
  const uint64_t widen = qfk_tile_converts(p->kernel->kind) ? COST_WIDEN : 0;
  const uint64_t weights = (uint64_t)p->group_bytes * p->group;
  const uint64_t item =
      height * width * k + height * pixel * widen + weights / p->group / splits / 4 + COST_ITEM;
  uint64_t cost = turns * item + item / 32 + weights * COST_WEIGHT / (splits > 1 ? n_threads : 1);
  if (splits > 1)
    cost +=
        (uint64_t)tiles * p->kernel->mr * (pixel * p->x_size + (uint64_t)p->oc * p->y_size) * COST_FOREIGN;
  return cost;
}

void qfk_igemm_grid(const QfkIgemm *p, uint32_t n_threads, QfkIgemmGrid *grid)
{
  const uint32_t rows = (uint32_t)p->n * (uint32_t)p->vh * (uint32_t)p->vw;
  /* A row alone may be summed in another order: the last one stays with those before it, whatever the number of threads. */
  const uint32_t mr = p->kernel->mr, tiles = rows > mr && rows % mr == 1 ? rows / mr : (rows + mr - 1) / mr;
  const uint32_t panels = (p->columns + p->kernel->nr - 1) / p->kernel->nr;
  const uint32_t near =
      p->after ? MAX(AFTER_BYTES / (uint32_t)p->oc / p->kernel->mr, 2) * p->kernel->mr : MAX_ROWS;
  const uint32_t most = MIN(p->max_rows, near),
                 least = (tiles * p->kernel->mr + most - 1) / most; /* blocks */
  const bool small = (uint64_t)rows * p->k * p->n_seg * (uint32_t)p->oc < LEAST_MACS;
  uint64_t best = UINT64_MAX;
  *grid = (QfkIgemmGrid){tiles, least, 1, 0};
  for (uint32_t turns = 1; turns <= 4 && n_threads > 1 && !small; turns *= 2) {
    const uint32_t blocks = MIN(round_up(least, turns * n_threads), tiles),
                   splits = MIN(turns * n_threads, panels);
    const uint64_t by_rows = grid_cost(p, tiles, panels, n_threads, blocks, 1);
    const uint64_t by_panels = grid_cost(p, tiles, panels, n_threads, least, splits);
    if (MIN(by_rows, by_panels) >= best)
      continue;
    best = MIN(by_rows, by_panels);
    grid->blocks = by_rows <= by_panels ? blocks : least;
    grid->splits = by_rows <= by_panels ? 1 : splits;
  }
  grid->items = grid->blocks * (uint32_t)p->group * grid->splits;
}

typedef struct {
  const QfkIgemm *p;
  const uint8_t *x;
  size_t group_at;    /* bytes of the channels before the group's: in lines, or in the image */
  const void **a;     /* [rows][n_seg] */
  void **c;           /* [rows] */
  uint8_t *patches;   /* [rows][n_seg]; or lines */
  size_t patch_bytes; /* of one segment, or one line */
  Window window;
  uint32_t n_lines; /* made so far */
  size_t image;     /* that the last lines are of */
  int32_t line_y;   /* input row after the last line */
  uint8_t *turned;  /* rests */
} Block;

/* Copies @channels values of the columns ix .. ix + nx of an input row (NULL: outside), with padding where there are none. */
static void copy_columns(const QfkIgemm *p, const uint8_t *row, int32_t ix, int32_t nx, size_t channels,
                         uint8_t *dst)
{
  const size_t pixel = (size_t)p->c * p->x_size, cell = channels * value_bytes(p);
  const bool whole = channels == (size_t)p->c;
  for (int32_t i = 0; i < nx;) {
    const int32_t at = ix + i;
    const bool inside = row && at >= 0 && at < p->w;
    int32_t run = !inside ? (row && at < 0 ? MIN(nx - i, -at) : nx - i) : whole ? MIN(nx - i, p->w - at) : 1;
    if (!inside)
      memset(dst, p->widen || p->x_size > 1 ? 0 : (uint8_t)p->x_zero, (size_t)run * cell);
    else if (p->widen)
      p->widen((int16_t *)dst, row + (size_t)at * pixel, (size_t)run * channels, p->x_zero, p->x_signed);
    else
      memcpy(dst, row + (size_t)at * pixel, (size_t)run * cell);
    dst += (size_t)run * cell;
    i += run;
  }
}

/* The values between k and the next multiple of kr meet weights that are 0, but must be there. */
static void clear_tail(const QfkIgemm *p, uint8_t *patch)
{
  const size_t used = p->k * value_bytes(p);
  memset(patch + used, 0, patch_bytes(p) - used);
}

/* Row pointers of one segment for @count pixels that follow each other in a grid row. */
static void segment_pointers(Block *b, uint32_t row0, uint32_t count, const uint8_t *image, int32_t vy,
                             int32_t vx, uint32_t s)
{
  const QfkIgemm *p = b->p;
  const QfkSeg *seg = &p->segs[s];
  const int32_t iy = vy * p->in_step[0] + seg->dy;
  const size_t pixel = (size_t)p->c * p->x_size, step = p->in_step[1] * pixel;
  const void **a = b->a + (size_t)row0 * p->n_seg + s;
  const bool inside = iy >= 0 && iy < p->h;
  if (!inside && p->direct) {
    for (uint32_t i = 0; i < count; i++)
      a[(size_t)i * p->n_seg] = p->zeros;
    return;
  }
  const uint8_t *row = inside ? image + (size_t)iy * p->w * pixel : NULL;
  for (uint32_t i = 0; i < count;) {
    int32_t ix = (vx + (int32_t)i) * p->in_step[1] + seg->dx;
    if (p->direct && ix >= 0 && ix + seg->nx <= p->w) {
      uint32_t run = MIN(count - i, (uint32_t)((p->w - seg->nx - ix) / p->in_step[1]) + 1);
      const uint8_t *src = row + (size_t)ix * pixel;
      for (uint32_t end = i + run; i < end; i++, src += step)
        a[(size_t)i * p->n_seg] = src;
      continue;
    }
    uint8_t *patch = b->patches + ((size_t)(row0 + i) * p->n_seg + s) * b->patch_bytes;
    copy_columns(p, row, ix, seg->nx, (size_t)(p->c / p->group), patch);
    clear_tail(p, patch);
    a[(size_t)i++ * p->n_seg] = patch;
  }
}

/* Makes the lines up to input row @end of image @index at @image. What follows a line meets weights that are 0, and must not be NaN. */
static void make_lines(Block *b, size_t index, const uint8_t *image, int32_t begin, int32_t end)
{
  const QfkIgemm *p = b->p;
  const int32_t columns = (p->vw - 1) * p->in_step[1] + b->window.x1 - b->window.x0;
  const size_t used = (size_t)columns * (size_t)p->c * value_bytes(p);
  if (!b->n_lines || b->image != index)
    b->line_y = begin;
  b->image = index;
  for (; b->line_y < end; b->line_y++, b->n_lines++) {
    const uint8_t *row =
        b->line_y >= 0 && b->line_y < p->h ? image + (size_t)b->line_y * p->w * p->c * p->x_size : NULL;
    uint8_t *line = b->patches + b->n_lines * b->patch_bytes;
    copy_columns(p, row, b->window.x0, columns, (size_t)p->c, line);
    memset(line + used, 0, b->patch_bytes - used);
  }
}

/* Row pointers of all segments into the lines. */
static void line_pointers(Block *b, uint32_t row0, uint32_t count, int32_t vy, int32_t vx)
{
  const QfkIgemm *p = b->p;
  const size_t pixel = (size_t)p->c * value_bytes(p), step = (size_t)p->in_step[1] * pixel;
  for (uint32_t s = 0; s < p->n_seg; s++) {
    const int32_t back = b->line_y - (vy * p->in_step[0] + p->segs[s].dy); /* lines from the end */
    const int32_t column = vx * p->in_step[1] + p->segs[s].dx - b->window.x0;
    const uint8_t *src =
        b->patches + (b->n_lines - (uint32_t)back) * b->patch_bytes + (size_t)column * pixel + b->group_at;
    const void **a = b->a + (size_t)row0 * p->n_seg + s;
    for (uint32_t i = 0; i < count; i++, src += step)
      a[(size_t)i * p->n_seg] = src;
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
  const bool joins = p->widen && p->k * value_bytes(p) == b->patch_bytes; /* patches lie as pixels do */
  if (joins)
    p->widen((int16_t *)b->patches, src, (size_t)count * p->k, p->x_zero, p->x_signed);
  for (uint32_t i = 0; i < count; i++) {
    uint8_t *dst = b->patches + i * b->patch_bytes;
    if (!joins) {
      clear_tail(p, dst);
      if (p->widen)
        p->widen((int16_t *)dst, b->a[i], p->k, p->x_zero, p->x_signed);
      else
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
    const int32_t iy = vy * p->in_step[0];
    const size_t oy = (size_t)p->out_at[0] + (size_t)vy * p->out_step[0];
    const size_t ox = (size_t)p->out_at[1] + (size_t)vx * p->out_step[1];
    uint8_t *c = y + ((image * p->oh + oy) * p->ow + ox) * out;
    for (uint32_t i = 0; i < run; i++)
      b->c[done + i] = c + (size_t)i * p->out_step[1] * out;
    if (p->lines) {
      make_lines(b, image, x, iy + b->window.y0, iy + b->window.y1);
      line_pointers(b, done, run, vy, vx);
    } else {
      for (uint32_t s = 0; s < p->n_seg; s++)
        segment_pointers(b, done, run, x + b->group_at, vy, vx, s);
    }
    done += run;
  }
}

/* The end of those rows from @row on that follow each other in memory, @bytes apart. */
static uint32_t end_of_run(const Block *b, uint32_t row, uint32_t count, size_t bytes)
{
  const uint8_t *next = (const uint8_t *)b->c[row] + bytes;
  for (row++; row < count && b->c[row] == next; row++)
    next += bytes;
  return row;
}

/* What follows on the columns [from, from + n) of all rows of the block, while it is near: activations, and tables and sums of
 * integers. Whole rows are as one where the channel does not count. */
static void finish_rows(const Block *b, uint32_t count, size_t from, size_t n, const uint8_t *res, uint8_t *y)
{
  const QfkIgemm *p = b->p;
  const bool joins = n == (size_t)p->oc && (!p->act_fn || p->act.act != QFK_ACT_PRELU);
  for (uint32_t i = 0, end; i < count; i = end) {
    uint8_t *row = (uint8_t *)b->c[i] + from * p->y_size;
    end = joins ? end_of_run(b, i, count, n * p->y_size) : i + 1;
    if (p->act_fn)
      p->act_fn(&p->act, (float *)(void *)row, (end - i) * n, from);
    if (p->after)
      qfk_after_run(p->after, res ? res + (row - y) : NULL, row, (end - i) * n);
  }
}

/* What panel @panel needs besides the weights without rests. */
static void sum_rests(const Block *b, QfkTile *t, uint32_t panel, uint32_t count)
{
  const QfkIgemm *p = b->p;
  int16_t *sums = (int16_t *)(b->turned + turned_bytes(p, count));
  t->rest = sums;
  t->rest_pitch = round_up(count, QFK_REST_PIXELS);
  t->n_rest = p->rest_fn.sum(p->rest, panel, b->turned, count, sums, t->rest_pitch);
}

void qfk_igemm_run(const QfkIgemm *p, const QfkIgemmGrid *grid, uint32_t item, const void *x, const void *res,
                   void *y, void *scratch)
{
  const uint32_t blocks =
      grid->items / grid->splits; /* of all groups: a thread's share is some panels of all rows */
  const uint32_t split = item / blocks, g = item % blocks % (uint32_t)p->group;
  const uint32_t all = (uint32_t)p->n * (uint32_t)p->vh * (uint32_t)p->vw,
                 block = item % blocks / (uint32_t)p->group;
  const uint32_t begin = (uint32_t)((uint64_t)grid->tiles * block / grid->blocks) * p->kernel->mr;
  const uint32_t below = (uint32_t)((uint64_t)grid->tiles * (block + 1) / grid->blocks) * p->kernel->mr;
  const uint32_t count = (block + 1 < grid->blocks ? below : all) - begin;
  const uint32_t og = (uint32_t)(p->oc / p->group), nr = p->kernel->nr, panels = (og + nr - 1) / nr;
  uint8_t *tables = (uint8_t *)(((uintptr_t)scratch + 63) / 64 * 64);
  Block b = {.p = p,
             .x = x,
             .group_at = (size_t)g * (size_t)(p->c / p->group) * (p->lines ? value_bytes(p) : p->x_size),
             .a = (const void **)tables,
             .c = (void **)tables + (size_t)count * p->n_seg,
             .patches = tables + table_bytes(p, count),
             .patch_bytes = p->lines ? line_bytes(p) : patch_bytes(p),
             .window = window(p)};
  (p->dense ? dense_rows : grid_rows)(&b, begin, count, y);
  if (p->rest) {
    b.turned = b.patches + copies_bytes(p, count);
    p->rest_fn.turn(p->rest, b.a, count, b.turned);
  }
  QfkTile t = {.n_seg = p->n_seg,
               .steps = (p->k + p->kernel->kr - 1) / p->kernel->kr,
               .res = res,
               .c_base = y,
               .lo = p->lo,
               .hi = p->hi,
               .zero_point = p->y_zero,
               .y_signed = p->y_signed,
               .below_one = p->below_one,
               .flip = p->flip};
  const size_t panel = p->group_bytes / p->columns * nr;
  const uint32_t first = panels * split / grid->splits, end = panels * (split + 1) / grid->splits;
  for (uint32_t i = first; i < end; i++) {
    const size_t column = (size_t)g * p->columns + (size_t)i * nr;
    t.n = MIN(og - i * nr, nr);
    t.b = p->panels + g * p->group_bytes + i * panel;
    t.bias = (const uint32_t *)p->bias + column;
    t.scale = p->scale ? p->scale + column : NULL;
    /* After the last panel comes the first, of the next block of pixels. */
    const uint32_t then = i + 1 < end ? i + 1 : first;
    const size_t at = then * panel;
    const bool more = then > i || begin + count < all;
    t.next = p->panels + g * p->group_bytes + at;
    t.next_lines = more ? (uint32_t)(MIN(panel, p->group_bytes - at) / QFK_LINE) : 0;
    t.a = b.a;
    t.c = b.c;
    t.c_at = ((size_t)g * og + (size_t)i * nr) * p->y_size;
    if (p->rest)
      sum_rests(&b, &t, i, count);
    qfk_tile_rows(p->kernel, &t, count);
  }
  if ((p->act_fn || p->after) && first < end)
    finish_rows(&b, count, (size_t)g * og + first * nr, MIN(end * nr, og) - first * nr, res, y);
}
