/* SPDX-License-Identifier: MIT */
/*
 * sequence_ref.c - sequences reversed up to their lengths, and columns added up to images, in plain C. See gather.h.
 */
#include "gather.h"

#include <string.h>

/* How often a batch or time index changes as the five-fold loop runs: outer, first axis, middle, second axis, inner. */
void qfk_reverse_sequence_ref(const QfkReverse *p, const void *x, QfkIndices lengths, void *y)
{
  for (size_t i = 0; i < p->outer * p->first * p->middle * p->second; i++) {
    const size_t second = i % p->second, first = i / p->second / p->middle % p->first;
    const size_t batch = p->time_first ? second : first, time = p->time_first ? first : second;
    const size_t total = p->time_first ? p->first : p->second;
    const size_t step = p->time_first ? p->middle * p->second : 1; /* of one time index */
    int64_t n =
        lengths.wide ? ((const int64_t *)lengths.data)[batch] : ((const int32_t *)lengths.data)[batch];
    size_t length = n < 0 ? 0 : (uint64_t)n > total ? total : (size_t)n;
    size_t from = time < length ? i - time * step + (length - 1 - time) * step : i;
    memcpy((char *)y + i * p->inner_bytes, (const char *)x + from * p->inner_bytes, p->inner_bytes);
  }
}

/* The place in the image of column @column and kernel element @element; -1: outside. */
static int64_t place(const QfkCol2Im *p, int64_t column, int64_t element)
{
  int64_t at = 0, stride = 1;
  for (int d = p->rank - 1; d >= 0; d--) {
    int64_t i = column % p->columns[d] * p->stride[d] - p->pad[d] + element % p->block[d] * p->dilation[d];
    column /= p->columns[d];
    element /= p->block[d];
    if (i < 0 || i >= p->image[d])
      return -1;
    at += i * stride;
    stride *= p->image[d];
  }
  return at;
}

void qfk_col2im_f32_ref(const QfkCol2Im *p, const float *x, float *y)
{
  int64_t elements = 1, columns = 1, pixels = 1;
  for (int d = 0; d < p->rank; d++) {
    elements *= p->block[d];
    columns *= p->columns[d];
    pixels *= p->image[d];
  }
  memset(y, 0, (size_t)(p->planes * pixels) * sizeof(*y));
  for (int64_t e = 0; e < elements; e++)
    for (int64_t c = 0; c < columns; c++) {
      const int64_t at = place(p, c, e);
      for (int64_t n = 0; n < p->planes && at >= 0; n++)
        y[n * pixels + at] += x[(n * elements + e) * columns + c];
    }
}
