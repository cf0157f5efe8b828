/* SPDX-License-Identifier: MIT */
/*
 * lstm_int_ref.c - see lstm_int.h. Fixed-point numbers are int16 with some integer bits: raw / 2^(15 - bits). The functions follow
 * the public definition of LiteRT's arithmetic step by step, since every rounding shows in the result.
 */
#include "lstm_int.h"

#include <string.h>

static int16_t saturate(int32_t v)
{
  return (int16_t)(v > INT16_MAX ? INT16_MAX : v < INT16_MIN ? INT16_MIN : v);
}

/* a * b / 2^15, rounded half away from zero: the product of fractions; integer bits add up. */
static int16_t mul(int16_t a, int16_t b)
{
  const int32_t product = (int32_t)a * b, nudge = product >= 0 ? 1 << 14 : 1 - (1 << 14);
  return saturate((product + nudge) / (1 << 15));
}

/* v / 2^bits, rounded half away from zero. */
static int32_t shift_down(int32_t v, int bits)
{
  const int32_t mask = (int32_t)((1u << bits) - 1), rest = v & mask, half = (mask >> 1) + (v < 0);
  return (v >> bits) + (rest > half);
}

static int16_t shift_up(int16_t v, int bits)
{
  return saturate(v * (1 << bits));
}

/* A constant with 31 fraction bits (less its integer bits) in 15. */
static int16_t constant(int32_t v)
{
  return (int16_t)shift_down(v, 16);
}

/* e^a for a fraction in [-1/4, 0): the Taylor polynomial around -1/8. */
static int16_t exp_near_zero(int16_t a)
{
  const int16_t start = constant(1895147668), third = constant(715827883);
  const int16_t x = (int16_t)(a + (1 << 12)), x2 = mul(x, x), x3 = mul(x2, x), x4 = mul(x2, x2);
  const int16_t quarter = (int16_t)shift_down(x4, 2);
  const int16_t rest = (int16_t)shift_down((int16_t)(mul((int16_t)(quarter + x3), third) + x2), 1);
  return saturate(start + mul(start, (int16_t)(x + rest)));
}

/* e^a for a <= 0 with @bits integer bits, as a fraction. */
static int16_t exp_negative(int16_t a, int bits)
{
  static const int32_t factors[] = {1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242};
  const int fraction = 15 - bits;
  const int16_t quarter = (int16_t)(1 << (fraction - 2));
  const int16_t near = (int16_t)((a & (quarter - 1)) - quarter);
  const int32_t rest = (int16_t)(near - a);
  int16_t y = exp_near_zero(shift_up(near, bits));
  for (int i = 0; i < 7; i++) /* e^-(2^(i - 2)) for each bit of what is left */
    if (bits > i - 2 && rest & 1 << (fraction + i - 2))
      y = mul(y, constant(factors[i]));
  if (bits > 5 && a < -(1 << (fraction + 5)))
    y = 0;
  return a ? y : INT16_MAX;
}

/* 2 / (1 + a) for a fraction, by Newton's method, with 2 integer bits. */
static int16_t reciprocal(int16_t a)
{
  const int32_t sum = (int32_t)a + INT16_MAX;
  const int16_t half = (int16_t)((sum + (sum >= 0 ? 1 : -1)) / 2), one = 1 << 13;
  int16_t x = (int16_t)(constant(1515870810) + mul(half, constant(-1010580540)));
  for (int i = 0; i < 3; i++)
    x = (int16_t)(x + shift_up(mul(x, (int16_t)(one - mul(half, x))), 2));
  return x;
}

int16_t qfk_sigmoid_s16(int16_t x, int bits)
{
  if (!x)
    return 1 << 14;
  const int16_t y = shift_up(reciprocal(exp_negative((int16_t)(x > 0 ? -x : x), bits)), 1);
  return x > 0 ? y : (int16_t)(INT16_MAX - y);
}

int16_t qfk_tanh_s16(int16_t x, int bits)
{
  if (!x)
    return 0;
  const int16_t y =
      shift_up((int16_t)(reciprocal(exp_negative((int16_t)(x > 0 ? -x : x), bits + 1)) - (1 << 13)), 2);
  return (int16_t)(x > 0 ? y : -y);
}

