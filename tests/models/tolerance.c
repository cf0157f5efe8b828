/* SPDX-License-Identifier: MIT */
/*
 * tolerance.c - the rule of README.md in numbers.
 */
#include "tolerance.h"

#include <math.h>
#include <string.h>

/* Float sums in another order: of the largest magnitude of the output. */
#define FLOAT32_MAX 1e-5
#define FLOAT32_MEAN 2e-6
/* Half precision stores 11 bits: two steps at the largest magnitude. */
#define FLOAT16_MAX 0x1p-9
/* A third implementation may be as far from the second as the second from the first; one run tells less than two. */
#define PEER_FACTOR 2.0
#define PEER_FACTOR_ONE 3.0
/* Of the elements, or one element, where the peer's kernels agree among themselves. */
#define INTEGER_SHARE 0.02
#define CLASS_SHARE 0.005

static double half_value(uint16_t h)
{
  int exponent = (h >> 10) & 31, mantissa = h & 1023;
  double v = exponent == 31  ? (mantissa ? NAN : INFINITY)
             : exponent == 0 ? ldexp(mantissa, -24)
                             : ldexp(1024 + mantissa, exponent - 25);
  return h & 0x8000 ? -v : v;
}

double qf_number(const void *data, int64_t i, QfDType dtype)
{
  uint32_t bits = dtype == QF_DTYPE_BFLOAT16 ? (uint32_t)((const uint16_t *)data)[i] << 16 : 0;
  float bfloat;
  memcpy(&bfloat, &bits, 4);
  switch (dtype) {
  case QF_DTYPE_FLOAT32: return ((const float *)data)[i];
  case QF_DTYPE_FLOAT64: return ((const double *)data)[i];
  case QF_DTYPE_FLOAT16: return half_value(((const uint16_t *)data)[i]);
  case QF_DTYPE_BFLOAT16: return bfloat;
  case QF_DTYPE_INT8: return ((const int8_t *)data)[i];
  case QF_DTYPE_INT16: return ((const int16_t *)data)[i];
  case QF_DTYPE_UINT16: return ((const uint16_t *)data)[i];
  case QF_DTYPE_INT32: return ((const int32_t *)data)[i];
  case QF_DTYPE_UINT32: return ((const uint32_t *)data)[i];
  case QF_DTYPE_INT64: return (double)((const int64_t *)data)[i];
  case QF_DTYPE_UINT64: return (double)((const uint64_t *)data)[i];
  default: return ((const uint8_t *)data)[i];
  }
}

static void set_float_limits(QfCaseResult *r, QfDType dtype, const QfPeer *peer, double magnitude)
{
  double own = magnitude * (dtype == QF_DTYPE_FLOAT16 ? FLOAT16_MAX : FLOAT32_MAX);
  double factor = peer->runs == 1 ? PEER_FACTOR_ONE : PEER_FACTOR,
         peers = peer->runs ? factor * peer->max : 0;
  r->limit_max = fmax(own, peers);
  r->rule = peers >= own                ? (peer->runs == 1 ? "3 x peer" : "2 x peer")
            : dtype == QF_DTYPE_FLOAT16 ? "2 steps of float16"
                                        : "1e-5 of largest";
  r->limit_mean = isnan(peer->mean) ? INFINITY : fmax(PEER_FACTOR * peer->mean, magnitude * FLOAT32_MEAN);
  r->limit_share = INFINITY;
}

static void set_integer_limits(QfCaseResult *r, int64_t count, gboolean quantized, const QfPeer *peer)
{
  double least = quantized ? INTEGER_SHARE : CLASS_SHARE;
  double peers = isnan(peer->share) ? 0 : PEER_FACTOR * peer->share;
  r->limit_max = !quantized ? INFINITY : fmax(peer->runs ? peer->max : 0, 1);
  r->rule = !quantized ? "classes: share only" : r->limit_max > 1 ? "peer" : "1 step";
  r->limit_mean = INFINITY;
  r->limit_share = fmax(fmax(least, peers), 1.0 / (double)MAX(count, 1));
}

void qf_case_compare(const void *ours, const void *reference, int64_t count, QfDType dtype,
                     gboolean quantized, gboolean exact, const QfPeer *peer, QfCaseResult *r)
{
  *r = (QfCaseResult){0};
  double magnitude = 0, sum = 0;
  int64_t differ = 0;
  for (int64_t i = 0; i < count; i++) {
    double a = qf_number(ours, i, dtype), b = qf_number(reference, i, dtype), d = fabs(a - b);
    if (isfinite(a) != isfinite(b) || isnan(a) != isnan(b))
      r->bad_number = TRUE;
    if (!isfinite(d))
      continue;
    magnitude = fmax(magnitude, fabs(b));
    r->max = fmax(r->max, d);
    sum += d;
    differ += d != 0;
  }
  r->mean = count ? sum / (double)count : 0;
  r->share = count ? (double)differ / (double)count : 0;
  if (exact && !qf_dtype_is_float(dtype)) {
    r->limit_mean = INFINITY;
    r->rule = "exact";
  } else if (qf_dtype_is_float(dtype)) {
    set_float_limits(r, dtype, exact ? &(QfPeer){.mean = NAN} : peer, magnitude);
  } else {
    set_integer_limits(r, count, quantized, peer);
  }
}

static double used(double measured, double limit)
{
  return measured == 0 ? 0 : limit > 0 ? measured / limit : INFINITY;
}

double qf_comparison_used(const QfCaseResult *r)
{
  if (r->bad_number)
    return INFINITY;
  return fmax(used(r->max, r->limit_max), fmax(used(r->mean, r->limit_mean), used(r->share, r->limit_share)));
}

gboolean qf_comparison_passes(const QfCaseResult *r)
{
  return qf_comparison_used(r) <= 1;
}

int64_t qf_argmax(const void *data, int64_t count, QfDType dtype)
{
  int64_t best = 0;
  for (int64_t i = 1; i < count; i++)
    if (qf_number(data, i, dtype) > qf_number(data, best, dtype))
      best = i;
  return best;
}
