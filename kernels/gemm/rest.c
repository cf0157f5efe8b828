/* SPDX-License-Identifier: MIT */
/*
 * rest.c - taking rests off when a model is made, and their sums in plain C.
 */
#include "rest.h"

#include <string.h>

enum { LIMIT = 128, SLOTS = 16, PANELS_AT_ONCE = 4 };

/* The rests of up to 16 columns, from @n0 on. */
typedef struct {
  const QfkPack *p;
  uint32_t n0, columns;
  int32_t sums[SLOTS][QFK_REST_LAYERS][2]; /* of magnitudes of each sign */
  uint32_t count[SLOTS][QFK_REST_LAYERS];
  QfkRestPair *at[SLOTS][QFK_REST_LAYERS]; /* where they are written; NULL: they are only counted */
  int8_t *packed;                          /* the panel that they are taken off; NULL: none is */
  uint32_t width, slot[SLOTS];             /* of the panel; where columns are in it */
  QfkRestList *list;                       /* gets what is found, unless NULL */
} Panel;

/* Finds a layer for a rest of column @j and even row @row. FALSE: none has room. */
static bool add_rest(Panel *a, uint32_t j, uint32_t row, int32_t rest)
{
  const int32_t size = rest < 0 ? -rest : rest;
  uint32_t i = 0;
  while (i < QFK_REST_LAYERS && a->sums[j][i][rest < 0] + size > LIMIT)
    i++;
  if (i == QFK_REST_LAYERS)
    return false;
  a->sums[j][i][rest < 0] += size;
  const uint32_t n = a->count[j][i]++, which = n % 2;
  if (a->at[j][i]) {
    QfkRestPair *pair = a->at[j][i] + n / 2;
    if (!which)
      *pair = (QfkRestPair){{(uint16_t)(row / 2), (uint16_t)(row / 2)}, {0, 0}};
    pair->k[which] = (uint16_t)(row / 2);
    pair->w[which] = (int8_t)rest;
  }
  if (a->packed) {
    int8_t *w = a->packed + qfk_rest_place(a->width, a->slot[j], row);
    *w = (int8_t)(*w - rest);
  }
  return true;
}

typedef int16_t Lot __attribute__((vector_size(16)));
typedef uint8_t Bytes __attribute__((vector_size(16)));

/* Eight bytes with sign, each of which stands there twice. */
static inline Lot widen(Bytes twice)
{
  Lot w;
  memcpy(&w, &twice, sizeof(w));
  return w >> 8;
}

#define LOW 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7
#define HIGH 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13, 14, 14, 15, 15

