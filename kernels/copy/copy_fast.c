/* SPDX-License-Identifier: MIT */
/*
 * copy_fast.c - transpositions in tiles, and rows with a border.
 */
#include "copy_fast.h"

#include <string.h>

#define TILE 32

/* A plane of the loop nest: y[i][j] = x[i][j], i along the dimension where x is dense, j along the last, where y is dense. */
typedef struct {
  int64_t rows, columns;
  ptrdiff_t y_row, y_column, x_row, x_column; /* elements */
} Plane;

/* Three planes to pixels of three, what a camera frame in planar order needs. */
#define INTERLEAVE3(T)                                                                                       \
  static void interleave3_##T(const Plane *p, const T *restrict x, T *restrict y)                            \
  {                                                                                                          \
    const T *a = x, *b = x + p->x_column, *c = x + 2 * p->x_column;                                          \
    for (int64_t i = 0; i < p->rows; i++) {                                                                  \
      y[3 * i] = a[i];                                                                                       \
      y[3 * i + 1] = b[i];                                                                                   \
      y[3 * i + 2] = c[i];                                                                                   \
    }                                                                                                        \
  }

INTERLEAVE3(uint8_t)
INTERLEAVE3(uint32_t)

#define PLANE(T)                                                                                             \
  static void plane_##T(const Plane *p, const T *x, T *y)                                                    \
  {                                                                                                          \
    for (int64_t i0 = 0; i0 < p->rows; i0 += TILE)                                                           \
      for (int64_t j0 = 0; j0 < p->columns; j0 += TILE) {                                                    \
        const int64_t i1 = i0 + TILE < p->rows ? i0 + TILE : p->rows;                                        \
        const int64_t j1 = j0 + TILE < p->columns ? j0 + TILE : p->columns;                                  \
        for (int64_t j = j0; j < j1; j++)                                                                    \
          for (int64_t i = i0; i < i1; i++)                                                                  \
            y[i * p->y_row + j * p->y_column] = x[i * p->x_row + j * p->x_column];                           \
      }                                                                                                      \
  }

/* Four by four words at a time: y is dense along columns, x along rows. */
typedef uint32_t Four __attribute__((vector_size(16)));

static inline void turn_four(const char *x, ptrdiff_t x_column, uint32_t *y, const int64_t *to)
{
  Four v[4], w[4];
  for (int j = 0; j < 4; j++)
    memcpy(&v[j], x + j * x_column * 4, sizeof(v[j]));
  for (int j = 0; j < 2; j++) {
    w[j] = __builtin_shufflevector(v[2 * j], v[2 * j + 1], 0, 4, 1, 5);
    w[j + 2] = __builtin_shufflevector(v[2 * j], v[2 * j + 1], 2, 6, 3, 7);
  }
  for (int j = 0; j < 2; j++) {
    v[2 * j] = __builtin_shufflevector(w[2 * j], w[2 * j + 1], 0, 1, 4, 5);
    v[2 * j + 1] = __builtin_shufflevector(w[2 * j], w[2 * j + 1], 2, 3, 6, 7);
  }
  for (int i = 0; i < 4; i++)
    memcpy(y + to[i], &v[i], sizeof(v[i]));
}

void qfk_turn_4x4(const void *x, ptrdiff_t x_column, uint32_t *y, const int64_t *to)
{
  turn_four(x, x_column, y, to);
}

static void turn_words(const Plane *p, const uint32_t *x, uint32_t *y)
{
  const int64_t rows = p->rows / 4 * 4, columns = p->columns / 4 * 4;
  const int64_t to[] = {0, p->y_row, 2 * p->y_row, 3 * p->y_row};
  for (int64_t j0 = 0; j0 < columns; j0 += TILE)
    for (int64_t i = 0; i < rows; i += 4)
      for (int64_t j = j0; j < j0 + TILE && j < columns; j += 4)
        turn_four((const char *)(x + i + j * p->x_column), p->x_column, y + i * p->y_row + j, to);
  for (int64_t i = 0; i < p->rows; i++)
    for (int64_t j = i < rows ? columns : 0; j < p->columns; j++)
      y[i * p->y_row + j] = x[i + j * p->x_column];
}

/* 16 by 16 bytes at a time: interleaving rows i and i + 8 four times turns them. */
typedef uint8_t Sixteen __attribute__((vector_size(16)));

