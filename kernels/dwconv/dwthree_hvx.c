/* SPDX-License-Identifier: MIT */
/*
 * dwthree_hvx.c - small depthwise filters for HVX; see dwthree_hvx.h. Plane by plane, in three passes: the words of four channels, the
 * pixels of even and of odd output rows, and these without what lies between rows.
 */
#include "dwthree_hvx.h"
#include "../hvx/memory.h"
#include "../hvx/requant.h"
#include "dwnarrow_hvx.h"

/* A run; pointers into scratch memory. */
typedef struct {
  const QfkDwconvHvx *p;
  uint8_t *words; /* [phases][4 channels][part] */
  uint8_t *fill;  /* a row of padding */
  uint8_t *lines; /* [rows][part] */
  uint8_t *between;
  size_t part;
  int32_t vectors;          /* of a line */
  HVX_Vector flip, padding; /* of the image */
  QfkHvxOutVectors out;
  int32_t h, x_row;          /* rows, and bytes of one */
  int32_t whole[2], last[2]; /* of a row's words the vectors before the last, and bytes of that; by phases */
} Run;

/* 32 pixels of four rows to words of four channels. */
typedef struct {
  HVX_Vector c[4];
} Words;

static inline __attribute__((always_inline)) Words turn(HVX_Vector r0, HVX_Vector r1, HVX_Vector r2,
                                                        HVX_Vector r3)
{
  const HVX_VectorPair low = Q6_Wb_vshuffoe_VbVb(r1, r0), high = Q6_Wb_vshuffoe_VbVb(r3, r2);
  const HVX_VectorPair even = Q6_Wh_vshuffoe_VhVh(Q6_V_lo_W(high), Q6_V_lo_W(low));
  const HVX_VectorPair odd = Q6_Wh_vshuffoe_VhVh(Q6_V_hi_W(high), Q6_V_hi_W(low));
  return (Words){{Q6_V_lo_W(even), Q6_V_lo_W(odd), Q6_V_hi_W(even), Q6_V_hi_W(odd)}};
}

static inline __attribute__((always_inline)) void put(uint8_t *to, size_t part, const Words *w)
{
  for (int c = 0; c < 4; c++)
    qfk_hvx_store(to + c * part, w->c[c]);
}

/* Behind the last column there is padding, which the row before may share. */
static inline __attribute__((always_inline)) void put_last(uint8_t *to, size_t part, Words *w,
                                                           HVX_VectorPred inside, HVX_Vector fill)
{
  for (int c = 0; c < 4; c++)
    w->c[c] = Q6_V_vmux_QVV(inside, w->c[c], fill);
  put(to, part, w);
}

/* The rows of a group, of the image or of padding. */
typedef struct {
  const uint8_t *r0, *r1, *r2, *r3;
} Rows;

static inline __attribute__((always_inline)) Rows find_rows(const Run *r, const uint8_t *x, int32_t y,
                                                            ptrdiff_t step)
{
  const uint8_t *at = x + y * step, *fill = r->fill;
  Rows rows = {at, at + step, at + 2 * step, at + 3 * step};
  if (__builtin_expect(y >= 0 && y + 3 < r->h, 1))
    return rows;
  const uint32_t h = (uint32_t)r->h;
  rows.r0 = (uint32_t)y < h ? rows.r0 : fill;
  rows.r1 = (uint32_t)y + 1 < h ? rows.r1 : fill;
  rows.r2 = (uint32_t)y + 2 < h ? rows.r2 : fill;
  rows.r3 = (uint32_t)y + 3 < h ? rows.r3 : fill;
  return rows;
}

/* The next 32 pixels of each row, turned to uint8; 32 pixels and @step bytes on; and the next of two vectors of three rows. */
#if defined(__hexagon__)
#define TAKE(step)                                                                                           \
  "{ %0 = vmemu(%4++" step ") }\n"                                                                           \
  "{ %0 = vxor(%0, %8)\n%1 = vmemu(%5++" step ") }\n"                                                        \
  "{ %1 = vxor(%1, %8)\n%2 = vmemu(%6++" step ") }\n"                                                        \
  "{ %2 = vxor(%2, %8)\n%3 = vmemu(%7++" step ") }\n"                                                        \
  "{ %3 = vxor(%3, %8) }"
#define TAKEN                                                                                                \
  "=&v"(w.c[0]), "=&v"(w.c[1]), "=&v"(w.c[2]), "=&v"(w.c[3]), "+r"(rows->r0), "+r"(rows->r1),                \
      "+r"(rows->r2), "+r"(rows->r3)

static inline __attribute__((always_inline)) Words take(Rows *rows, HVX_Vector flip)
{
  Words w;
  __asm__(TAKE("#1") : TAKEN : "v"(flip) : "memory");
  return w;
}

