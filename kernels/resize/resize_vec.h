/* SPDX-License-Identifier: MIT */
/*
 * resize_vec.h - bilinear resampling of NHWC images with the channels as the inner, vectorised loop; included once an instruction set with
 * QFK_ISA defined. Integers: the reference's operations in its order, so the same bits. Floats go down before they go across, so that
 * a column of the source is read once for all pixels between it and the next.
 */
#include "resize_fast.h"

#include <math.h>
#include <string.h>

#define CAT2(a, b) a##_##b
#define CAT(a, b) CAT2(a, b)
#define NAME(f) CAT(f, QFK_ISA)

#define REAL_INT(v) ((float)((int32_t)(v)-p->x_zero) * scale_x)
#define STORE_INT(v) (T)((int32_t)rintf(clamp_f32((v) / scale_y, lo, hi)) + p->y_zero)

#define LANES 8
#define BLOCK 32 /* channels */

typedef float Lanes __attribute__((vector_size(LANES * sizeof(float))));

/* A block of @n channels of row @row, LANES <= n <= BLOCK, from channel @c. */
static void blend_row(const QfkResizeImage *p, const QfkTap2 *v, const float *image, float *y, size_t c,
                      size_t n)
{
  const size_t stride = p->c, row = p->w * stride;
  const float *top = image + (size_t)v->index[0] * row + c, *bottom = image + (size_t)v->index[1] * row + c;
  const float v0 = v->weight[0], v1 = v->weight[1];
  float column[2][BLOCK];
  float *a = column[0], *b = column[1];
  int32_t at[2] = {-1, -1};
  for (size_t x = 0; x < p->ow; x++, y += stride) {
    const QfkTap2 *u = &p->columns[x];
    if (u->index[0] != at[0] && u->index[0] == at[1]) {
      float *was = a;
      a = b;
      b = was;
      at[1] = at[0];
      at[0] = u->index[0];
    }
    for (int k = 0; k < 2; k++)
      if (u->index[k] != at[k]) {
        const float *s = top + (size_t)u->index[k] * stride, *t = bottom + (size_t)u->index[k] * stride;
        float *to = k ? b : a;
        for (size_t i = 0; i < n; i++)
          to[i] = v0 * s[i] + v1 * t[i];
      }
    at[0] = u->index[0];
    at[1] = u->index[1];
    const float u0 = u->weight[0], u1 = u->weight[1];
    for (size_t i = 0; i < n; i += LANES) {
      const size_t k = i + LANES <= n ? i : n - LANES;
      Lanes left, right;
      memcpy(&left, a + k, sizeof(left));
      memcpy(&right, b + k, sizeof(right));
      left = u0 * left + u1 * right;
      memcpy(y + c + k, &left, sizeof(left));
    }
  }
}

/* Fewer than LANES channels. */
static void blend_few(const QfkResizeImage *p, const QfkTap2 *v, const float *image, float *y)
{
  const size_t c = p->c, row = p->w * c;
  const float *top = image + (size_t)v->index[0] * row, *bottom = image + (size_t)v->index[1] * row;
  const float v0 = v->weight[0], v1 = v->weight[1];
  for (size_t x = 0; x < p->ow; x++) {
    const QfkTap2 *u = &p->columns[x];
    const size_t i0 = (size_t)u->index[0] * c, i1 = (size_t)u->index[1] * c;
    const float u0 = u->weight[0], u1 = u->weight[1];
    for (size_t i = 0; i < c; i++)
      *y++ = v0 * (u0 * top[i0 + i] + u1 * top[i1 + i]) + v1 * (u0 * bottom[i0 + i] + u1 * bottom[i1 + i]);
  }
}

/* Output rows [begin, end) of n * oh. */
void NAME(qfk_resize_linear_f32)(const QfkResizeImage *p, const void *from, void *to, size_t begin,
                                 size_t end)
{
  for (size_t row = begin; row < end; row++) {
    const float *image = (const float *)from + row / p->oh * p->h * p->w * p->c;
    float *y = (float *)to + row * p->ow * p->c;
    const QfkTap2 *v = &p->rows[row % p->oh];
    if (p->c < LANES)
      blend_few(p, v, image, y);
    for (size_t c = 0; p->c >= LANES && c < p->c; c += BLOCK) {
      const size_t n = p->c - c < BLOCK ? p->c - c : BLOCK;
      blend_row(p, v, image, y, n < LANES ? p->c - LANES : c, n < LANES ? LANES : n);
    }
  }
}

static inline float clamp_f32(float f, float lo, float hi)
{
  f = f < lo ? lo : f;
  return f > hi ? hi : f;
}

/* Output rows [begin, end) of n * oh. */
#define LINEAR(T_, t, REAL, STORE)                                                                           \
  void NAME(qfk_resize_linear_##t)(const QfkResizeImage *p, const void *from, void *to, size_t begin,        \
                                   size_t end)                                                               \
  {                                                                                                          \
    typedef T_ T;                                                                                            \
    const size_t c = p->c, row_size = p->w * c;                                                              \
    const float scale_x = p->x_scale, scale_y = p->y_scale, lo = p->lo, hi = p->hi;                          \
    (void)scale_x, (void)scale_y, (void)lo, (void)hi;                                                        \
    for (size_t row = begin; row < end; row++) {                                                             \
      const QfkTap2 *v = &p->rows[row % p->oh];                                                              \
      const T *image = (const T *)from + row / p->oh * p->h * row_size;                                      \
      const T *top = image + (size_t)v->index[0] * row_size,                                                 \
              *bottom = image + (size_t)v->index[1] * row_size;                                              \
      T *restrict y = (T *)to + row * p->ow * c;                                                             \
      for (size_t x = 0; x < p->ow; x++, y += c) {                                                           \
        const QfkTap2 *u = &p->columns[x];                                                                   \
        const T *a = top + (size_t)u->index[0] * c, *b = top + (size_t)u->index[1] * c;                      \
        const T *d = bottom + (size_t)u->index[0] * c, *e = bottom + (size_t)u->index[1] * c;                \
        const float u0 = u->weight[0], u1 = u->weight[1], v0 = v->weight[0], v1 = v->weight[1];              \
        for (size_t i = 0; i < c; i++) {                                                                     \
          const float f =                                                                                    \
              v0 * (u0 * REAL(a[i]) + u1 * REAL(b[i])) + v1 * (u0 * REAL(d[i]) + u1 * REAL(e[i]));           \
          y[i] = STORE(f);                                                                                   \
        }                                                                                                    \
      }                                                                                                      \
    }                                                                                                        \
  }

LINEAR(uint8_t, u8, REAL_INT, STORE_INT)
LINEAR(int8_t, s8, REAL_INT, STORE_INT)
