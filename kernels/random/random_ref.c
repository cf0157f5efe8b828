/* SPDX-License-Identifier: MIT */
/*
 * random_ref.c - random numbers, in plain C. See random.h.
 */
#include "random.h"

#include <math.h>

/* Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014. */
static uint64_t next(uint64_t *state)
{
  uint64_t z = *state += 0x9e3779b97f4a7c15u;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  return z ^ z >> 31;
}

/* In [0, 1). */
static double uniform(uint64_t *state)
{
  return (double)(next(state) >> 11) * 0x1p-53;
}

void qfk_random_uniform_ref(uint64_t seed, double a, double b, double *y, size_t n)
{
  for (size_t i = 0; i < n; i++)
    y[i] = a + uniform(&seed) * (b - a);
}

/* Box and Muller, "A note on the generation of random normal deviates", 1958. */
void qfk_random_normal_ref(uint64_t seed, double a, double b, double *y, size_t n)
{
  for (size_t i = 0; i < n; i++) {
    double radius = sqrt(-2 * log(1 - uniform(&seed)));
    y[i] = a + b * radius * cos(6.28318530717958647692 * uniform(&seed));
  }
}

void qfk_random_multinomial_ref(uint64_t seed, const float *x, size_t rows, size_t classes, int64_t *y,
                                size_t samples)
{
  for (size_t r = 0; r < rows; r++, x += classes)
    for (size_t s = 0; s < samples; s++) {
      double best =
          -INFINITY; /* the largest of the logarithms with Gumbel noise is drawn by its probability */
      size_t at = 0;
      for (size_t c = 0; c < classes; c++) {
        double v = (double)x[c] - log(-log(1 - uniform(&seed)));
        if (v > best) {
          best = v;
          at = c;
        }
      }
      *y++ = (int64_t)at;
    }
}
