/* SPDX-License-Identifier: MIT */
/*
 * dft_ref.c - Fourier transforms in plain C: powers of two by Cooley and Tukey's algorithm, other lengths by Bluestein's, which makes a
 * convolution of them. See signal.h.
 */
#include "signal.h"

#include <math.h>
#include <string.h>

#define PI 3.14159265358979323846

typedef struct {
  double re, im;
} Complex;

/* Where the parts of the scratch begin; m is the power of two that is transformed. */
typedef struct {
  int64_t n, m;
  Complex *data;   /* [m] */
  Complex *filter; /* [m], only when n is no power of two, as is the next */
  Complex *chirp;  /* [n] */
  Complex *turn;   /* [m / 2]: e^(-2 pi i k / m) */
} Plan;

static Complex times(Complex a, Complex b)
{
  return (Complex){a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}

static int64_t power_of_two(int64_t n)
{
  int64_t m = 1;
  while (m < n)
    m *= 2;
  return m;
}

static int64_t plan_size(int64_t n)
{
  int64_t m = power_of_two(n);
  return m == n ? n : power_of_two(2 * n - 1);
}

size_t qfk_dft_scratch(const QfkDft *p)
{
  const int64_t m = plan_size(p->length);
  return (size_t)(2 * m + p->length + m / 2 + 1) * sizeof(Complex);
}

/* In place, forward. */
static void transform(const Plan *p, Complex *x)
{
  for (int64_t i = 1, j = 0; i < p->m; i++) { /* bit-reversed order */
    int64_t bit = p->m >> 1;
    for (; j & bit; bit >>= 1)
      j ^= bit;
    j ^= bit;
    if (i < j) {
      Complex t = x[i];
      x[i] = x[j];
      x[j] = t;
    }
  }
  for (int64_t half = 1; half < p->m; half *= 2)
    for (int64_t i = 0; i < p->m; i += 2 * half)
      for (int64_t k = 0; k < half; k++) {
        Complex a = x[i + k], b = times(x[i + k + half], p->turn[k * (p->m / (2 * half))]);
        x[i + k] = (Complex){a.re + b.re, a.im + b.im};
        x[i + k + half] = (Complex){a.re - b.re, a.im - b.im};
      }
}

static Plan make_plan(int64_t n, void *scratch)
{
  Plan p = {.n = n, .m = plan_size(n), .data = scratch};
  p.filter = p.data + p.m;
  p.chirp = p.filter + p.m;
  p.turn = p.chirp + n;
  for (int64_t k = 0; k < p.m / 2; k++)
    p.turn[k] = (Complex){cos(2 * PI * (double)k / (double)p.m), -sin(2 * PI * (double)k / (double)p.m)};
  if (p.m == n)
    return p;
  memset(p.filter, 0, (size_t)p.m * sizeof(Complex));
  for (int64_t k = 0; k < n; k++) { /* k * k modulo 2n keeps the angle small and exact */
    double angle = PI * (double)(k * k % (2 * n)) / (double)n;
    p.chirp[k] = (Complex){cos(angle), -sin(angle)};
    p.filter[k] = p.filter[k ? p.m - k : 0] = (Complex){cos(angle), sin(angle)};
  }
  transform(&p, p.filter);
  return p;
}

/* data[0..n) to its forward transform. */
static void forward(const Plan *p)
{
  if (p->m == p->n) {
    transform(p, p->data);
    return;
  }
  for (int64_t i = 0; i < p->n; i++)
    p->data[i] = times(p->data[i], p->chirp[i]);
  memset(p->data + p->n, 0, (size_t)(p->m - p->n) * sizeof(Complex));
  transform(p, p->data);
  for (int64_t i = 0; i < p->m; i++) { /* the conjugate, so that a forward transform is the inverse */
    Complex v = times(p->data[i], p->filter[i]);
    p->data[i] = (Complex){v.re, -v.im};
  }
  transform(p, p->data);
  for (int64_t i = 0; i < p->n; i++)
    p->data[i] = times((Complex){p->data[i].re / (double)p->m, -p->data[i].im / (double)p->m}, p->chirp[i]);
}

/* The inverse is the conjugate of the forward transform of the conjugate. */
static void load(const QfkDft *p, const float *x, Complex *data)
{
  const int64_t stride = p->inner * p->in_parts, used = p->mirror ? p->length / 2 + 1 : p->length;
  const double sign = p->inverse ? -1 : 1;
  memset(data, 0, (size_t)p->length * sizeof(*data));
  for (int64_t i = 0; i < used && i < p->n_in; i++) {
    data[i].re = (double)x[i * stride];
    data[i].im = p->in_parts > 1 ? sign * (double)x[i * stride + 1] : 0;
  }
  if (!p->mirror)
    return;
  data[0].im = 0; /* what is its own mirror is real */
  if (p->length % 2 == 0)
    data[p->length / 2].im = 0;
  for (int64_t i = 1; i < p->length - i; i++)
    data[p->length - i] = (Complex){data[i].re, -data[i].im};
}

static void store(const QfkDft *p, const Complex *data, float *y)
{
  const int64_t stride = p->inner * p->out_parts;
  const double scale = p->inverse ? 1 / (double)p->length : 1;
  for (int64_t i = 0; i < p->n_out; i++) {
    y[i * stride] = (float)(data[i].re * scale);
    if (p->out_parts > 1)
      y[i * stride + 1] = (float)(p->inverse ? -data[i].im * scale : data[i].im);
  }
}

void qfk_dft_f32_ref(const QfkDft *p, const float *x, float *y, void *scratch)
{
  Plan plan = make_plan(p->length, scratch);
  for (int64_t o = 0; o < p->outer; o++)
    for (int64_t i = 0; i < p->inner; i++) {
      load(p, x + (o * p->n_in * p->inner + i) * p->in_parts, plan.data);
      forward(&plan);
      store(p, plan.data, y + (o * p->n_out * p->inner + i) * p->out_parts);
    }
}