/* Sums of two rows, and a byte of @beyond that is not 0 for each that is too large. */
static inline bool find_beyond(const int8_t *u, const int8_t *v, uint32_t columns, int16_t *sums,
                               uint64_t *beyond)
{
  Bytes a = {0}, b = {0};
  memcpy(&a, u, columns);
  memcpy(&b, v, columns);
  const Lot low = widen(__builtin_shufflevector(a, a, LOW)) + widen(__builtin_shufflevector(b, b, LOW));
  const Lot high = widen(__builtin_shufflevector(a, a, HIGH)) + widen(__builtin_shufflevector(b, b, HIGH));
  const Lot out[2] = {(low > LIMIT) | (low < -LIMIT), (high > LIMIT) | (high < -LIMIT)};
  const Lot either = out[0] | out[1];
  uint64_t any[2];
  memcpy(any, &either, sizeof(any));
  if (!(any[0] | any[1]))
    return false;
  Bytes x, y;
  memcpy(&x, &out[0], sizeof(x));
  memcpy(&y, &out[1], sizeof(y));
  x = __builtin_shufflevector(x, y, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
  memcpy(beyond, &x, sizeof(x));
  memcpy(sums, &low, sizeof(low));
  memcpy(sums + SLOTS / 2, &high, sizeof(high));
  return true;
}

static bool found_rest(Panel *a, uint32_t j, uint32_t row, int32_t rest)
{
  QfkRestList *list = a->list;
  if (list && list->n_found++ < list->room)
    list->found[list->n_found - 1] = (QfkRestFound){a->n0 + j, (uint16_t)(row / 2), (int8_t)rest};
  return add_rest(a, j, row, rest);
}

/* Magnitudes of one sign in a pair sum up to more than the limit just when the pair does: of two signs they cannot. */
static bool scan_pair(Panel *a, uint32_t i)
{
  const int8_t *u = (const int8_t *)a->p->w + (ptrdiff_t)i * a->p->row + a->n0, *v = u + a->p->row;
  int16_t sums[SLOTS];
  uint64_t beyond[2];
  if (!(a->columns == SLOTS ? find_beyond(u, v, SLOTS, sums, beyond)
                            : find_beyond(u, v, a->columns, sums, beyond)))
    return true;
  for (uint32_t half = 0; half < 2; half++)
    for (uint64_t left = beyond[half] & 0x0101010101010101; left; left &= left - 1) {
      const uint32_t j = SLOTS / 2 * half + (uint32_t)__builtin_ctzll(left) / 8;
      if (!found_rest(a, j, i, sums[j] > 0 ? sums[j] - LIMIT : sums[j] + LIMIT))
        return false;
    }
  return true;
}

/* @n panels beside each other, so that lines of the cache are read as a whole. */
static bool scan_panels(Panel *a, uint32_t n)
{
  for (uint32_t i = 0; i + 1 < a->p->k; i += 2)
    for (uint32_t j = 0; j < n; j++)
      if (!scan_pair(a + j, i))
        return false;
  return true;
}

/* Panels from @n0 on; returns how many. */
static uint32_t panels_at(Panel *a, const QfkPack *p, uint32_t n0)
{
  uint32_t n = 0;
  for (; n < PANELS_AT_ONCE && n0 < p->n; n++, n0 += SLOTS)
    a[n] = (Panel){.p = p, .n0 = n0, .columns = p->n - n0 < SLOTS ? p->n - n0 : SLOTS};
  return n;
}

bool qfk_rest_scan(const QfkPack *p, QfkRestList *list)
{
  list->layers = list->pairs = list->n_found = 0;
  if (p->w_type != QFK_S8 || p->w_zero || p->n_seg != 1 || p->seg_row || p->col != 1 || p->k > UINT16_MAX)
    return false;
  for (uint32_t n0 = 0; n0 < p->n; n0 += PANELS_AT_ONCE * SLOTS) {
    Panel some[PANELS_AT_ONCE];
    const uint32_t n = panels_at(some, p, n0);
    for (uint32_t i = 0; i < n; i++)
      some[i].list = list;
    if (!scan_panels(some, n))
      return false;
    for (const Panel *a = some; a < some + n; a++) {
      memcpy(list->counts + a->n0, a->count, a->columns * sizeof(*list->counts));
      for (uint32_t j = 0; j < a->columns; j++)
        for (uint32_t i = 0; i < QFK_REST_LAYERS && a->count[j][i]; i++) {
          list->layers = list->layers > i ? list->layers : i + 1;
          list->pairs += (a->count[j][i] + 1) / 2;
        }
    }
  }
  return true;
}

uint32_t qfk_rest_starts(const QfkPack *p, uint32_t layers)
{
  return (p->n + SLOTS - 1) / SLOTS * layers * SLOTS + 1;
}

/* Says where rests of a panel are written, from pair @n on; returns the pair behind them. */
static uint32_t place_panel(const QfkTileKernel *k, Panel *a, uint32_t layers, const QfkRestCount *counts,
                            QfkRestPair *pairs, uint32_t n, uint32_t *start)
{
  a->width = qfk_panel_width(k, a->p->n - a->n0);
  for (uint32_t layer = 0; layer < layers; layer++)
    for (uint32_t slot = 0; slot < SLOTS; slot++) {
      const uint32_t j = slot < a->width ? qfk_panel_column(k, a->width, slot) : SLOTS;
      *start++ = n;
      if (j >= a->columns)
        continue;
      a->slot[j] = slot;
      a->at[j][layer] = pairs + n;
      n += (counts[a->n0 + j][layer] + 1) / 2;
    }
  return n;
}

void qfk_rest_split(const QfkTileKernel *k, const QfkPack *p, const QfkRestList *list, void *panels,
                    uint32_t *start, QfkRestPair *pairs, QfkRest *rest)
{
  const size_t rows = (p->k + k->kr - 1) / k->kr * k->kr;
  const bool all = list->n_found <= list->room;
  const QfkRestFound *f = list->found, *last = f + (all ? list->n_found : 0);
  uint32_t *at = start, end = 0;
  for (uint32_t n0 = 0; n0 < p->n; n0 += PANELS_AT_ONCE * SLOTS) {
    Panel some[PANELS_AT_ONCE];
    const uint32_t n = panels_at(some, p, n0);
    for (Panel *a = some; a < some + n; a++, at += list->layers * SLOTS) {
      end = place_panel(k, a, list->layers, list->counts, pairs, end, at);
      a->packed = panels ? (int8_t *)panels + a->n0 * rows : NULL;
    }
    if (!all)
      scan_panels(some, n);
    for (; all && f < last && f->column < n0 + n * SLOTS; f++)
      add_rest(some + (f->column - n0) / SLOTS, f->column % SLOTS, 2u * f->pair, f->rest);
  }
  *at = end;
  *rest = (QfkRest){.k = p->k, .layers = list->layers, .start = start, .pairs = pairs};
}

bool qfk_rest_valid(const QfkRest *r, uint32_t n, uint32_t pairs)
{
  const uint32_t entries = (n + SLOTS - 1) / SLOTS * r->layers * SLOTS;
  uint32_t last = 0, out = 0;
  for (uint32_t i = 0; i <= entries; i++) {
    out |= r->start[i] < last;
    last = r->start[i];
  }
  if (out || last > pairs)
    return false;
  for (uint32_t i = 0; i < last; i++)
    out |= (r->pairs[i].k[0] >= r->k / 2) | (r->pairs[i].k[1] >= r->k / 2);
  return !out;
}

QfkRestFuncs qfk_rest_find(uint32_t features)
{
#if defined(__x86_64__)
  if (features & QFK_CPU_AVX2)
    return (QfkRestFuncs){qfk_rest_turn_avx2, qfk_rest_sum_avx2};
#endif
  (void)features;
  return (QfkRestFuncs){qfk_rest_turn_ref, qfk_rest_sum_ref};
}

void qfk_rest_turn_ref(const QfkRest *r, const void *const *a, uint32_t count, uint8_t *columns)
{
  for (uint32_t i = 0; i < (count + QFK_REST_PIXELS - 1) / QFK_REST_PIXELS * QFK_REST_PIXELS; i++) {
    const uint8_t *row = a[i < count ? i : count - 1];
    uint8_t *to = columns + i / QFK_REST_PIXELS * qfk_rest_block_bytes(r) + i % QFK_REST_PIXELS;
    for (uint32_t k = 0; k < r->k / 2; k++)
      to[(size_t)k * QFK_REST_PIXELS] = row[2 * k] ^ r->flip;
  }
}

uint32_t qfk_rest_sum_ref(const QfkRest *r, uint32_t panel, const uint8_t *columns, uint32_t count,
                          int16_t *sums, size_t pitch)
{
  const uint32_t layers = qfk_rest_layers(r, panel);
  for (uint32_t layer = 0; layer < layers; layer++)
    for (uint32_t slot = 0; slot < SLOTS; slot++) {
      const uint32_t *start = r->start + (panel * r->layers + layer) * SLOTS + slot;
      for (uint32_t i = 0; i < count; i++) {
        const uint8_t *pixel = columns + i / QFK_REST_PIXELS * qfk_rest_block_bytes(r) + i % QFK_REST_PIXELS;
        int32_t sum = 0;
        for (const QfkRestPair *e = r->pairs + start[0]; e < r->pairs + start[1]; e++)
          sum += pixel[e->k[0] * QFK_REST_PIXELS] * e->w[0] + pixel[e->k[1] * QFK_REST_PIXELS] * e->w[1];
        sums[(layer * pitch + i) * SLOTS + slot] = (int16_t)sum;
      }
    }
  return layers;
}