static inline __attribute__((always_inline)) Words take_step(Rows *rows, HVX_Vector flip, ptrdiff_t step)
{
  Words w;
  __asm__(TAKE("%9") : TAKEN : "v"(flip), "a"(step) : "memory");
  return w;
}

static inline __attribute__((always_inline)) void take_two(Rows *rows, HVX_Vector flip, HVX_Vector *v)
{
  __asm__("{ %0 = vmemu(%6++#1) }\n"
          "{ %0 = vxor(%0, %9)\n%1 = vmemu(%6++#1) }\n"
          "{ %1 = vxor(%1, %9)\n%2 = vmemu(%7++#1) }\n"
          "{ %2 = vxor(%2, %9)\n%3 = vmemu(%7++#1) }\n"
          "{ %3 = vxor(%3, %9)\n%4 = vmemu(%8++#1) }\n"
          "{ %4 = vxor(%4, %9)\n%5 = vmemu(%8++#1) }\n"
          "{ %5 = vxor(%5, %9) }"
          : "=&v"(v[0]), "=&v"(v[1]), "=&v"(v[2]), "=&v"(v[3]), "=&v"(v[4]), "=&v"(v[5]), "+r"(rows->r0),
            "+r"(rows->r1), "+r"(rows->r2)
          : "v"(flip)
          : "memory");
}
#else
static inline HVX_Vector take_one(const uint8_t **row, HVX_Vector flip, ptrdiff_t step)
{
  const HVX_Vector v = Q6_V_vxor_VV(qfk_hvx_load(*row), flip);
  *row += step;
  return v;
}

static inline Words take_step(Rows *rows, HVX_Vector flip, ptrdiff_t step)
{
  return (Words){{take_one(&rows->r0, flip, step), take_one(&rows->r1, flip, step),
                  take_one(&rows->r2, flip, step), take_one(&rows->r3, flip, step)}};
}

static inline Words take(Rows *rows, HVX_Vector flip)
{
  return take_step(rows, flip, 128);
}

static inline void take_two(Rows *rows, HVX_Vector flip, HVX_Vector *v)
{
  for (int i = 0; i < 6; i++)
    v[i] = take_one(i < 2 ? &rows->r0 : i < 4 ? &rows->r1 : &rows->r2, flip, 128);
}
#endif

static inline __attribute__((always_inline)) Words turn_all(Rows *rows, HVX_Vector flip)
{
  const Words w = take(rows, flip);
  return turn(w.c[0], w.c[1], w.c[2], w.c[3]);
}

/* Rows of a vector or less: all groups at once that are within the image. */
static __attribute__((noinline)) void turn_small(const Run *r, const uint8_t *x, int32_t y)
{
  const QfkDwthreeHvx *t = &r->p->three;
  const HVX_Vector flip = r->flip, fill = r->padding;
  const HVX_VectorPred inside = Q6_Q_vsetq2_R(r->last[0]);
  const ptrdiff_t part = (ptrdiff_t)r->part, pitch = 4 * (ptrdiff_t)t->pitch, x_row = r->x_row;
  const int32_t last = r->h - 4; /* a group's first row, if the others are to be within */
  uint8_t *to = r->words + t->at[0] * 4;
  for (int32_t left = t->groups, n; left > 0; left -= n, y += 2 * n) {
    Rows rows = find_rows(r, x, y, x_row);
    n = 1;
    if (y >= 0 && y < last)
      n += (last - y) >> 1;
    n = n < left ? n : left;
    for (int32_t g = n; g > 0; g--, to += pitch) {
      const Words v = take_step(&rows, flip, 2 * x_row);
      Words w = turn(v.c[0], v.c[1], v.c[2], v.c[3]);
      put_last(to, part, &w, inside, fill);
    }
  }
}

static __attribute__((noinline)) void turn_first(const Run *r, const uint8_t *x, int32_t y)
{
  const QfkDwthreeHvx *t = &r->p->three;
  const HVX_Vector flip = r->flip, fill = r->padding;
  const HVX_VectorPred inside = Q6_Q_vsetq2_R(r->last[0]);
  const ptrdiff_t part = (ptrdiff_t)r->part, pitch = 4 * (ptrdiff_t)t->pitch, x_row = r->x_row;
  const int32_t whole = r->whole[0];
  uint8_t *to = r->words + t->at[0] * 4;
  for (int32_t g = t->groups; g > 0; g--, y += 2, to += pitch) {
    Rows rows = find_rows(r, x, y, x_row);
    uint8_t *at = to;
    for (int32_t i = whole; i > 0; i--, at += 128) {
      const Words w = turn_all(&rows, flip);
      put(at, part, &w);
    }
    Words w = turn_all(&rows, flip);
    put_last(at, part, &w, inside, fill);
  }
}

/* 64 pixels of three rows, the even and the odd ones. */
typedef struct {
  Words even, odd;
} Halves;

