/* SPDX-License-Identifier: MIT */
/*
 * nd.h - a loop nest over strided operands, shared by the families that broadcast, slice or permute.
 *
 * Operand 0 is the output. After qfk_nd_collapse() neighbouring dimensions that all operands cross in one step are one, so a
 * dense operation of any rank is a single row, and kernels need to be fast along the last dimension only.
 */
#ifndef QFK_ND_H
#define QFK_ND_H

#include "common.h"

#define QFK_MAX_RANK 16 /* permutations of blocks split dimensions in two */
#define QFK_ND_OPERANDS 4

typedef struct {
  int32_t rank;       /* 1 to QFK_MAX_RANK */
  int32_t n_operands; /* 1 to QFK_ND_OPERANDS */
  int64_t dims[QFK_MAX_RANK];
  int64_t stride[QFK_ND_OPERANDS][QFK_MAX_RANK]; /* elements; 0 repeats, negative runs backwards */
} QfkNd;

/* Where a walk over the outer dimensions is: the offset, in elements, of the current row of each operand. */
typedef struct {
  int64_t index[QFK_MAX_RANK];
  int64_t offset[QFK_ND_OPERANDS];
} QfkNdWalk;

/* TRUE when dimension @i and the next are crossed as one by every operand. */
static inline bool qfk_nd_joined(const QfkNd *nd, int32_t i)
{
  for (int32_t k = 0; k < nd->n_operands; k++)
    if (nd->stride[k][i] != nd->stride[k][i + 1] * nd->dims[i + 1])
      return false;
  return true;
}

static inline void qfk_nd_drop(QfkNd *nd, int32_t i)
{
  for (int32_t j = i; j + 1 < nd->rank; j++) {
    nd->dims[j] = nd->dims[j + 1];
    for (int32_t k = 0; k < nd->n_operands; k++)
      nd->stride[k][j] = nd->stride[k][j + 1];
  }
  nd->rank--;
}

/* Drops dimensions of size 1 and joins those that can be; at least one dimension is left. */
static inline void qfk_nd_collapse(QfkNd *nd)
{
  for (int32_t i = nd->rank - 1; i >= 0; i--)
    if (nd->dims[i] == 1 && nd->rank > 1)
      qfk_nd_drop(nd, i);
  for (int32_t i = nd->rank - 2; i >= 0; i--)
    if (qfk_nd_joined(nd, i)) {
      nd->dims[i + 1] *= nd->dims[i];
      qfk_nd_drop(nd, i);
    }
}

/* Elements of the output. */
static inline int64_t qfk_nd_count(const QfkNd *nd)
{
  int64_t n = 1;
  for (int32_t i = 0; i < nd->rank; i++)
    n *= nd->dims[i];
  return n;
}

/* Steps to the next row; false after the last one. Starts with a zeroed walk on the first row. */
static inline bool qfk_nd_next(const QfkNd *nd, QfkNdWalk *walk)
{
  for (int32_t i = nd->rank - 2; i >= 0; i--) {
    for (int32_t k = 0; k < nd->n_operands; k++)
      walk->offset[k] += nd->stride[k][i];
    if (++walk->index[i] < nd->dims[i])
      return true;
    for (int32_t k = 0; k < nd->n_operands; k++)
      walk->offset[k] -= nd->stride[k][i] * nd->dims[i];
    walk->index[i] = 0;
  }
  return false;
}

#endif
