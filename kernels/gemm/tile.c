/* SPDX-License-Identifier: MIT */
/*
 * tile.c - the list of tile kernels, and how their panels are laid out. What is in panels is made by pack.c.
 */
#include "tile.h"

#define QFK_TILE(fn, isa, kind, mr, nr, kr, lanes) {#fn, isa, kind, mr, nr, kr, lanes, fn},
#define QFK_ACT(fn, isa)
#define QFK_WIDEN(fn, isa)
#define QFK_NARROW(fn, isa)
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
} widens[] =
    {
#define QFK_ACT(fn, isa)
#define QFK_WIDEN(fn, isa) {isa, fn},
#include "tile.inc"
#undef QFK_WIDEN
#undef QFK_NARROW
},
  narrows[] = {
#define QFK_WIDEN(fn, isa)
#define QFK_NARROW(fn, isa) {isa, fn},
#include "tile.inc"
#undef QFK_TILE
#undef QFK_ACT
#undef QFK_WIDEN
#undef QFK_NARROW
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

QfkWidenFunc qfk_narrow_find(uint32_t features)
{
  size_t i = 0;
  while (narrows[i].isa & ~features)
    i++;
  return narrows[i].fn;
}

static const struct {
  QfkTileFunc run, rows;
} all_rows[] = {
#define QFK_TILE_ROWS(run, rows) {run, rows},
#include "tile_rows.inc"
#undef QFK_TILE_ROWS
    {NULL, NULL},
};

void qfk_tile_rows(const QfkTileKernel *k, const QfkTile *t, uint32_t m)
{
  for (size_t i = 0; all_rows[i].run; i++)
    if (all_rows[i].run == k->run) {
      all_rows[i].rows(t, m);
      return;
    }
  const uint32_t tiles = (m + k->mr - 1) / k->mr, least = m / tiles, taller = m - least * tiles;
  const uint32_t share = (t->next_lines + tiles - 1) / tiles;
  uint32_t lines = t->next_lines;
  void *c[16];
  QfkTile part = *t;
  part.c = c;
  part.c_at = 0;
  for (uint32_t i = 0, row = 0; i < tiles; i++) {
    const uint32_t height = least + (i < taller);
    for (uint32_t r = 0; r < height; r++)
      c[r] = (uint8_t *)t->c[row + r] + t->c_at;
    part.next_lines = share < lines ? share : lines;
    k->run(&part, height);
    if (part.next)
      part.next += (size_t)part.next_lines * QFK_LINE;
    lines -= part.next_lines;
    part.a += (size_t)height * t->n_seg;
    if (part.rest)
      part.rest += (size_t)height * k->nr;
    row += height;
  }
}

uint32_t qfk_panel_width(const QfkTileKernel *k, uint32_t n)
{
  uint32_t vectors = ((n < k->nr ? n : k->nr) + k->lanes - 1) / k->lanes;
  if (!qfk_tile_is_float(k->kind) && vectors == 3)
    vectors = 4;
  return vectors * k->lanes;
}

uint32_t qfk_panel_column(const QfkTileKernel *k, uint32_t width, uint32_t slot)
{
  uint32_t vectors = width / k->lanes, v = slot / k->lanes, e = slot % k->lanes;
  return qfk_tile_is_float(k->kind) ? slot : 4 * vectors * (e / 4) + 4 * v + e % 4;
}

uint32_t qfk_pack_columns(const QfkTileKernel *k, uint32_t n)
{
  uint32_t rest = n % k->nr;
  return n - rest + (rest ? qfk_panel_width(k, rest) : 0);
}
