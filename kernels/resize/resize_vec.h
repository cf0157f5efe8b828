/* SPDX-License-Identifier: MIT */
/*
 * resize_vec.h - bilinear resampling of NHWC images with the channels as the inner, vectorised loop; included once an instruction set with
 * QFK_ISA defined. The reference's operations in its order, so the same bits.
 */
#include "resize_fast.h"

#include <math.h>

#define CAT2(a, b) a##_##b
#define CAT(a, b) CAT2(a, b)
#define NAME(f) CAT(f, QFK_ISA)

#define REAL_F32(v) (v)
#define STORE_F32(v) (v)
#define REAL_INT(v) ((float)((int32_t)(v)-p->x_zero) * scale_x)
#define STORE_INT(v) (T)((int32_t)rintf(clamp_f32((v) / scale_y, lo, hi)) + p->y_zero)

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

LINEAR(float, f32, REAL_F32, STORE_F32)
LINEAR(uint8_t, u8, REAL_INT, STORE_INT)
LINEAR(int8_t, s8, REAL_INT, STORE_INT)
