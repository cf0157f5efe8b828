/* SPDX-License-Identifier: MIT */
/*
 * rest.h - products of uint8 by int8 in pairs, without dot product instructions: vpmaddubsw adds two neighbouring products in int16,
 * which is exact when the magnitudes of weights of one sign in a pair sum up to 128 at most (128 * 255 < 2^15). Most pairs are so.
 * Of the others a part of the first weight is taken off, the rest: few numbers, whose products are summed up apart and added at the
 * end. So only even rows of the matrix, and even values of A, have to do with them.
 *
 * Rests lie in layers: those of one column and layer sum up to 128 at most for each sign, so that int16 holds their sum too.
 */
#ifndef QFK_REST_H
#define QFK_REST_H

#include "tile.h"

#define QFK_REST_PIXELS 32 /* rows of A that are worked on at once */
#define QFK_REST_LAYERS 6

/* Two of a column's rests: those of rows 2 k[0] and 2 k[1] of the matrix. */
typedef struct {
  uint16_t k[2];
  int8_t w[2];
} QfkRestPair;

/* Of all panels of 16 columns. */
typedef struct {
  uint32_t k;               /* rows of the matrix */
  uint32_t layers;          /* 0: there are none */
  const uint32_t *start;    /* [panels][layers][16] and one more: first pair of each slot */
  const QfkRestPair *pairs; /* [start of the end] */
  uint8_t flip;             /* as in QfkTile */
} QfkRest;

/* Of a column, by layer. */
typedef uint32_t QfkRestCount[QFK_REST_LAYERS];

/* One that was found. */
typedef struct {
  uint32_t column;
  uint16_t pair; /* of rows */
  int8_t rest;
} QfkRestFound;

/* What a scan says. */
typedef struct {
  uint32_t layers;        /* how many there are */
  uint32_t pairs;         /* at most */
  QfkRestCount *counts;   /* [n], how many rests each column has in each layer */
  QfkRestFound *found;    /* [room], the first of them; the caller's, and so is the room */
  uint32_t room, n_found; /* n_found may be more */
} QfkRestList;

/* Whether @p, int8 without zero points in one segment with rows that lie together, can be split. @list brings counts, found and room. */
bool qfk_rest_scan(const QfkPack *p, QfkRestList *list);
/* Entries of start. */
uint32_t qfk_rest_starts(const QfkPack *p, uint32_t layers);
/* The rests of a scan, which are taken off the weights that lie packed in @panels, unless that is NULL. */
void qfk_rest_split(const QfkTileKernel *k, const QfkPack *p, const QfkRestList *list, void *panels,
                    uint32_t *start, QfkRestPair *pairs, QfkRest *rest);
/* Where the weight of row @row and slot @slot lies in a panel of PAIRS. */
static inline size_t qfk_rest_place(uint32_t width, uint32_t slot, uint32_t row)
{
  return ((size_t)row / 4 * width + slot) * 4 + row % 4;
}

/* Bytes of the columns of 32 rows of A: all even ones, and so much more that blocks do not share few sets of the cache. */
static inline size_t qfk_rest_block_bytes(const QfkRest *r)
{
  return ((size_t)(r->k / 2) * QFK_REST_PIXELS + 2 * QFK_LINE - 1) / (2 * QFK_LINE) * (2 * QFK_LINE) +
         QFK_LINE;
}

/* The even values of rows of A, @count of them, to columns: blocks of [k / 2][32], what is missing copied from the last. */
typedef void (*QfkRestTurnFunc)(const QfkRest *r, const void *const *a, uint32_t count, uint8_t *columns);
/* Sums of panel @panel to [layers][@pitch][16], slots innermost; returns how many layers it has. */
typedef uint32_t (*QfkRestSumFunc)(const QfkRest *r, uint32_t panel, const uint8_t *columns, uint32_t count,
                                   int16_t *sums, size_t pitch);

typedef struct {
  QfkRestTurnFunc turn;
  QfkRestSumFunc sum;
} QfkRestFuncs;
QfkRestFuncs qfk_rest_find(uint32_t features);

void qfk_rest_turn_ref(const QfkRest *r, const void *const *a, uint32_t count, uint8_t *columns);
uint32_t qfk_rest_sum_ref(const QfkRest *r, uint32_t panel, const uint8_t *columns, uint32_t count,
                          int16_t *sums, size_t pitch);
/* Whether what is read, of @n columns and @pairs pairs, stays within it: for what comes from a file. */
bool qfk_rest_valid(const QfkRest *r, uint32_t n, uint32_t pairs);

/* Layers of a panel that have any. */
static inline uint32_t qfk_rest_layers(const QfkRest *r, uint32_t panel)
{
  const uint32_t *start = r->start + (size_t)panel * r->layers * 16;
  uint32_t n = 0;
  while (n < r->layers && start[n * 16] < start[r->layers * 16])
    n++;
  return n;
}

#if defined(__x86_64__)
void qfk_rest_turn_avx2(const QfkRest *r, const void *const *a, uint32_t count, uint8_t *columns);
uint32_t qfk_rest_sum_avx2(const QfkRest *r, uint32_t panel, const uint8_t *columns, uint32_t count,
                           int16_t *sums, size_t pitch);
#endif

#endif
