/* SPDX-License-Identifier: MIT */
/*
 * nd.h - loop nests of kernels/nd.h made from tensors, and pieces of them for the threads.
 */
#ifndef QF_BACKENDS_CPU_ND_H
#define QF_BACKENDS_CPU_ND_H

#include "cpu.h"
#include "kernels/nd.h"

/* The nest of @out and its @inputs, which broadcast from the right; collapsed. */
void qf_cpu_nd_broadcast(QfkNd *nd, const QfTensor *out, QfTensor *const *inputs, uint32_t n_inputs);

/* The nest of a transposition: out dimension i is input dimension perm[i]; collapsed. */
void qf_cpu_nd_transpose(QfkNd *nd, const QfTensor *out, const QfTensor *in, const int64_t *perm);

/* Indices [begin, end) of the nest's first dimension, and where they start in operand @k. */
static inline QfkNd qf_cpu_nd_slice(const QfkNd *nd, size_t begin, size_t end)
{
  QfkNd part = *nd;
  part.dims[0] = (int64_t)(end - begin);
  return part;
}

static inline ptrdiff_t qf_cpu_nd_offset(const QfkNd *nd, int32_t k, size_t begin)
{
  return nd->stride[k][0] * (ptrdiff_t)begin;
}

/* Indices of the first dimension that make a piece worth a thread: about 16 K elements. */
static inline size_t qf_cpu_nd_grain(const QfkNd *nd)
{
  int64_t per_index = qfk_nd_count(nd) / MAX(nd->dims[0], 1);
  return (size_t)MAX(16384 / MAX(per_index, 1), 1);
}

#endif
