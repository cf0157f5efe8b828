/* SPDX-License-Identifier: MIT */
/*
 * test-select.c - kernels/select against the plainest way to say the same, on random data with many equal values.
 */
#include "kernels/select/select.h"

#include <glib.h>
#include <math.h>
#include <string.h>

#define ROOM 64

static int64_t pick(int64_t n)
{
  return g_test_rand_int_range(0, (gint32)n);
}

static void test_nonzero(void)
{
  for (int round = 0; round < 300; round++) {
    const int64_t dims[3] = {pick(4), pick(4), pick(4)};
    size_t n = (size_t)(dims[0] * dims[1] * dims[2]), count = 0;
    float x[ROOM];
    int64_t y[3 * ROOM];
    for (size_t i = 0; i < n; i++)
      x[i] = (const float[]){0, -0.0f, 1, NAN}[pick(4)];
    size_t got = qfk_nonzero_count_ref(x, n, sizeof(*x), true);
    qfk_nonzero_ref(x, dims, 3, sizeof(*x), true, got, y);
    for (int64_t a = 0; a < dims[0]; a++)
      for (int64_t b = 0; b < dims[1]; b++)
        for (int64_t c = 0; c < dims[2]; c++)
          if (x[(a * dims[1] + b) * dims[2] + c] != 0) {
            g_assert_cmpint(y[count], ==, a);
            g_assert_cmpint(y[got + count], ==, b);
            g_assert_cmpint(y[2 * got + count], ==, c);
            count++;
          }
    g_assert_cmpuint(got, ==, count);
  }
}

static void test_compress(void)
{
  for (int round = 0; round < 300; round++) {
    size_t outer = (size_t)pick(4), n = (size_t)pick(5), inner = (size_t)pick(3),
           n_keep = n ? (size_t)pick((int64_t)n + 1) : 0;
    uint8_t x[ROOM], keep[8], y[ROOM], want[ROOM];
    size_t at = 0, kept = 0;
    for (size_t i = 0; i < sizeof(x); i++)
      x[i] = (uint8_t)i;
    for (size_t i = 0; i < n_keep; i++)
      kept += keep[i] = (uint8_t)pick(2);
    for (size_t o = 0; o < outer; o++)
      for (size_t i = 0; i < n_keep; i++)
        for (size_t k = 0; keep[i] && k < inner; k++)
          want[at++] = x[(o * n + i) * inner + k];
    g_assert_cmpuint(qfk_compress_ref(x, outer, n, inner, keep, n_keep, y), ==, kept);
    g_assert_cmpmem(y, at, want, at);
  }
}

/* Whether items a and b of x[outer][n][inner] are equal. */
static bool equal(const int32_t *x, const QfkUnique *u, size_t a, size_t b)
{
  for (size_t o = 0; o < u->outer; o++)
    if (memcmp(x + (o * u->n + a) * u->inner, x + (o * u->n + b) * u->inner, u->inner * sizeof(*x)))
      return false;
  return true;
}

static int order(const int32_t *x, const QfkUnique *u, size_t a, size_t b)
{
  for (size_t o = 0; o < u->outer; o++)
    for (size_t i = 0; i < u->inner; i++) {
      int32_t p = x[(o * u->n + a) * u->inner + i], q = x[(o * u->n + b) * u->inner + i];
      if (p != q)
        return p < q ? -1 : 1;
    }
  return 0;
}

static void test_unique(void)
{
  for (int round = 0; round < 500; round++) {
    QfkUnique u = {.outer = (size_t)pick(3),
                   .n = (size_t)pick(7),
                   .inner = (size_t)pick(3),
                   .order = QFK_ORDER_I32,
                   .sorted = pick(2)};
    int32_t x[ROOM];
    int64_t first[8], inverse[8], counts[8], scratch[24], total = 0;
    for (int i = 0; i < ROOM; i++)
      x[i] = (int32_t)pick(3) - 1;
    u.x = x;
    size_t n = qfk_unique_ref(&u, first, inverse, counts, scratch);
    for (size_t k = 0; k < n; k++) {
      total += counts[k];
      g_assert_cmpint(inverse[first[k]], ==, (int64_t)k);
      if (k && u.sorted)
        g_assert_cmpint(order(x, &u, (size_t)first[k - 1], (size_t)first[k]), <, 0);
      else if (k)
        g_assert_cmpint(first[k - 1], <, first[k]);
    }
    g_assert_cmpint(total, ==, (int64_t)u.n);
    for (size_t i = 0; i < u.n; i++) {
      g_assert_true(equal(x, &u, i, (size_t)first[inverse[i]]));
      g_assert_cmpint(first[inverse[i]], <=, (int64_t)i);
      for (size_t k = 0; k < i; k++)
        g_assert_cmpint(inverse[i] == inverse[k], ==, equal(x, &u, i, k));
    }
  }
}

static double area(const float *b)
{
  return fabs((double)(b[2] - b[0]) * (b[3] - b[1]));
}

static double overlap(const float *a, const float *b)
{
  double inside = 1;
  for (int d = 0; d < 2; d++)
    inside *=
        MAX(0, MIN(MAX(a[d], a[d + 2]), MAX(b[d], b[d + 2])) - MAX(MIN(a[d], a[d + 2]), MIN(b[d], b[d + 2])));
  double all = area(a) + area(b) - inside;
  return all > 0 ? inside / all : 0;
}

/* The best of those left that no chosen one covers, again and again. */
static size_t choose(const QfkChoice *c, float boxes[][4], const float *scores, int64_t *chosen)
{
  size_t n = 0;
  for (bool gone[16] = {false}; n < c->most; n++) {
    int64_t best = -1;
    for (size_t i = 0; i < c->n; i++) {
      bool covered = gone[i] || !(scores[i] > c->score_threshold);
      for (size_t k = 0; k < n && !covered; k++)
        covered = overlap(boxes[i], boxes[chosen[k]]) > c->iou_threshold;
      if (!covered && (best < 0 || scores[i] > scores[best]))
        best = (int64_t)i;
    }
    if (best < 0)
      break;
    gone[best] = true;
    chosen[n] = best;
  }
  return n;
}

static void test_boxes(void)
{
  for (int round = 0; round < 500; round++) {
    QfkChoice c = {.n = (size_t)pick(13),
                   .most = (size_t)pick(9),
                   .iou_threshold = 0.3f,
                   .score_threshold = 0.2f};
    float boxes[16][4], scores[16];
    int64_t got[16], want[16], scratch[32];
    for (size_t i = 0; i < c.n; i++) {
      scores[i] = (float)pick(8) / 8;
      for (int d = 0; d < 4; d++)
        boxes[i][d] = (float)pick(6);
    }
    size_t n = qfk_choose_boxes_ref(&c, boxes[0], scores, got, scratch);
    g_assert_cmpmem(got, n * sizeof(*got), want, choose(&c, boxes, scores, want) * sizeof(*want));
  }
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/select/nonzero", test_nonzero);
  g_test_add_func("/select/compress", test_compress);
  g_test_add_func("/select/unique", test_unique);
  g_test_add_func("/select/boxes", test_boxes);
  return g_test_run();
}