static inline __attribute__((always_inline)) Halves turn_halves(Rows *rows, HVX_Vector flip)
{
  HVX_Vector v[6];
  take_two(rows, flip, v);
  const HVX_VectorPair r0 = Q6_W_vdeal_VVR(v[1], v[0], -4), r1 = Q6_W_vdeal_VVR(v[3], v[2], -4);
  const HVX_VectorPair r2 = Q6_W_vdeal_VVR(v[5], v[4], -4);
  return (Halves){turn(Q6_V_lo_W(r0), Q6_V_lo_W(r1), Q6_V_lo_W(r2), Q6_V_lo_W(r2)),
                  turn(Q6_V_hi_W(r0), Q6_V_hi_W(r1), Q6_V_hi_W(r2), Q6_V_hi_W(r2))};
}

/* Two phases; the fourth row counts as nothing. Of odd pixels there are as many vectors as of even ones, or one fewer: then the last
 * is all padding. */
static __attribute__((noinline)) void turn_second(const Run *r, const uint8_t *x, int32_t y)
{
  const QfkDwthreeHvx *t = &r->p->three;
  const HVX_Vector flip = r->flip, fill = r->padding;
  const HVX_VectorPred inside = Q6_Q_vsetq2_R(r->last[0]), odd_inside = Q6_Q_vsetq2_R(r->last[1]);
  const ptrdiff_t part = (ptrdiff_t)r->part, pitch = 4 * (ptrdiff_t)t->pitch, x_row = r->x_row;
  const int32_t whole = r->whole[0];
  const bool same = whole == r->whole[1];
  uint8_t *even_to = r->words + t->phase[0] * 4 * part + t->at[0] * 4;
  uint8_t *odd_to = r->words + t->phase[1] * 4 * part + t->at[1] * 4;
  for (int32_t g = t->groups; g > 0; g--, y += 2, even_to += pitch, odd_to += pitch) {
    Rows rows = find_rows(r, x, y, x_row);
    uint8_t *even_at = even_to, *odd_at = odd_to;
    for (int32_t i = whole; i > 0; i--, even_at += 128, odd_at += 128) {
      const Halves h = turn_halves(&rows, flip);
      put(even_at, part, &h.even);
      put(odd_at, part, &h.odd);
    }
    Halves h = turn_halves(&rows, flip);
    put_last(even_at, part, &h.even, inside, fill);
    if (same)
      put_last(odd_at, part, &h.odd, odd_inside, fill);
  }
}

/* What a plane's four channels do to their sums; vectors first, in the order that the loops load them. */
typedef struct {
  HVX_Vector bias[4], multiplier[4];
  QfkHvxOutVectors out;
  QfkDwNarrow narrow;
  const int32_t *shift, *weights;
} Plane;

/* How sums become pixels: any way; with shifts; from 16 bits, and with a zero point. */
typedef enum { ANY, SHIFTED, NARROW, NARROW_ZERO } How;

static inline __attribute__((always_inline)) HVX_Vector finish(const HVX_Vector *sums, const Plane *c,
                                                               How how)
{
  HVX_Vector v[4];
  if (how == NARROW || how == NARROW_ZERO)
    return qfk_dwnarrow_pixels(&c->narrow, sums, how == NARROW_ZERO);
  for (int i = 0; i < 4; i++)
    v[i] =
        qfk_hvx_once(how == SHIFTED ? qfk_hvx_shift_left(sums[i], c->shift[i]) : sums[i], c->multiplier[i]);
  return qfk_hvx_pixels(v[0], v[1], v[2], v[3], &c->out);
}

/* Of 32 words the sums of one or two output rows; columns are neighbours, or by turns of both phases. */
static inline __attribute__((always_inline)) void run_lines(const Run *r, const Plane *c, bool second,
                                                            How how)
{
  const int32_t rows = second ? 1 : 2, words = (int32_t)qfk_dwthree_hvx_words(r->p);
  const HVX_Vector *bias = how == NARROW || how == NARROW_ZERO ? c->narrow.bias : c->bias;
  uint8_t *to = r->lines;
  const uint8_t *x = r->words;
  for (int32_t n = r->vectors; n > 0; n--, x += 128, to += 128)
    for (int32_t row = 0; row < rows; row++) {
      HVX_Vector sums[4];
      for (int i = 0; i < 4; i++) {
        const int32_t *w = c->weights + words * i + row;
        const uint8_t *first = x + i * r->part, *other = second ? x + (4 + i) * r->part : first + 4;
        sums[i] = Q6_Vw_vrmpyacc_VwVubRb(bias[i], qfk_hvx_load(first), w[0]);
        sums[i] = Q6_Vw_vrmpyacc_VwVubRb(sums[i], qfk_hvx_load(other), w[rows]);
        sums[i] = Q6_Vw_vrmpyacc_VwVubRb(sums[i], qfk_hvx_load(first + (second ? 4 : 8)), w[2 * rows]);
      }
      *(HVX_Vector *)(to + row * r->part) = finish(sums, c, how);
    }
}

