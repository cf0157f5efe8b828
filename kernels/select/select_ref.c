/* SPDX-License-Identifier: MIT */
/*
 * select_ref.c - plain C reference of select.h.
 */
#include "select.h"

#include <math.h>
#include <string.h>

static uint64_t bits_of(const uint8_t *x, size_t bytes)
{
  uint64_t bits = 0;
  memcpy(&bits, x, bytes);
  return bits;
}

/* Everything but the sign of a float. */
static uint64_t value_mask(size_t bytes, bool is_float)
{
  return is_float ? UINT64_MAX >> (64 - 8 * bytes + 1) : UINT64_MAX;
}

size_t qfk_nonzero_count_ref(const void *x, size_t n, size_t bytes, bool is_float)
{
  uint64_t mask = value_mask(bytes, is_float);
  size_t count = 0;
  for (size_t i = 0; i < n; i++)
    count += (bits_of((const uint8_t *)x + i * bytes, bytes) & mask) != 0;
  return count;
}

void qfk_nonzero_ref(const void *x, const int64_t *dims, int32_t rank, size_t bytes, bool is_float,
                     size_t count, int64_t *y)
{
  uint64_t mask = value_mask(bytes, is_float);
  for (size_t i = 0, k = 0; k < count; i++) {
    if (!(bits_of((const uint8_t *)x + i * bytes, bytes) & mask))
      continue;
    size_t rest = i;
    for (int32_t d = rank - 1; d >= 0; d--) {
      y[(size_t)d * count + k] = (int64_t)(rest % (size_t)dims[d]);
      rest /= (size_t)dims[d];
    }
    k++;
  }
}

size_t qfk_compress_ref(const void *x, size_t outer, size_t n, size_t inner_bytes, const uint8_t *keep,
                        size_t n_keep, void *y)
{
  uint8_t *to = y;
  size_t kept = 0;
  for (size_t i = 0; i < n_keep; i++)
    kept += keep[i] != 0;
  for (size_t o = 0; o < outer; o++) {
    for (size_t i = 0; i < n_keep; i++) {
      if (!keep[i])
        continue;
      memcpy(to, (const uint8_t *)x + (o * n + i) * inner_bytes, inner_bytes);
      to += inner_bytes;
    }
  }
  return kept;
}

/* Below 0 when a comes before b. */
typedef int (*Compare)(const void *context, int64_t a, int64_t b);

static void merge(int64_t *to, const int64_t *from, size_t begin, size_t middle, size_t end, Compare compare,
                  const void *context)
{
  size_t a = begin, b = middle;
  for (size_t i = begin; i < end; i++) {
    bool left = a < middle && (b >= end || compare(context, from[a], from[b]) <= 0);
    to[i] = from[left ? a++ : b++];
  }
}

/* Indices in order; the result is in the returned one of the two buffers. */
static int64_t *sort(int64_t *order, int64_t *other, size_t n, Compare compare, const void *context)
{
  for (size_t width = 1; width < n; width *= 2) {
    for (size_t i = 0; i < n; i += 2 * width) {
      size_t middle = i + width < n ? i + width : n, end = middle + width < n ? middle + width : n;
      merge(other, order, i, middle, end, compare, context);
    }
    int64_t *sorted = other;
    other = order;
    order = sorted;
  }
  return order;
}

#define ORDER(name, type)                                                                                    \
  static int order_##name(const void *x, size_t a, size_t b)                                                 \
  {                                                                                                          \
    type p = ((const type *)x)[a], q = ((const type *)x)[b];                                                 \
    bool p_nan = p != p, q_nan = q != q;                                                                     \
    return p_nan || q_nan ? p_nan - q_nan : (p > q) - (p < q);                                               \
  }
ORDER(f32, float)
ORDER(f64, double)
ORDER(i8, int8_t)
ORDER(u8, uint8_t)
ORDER(i16, int16_t)
ORDER(u16, uint16_t)
ORDER(i32, int32_t)
ORDER(u32, uint32_t)
ORDER(i64, int64_t)
ORDER(u64, uint64_t)

