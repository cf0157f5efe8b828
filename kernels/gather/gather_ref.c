/* SPDX-License-Identifier: MIT */
/*
 * gather_ref.c - reading and writing at computed indices.
 */
#include "gather.h"

#include <string.h>

static size_t index_at(QfkIndices indices, size_t i, int64_t n)
{
  int64_t v = indices.wide ? ((const int64_t *)indices.data)[i] : ((const int32_t *)indices.data)[i];
  v = v < 0 ? v + n : v;
  return v < 0 ? 0 : (size_t)(v >= n ? n - 1 : v);
}

void qfk_gather_ref(const QfkGather *g, const void *x, QfkIndices indices, void *y)
{
  char *to = y;
  for (size_t b = 0; b < g->batch; b++)
    for (size_t o = 0; o < g->outer; o++)
      for (size_t i = 0; i < g->count; i++, to += g->inner_bytes) {
        size_t at = index_at(indices, b * g->count + i, (int64_t)g->axis);
        memcpy(to, (const char *)x + ((b * g->outer + o) * g->axis + at) * g->inner_bytes, g->inner_bytes);
      }
}

/* Visits every element of the index shape: its flat place there, and the place it names in x. */
static size_t named_element(const QfkElements *g, QfkIndices indices, size_t flat, const int64_t *at)
{
  size_t place = 0;
  for (int d = 0; d < g->rank; d++) {
    size_t i = d == g->axis ? index_at(indices, flat, g->x_dims[d]) : (size_t)at[d];
    place = place * (size_t)g->x_dims[d] + i;
  }
  return place;
}

static void advance(const QfkElements *g, int64_t *at)
{
  for (int d = g->rank - 1; d >= 0; d--) {
    if (++at[d] < g->dims[d])
      return;
    at[d] = 0;
  }
}

static size_t elements(const QfkElements *g)
{
  size_t n = 1;
  for (int d = 0; d < g->rank; d++)
    n *= (size_t)g->dims[d];
  return n;
}

void qfk_gather_elements_ref(const QfkElements *g, const void *x, QfkIndices indices, void *y)
{
  int64_t at[QFK_GATHER_MAX_RANK] = {0};
  size_t n = elements(g), e = g->element_bytes;
  for (size_t i = 0; i < n; i++, advance(g, at))
    memcpy((char *)y + i * e, (const char *)x + named_element(g, indices, i, at) * e, e);
}

void qfk_scatter_elements_ref(const QfkElements *g, QfkIndices indices, const void *updates,
                              QfkCombine combine, void *y)
{
  int64_t at[QFK_GATHER_MAX_RANK] = {0};
  size_t n = elements(g), e = g->element_bytes;
  for (size_t i = 0; i < n; i++, advance(g, at)) {
    char *to = (char *)y + named_element(g, indices, i, at) * e;
    if (combine)
      combine(to, (const char *)updates + i * e, 1);
    else
      memcpy(to, (const char *)updates + i * e, e);
  }
}

/* Which slice of x tuple @i names. */
static size_t named_slice(const QfkGatherNd *g, QfkIndices indices, size_t batch, size_t i)
{
  size_t place = batch;
  for (size_t d = 0; d < g->depth; d++)
    place = place * (size_t)g->dims[d] + index_at(indices, (batch * g->count + i) * g->depth + d, g->dims[d]);
  return place;
}

void qfk_gather_nd_ref(const QfkGatherNd *g, const void *x, QfkIndices indices, void *y)
{
  char *to = y;
  for (size_t b = 0; b < g->batch; b++)
    for (size_t i = 0; i < g->count; i++, to += g->slice_bytes)
      memcpy(to, (const char *)x + named_slice(g, indices, b, i) * g->slice_bytes, g->slice_bytes);
}

void qfk_scatter_nd_ref(const QfkGatherNd *g, QfkIndices indices, const void *updates, QfkCombine combine,
                        size_t element_bytes, void *y)
{
  const char *from = updates;
  for (size_t b = 0; b < g->batch; b++)
    for (size_t i = 0; i < g->count; i++, from += g->slice_bytes) {
      char *to = (char *)y + named_slice(g, indices, b, i) * g->slice_bytes;
      if (combine)
        combine(to, from, g->slice_bytes / element_bytes);
      else
        memcpy(to, from, g->slice_bytes);
    }
}