static __attribute__((noinline)) void run_shifted(const Run *r, const Plane *c)
{
  if (r->p->three.rows == 1)
    run_lines(r, c, true, SHIFTED);
  else
    run_lines(r, c, false, SHIFTED);
}

#if defined(__hexagon__)

/* v10-13 multipliers, v14-17 biases, v18-21 zero point, bounds and flip. */
#define CONSTANTS                                                                                            \
  "{ v14 = vmem(%[c]++#1) }\n{ v15 = vmem(%[c]++#1) }\n{ v16 = vmem(%[c]++#1) }\n{ v17 = vmem(%[c]++#1) }\n" \
  "{ v10 = vmem(%[c]++#1) }\n{ v11 = vmem(%[c]++#1) }\n{ v12 = vmem(%[c]++#1) }\n{ v13 = vmem(%[c]++#1) }\n" \
  "{ v18 = vmem(%[c]++#1) }\n{ v19 = vmem(%[c]++#1) }\n{ v20 = vmem(%[c]++#1) }\n{ v21 = vmem(%[c]++#1) }\n"
#define ALL_VECTORS                                                                                          \
  "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11", "v12", "v13", "v14", "v15",      \
      "v16", "v17", "v18", "v19", "v20", "v21", "v22", "v23", "v24", "v25", "v26", "v27", "v28", "v29",      \
      "v30", "v31"

/* What the last round leaves to be done. */
#define LAST_PIXELS                                                                                          \
  "{ v28.h = vsat(v24.w, v22.w) }\n{ v29.h = vsat(v25.w, v23.w) }\n"                                         \
  "{ v28.h = vadd(v28.h, v18.h):sat\nv29.h = vadd(v29.h, v18.h):sat }\n"                                     \
  "{ v30.ub = vsat(v28.h, v26.h) }\n{ v31.ub = vsat(v29.h, v27.h) }\n"                                       \
  "{ v30.ub = vmax(v30.ub, v19.ub)\nv31.ub = vmax(v31.ub, v19.ub) }\n"                                       \
  "{ v30.ub = vmin(v30.ub, v20.ub)\nv31.ub = vmin(v31.ub, v20.ub) }\n"                                       \
  "{ v30 = vxor(v30, v21)\nv31 = vxor(v31, v21) }\n"                                                         \
  "{ vmem(%[even]++#1) = v30 }\n{ vmem(%[odd]++#1) = v31 }\n"

/*
 * Stride 1, 28 packets for 256 outputs, whose multipliers are all taken: 12 of products, 16 of requantisation. First channels 0 and 2,
 * then 1 and 3. The words of two channels, v0-2 and v3-5, are loaded while those before are requantised; pixels are put together and
 * stored during the next round's first channels, so the first stores are of nothing, before the lines.
 */