static int (*const orders[])(const void *x, size_t a, size_t b) = {
    [QFK_ORDER_F32] = order_f32, [QFK_ORDER_F64] = order_f64, [QFK_ORDER_I8] = order_i8,
    [QFK_ORDER_U8] = order_u8,   [QFK_ORDER_I16] = order_i16, [QFK_ORDER_U16] = order_u16,
    [QFK_ORDER_I32] = order_i32, [QFK_ORDER_U32] = order_u32, [QFK_ORDER_I64] = order_i64,
    [QFK_ORDER_U64] = order_u64,
};

static int compare_items(const void *context, int64_t a, int64_t b)
{
  const QfkUnique *u = context;
  for (size_t o = 0; o < u->outer; o++) {
    for (size_t i = 0; i < u->inner; i++) {
      size_t at = o * u->n * u->inner + i;
      int c = orders[u->order](u->x, at + (size_t)a * u->inner, at + (size_t)b * u->inner);
      if (c)
        return c;
    }
  }
  return 0;
}

size_t qfk_unique_ref(const QfkUnique *u, int64_t *first, int64_t *inverse, int64_t *counts, int64_t *scratch)
{
  int64_t *place = scratch + 2 * u->n; /* where in the result a group goes */
  size_t n_groups = 0, n_placed = 0;
  for (size_t i = 0; i < u->n; i++)
    scratch[i] = (int64_t)i;
  const int64_t *order = sort(scratch, scratch + u->n, u->n, compare_items, u);
  for (size_t i = 0; i < u->n; i++) {
    n_groups += !i || compare_items(u, order[i - 1], order[i]);
    inverse[order[i]] = (int64_t)n_groups - 1;
  }
  for (size_t g = 0; g < n_groups; g++) {
    place[g] = u->sorted ? (int64_t)g : -1;
    counts[g] = 0;
  }
  for (size_t i = 0; i < u->n; i++) {
    size_t group = (size_t)inverse[i];
    if (place[group] < 0)
      place[group] = (int64_t)n_placed++;
    inverse[i] = place[group];
    if (!counts[inverse[i]]++)
      first[inverse[i]] = (int64_t)i;
  }
  return n_groups;
}

static int compare_scores(const void *context, int64_t a, int64_t b)
{
  const float *scores = context;
  return (scores[a] < scores[b]) - (scores[a] > scores[b]);
}

/* Lower and upper ends along both dimensions. */
static void corners(const float *box, bool centre, float out[4])
{
  for (int d = 0; d < 2; d++) {
    float a = centre ? box[d] - box[d + 2] / 2 : box[d], b = centre ? box[d] + box[d + 2] / 2 : box[d + 2];
    out[d] = a < b ? a : b;
    out[d + 2] = a < b ? b : a;
  }
}

static float overlap(const float *p, const float *q, bool centre)
{
  float a[4], b[4], inside = 1, area_a = 1, area_b = 1;
  corners(p, centre, a);
  corners(q, centre, b);
  for (int d = 0; d < 2; d++) {
    float low = a[d] > b[d] ? a[d] : b[d], high = a[d + 2] < b[d + 2] ? a[d + 2] : b[d + 2];
    inside *= high > low ? high - low : 0;
    area_a *= a[d + 2] - a[d];
    area_b *= b[d + 2] - b[d];
  }
  float all = area_a + area_b - inside;
  return all > 0 ? inside / all : 0;
}

size_t qfk_choose_boxes_ref(const QfkChoice *c, const float *boxes, const float *scores, int64_t *chosen,
                            int64_t *scratch)
{
  size_t n = 0, n_chosen = 0;
  for (size_t i = 0; i < c->n; i++)
    if (scores[i] > c->score_threshold)
      scratch[n++] = (int64_t)i;
  const int64_t *order = sort(scratch, scratch + c->n, n, compare_scores, scores);
  for (size_t i = 0; i < n && n_chosen < c->most; i++) {
    bool free = true;
    for (size_t k = 0; free && k < n_chosen; k++)
      free = !(overlap(boxes + 4 * order[i], boxes + 4 * chosen[k], c->centre) > c->iou_threshold);
    if (free)
      chosen[n_chosen++] = order[i];
  }
  return n_chosen;
}
