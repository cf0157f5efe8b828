/* SPDX-License-Identifier: MIT */
/*
 * tile.c - the list of tile kernels, and how their panels are laid out. What is in panels is made by pack.c.
 */
#include "tile.h"

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
