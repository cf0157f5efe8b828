/* SPDX-License-Identifier: MIT */
/*
 * frontend_ref.c - see frontend.h. Everything is plain loops: front ends see a few hundred numbers, fifty times a second.
 */
#include "frontend.h"

#include <math.h>
#include <string.h>

static int16_t saturate16(int64_t v)
{
  return (int16_t)(v > INT16_MAX ? INT16_MAX : v < INT16_MIN ? INT16_MIN : v);
}

/* Bits up to the highest one that is set. */
static int32_t bit_length(uint32_t v)
{
  int32_t n = 0;
  for (; v; v >>= 1)
    n++;
  return n;
}

void qfk_frontend_window_ref(const QfkFrontend *p, const int16_t *x, const int16_t *w, int16_t *y)
{
  for (size_t r = 0; r < p->outer; r++)
    for (size_t i = 0; i < p->n; i++)
      y[r * p->n + i] = saturate16(((int32_t)x[r * p->n + i] * w[i]) >> p->shift);
}

void qfk_frontend_auto_scale_ref(const QfkFrontend *p, const int16_t *x, int16_t *y, int32_t *bits)
{
  uint32_t largest = 0;
  for (size_t i = 0; i < p->n; i++) {
    const uint32_t v = (uint32_t)(x[i] < 0 ? -(int32_t)x[i] : x[i]);
    largest = v > largest ? v : largest;
  }
  const int32_t shift = 15 - bit_length(largest), used = shift > 0 ? shift : 0;
  for (size_t i = 0; i < p->n; i++)
    y[i] = saturate16((int64_t)x[i] * ((int64_t)1 << used));
  *bits = used;
}

static double load(const void *x, QfkFrontendType type, size_t i)
{
  return type == QFK_FRONTEND_S16   ? ((const int16_t *)x)[i]
         : type == QFK_FRONTEND_S32 ? ((const int32_t *)x)[i]
                                    : (double)((const float *)x)[i];
}

static void store(void *y, QfkFrontendType type, size_t i, double v)
{
  if (type == QFK_FRONTEND_F32)
    ((float *)y)[i] = (float)v;
  else if (type == QFK_FRONTEND_S16)
    ((int16_t *)y)[i] = (int16_t)rint(fmin(fmax(v, INT16_MIN), INT16_MAX));
  else
    ((int32_t *)y)[i] = (int32_t)rint(fmin(fmax(v, INT32_MIN), INT32_MAX));
}

/* sin(a) = cos(a - pi / 2): a quarter of the table back. Odd multiples of a quarter need length % 4 == 0. */
static double sine(const QfkFrontend *p, size_t i)
{
  const size_t n = (size_t)p->length;
  return p->cosine[(i + n - n / 4) % n];
}

void qfk_frontend_rfft_ref(const QfkFrontend *p, const void *x, void *y)
{
  const size_t n = (size_t)p->length, bins = n / 2 + 1, used = p->n < n ? p->n : n;
  const double scale = p->type == QFK_FRONTEND_F32 ? 1 : 1 / (double)p->length;
  for (size_t r = 0; r < p->outer; r++)
    for (size_t k = 0; k < bins; k++) {
      double re = 0, im = 0;
      for (size_t i = 0, at = 0; i < used; i++, at = (at + k) % n) {
        const double v = load(x, p->type, r * p->n + i);
        re += v * p->cosine[at];
        im -= v * sine(p, at);
      }
      store(y, p->type, (r * bins + k) * 2, re * scale);
      store(y, p->type, (r * bins + k) * 2 + 1, im * scale);
    }
}

void qfk_frontend_irfft_ref(const QfkFrontend *p, const void *x, void *y)
{
  const size_t n = (size_t)p->length, bins = n / 2 + 1;
  for (size_t r = 0; r < p->outer; r++)
    for (size_t i = 0; i < n; i++) {
      double sum = 0;
      for (size_t k = 0, at = 0; k < bins; k++, at = (at + i) % n) {
        const double once = k == 0 || 2 * k == n ? 1 : 2;
        sum += once * (load(x, p->type, (r * bins + k) * 2) * p->cosine[at] -
                       load(x, p->type, (r * bins + k) * 2 + 1) * sine(p, at));
      }
      store(y, p->type, r * n + i, sum / (double)p->length);
    }
}

void qfk_frontend_energy_ref(const QfkFrontend *p, const int16_t *x, uint32_t *y)
{
  for (size_t i = 0; i < p->n / 2; i++) {
    const int32_t re = x[2 * i], im = x[2 * i + 1];
    const bool inside = (int64_t)i >= p->first && (int64_t)i < p->last;
    y[i] = inside ? (uint32_t)(re * re) + (uint32_t)(im * im) : 0;
  }
}

void qfk_frontend_filter_bank_ref(const QfkFrontend *p, const uint32_t *x, const int16_t *weights,
                                  const int16_t *unweights, const int16_t *starts,
                                  const int16_t *weight_starts, const int16_t *widths, uint64_t *y)
{
  uint64_t now = 0;
  for (size_t c = 0; c <= p->n; c++) {
    uint64_t next = 0;
    for (int64_t j = 0; j < widths[c]; j++) {
      const int64_t bin = starts[c] + j, w = weight_starts[c] + j;
      if (bin < 0 || w < 0 || bin >= (int64_t)p->inputs || w >= (int64_t)p->weights)
        continue;
      now += (uint64_t)weights[w] * x[bin];
      next += (uint64_t)unweights[w] * x[bin];
    }
    if (c)
      y[c - 1] = now;
    now = next;
  }
}

