/* SPDX-License-Identifier: MIT */
/*
 * tile.c - the list of tile kernels, and packing for them. Runs when a model is made: clear before fast.
 */
#include "tile.h"

#include <string.h>

#define QFK_TILE(fn, isa, kind, mr, nr, kr, lanes) {#fn, isa, kind, mr, nr, kr, lanes, fn},
#define QFK_ACT(fn, isa)
#define QFK_WIDEN(fn, isa)
const QfkTileKernel qfk_tile_kernels[] = {
#include "tile.inc"
};
#undef QFK_TILE
#undef QFK_ACT
#undef QFK_WIDEN
const uint32_t qfk_n_tile_kernels = sizeof(qfk_tile_kernels) / sizeof(qfk_tile_kernels[0]);

static const struct {
  uint32_t isa;
  QfkActFunc fn;
} acts[] = {
#define QFK_TILE(fn, isa, kind, mr, nr, kr, lanes)
#define QFK_ACT(fn, isa) {isa, fn},
#define QFK_WIDEN(fn, isa)
#include "tile.inc"
#undef QFK_ACT
#undef QFK_WIDEN
};

static const struct {
  uint32_t isa;
  QfkWidenFunc fn;
} widens[] = {
#define QFK_ACT(fn, isa)
#define QFK_WIDEN(fn, isa) {isa, fn},
#include "tile.inc"
#undef QFK_TILE
#undef QFK_ACT
#undef QFK_WIDEN
};

const QfkTileKernel *qfk_tile_find(QfkTileKind kind, uint32_t features)
{
  for (uint32_t i = 0; i < qfk_n_tile_kernels; i++)
    if (qfk_tile_kernels[i].kind == kind && !(qfk_tile_kernels[i].isa & ~features))
      return &qfk_tile_kernels[i];
  return NULL;
}

QfkActFunc qfk_act_find(uint32_t features)
{
  size_t i = 0;
  while (acts[i].isa & ~features)
    i++;
  return acts[i].fn;
}

QfkWidenFunc qfk_widen_find(uint32_t features)
{
  size_t i = 0;
  while (widens[i].isa & ~features)
    i++;
  return widens[i].fn;
}

uint32_t qfk_panel_width(const QfkTileKernel *k, uint32_t n)
{
  uint32_t vectors = ((n < k->nr ? n : k->nr) + k->lanes - 1) / k->lanes;
  if (k->kind != QFK_TILE_F32 && vectors == 3)
    vectors = 4;
  return vectors * k->lanes;
}

uint32_t qfk_panel_column(const QfkTileKernel *k, uint32_t width, uint32_t slot)
{
  uint32_t vectors = width / k->lanes, v = slot / k->lanes, e = slot % k->lanes;
  return k->kind == QFK_TILE_F32 ? slot : 4 * vectors * (e / 4) + 4 * v + e % 4;
}

uint32_t qfk_pack_columns(const QfkTileKernel *k, uint32_t n)
{
  uint32_t rest = n % k->nr;
  return n - rest + (rest ? qfk_panel_width(k, rest) : 0);
}

static size_t value_size(const QfkTileKernel *k)
{
  static const uint8_t size[] = {
      [QFK_TILE_F32] = 4, [QFK_TILE_S16] = 2, [QFK_TILE_DOT_U] = 1, [QFK_TILE_DOT_S] = 1};
  return size[k->kind];
}

/* Rows of a segment, with the padding. */
static uint32_t packed_k(const QfkTileKernel *k, const QfkPack *p)
{
  return (p->k + k->kr - 1) / k->kr * k->kr;
}

size_t qfk_pack_bytes(const QfkTileKernel *k, const QfkPack *p)
{
  return (size_t)qfk_pack_columns(k, p->n) * p->n_seg * packed_k(k, p) * value_size(k);
}

/* Index of the weight in row @i of segment @seg, column @n. */
static inline ptrdiff_t weight_at(const QfkPack *p, uint32_t seg, uint32_t i, uint32_t n)
{
  ptrdiff_t row = p->seg_row ? p->seg_row[seg] : (ptrdiff_t)seg * p->k;
  return (row + i) * p->row + (ptrdiff_t)n * p->col;
}

static inline int32_t weight_int(const QfkPack *p, uint32_t seg, uint32_t i, uint32_t n)
{
  return qfk_load_int(p->w, p->w_type, (size_t)weight_at(p, seg, i, n)) - (p->w_zero ? p->w_zero[n] : 0);
}

/* A panel of @width columns from @n0 on; @columns says which column stands at each slot. */
typedef struct {
  const QfkTileKernel *k;
  const QfkPack *p;
  uint32_t n0, width;
  uint32_t columns[256];
} Panel;

