/* SPDX-License-Identifier: MIT */
/*
 * sigmoid_ref.c - see litert.h. tanh(x) is 2 sigmoid(2 x) - 1, with steps of half the width.
 */
#include "litert.h"

#include <math.h>

/* Entries of the peer's table that are one above the nearest integer; found by asking it for each. */
static const uint8_t above[] = {4,  8,  12, 14, 15, 16, 17, 19, 20,  21,  22,  25,  27,  28, 29,
                                30, 31, 33, 34, 35, 37, 39, 40, 41,  43,  44,  45,  46,  49, 50,
                                54, 62, 63, 64, 66, 82, 86, 93, 100, 103, 112, 116, 135, 255};

void qfk_litert_sigmoid_init(QfkLitertSigmoid *p, float scale)
{
  int exponent;
  const int32_t power = frexp((double)scale, &exponent) == 0.5 ? exponent - 1 + 12 : -1;
  for (int i = 0; i < 257; i++)
    p->table[i] = (uint16_t)fmin(65535, rint(65536 / (1 + exp(-i / 24.0))));
  for (size_t i = 0; i < sizeof(above); i++)
    p->table[above[i]]++;
  if (power == 0 || (p->tanh && power == 1)) { /* a power of two that needs no rounding */
    p->multiplier = 3 << power;
    p->shift = 0;
    return;
  }
  double multiplier = (double)scale * 4096 * 3;
  for (p->shift = 0; multiplier <= 32767.0 / 2 && p->shift <= 30; p->shift++)
    multiplier *= 2;
  p->multiplier = (int32_t)fmin(multiplier, INT32_MAX);
}

/* 65536 * sigmoid(at / (24 * 2^bits)) * 2^bits, at not negative. */
static int64_t between(const QfkLitertSigmoid *p, uint64_t at, int32_t bits)
{
  const uint64_t step = at >> bits, rest = at & ((1u << bits) - 1);
  if (step >= 255)
    return (int64_t)65535 << bits;
  return ((int64_t)p->table[step] << bits) + (int64_t)rest * (p->table[step + 1] - p->table[step]);
}

void qfk_litert_sigmoid_ref(const QfkLitertSigmoid *p, const int16_t *x, int16_t *y, size_t n)
{
  const int64_t round = p->shift > 0 ? (int64_t)1 << (p->shift - 1) : 0;
  for (size_t i = 0; i < n; i++) {
    const int64_t v = ((int64_t)x[i] * p->multiplier + round) >> p->shift;
    const uint64_t size = (uint64_t)(v < 0 ? -v : v);
    int64_t r;
    if (p->tanh) {
      r = between(p, size, 8);
      r = v >= 0 ? r - (1 << 23) + (1 << 7) : -r + (1 << 23) + (1 << 7) - 1;
      y[i] = (int16_t)(r >> 8);
    } else {
      r = size >> 9 >= 255 ? (int64_t)0x7fff << 10 : between(p, size, 9);
      r = v >= 0 ? r + (1 << 9) : (1 << 25) - r + (1 << 9) - 1;
      y[i] = (int16_t)(r >> 10);
    }
  }
}

static int32_t saturate(int64_t v)
{
  return (int32_t)(v > INT16_MAX ? INT16_MAX : v < INT16_MIN ? INT16_MIN : v);
}

/* Upper half of twice the product, rounded half away from zero. */
static int32_t high(int32_t a, int32_t b)
{
  const int32_t product = a * b;
  return saturate((product + (product >= 0 ? 1 << 14 : 1 - (1 << 14))) / (1 << 15));
}

static int32_t divide(int32_t v, int32_t bits)
{
  const int32_t mask = (int32_t)(((int64_t)1 << bits) - 1), rest = v & mask,
                threshold = (mask >> 1) + (v < 0);
  return (v >> bits) + (rest > threshold);
}

static int32_t narrow(QfkFixed f)
{
  return saturate(((int64_t)f.multiplier + (1 << 15)) >> 16);
}

void qfk_litert_swish_ref(const QfkLitertSwish *p, const void *x, void *y, size_t n)
{
  const int32_t up = p->fr.shift > 0 ? (p->fr.shift < 16 ? p->fr.shift : 16) : 0;
  const int32_t down = p->fr.shift < 0 ? (p->fr.shift > -15 ? -p->fr.shift : 15) : 0;
  const int32_t last = p->fy.shift < 0 ? (p->fy.shift > -15 ? -p->fy.shift : 15) : 0;
  for (size_t i = 0; i < n; i++) {
    const int32_t v = (qfk_load_int(x, p->x_type, i) - p->x_zero) * 128;
    int32_t gate = up ? saturate((int64_t)v * (1 << (up - 1))) : v;
    gate = high(gate, narrow(p->fr));
    gate = up ? saturate((int64_t)gate * 2) : gate;
    gate = (divide(gate, down) + (1 << 15)) >> 1;
    const int32_t product = saturate(gate * high(v, narrow(p->fy)) / (1 << 15));
    const int32_t q = divide(product, last) + p->y_zero;
    qfk_store_int(y, p->y_type, i, q < p->lo ? p->lo : q > p->hi ? p->hi : q);
  }
}