static uint32_t root(uint64_t v)
{
  uint64_t r = (uint64_t)sqrt((double)v);
  while (r > UINT32_MAX || r * r > v)
    r--;
  while (r < UINT32_MAX && (r + 1) * (r + 1) <= v)
    r++;
  return (uint32_t)(v - r * r > r && r < UINT32_MAX ? r + 1 : r);
}

void qfk_frontend_square_root_ref(const QfkFrontend *p, const uint64_t *x, const int32_t *bits, uint32_t *y)
{
  const int32_t shift = *bits < 0 ? 0 : *bits > 31 ? 31 : *bits;
  for (size_t i = 0; i < p->n; i++)
    y[i] = root(x[i]) >> shift;
}

void qfk_frontend_subtract_ref(const QfkFrontend *p, const uint32_t *x, const uint32_t *noise, uint32_t *y,
                               uint32_t *noise_after)
{
  for (size_t i = 0; i < p->n; i++) {
    const uint64_t smoothing = (uint64_t)p->smoothing[i & 1], keep = (uint64_t)p->keep[i & 1];
    const uint32_t signal = x[i] << p->bits;
    uint32_t estimate = (uint32_t)((signal * smoothing + noise[i] * keep) >> p->fraction_bits);
    noise_after[i] = p->clamping && estimate > signal ? signal : estimate;
    estimate = estimate > signal ? signal : estimate;
    const uint32_t least = (uint32_t)(((uint64_t)x[i] * (uint64_t)p->remaining) >> p->fraction_bits);
    const uint32_t rest = (signal - estimate) >> p->bits;
    y[i] = rest > least ? rest : least;
  }
}

/* A quadratic for each power of two: value, slope and curvature stand at 4 * bits - 6. */
static int16_t gain_of(uint32_t noise, const int16_t *lut)
{
  if (noise <= 2)
    return lut[noise];
  const int32_t bits = bit_length(noise);
  const int16_t *c = lut + 4 * bits - 6;
  const int32_t fraction = (int32_t)(bits < 11 ? noise << (11 - bits) : noise >> (bits - 11)) & 0x3ff;
  int32_t v = ((c[2] * fraction) >> 5) + c[1] * 32;
  v = (int32_t)(((int64_t)v * fraction + (1 << 14)) >> 15);
  return (int16_t)(v + c[0]);
}

enum { SNR_BITS = 12, PCAN_BITS = 6 };

void qfk_frontend_pcan_ref(const QfkFrontend *p, const uint32_t *x, const uint32_t *noise, const int16_t *lut,
                           uint32_t *y)
{
  for (size_t i = 0; i < p->n; i++) {
    const uint32_t gain = (uint32_t)(int32_t)gain_of(noise[i], lut);
    const uint32_t snr = (uint32_t)(((uint64_t)x[i] * gain) >> p->shift);
    y[i] = snr < 2u << SNR_BITS ? (snr * snr) >> (2 + 2 * SNR_BITS - PCAN_BITS)
                                : (snr >> (SNR_BITS - PCAN_BITS)) - (1u << PCAN_BITS);
  }
}

void qfk_frontend_log_ref(const QfkFrontend *p, const uint32_t *x, int16_t *y)
{
  for (size_t i = 0; i < p->n; i++) {
    const uint32_t v = x[i] << p->bits;
    const double scaled = v > 1 ? rint(log((double)v) * p->scale) : 0;
    y[i] = (int16_t)(scaled < INT16_MAX ? scaled : INT16_MAX);
  }
}

static double add(QfkFrontendType type, double a, double b)
{
  return type == QFK_FRONTEND_F32 ? (double)((float)a + (float)b) : a + b;
}

void qfk_frontend_overlap_add_ref(const QfkFrontend *p, const void *x, const void *state, void *y,
                                  void *after)
{
  const size_t n = p->n, step = (size_t)p->step;
  for (size_t r = 0; r < p->outer; r++) {
    for (size_t i = 0; i < n; i++)
      store(after, p->type, r * n + i, load(state, p->type, r * n + i));
    for (size_t f = 0; f < p->frames; f++) {
      for (size_t i = 0; i < n; i++)
        store(after, p->type, r * n + i,
              add(p->type, load(after, p->type, r * n + i), load(x, p->type, (r * p->frames + f) * n + i)));
      for (size_t i = 0; i < step; i++)
        store(y, p->type, (r * p->frames + f) * step + i, load(after, p->type, r * n + i));
      for (size_t i = 0; i < n; i++)
        store(after, p->type, r * n + i, i + step < n ? load(after, p->type, r * n + i + step) : 0);
    }
  }
}

void qfk_frontend_stack_ref(const QfkFrontend *p, const int16_t *x, const int16_t *state, const int32_t *fill,
                            int16_t *y, uint8_t *valid, int16_t *after, int32_t *fill_after)
{
  const size_t n = p->n, wanted = (size_t)p->left + (size_t)p->right + 1;
  const size_t had = *fill > 0 ? (size_t)(*fill - 1) : 0; /* 0 stands for: nothing came yet */
  const size_t copies = *fill > 0 ? 1 : (size_t)p->left + 1;
  size_t count = had < wanted ? had : wanted - 1;
  memcpy(after, state, count * n * sizeof(*after));
  for (size_t i = 0; i < copies && count < wanted; i++, count++)
    memcpy(after + count * n, x, n * sizeof(*x));
  *valid = count == wanted;
  if (*valid)
    memcpy(y, after, wanted * n * sizeof(*y));
  else
    memset(y, 0, wanted * n * sizeof(*y));
  const size_t gone = !*valid ? 0 : (size_t)p->step < count ? (size_t)p->step : count;
  memmove(after, after + gone * n, (count - gone) * n * sizeof(*after));
  memset(after + (count - gone) * n, 0, (wanted - (count - gone)) * n * sizeof(*after));
  *fill_after = (int32_t)(count - gone) + 1;
}