static void pack_f32(const Panel *a, uint32_t seg, float *dst)
{
  const QfkPack *p = a->p;
  const float *w = (const float *)p->w + weight_at(p, seg, 0, a->n0);
  const uint32_t used = p->n - a->n0 < a->width ? p->n - a->n0 : a->width;
  for (uint32_t i = 0; i < p->k; i++, dst += a->width, w += p->row) {
    if (p->col == 1)
      memcpy(dst, w, used * sizeof(float));
    else
      for (uint32_t slot = 0; slot < used; slot++)
        dst[slot] = w[(ptrdiff_t)slot * p->col];
    memset(dst + used, 0, (a->width - used) * sizeof(float));
  }
}

/* Integers: one group of kr rows, from row @i on. */
static void *pack_group(const Panel *a, uint32_t seg, uint32_t i, void *dst)
{
  const QfkPack *p = a->p;
  const bool s16 = a->k->kind == QFK_TILE_S16;
  uint8_t *out = dst;
  for (uint32_t slot = 0; slot < a->width; slot++)
    for (uint32_t j = i; j < i + a->k->kr; j++) {
      const uint32_t n = a->columns[slot];
      const int16_t v = (int16_t)(j < p->k && n < p->n ? weight_int(p, seg, j, n) : 0);
      if (s16)
        memcpy(out, &v, 2);
      else
        *out = (uint8_t)v;
      out += s16 ? 2 : 1;
    }
  return out;
}

void qfk_pack_panel(const QfkTileKernel *k, const QfkPack *p, uint32_t n0, void *panel)
{
  Panel a = {k, p, n0, qfk_panel_width(k, p->n - n0), {0}};
  const uint32_t kp = packed_k(k, p);
  const size_t seg_bytes = (size_t)kp * a.width * value_size(k);
  uint8_t *dst = panel;
  for (uint32_t slot = 0; slot < a.width; slot++)
    a.columns[slot] = n0 + qfk_panel_column(k, a.width, slot);
  for (uint32_t seg = 0; seg < p->n_seg; seg++, dst += seg_bytes) {
    uint8_t *at = dst;
    if (p->seg_row && p->seg_row[seg] < 0)
      memset(dst, 0, seg_bytes);
    else if (k->kind == QFK_TILE_F32)
      pack_f32(&a, seg, (float *)dst);
    else
      for (uint32_t i = 0; i < kp; i += k->kr)
        at = pack_group(&a, seg, i, at);
  }
}

void qfk_pack_panels(const QfkTileKernel *k, const QfkPack *p, void *panels)
{
  const size_t column_bytes = (size_t)p->n_seg * packed_k(k, p) * value_size(k);
  for (uint32_t n = 0; n < p->n; n += k->nr)
    qfk_pack_panel(k, p, n, (uint8_t *)panels + n * column_bytes);
}

void qfk_pack_vector(const QfkTileKernel *k, uint32_t n, const void *src, void *dst)
{
  uint32_t *out = dst;
  for (uint32_t n0 = 0; n0 < n; n0 += k->nr) {
    const uint32_t width = qfk_panel_width(k, n - n0);
    for (uint32_t slot = 0; slot < width; slot++) {
      uint32_t c = n0 + qfk_panel_column(k, width, slot);
      *out++ = src && c < n ? ((const uint32_t *)src)[c] : 0;
    }
  }
}

void qfk_pack_bias(const QfkPack *p, const int32_t *bias, int32_t x_zero, int32_t *dst)
{
  for (uint32_t n = 0; n < p->n; n++) {
    int64_t sum = 0;
    for (uint32_t seg = 0; seg < p->n_seg; seg++)
      for (uint32_t i = 0; i < p->k && !(p->seg_row && p->seg_row[seg] < 0); i++)
        sum += weight_int(p, seg, i, n);
    dst[n] = (int32_t)((bias ? bias[n] : 0) - x_zero * sum);
  }
}

bool qfk_pack_fits(const QfkPack *p, const int32_t *bias, int32_t x_max)
{
  for (uint32_t n = 0; n < p->n; n++) {
    int64_t sum = 0, b = bias ? bias[n] : 0;
    for (uint32_t seg = 0; seg < p->n_seg; seg++)
      for (uint32_t i = 0; i < p->k; i++) {
        int32_t w = weight_int(p, seg, i, n);
        sum += w < 0 ? -w : w;
      }
    if (sum * x_max + (b < 0 ? -b : b) > INT32_MAX)
      return false;
  }
  return true;
}

bool qfk_pack_fits_int8(const QfkPack *p)
{
  for (uint32_t n = 0; n < p->n; n++)
    for (uint32_t seg = 0; seg < p->n_seg; seg++)
      for (uint32_t i = 0; i < p->k; i++) {
        int32_t w = weight_int(p, seg, i, n);
        if (w < INT8_MIN || w > INT8_MAX)
          return false;
      }
  return true;
}