static void run_first(const Run *r, const Plane *plane)
{
  const uint8_t *p0 = r->words, *p1 = p0 + r->part, *p2 = p1 + r->part, *p3 = p2 + r->part;
  uint8_t *even = r->lines - 128, *odd = even + r->part;
  const HVX_Vector *c = plane->bias;
  const int32_t *w = plane->weights;
  int64_t a, b, d, e, f, g;
  __asm__ volatile(
      CONSTANTS "{ m0 = %[four] }\n{ m1 = %[back] }\n"
                "{ v0 = vmemu(%[p0]++m0) }\n{ v1 = vmemu(%[p0]++m0) }\n{ v2 = vmemu(%[p0]++m1) }\n"
                "{ v3 = vmemu(%[p2]++m0) }\n{ v4 = vmemu(%[p2]++m0) }\n{ v5 = vmemu(%[p2]++m1) }\n"
                "{ %[a] = memd(%[w]+#0)\n%[b] = memd(%[w]+#8)\nv6 = v14\nv7 = v14 }\n"
                "{ %[d] = memd(%[w]+#16)\nv8 = v16\nloop0(1f, %[n]) }\n"
                ".balign 16\n"
                "1:\n"
                /* products of channel 0, of channel 2 */
                "{ v6.w += vrmpy(v0.ub, %L[a].b)\nv7.w += vrmpy(v0.ub, %H[a].b)\n"
                "  v28.h = vsat(v24.w, v22.w)\n%[e] = memd(%[w]+#64) }\n"
                "{ v6.w += vrmpy(v1.ub, %L[b].b)\nv7.w += vrmpy(v1.ub, %H[b].b)\n"
                "  v29.h = vsat(v25.w, v23.w)\n%[f] = memd(%[w]+#72) }\n"
                "{ v6.w += vrmpy(v2.ub, %L[d].b)\nv7.w += vrmpy(v2.ub, %H[d].b)\n"
                "  v9 = v16\n%[g] = memd(%[w]+#80) }\n"
                "{ v8.w += vrmpy(v3.ub, %L[e].b)\nv9.w += vrmpy(v3.ub, %H[e].b)\n"
                "  v28.h = vadd(v28.h, v18.h):sat\n%[a] = memd(%[w]+#32) }\n"
                "{ v8.w += vrmpy(v4.ub, %L[f].b)\nv9.w += vrmpy(v4.ub, %H[f].b)\n"
                "  v29.h = vadd(v29.h, v18.h):sat\n%[b] = memd(%[w]+#40) }\n"
                "{ v8.w += vrmpy(v5.ub, %L[g].b)\nv9.w += vrmpy(v5.ub, %H[g].b)\n"
                "  v30.ub = vsat(v28.h, v26.h)\n%[d] = memd(%[w]+#48) }\n"
                /* their requantisation */
                "{ v22.w = vmpye(v6.w, v10.uh)\nv31.ub = vsat(v29.h, v27.h)\nv0 = vmemu(%[p1]++m0) }\n"
                "{ v23.w = vmpye(v7.w, v10.uh)\nv30.ub = vmax(v30.ub, v19.ub)\nv1 = vmemu(%[p1]++m0) }\n"
                "{ v22.w += vmpyo(v6.w, v10.h):<<1:rnd:sat:shift\n"
                "  v31.ub = vmax(v31.ub, v19.ub)\nv2 = vmemu(%[p1]++m1) }\n"
                "{ v23.w += vmpyo(v7.w, v10.h):<<1:rnd:sat:shift\nv6 = v15\nv3 = vmemu(%[p3]++m0) }\n"
                "{ v24.w = vmpye(v8.w, v12.uh)\nv7 = v15\nv4 = vmemu(%[p3]++m0) }\n"
                "{ v25.w = vmpye(v9.w, v12.uh)\nv30.ub = vmin(v30.ub, v20.ub)\nv5 = vmemu(%[p3]++m1) }\n"
                "{ v24.w += vmpyo(v8.w, v12.h):<<1:rnd:sat:shift\n"
                "  v31.ub = vmin(v31.ub, v20.ub)\nv30 = vxor(v30, v21) }\n"
                "{ v25.w += vmpyo(v9.w, v12.h):<<1:rnd:sat:shift\n"
                "  v31 = vxor(v31, v21)\nv8 = v17 }\n"
                /* products of channel 1, of channel 3 */
                "{ v6.w += vrmpy(v0.ub, %L[a].b)\nv7.w += vrmpy(v0.ub, %H[a].b)\n"
                "  v26.h = vsat(v24.w, v22.w)\n%[e] = memd(%[w]+#96) }\n"
                "{ v6.w += vrmpy(v1.ub, %L[b].b)\nv7.w += vrmpy(v1.ub, %H[b].b)\n"
                "  v27.h = vsat(v25.w, v23.w)\n%[f] = memd(%[w]+#104) }\n"
                "{ v6.w += vrmpy(v2.ub, %L[d].b)\nv7.w += vrmpy(v2.ub, %H[d].b)\n"
                "  v9 = v17\n%[g] = memd(%[w]+#112) }\n"
                "{ v8.w += vrmpy(v3.ub, %L[e].b)\nv9.w += vrmpy(v3.ub, %H[e].b)\n"
                "  v26.h = vadd(v26.h, v18.h):sat\n%[a] = memd(%[w]+#0) }\n"
                "{ v8.w += vrmpy(v4.ub, %L[f].b)\nv9.w += vrmpy(v4.ub, %H[f].b)\n"
                "  v27.h = vadd(v27.h, v18.h):sat\n%[b] = memd(%[w]+#8) }\n"
                "{ v8.w += vrmpy(v5.ub, %L[g].b)\nv9.w += vrmpy(v5.ub, %H[g].b)\n"
                "  %[d] = memd(%[w]+#16)\nvmem(%[odd]++#1) = v31 }\n"
                /* their requantisation */
                "{ v22.w = vmpye(v6.w, v11.uh)\nv0 = vmemu(%[p0]++m0) }\n"
                "{ v23.w = vmpye(v7.w, v11.uh)\nv1 = vmemu(%[p0]++m0) }\n"
                "{ v22.w += vmpyo(v6.w, v11.h):<<1:rnd:sat:shift\nv2 = vmemu(%[p0]++m1) }\n"
                "{ v23.w += vmpyo(v7.w, v11.h):<<1:rnd:sat:shift\nv6 = v14\nv3 = vmemu(%[p2]++m0) }\n"
                "{ v24.w = vmpye(v8.w, v13.uh)\nv7 = v14\nv4 = vmemu(%[p2]++m0) }\n"
                "{ v25.w = vmpye(v9.w, v13.uh)\nv5 = vmemu(%[p2]++m1) }\n"
                "{ v24.w += vmpyo(v8.w, v13.h):<<1:rnd:sat:shift\nvmem(%[even]++#1) = v30 }\n"
                "{ v25.w += vmpyo(v9.w, v13.h):<<1:rnd:sat:shift\nv8 = v16 }:endloop0\n" LAST_PIXELS
      : [p0] "+r"(p0), [p1] "+r"(p1), [p2] "+r"(p2), [p3] "+r"(p3), [even] "+r"(even), [odd] "+r"(odd),
        [c] "+r"(c), [a] "=&r"(a), [b] "=&r"(b), [d] "=&r"(d), [e] "=&r"(e), [f] "=&r"(f), [g] "=&r"(g)
      : [w] "r"(w), [n] "r"(r->vectors), [four] "r"(4), [back] "r"(120)
      : ALL_VECTORS, "m0", "m1", "lc0", "sa0", "memory");
}

