/* SPDX-License-Identifier: MIT */
/*
 * ngrams_ref.c - counts of n-grams, in plain C. See signal.h.
 */
#include "signal.h"

#include <string.h>

static bool stands_at(const int64_t *gram, int64_t n, const int64_t *x, int64_t distance)
{
  for (int64_t i = 0; i < n; i++)
    if (x[i * distance] != gram[i])
      return false;
  return true;
}

/* In one row; an item alone has no distance. */
static int64_t count(const QfkNgrams *p, const int64_t *gram, int64_t n, const int64_t *x)
{
  const int64_t skips = n > 1 ? p->skips : 0;
  int64_t found = 0;
  for (int64_t distance = 1; distance <= skips + 1 && (n - 1) * distance < p->columns; distance++)
    for (int64_t at = 0; at + (n - 1) * distance < p->columns; at++)
      found += stands_at(gram, n, x + at, distance);
  return found;
}

void qfk_ngrams_ref(const QfkNgrams *p, const int64_t *pool, const int64_t *x, float *y)
{
  memset(y, 0, (size_t)(p->rows * p->outputs) * sizeof(*y));
  int64_t id = 0;
  for (int64_t size = 1; size <= p->n_sizes; size++) {
    const int64_t end = size < p->n_sizes ? p->first[size] : p->pool_size;
    for (int64_t at = p->first[size - 1]; at + size <= end; at += size, id++)
      for (int64_t r = 0; r < p->rows && size >= p->least && size <= p->most; r++) {
        int64_t n = count(p, pool + at, size, x + r * p->columns);
        y[r * p->outputs + p->place[id]] += (p->weight ? p->weight[id] : 1) * (float)(p->once ? n > 0 : n);
      }
  }
}