static inline void turn_sixteen(const uint8_t *x, ptrdiff_t x_column, uint8_t *y, const int64_t *to)
{
  Sixteen v[16], w[16];
  for (int j = 0; j < 16; j++)
    memcpy(&v[j], x + j * x_column, sizeof(v[j]));
  for (int step = 0; step < 4; step++) {
    for (int j = 0; j < 8; j++) {
      w[2 * j] =
          __builtin_shufflevector(v[j], v[j + 8], 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
      w[2 * j + 1] = __builtin_shufflevector(v[j], v[j + 8], 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14,
                                             30, 15, 31);
    }
    memcpy(v, w, sizeof(v));
  }
  for (int i = 0; i < 16; i++)
    memcpy(y + to[i], &v[i], sizeof(v[i]));
}

void qfk_turn_16x16(const void *x, ptrdiff_t x_column, uint8_t *y, const int64_t *to)
{
  turn_sixteen(x, x_column, y, to);
}

static void turn_bytes(const Plane *p, const uint8_t *x, uint8_t *y)
{
  const int64_t rows = p->rows / 16 * 16, columns = p->columns / 16 * 16;
  int64_t to[16];
  for (int i = 0; i < 16; i++)
    to[i] = i * p->y_row;
  for (int64_t j0 = 0; j0 < columns; j0 += 4 * TILE)
    for (int64_t i = 0; i < rows; i += 16)
      for (int64_t j = j0; j < j0 + 4 * TILE && j < columns; j += 16)
        turn_sixteen(x + i + j * p->x_column, p->x_column, y + i * p->y_row + j, to);
  for (int64_t i = 0; i < p->rows; i++)
    for (int64_t j = i < rows ? columns : 0; j < p->columns; j++)
      y[i * p->y_row + j] = x[i + j * p->x_column];
}

PLANE(uint8_t)
PLANE(uint16_t)
PLANE(uint32_t)
PLANE(uint64_t)

static void copy_plane(const Plane *p, uint32_t bytes, const void *x, void *y)
{
  const bool three = p->columns == 3 && p->x_row == 1 && p->y_column == 1 && p->y_row == 3;
  if (three && bytes == 1)
    interleave3_uint8_t(p, x, y);
  else if (three && bytes == 4)
    interleave3_uint32_t(p, x, y);
  else if (bytes == 4 && p->x_row == 1 && p->y_column == 1)
    turn_words(p, x, y);
  else if (bytes == 1 && p->x_row == 1 && p->y_column == 1 && p->rows >= 16)
    turn_bytes(p, x, y);
  else if (bytes == 1)
    plane_uint8_t(p, x, y);
  else if (bytes == 2)
    plane_uint16_t(p, x, y);
  else if (bytes == 4)
    plane_uint32_t(p, x, y);
  else
    plane_uint64_t(p, x, y);
}

void qfk_copy_tiled(const QfkNd *nd, uint32_t element_bytes, const void *x, void *y)
{
  const int32_t last = nd->rank - 1;
  int32_t dense = -1;
  QfkNd outer = *nd;
  QfkNdWalk walk = {0};
  for (int32_t i = 0; i < last; i++)
    if (nd->stride[1][i] == 1 && nd->dims[i] > 1)
      dense = i;
  if (dense < 0 || nd->stride[1][last] == 1 || !qfk_nd_count(nd)) {
    qfk_copy_ref(nd, element_bytes, x, y);
    return;
  }
  const Plane plane = {nd->dims[dense],     nd->dims[last],       nd->stride[0][dense],
                       nd->stride[0][last], nd->stride[1][dense], nd->stride[1][last]};
  qfk_nd_drop(&outer, dense); /* the walk leaves out its last dimension, which is the plane's other one */
  do
    copy_plane(&plane, element_bytes, (const char *)x + walk.offset[1] * (ptrdiff_t)element_bytes,
               (char *)y + walk.offset[0] * (ptrdiff_t)element_bytes);
  while (qfk_nd_next(&outer, &walk));
}

void qfk_pad_rows(size_t rows, size_t before, size_t n, size_t after, uint32_t value, const uint32_t *x,
                  uint32_t *y)
{
  const uint32_t values[4] = {value, value, value, value};
  for (size_t r = 0; r < rows; r++) {
    size_t i = 0;
    for (size_t k = 0; k < before; k++)
      *y++ = value;
    for (; i + 4 <= n; i += 4) /* rows are short: a call of memcpy would take longer */
      memcpy(y + i, x + i, 16);
    for (; i < n; i++)
      y[i] = x[i];
    x += n;
    y += n;
    for (i = 0; i + 4 <= after; i += 4)
      memcpy(y + i, values, 16);
    for (; i < after; i++)
      y[i] = value;
    y += after;
  }
}