/* Stride 2, 14 packets for 128 outputs: likewise, with all weights in registers. */
static void run_second(const Run *r, const Plane *plane)
{
  const uint8_t *p0 = r->words, *p1 = p0 + r->part, *p2 = p1 + r->part, *p3 = p2 + r->part;
  const uint8_t *o0 = p3 + r->part, *o1 = o0 + r->part, *o2 = o1 + r->part, *o3 = o2 + r->part;
  uint8_t *to = r->lines - 128;
  const HVX_Vector *c = plane->bias;
  const int64_t *w = (const int64_t *)plane->weights;
  __asm__ volatile(
      CONSTANTS "{ m0 = %[four] }\n{ m1 = %[back] }\n"
                "{ v0 = vmemu(%[p0]++m0) }\n{ v1 = vmem(%[o0]++#1) }\n{ v2 = vmemu(%[p0]++m1) }\n"
                "{ v3 = vmemu(%[p2]++m0) }\n{ v4 = vmem(%[o2]++#1) }\n{ v5 = vmemu(%[p2]++m1) }\n"
                "{ v6 = v14\nv7 = v16\n v8 = v15 }\n{ v9 = v17\nloop0(1f, %[n]) }\n"
                ".balign 16\n"
                "1:\n"
                /* channels 0 and 2 */
                "{ v6.w += vrmpy(v0.ub, %L[w0].b)\nv7.w += vrmpy(v3.ub, %L[w2].b)\n"
                "  v28.h = vsat(v31.w, v30.w)\nv23 = vmem(%[o1]++#1) }\n"
                "{ v6.w += vrmpy(v1.ub, %H[w0].b)\nv7.w += vrmpy(v4.ub, %H[w2].b)\n"
                "  v28.h = vadd(v28.h, v18.h):sat\nv26 = vmem(%[o3]++#1) }\n"
                "{ v6.w += vrmpy(v2.ub, %[l0].b)\nv7.w += vrmpy(v5.ub, %[l2].b)\nv22 = vmemu(%[p1]++m0) }\n"
                "{ v30.w = vmpye(v6.w, v10.uh)\nv28.ub = vsat(v28.h, v29.h)\nv24 = vmemu(%[p1]++m1) }\n"
                "{ v31.w = vmpye(v7.w, v12.uh)\nv28.ub = vmax(v28.ub, v19.ub)\nv25 = vmemu(%[p3]++m0) }\n"
                "{ v30.w += vmpyo(v6.w, v10.h):<<1:rnd:sat:shift\n"
                "  v28.ub = vmin(v28.ub, v20.ub)\nv27 = vmemu(%[p3]++m1) }\n"
                "{ v31.w += vmpyo(v7.w, v12.h):<<1:rnd:sat:shift\n"
                "  v28 = vxor(v28, v21)\nvmem(%[to]++#1) = v28.new }\n"
                /* channels 1 and 3 */
                "{ v8.w += vrmpy(v22.ub, %L[w1].b)\nv9.w += vrmpy(v25.ub, %L[w3].b)\n"
                "  v29.h = vsat(v31.w, v30.w)\nv1 = vmem(%[o0]++#1) }\n"
                "{ v8.w += vrmpy(v23.ub, %H[w1].b)\nv9.w += vrmpy(v26.ub, %H[w3].b)\n"
                "  v29.h = vadd(v29.h, v18.h):sat\nv4 = vmem(%[o2]++#1) }\n"
                "{ v8.w += vrmpy(v24.ub, %[l1].b)\nv9.w += vrmpy(v27.ub, %[l3].b)\nv0 = vmemu(%[p0]++m0) }\n"
                "{ v30.w = vmpye(v8.w, v11.uh)\nv6 = v14\nv2 = vmemu(%[p0]++m1) }\n"
                "{ v31.w = vmpye(v9.w, v13.uh)\nv7 = v16\nv3 = vmemu(%[p2]++m0) }\n"
                "{ v30.w += vmpyo(v8.w, v11.h):<<1:rnd:sat:shift\nv5 = vmemu(%[p2]++m1) }\n"
                "{ v31.w += vmpyo(v9.w, v13.h):<<1:rnd:sat:shift\nv8 = v15\nv9 = v17 }:endloop0\n"
                "{ v28.h = vsat(v31.w, v30.w) }\n{ v28.h = vadd(v28.h, v18.h):sat }\n"
                "{ v28.ub = vsat(v28.h, v29.h) }\n{ v28.ub = vmax(v28.ub, v19.ub) }\n"
                "{ v28.ub = vmin(v28.ub, v20.ub) }\n{ v28 = vxor(v28, v21) }\n{ vmem(%[to]++#1) = v28 }\n"
      : [p0] "+r"(p0), [p1] "+r"(p1), [p2] "+r"(p2), [p3] "+r"(p3), [o0] "+r"(o0), [o1] "+r"(o1),
        [o2] "+r"(o2), [o3] "+r"(o3), [to] "+r"(to), [c] "+r"(c)
      : [w0] "r"(w[0]), [l0] "r"((int32_t)w[1]), [w1] "r"(w[2]), [l1] "r"((int32_t)w[3]), [w2] "r"(w[4]),
        [l2] "r"((int32_t)w[5]), [w3] "r"(w[6]), [l3] "r"((int32_t)w[7]), [n] "r"(r->vectors), [four] "r"(4),
        [back] "r"(124)
      : ALL_VECTORS, "m0", "m1", "lc0", "sa0", "memory");
}

