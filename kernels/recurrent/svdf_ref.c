/* SPDX-License-Identifier: MIT */
/*
 * svdf_ref.c - see svdf.h.
 */
#include "svdf.h"

#include <string.h>

void qfk_svdf_f32_ref(const QfkSvdf *p, const float *x, const float *features, const float *time,
                      const float *bias, float *state, float *y, float *spare)
{
  const size_t units = p->filters / p->rank;
  for (size_t b = 0; b < p->batch; b++, x += p->input, y += units) {
    const float *data = x;
    if (p->hybrid)
      qfk_round_to_int8(p->input, x, p->hybrid == 2, spare), data = spare;
    for (size_t u = 0; u < units; u++)
      y[u] = bias ? bias[u] : 0;
    for (size_t f = 0; f < p->filters; f++, state += p->memory) {
      double now = 0, sum = 0;
      for (size_t i = 0; i < p->input; i++)
        now += (double)features[f * p->input + i] * (double)data[i];
      memmove(state, state + 1, (p->memory - 1) * sizeof(*state));
      state[p->memory - 1] = (float)now;
      for (size_t m = 0; m < p->memory; m++)
        sum += (double)time[f * p->memory + m] * (double)state[m];
      y[f / p->rank] += (float)sum;
    }
    for (size_t u = 0; u < units; u++)
      y[u] = qfk_cell_act(&p->act, y[u]);
  }
}

static int32_t clamp(int64_t v, int32_t lo, int32_t hi)
{
  return (int32_t)(v < lo ? lo : v > hi ? hi : v);
}

void qfk_svdf_s8_ref(const QfkSvdfInt *p, const int8_t *x, const int8_t *features, const int16_t *time,
                     const int32_t *bias, int16_t *state, int8_t *y)
{
  const QfkSvdf *s = &p->shape;
  for (size_t b = 0; b < s->batch; b++, x += s->input)
    for (size_t u = 0; u < s->filters / s->rank; u++) {
      uint32_t sum = bias ? (uint32_t)bias[u] : 0;
      for (size_t f = u * s->rank; f < (u + 1) * s->rank; f++, state += s->memory) {
        int32_t now = 0;
        for (size_t i = 0; i < s->input; i++)
          now += features[f * s->input + i] * (x[i] - p->x_zero);
        memmove(state, state + 1, (s->memory - 1) * sizeof(*state));
        state[s->memory - 1] = (int16_t)clamp(qfk_fixed_mul(p->feature_scale, now), INT16_MIN, INT16_MAX);
        for (size_t m = 0; m < s->memory; m++)
          sum += (uint32_t)(time[f * s->memory + m] * state[m]);
      }
      *y++ = (int8_t)clamp((int64_t)qfk_fixed_mul(p->out_scale, (int32_t)sum) + p->y_zero, p->lo, p->hi);
    }
}