/* The same products of 32-bit fractions. */
static int32_t mul32(int32_t a, int32_t b)
{
  const int64_t product = (int64_t)a * b, nudge = product >= 0 ? 1 << 30 : 1 - (1 << 30);
  return (int32_t)((product + nudge) / ((int64_t)1 << 31));
}

static int32_t shift_up32(int32_t v, int bits)
{
  return qfk_fixed_saturate((int64_t)v * ((int64_t)1 << bits));
}

/* 1 / sqrt(v) as a multiplier, by Newton's method with 3 integer bits. */
static QfkFixed inverse_root(int32_t v)
{
  int32_t shift = 11;
  if (v <= 1)
    return (QfkFixed){INT32_MAX, 0};
  for (; v >= 1 << 29; shift++)
    v /= 4;
  const int pairs = (__builtin_clz((uint32_t)v) - 1) / 2 - 1;
  shift -= pairs;
  v *= 1 << 2 * pairs;
  const int32_t half = shift_down(v >> 1, 1), three_halves = (1 << 28) + (1 << 27);
  int32_t x = 1 << 28;
  for (int i = 0; i < 5; i++) {
    const int32_t cube = shift_up32(mul32(mul32(x, x), x), 6);
    x = shift_up32(mul32(three_halves, x) - mul32(half, cube), 3);
  }
  x = mul32(x, 1518500250);
  return shift < 0 ? (QfkFixed){x * (1 << -shift), 0} : (QfkFixed){x, -shift};
}

/* What enters gate @g: less its mean, by its deviation, times a weight, and a bias. */
static void normalise(const QfkLstmInt *p, int g, int16_t *gate)
{
  const size_t n = p->shape.hidden, first = (size_t)g * n;
  int64_t sum = 0, squares = 0;
  for (size_t k = 0; k < n; k++) {
    sum += gate[k];
    squares += gate[k] * gate[k];
  }
  const int32_t mean = (int32_t)(sum * 1024 / (int64_t)n);
  const int64_t spread = squares * ((1 << 20) / (int64_t)n) - (int64_t)mean * mean;
  const int32_t variance = (int32_t)(spread / (1 << 20));
  const QfkFixed inverse = inverse_root(variance < 1 ? p->norm_guard[g] : variance);
  const QfkFixed scale = {p->norm_scale[g].multiplier, p->norm_scale[g].shift + 12};
  for (size_t k = 0; k < n; k++) {
    const int32_t unit = qfk_fixed_mul(inverse, 1024 * gate[k] - mean);
    const int64_t weighted =
        (int64_t)(int32_t)((uint32_t)unit * (uint32_t)p->norm[first + k] + (uint32_t)p->norm_bias[first + k]);
    const int32_t rounded = (int32_t)((weighted > 0 ? weighted + 512 : weighted - 512) / 1024);
    gate[k] = saturate(qfk_fixed_mul(scale, rounded));
  }
}

static int32_t dot(const int8_t *a, const int8_t *b, size_t n)
{
  int32_t sum = 0;
  for (size_t i = 0; i < n; i++)
    sum += a[i] * b[i];
  return sum;
}

/* Sums wrap, as everywhere. */
static int32_t wrapping_sum(int32_t a, int32_t b)
{
  return (int32_t)((uint32_t)a + (uint32_t)b);
}

/* What enters gate @g. */
static void fill_gate(const QfkLstmInt *p, int g, const int8_t *x, const int8_t *h, const int16_t *c,
                      int16_t *gate)
{
  const size_t n = p->shape.hidden, first = (size_t)g * n;
  for (size_t k = 0; k < n; k++) {
    const size_t row = first + k;
    const int32_t in = wrapping_sum(p->w_bias[row], dot(x, p->w + row * p->shape.input, p->shape.input));
    const int32_t back = wrapping_sum(p->r_bias[row], dot(h, p->r + row * p->shape.state, p->shape.state));
    gate[k] = saturate(qfk_fixed_mul(p->w_scale[g], in));
    gate[k] = saturate(gate[k] + qfk_fixed_mul(p->r_scale[g], back));
    if (p->peephole && g < 3)
      gate[k] = saturate(gate[k] + qfk_fixed_mul(p->peephole_scale[g], p->peephole[row] * c[k]));
  }
  if (p->norm)
    normalise(p, g, gate);
}