static void run_narrow(const Run *r, const Plane *c, bool zero)
{
  const QfkDwNarrowRun run = {.words = r->words,
                              .lines = r->lines,
                              .weights = c->weights,
                              .plane = &c->narrow,
                              .part = (int32_t)r->part,
                              .vectors = r->vectors};
  if (zero)
    qfk_dwnarrow_first_zero(&run);
  else
    qfk_dwnarrow_first(&run);
}

#else

static void run_first(const Run *r, const Plane *c)
{
  run_lines(r, c, false, ANY);
}

static void run_second(const Run *r, const Plane *c)
{
  run_lines(r, c, true, ANY);
}

static void run_narrow(const Run *r, const Plane *c, bool zero)
{
  run_lines(r, c, false, zero ? NARROW_ZERO : NARROW);
}

#endif

/* Pixels of a narrow plane within bounds, in the output's type. */
static __attribute__((noinline)) void bound_lines(const Run *r, const QfkHvxOutVectors *o)
{
  HVX_Vector *line = (HVX_Vector *)r->lines;
  for (int32_t row = 0; row < r->p->three.rows; row++, line += r->part / 128)
    for (int32_t i = 0; i < r->vectors; i++)
      line[i] = qfk_hvx_bound(line[i], o);
}

/* The lines of a plane; of its vectors only those that are needed are made. */
static void run_sums(const Run *r, int32_t plane)
{
  const QfkDwconvHvx *p = r->p;
  const int32_t *bias = p->bias + 4 * plane, *m = p->multiplier + 4 * plane;
  Plane c;
  c.shift = p->shift + 4 * plane;
  c.weights = p->weights + 4 * plane * qfk_dwthree_hvx_words(p);
  if (p->three.rows == 1 || !qfk_dwthree_hvx_is_narrow(p, plane)) {
    c.out = r->out;
    for (int i = 0; i < 4; i++) {
      c.bias[i] = Q6_V_vsplat_R(bias[i]);
      c.multiplier[i] = Q6_V_vsplat_R(m[i]);
    }
    (p->shifted ? run_shifted : p->three.rows == 2 ? run_first : run_second)(r, &c);
    return;
  }
  for (int i = 0; i < 2; i++) {
    c.narrow.low[i] = Q6_V_vsplat_R((m[i] & 0x7fff) | (m[i + 2] & 0x7fff) << 16);
    c.narrow.high[i] = Q6_V_vsplat_R((int32_t)((uint32_t)m[i] >> 15 | (uint32_t)m[i + 2] >> 15 << 16));
  }
  for (int i = 0; i < 4; i++)
    c.narrow.bias[i] = Q6_V_vsplat_R(bias[i]);
  c.narrow.zero = r->out.zero;
  run_narrow(r, &c, p->out.zero != 0);
  if (p->out.lo > 0 || p->out.hi < 255 || p->out.flip)
    bound_lines(r, &r->out);
}

