/* SPDX-License-Identifier: MIT */
/*
 * copy_ref.c - moving values, in plain C. See copy.h.
 */
#include "copy.h"

#include <string.h>

#define QFK_TYPED(T)                                                                                         \
  static void copy_row_##T(T *y, ptrdiff_t sy, const T *x, ptrdiff_t sx, int64_t n)                          \
  {                                                                                                          \
    for (int64_t i = 0; i < n; i++)                                                                          \
      y[i * sy] = x[i * sx];                                                                                 \
  }                                                                                                          \
  static void select_row_##T(T *y, const QfkNd *nd, const uint8_t *c, const T *a, const T *b)                \
  {                                                                                                          \
    const int32_t last = nd->rank - 1;                                                                       \
    for (int64_t i = 0; i < nd->dims[last]; i++)                                                             \
      y[i * nd->stride[0][last]] =                                                                           \
          c[i * nd->stride[1][last]] ? a[i * nd->stride[2][last]] : b[i * nd->stride[3][last]];              \
  }

QFK_TYPED(uint8_t)
QFK_TYPED(uint16_t)
QFK_TYPED(uint32_t)
QFK_TYPED(uint64_t)

static void copy_row(uint32_t bytes, void *y, ptrdiff_t sy, const void *x, ptrdiff_t sx, int64_t n)
{
  if (sy == 1 && sx == 1)
    memcpy(y, x, (size_t)n * bytes);
  else if (bytes == 1)
    copy_row_uint8_t(y, sy, x, sx, n);
  else if (bytes == 2)
    copy_row_uint16_t(y, sy, x, sx, n);
  else if (bytes == 4)
    copy_row_uint32_t(y, sy, x, sx, n);
  else
    copy_row_uint64_t(y, sy, x, sx, n);
}

void qfk_copy_ref(const QfkNd *nd, uint32_t element_bytes, const void *x, void *y)
{
  const int32_t last = nd->rank - 1;
  const ptrdiff_t bytes = element_bytes;
  QfkNdWalk walk = {0};
  if (!qfk_nd_count(nd))
    return;
  do
    copy_row(element_bytes, (char *)y + walk.offset[0] * bytes, nd->stride[0][last],
             (const char *)x + walk.offset[1] * bytes, nd->stride[1][last], nd->dims[last]);
  while (qfk_nd_next(nd, &walk));
}

void qfk_fill_ref(const QfkNd *nd, uint32_t element_bytes, const void *value, void *y)
{
  const int32_t last = nd->rank - 1;
  QfkNdWalk walk = {0};
  if (!qfk_nd_count(nd))
    return;
  do
    copy_row(element_bytes, (char *)y + walk.offset[0] * (ptrdiff_t)element_bytes, nd->stride[0][last], value,
             0, nd->dims[last]);
  while (qfk_nd_next(nd, &walk));
}

void qfk_select_ref(const QfkNd *nd, uint32_t element_bytes, const uint8_t *c, const void *a, const void *b,
                    void *y)
{
  const ptrdiff_t bytes = element_bytes;
  QfkNdWalk walk = {0};
  if (!qfk_nd_count(nd))
    return;
  do {
    void *yr = (char *)y + walk.offset[0] * bytes;
    const uint8_t *cr = c + walk.offset[1];
    const void *ar = (const char *)a + walk.offset[2] * bytes, *br = (const char *)b + walk.offset[3] * bytes;
    if (bytes == 1)
      select_row_uint8_t(yr, nd, cr, ar, br);
    else if (bytes == 2)
      select_row_uint16_t(yr, nd, cr, ar, br);
    else if (bytes == 4)
      select_row_uint32_t(yr, nd, cr, ar, br);
    else
      select_row_uint64_t(yr, nd, cr, ar, br);
  } while (qfk_nd_next(nd, &walk));
}

static int64_t mapped(const QfkCopyMap *p, int32_t axis, int64_t i)
{
  return (p->map[axis] ? p->map[axis][i] : i) * p->stride[axis];
}

void qfk_copy_map_ref(const QfkCopyMap *p, uint32_t element_bytes, const void *x, void *y)
{
  const int32_t last = p->rank - 1;
  int64_t index[QFK_MAX_RANK] = {0};
  char *out = y;
  for (int32_t i = 0; i < p->rank; i++)
    if (!p->dims[i])
      return;
  for (int32_t axis = 0; axis >= 0;) {
    int64_t base = 0;
    for (int32_t i = 0; i < last; i++)
      base += mapped(p, i, index[i]);
    for (int64_t i = 0; i < p->dims[last]; i++, out += element_bytes)
      memcpy(out, (const char *)x + (base + mapped(p, last, i)) * (ptrdiff_t)element_bytes, element_bytes);
    for (axis = last - 1; axis >= 0 && ++index[axis] == p->dims[axis]; axis--)
      index[axis] = 0;
  }
}