static void apply_sigmoid(size_t n, int16_t *gate)
{
  for (size_t k = 0; k < n; k++)
    gate[k] = qfk_sigmoid_s16(gate[k], 3);
}

static int32_t clamp(int32_t v, int32_t lo, int32_t hi)
{
  return v < lo ? lo : v > hi ? hi : v;
}

/* c = f c + i g */
static void update_cell(const QfkLstmInt *p, const int16_t *i, const int16_t *f, const int16_t *g, int16_t *c)
{
  for (size_t k = 0; k < p->shape.hidden; k++) {
    const int16_t in = p->shape.coupled == QFK_INPUT_IS_REST ? (int16_t)(INT16_MAX - f[k]) : i[k];
    const int16_t kept = (int16_t)shift_down(f[k] * c[k], 15);
    const int16_t added = (int16_t)shift_down(in * g[k], 30 + p->cell_bits - 15);
    c[k] = saturate(kept + added);
    if (p->cell_clip > 0)
      c[k] = (int16_t)clamp(c[k], -p->cell_clip, p->cell_clip);
  }
}

static void step(const QfkLstmInt *p, const int8_t *x, int8_t *h, int16_t *c, int16_t *gates, int8_t *out)
{
  const size_t n = p->shape.hidden;
  int16_t *i = gates, *o = gates + n, *f = gates + 2 * n, *g = gates + 3 * n;
  if (p->shape.coupled != QFK_INPUT_IS_REST)
    fill_gate(p, 0, x, h, c, i);
  fill_gate(p, 2, x, h, c, f);
  fill_gate(p, 3, x, h, c, g);
  apply_sigmoid(n, i);
  apply_sigmoid(n, f);
  for (size_t k = 0; k < n; k++)
    g[k] = qfk_tanh_s16(g[k], 3);
  update_cell(p, i, f, g, c);
  fill_gate(p, 1, x, h, c, o);
  apply_sigmoid(n, o);
  for (size_t k = 0; k < n; k++) {
    const int32_t product = o[k] * qfk_tanh_s16(c[k], p->cell_bits);
    out[k] = (int8_t)clamp(qfk_fixed_mul(p->hidden_scale, product) + p->hidden_zero, INT8_MIN, INT8_MAX);
  }
  if (!p->project) {
    memcpy(h, out, n);
    return;
  }
  for (size_t k = 0; k < p->shape.state; k++) {
    const int32_t sum =
        wrapping_sum(p->project_bias ? p->project_bias[k] : 0, dot(out, p->project + k * n, n));
    int32_t v = clamp(qfk_fixed_mul(p->project_scale, sum) + p->state_zero, INT8_MIN, INT8_MAX);
    h[k] = (int8_t)(p->state_clip > 0 ? clamp(v, -p->state_clip, p->state_clip) : v);
  }
}

void qfk_lstm_s8_ref(const QfkLstmInt *p, const int8_t *x, const int32_t *lengths, int8_t *h, int16_t *c,
                     int8_t *y, int16_t *gates, int8_t *out)
{
  const QfkRecurrent *s = &p->shape;
  memset(gates, 0, 4 * s->hidden * sizeof(*gates));
  for (size_t b = 0; b < s->batch; b++) {
    size_t length = s->steps;
    if (lengths)
      length = lengths[b] < 0 ? 0 : (size_t)lengths[b] < length ? (size_t)lengths[b] : length;
    for (size_t k = 0; k < s->steps; k++) {
      const size_t t = s->reverse && k < length ? length - 1 - k : k;
      int8_t *to = y + t * s->y_step + b * s->y_batch;
      if (k < length)
        step(p, x + t * s->x_step + b * s->x_batch, h + b * s->state, c + b * s->hidden, gates, out);
      for (size_t j = 0; j < s->state; j++)
        to[j] = k < length ? h[b * s->state + j] : (int8_t)p->state_zero;
    }
  }
}