static inline __attribute__((always_inline)) void store_row(uint8_t *to, const uint8_t *from, int32_t n,
                                                            bool narrow)
{
  qfk_hvx_store(to, qfk_hvx_load(from));
  for (int32_t k = 128; k < n && !narrow; k += 128)
    qfk_hvx_store(to + k, qfk_hvx_load(from + k));
}

/* Pixels of @rows rows of @n bytes, from lines to @to; of every second one from @odd. A row is followed by what the next is written over. */
static inline __attribute__((always_inline)) void store_pairs(uint8_t *to, const uint8_t *even,
                                                              const uint8_t *odd, int32_t n, ptrdiff_t step,
                                                              int32_t rows, bool narrow)
{
  for (int32_t i = rows >> 1; i > 0; i--, even += step, odd += step, to += 2 * n) {
    store_row(to, even, n, narrow);
    store_row(to + n, odd, n, narrow);
  }
  if (rows & 1)
    store_row(to, even, n, narrow);
}

/* Rows in order, so that whole vectors may be written: the next row is written over what is too much. The last ones, which would
 * write beyond the run's, are drawn together elsewhere. */
static __attribute__((noinline)) void store_rows(const Run *r, uint8_t *y, int32_t rows)
{
  const QfkDwthreeHvx *t = &r->p->three;
  const int32_t n = r->p->s.ow * 4, pitch = t->pitch * 4, beyond = ((n + 127) & ~127) - n;
  const uint8_t *even = r->lines, *odd = t->rows == 2 ? even + r->part : even + pitch;
  const ptrdiff_t step = t->rows == 2 ? pitch : 2 * pitch;
  int32_t direct = rows;
  for (int32_t left = 0; left < beyond && direct > 0; left += n) /* rows that whole vectors do not fit into */
    direct--;
  const int32_t last = rows - direct;
  const uint8_t *even_last = even + (direct >> 1) * step, *odd_last = odd + (direct >> 1) * step;
  if (direct & 1) {
    const uint8_t *first = odd_last;
    odd_last = even_last + step;
    even_last = first;
  }
  if (n <= 128)
    store_pairs(y, even, odd, n, step, direct, true);
  else
    store_pairs(y, even, odd, n, step, direct, false);
  store_pairs(r->between, even_last, odd_last, n, step, last, false);
  qfk_hvx_copy(y + direct * n, r->between, last * n);
}

static void run_plane(const Run *r, int32_t plane, const uint8_t *x, int32_t y0, int32_t rows, uint8_t *y)
{
  const QfkDwconvHvx *p = r->p;
  (p->three.rows == 1 ? turn_second
   : r->whole[0]      ? turn_first
                      : turn_small)(r, x, y0 * p->s.stride[0] - p->s.pad[0]);
  run_sums(r, plane);
  store_rows(r, y, rows);
}

void qfk_dwthree_hvx_run(const QfkDwconvHvx *p, const uint8_t *x, int32_t y0, uint8_t *y, void *scratch)
{
  const QfkConvShape *s = &p->s;
  const QfkDwthreeHvx *t = &p->three;
  const size_t row = ((size_t)s->w * 4 + 511) / 128 * 128;
  const int32_t rows = s->oh - y0 < p->rows ? s->oh - y0 : p->rows;
  const int32_t groups = (rows + t->rows - 1) / t->rows;
  Run r = {.p = p,
           .words = scratch,
           .part = qfk_dwthree_hvx_part(p),
           .flip = Q6_Vb_vsplat_R(p->grid.flip),
           .padding = Q6_Vb_vsplat_R(p->grid.fill),
           .out = qfk_hvx_out_vectors(&p->out),
           .h = t->columns[0] > 0 ? s->h : 0,
           .x_row = s->w * 4,
           .vectors = (groups * t->pitch + 31) / 32};
  for (int i = 0; i < t->phases; i++) {
    r.whole[i] = (t->columns[i] - 1) >> 5;
    r.last[i] = (t->columns[i] - 32 * r.whole[i]) * 4;
  }
  if (r.whole[0] < 0) /* all is padding, whatever they are */
    r.whole[0] = r.whole[1] = 0;
  r.fill = r.words + r.part * 4 * t->phases;
  r.lines = r.fill + row;
  r.between = r.lines + r.part * t->rows;
  for (uint8_t *at = r.words; at < r.fill; at += 128)
    *(HVX_Vector *)at = Q6_Vb_vsplat_R(p->grid.fill);
  for (uint8_t *at = r.fill; at < r.lines; at += 128)
    *(HVX_Vector *)at = Q6_Vb_vsplat_R(t->fill);
  for (int32_t plane = 0; plane < qfk_d4_planes(s->c); plane++)
    run_plane(&r, plane, x + (ptrdiff_t)plane * s->h * s->w * 4, y0, rows,
              y + ((ptrdiff_t)plane * s->oh + y0) * s->ow * 4);
}
