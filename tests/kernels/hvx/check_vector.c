/* SPDX-License-Identifier: MIT */
/*
 * check_vector.c - elementwise HVX kernels against the references.
 */
#include "hvx_check.h"
#include "kernels/binary/binary16_hvx.h"
#include "kernels/binary/binary_hvx.h"
#include "kernels/copy/d4_hvx.h"
#include "kernels/unary/lookup_hvx.h"

#include <string.h>

/* Operands have a vector of slack. */
static uint8_t *operand(size_t n, ChkFill fill)
{
  uint8_t *p = chk_alloc_aligned(n + 128);
  chk_fill_bytes(p, n, fill);
  return p;
}

static const char *const op_names[] = {"add", "sub", "mul", "div", "max", "min"};

/* Encodings and multipliers for an operation, of any types. */
static void make_binary(QfkBinary *p, QfkBinaryFixed *f, int32_t a_per_y, int32_t b_per_y)
{
  const QfkInt types[] = {(QfkInt)(chk_random() % 2), (QfkInt)(chk_random() % 2), (QfkInt)(chk_random() % 2)};
  const int32_t least[] = {types[0] ? -128 : 0, types[1] ? -128 : 0, types[2] ? -128 : 0};
  const int32_t cut = chk_range(0, 40), shift = a_per_y > 0 || b_per_y > 0 ? 12 : 15;
  *f = (QfkBinaryFixed){.a = a_per_y >= 0 ? chk_range(1 << 13, 1 << 14) : chk_range(1, 1 << 14),
                        .b = (p->op == QFK_BINARY_SUB ? -1 : 1) * chk_range(1, (1 << 15) - 1),
                        .shift = shift,
                        .m = *chk_multipliers(1, a_per_y - 3)};
  p->q = (QfkBinaryInt){.a_type = types[0],
                        .b_type = types[1],
                        .y_type = types[2],
                        .a_zero = least[0] + chk_range(0, 255),
                        .b_zero = least[1] + chk_range(0, 255),
                        .y_zero = least[2] + chk_range(0, 255),
                        .lo = least[2] + cut,
                        .hi = least[2] + 255 - cut,
                        .fixed = f};
  f->ca = (p->q.y_zero * ((int64_t)1 << shift)) + (1 << (shift - 1)) - (int64_t)p->q.a_zero * f->a;
  f->cb = -(int64_t)p->q.b_zero * f->b;
  if (p->op == QFK_BINARY_MAX || p->op == QFK_BINARY_MIN)
    f->cb += (p->q.y_zero * ((int64_t)1 << shift)) + (1 << (shift - 1));
}

static void check_binary(QfkBinaryOp op, int32_t a_per_y, int32_t b_per_y, size_t n, ChkFill fill)
{
  QfkBinaryFixed f;
  QfkBinary p = {.op = op,
                 .nd = {.rank = 1, .n_operands = 3, .dims = {(int64_t)n}, .stride = {{1}, {1}, {1}}}};
  make_binary(&p, &f, a_per_y, b_per_y);
  const uint8_t *a = operand(n, fill), *b = operand(n, fill);
  uint8_t *want = chk_alloc(n), *y = chk_alloc(n);
  QfkBinaryHvx plan;
  bool ok = qfk_binary_hvx_init(&plan, &p);
  if (ok) {
    qfk_binary_u8_hvx(&plan, a, b, y, n);
    qfk_binary_int_ref(&p, a, b, want);
    ok = chk_same(y, want, n);
  }
  ok &= chk_free_all();
  chk_result(ok, "binary_u8_hvx", "%s, n %u%s", op_names[op], (unsigned)n, fill ? " edge" : "");
}

/* @groups of four bytes a row. The other operand is dense, or (@again) the same for all rows. */
static void check_rows(QfkBinaryOp op, int32_t rows, int32_t groups, QfkSpread spread, bool swap, bool again)
{
  static const int64_t steps[][2] = {{4, 1}, {0, 0}, {0, 1}, {4, 0}};
  static const int32_t sizes[] = {0, 1, 4, 0};
  const int32_t n = groups * 4, row = sizes[spread] ? sizes[spread] : n;
  const size_t dense_row = again ? 0 : (size_t)n, count = (size_t)n * rows;
  QfkBinaryFixed f;
  QfkBinary p = {.op = op,
                 .nd = {.rank = 3, .n_operands = 3, .dims = {rows, groups, 4}, .stride = {{n, 4, 1}}}};
  int64_t *const one = p.nd.stride[swap ? 1 : 2], *const other = p.nd.stride[swap ? 2 : 1];
  one[0] = row;
  one[1] = steps[spread][0];
  one[2] = steps[spread][1];
  other[0] = (int64_t)dense_row;
  other[1] = 4;
  other[2] = 1;
  make_binary(&p, &f, chk_range(-4, 4), chk_range(-4, 4));
  const uint8_t *thin = operand((size_t)row * rows, CHK_PLAIN), *dense = operand(count, CHK_PLAIN);
  const uint8_t *a = swap ? thin : dense, *b = swap ? dense : thin;
  uint8_t *want = chk_alloc(count), *y = chk_alloc(count);
  QfkBinaryHvx plan;
  QfkBinaryRowsHvx r = {.rows = rows, .n = n};
  *(swap ? &r.a : &r.b) = spread;
  *(swap ? &r.a_row : &r.b_row) = row;
  *(swap ? &r.b_row : &r.a_row) = (int32_t)dense_row;
  bool ok = qfk_binary_hvx_init(&plan, &p);
  for (int32_t i = rows - 1; ok && i >= 0; i -= 2)
    qfk_binary_rows_u8_hvx(&plan, &r, a, b, y, i ? i - 1 : 0, i ? 2 : 1);
  qfk_binary_int_ref(&p, a, b, want);
  ok = ok && chk_same(y, want, count);
  ok &= chk_free_all();
  chk_result(ok, "binary_rows_u8_hvx", "%s, %d rows of %d, spread %d%s%s", op_names[op], (int)rows, (int)n,
             (int)spread, swap ? ", of a" : "", again ? ", again" : "");
}

/* 16-bit images of four channels; multipliers by chance, as qfk_binary_fixed_init() might make them. */
static void check_binary16(QfkBinaryOp op, int32_t pixels, ChkFill fill)
{
  static const char *const names[] = {"add", "sub", "mul", "div", "max", "min"};
  const size_t n = 4 * (size_t)pixels;
  const int32_t shift = chk_range(18, 31), most = INT32_MAX;
  QfkInt types[3];
  int32_t least[3], zero[3];
  for (int i = 0; i < 3; i++) {
    types[i] = chk_random() % 2 ? QFK_U16 : QFK_S16;
    least[i] = types[i] == QFK_S16 ? -32768 : 0;
    zero[i] = least[i] + chk_range(0, 65535);
  }
  QfkBinaryFixed f = {.a = chk_range(most / 2, most),
                      .b = (op == QFK_BINARY_SUB ? -1 : 1) * chk_range(1, most),
                      .shift = shift,
                      .wide = true,
                      .m = {chk_range(1 << 21, 1 << 22), chk_range(17, 44)}};
  const int64_t base = zero[2] * ((int64_t)1 << shift) + ((int64_t)1 << (shift - 1));
  f.ca = base - (int64_t)zero[0] * f.a;
  f.cb = (op <= QFK_BINARY_SUB ? 0 : base) - (int64_t)zero[1] * f.b;
  const int32_t cut = chk_range(0, 1) * chk_range(0, 20000);
  const QfkBinary p = {.op = op,
                       .nd = {.rank = 1, .n_operands = 3, .dims = {(int64_t)n}, .stride = {{1}, {1}, {1}}},
                       .q = {.a_type = types[0],
                             .b_type = types[1],
                             .y_type = types[2],
                             .a_zero = zero[0],
                             .b_zero = zero[1],
                             .y_zero = zero[2],
                             .lo = least[2] + cut,
                             .hi = least[2] + 65535 - cut,
                             .fixed = &f}};
  uint16_t *a = (uint16_t *)(void *)operand(2 * n, fill), *b = (uint16_t *)(void *)operand(2 * n, fill);
  uint16_t *want = (uint16_t *)(void *)chk_alloc(2 * n);
  QfkBinary16Hvx plan;
  bool ok = qfk_binary16_hvx_init(&plan, &p);
  if (ok) {
    uint8_t *y = chk_alloc(2 * n);
    qfk_binary_u16_hvx(&plan, chk_d4_make16(a, 4, pixels), chk_d4_make16(b, 4, pixels), y, 1, 4 * pixels);
    qfk_binary_int_ref(&p, a, b, want);
    ok = chk_d4_same16(y, want, 4, pixels);
  }
  ok &= chk_free_all();
  chk_result(ok, "binary_u16_hvx", "%s, %d pixels%s", names[op], (int)pixels, fill ? " edge" : "");
}

static void check_layout(int32_t channels, int32_t pixels)
{
  const size_t n = (size_t)channels * pixels;
  const uint8_t *x = operand(n, CHK_PLAIN);
  uint8_t *planes = chk_alloc(qfk_d4_bytes(channels, 1, pixels)), *y = chk_alloc(n);
  qfk_d4_from_nhwc_hvx(x, channels, pixels, planes);
  bool ok = chk_d4_same(planes, x, channels, pixels);
  qfk_d4_to_nhwc_hvx(chk_d4_make(x, channels, pixels), channels, pixels, y);
  ok &= chk_same(y, x, n);
  ok &= chk_free_all();
  chk_result(ok, "d4_hvx", "%d pixels of %d channels", (int)pixels, (int)channels);
}

static void check_lookup16(size_t n)
{
  uint16_t *table = (uint16_t *)(void *)chk_alloc_aligned(65536 * sizeof(*table));
  const uint8_t *x = operand(2 * n, CHK_PLAIN), *low = x, *high = operand(n, CHK_PLAIN);
  uint8_t *y[] = {chk_alloc(n), chk_alloc(n), chk_alloc(2 * n)};
  uint8_t *want[] = {chk_alloc(n), chk_alloc(n), chk_alloc(2 * n)};
  chk_fill_bytes((uint8_t *)table, 65536 * sizeof(*table), CHK_PLAIN);
  for (size_t i = 0; i < n; i++) {
    const uint16_t planes = table[low[i] | high[i] << 8], flat = table[x[2 * i] | x[2 * i + 1] << 8];
    want[0][i] = (uint8_t)planes;
    want[1][i] = (uint8_t)(planes >> 8);
    want[2][2 * i] = (uint8_t)flat;
    want[2][2 * i + 1] = (uint8_t)(flat >> 8);
  }
  qfk_lookup_u16_hvx(table, low, high, y[0], y[1], n);
  qfk_lookup_flat_u16_hvx(table, (const uint16_t *)(const void *)x, (uint16_t *)(void *)y[2], n);
  bool ok = chk_same(y[0], want[0], n);
  ok &= chk_same(y[1], want[1], n);
  ok &= chk_same(y[2], want[2], 2 * n);
  ok &= chk_free_all();
  chk_result(ok, "lookup_u16_hvx", "n %u", (unsigned)n);
}

void chk_hvx_vector(void)
{
  static const int32_t layouts[][2] = {{3, 50}, {4, 32}, {128, 32}, {130, 33},
                                       {64, 7}, {1, 1},  {300, 70}, {24, 100}};
  for (size_t i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++)
    check_layout(layouts[i][0], layouts[i][1]);
  static const QfkBinaryOp ops[] = {QFK_BINARY_ADD, QFK_BINARY_SUB, QFK_BINARY_MUL, QFK_BINARY_MAX,
                                    QFK_BINARY_MIN};
  for (size_t i = 0; i < 5; i++)
    for (int32_t n = 1; n < 120; n += n < 5 ? 1 : 9)
      check_binary16(ops[i], n, n % 2 ? CHK_PLAIN : CHK_EDGE);
  for (size_t i = 0; i < 5; i++)
    for (size_t n = 1; n < 700; n += n < 5 ? 1 : 61)
      check_binary(ops[i], chk_range(-4, 4), chk_range(-4, 4), n, n % 2 ? CHK_PLAIN : CHK_EDGE);
  for (int i = 0; i < 40; i++)
    check_rows(ops[i % 5], chk_range(1, 6), chk_range(1, 90), (QfkSpread)(i % 4), i & 4, i & 8);
  for (size_t n = 1; n < 600; n += 97)
    check_lookup16(n);
  for (size_t n = 1; n < 600; n += 37) {
    uint8_t *table = chk_alloc_aligned(256), *y = chk_alloc(n), *want = chk_alloc(n);
    const uint8_t *x = operand(n, CHK_PLAIN);
    chk_fill_bytes(table, 256, CHK_PLAIN);
    qfk_lookup_u8_hvx(table, x, y, n);
    for (size_t i = 0; i < n; i++)
      want[i] = table[x[i]];
    bool ok = chk_same(y, want, n);
    ok &= chk_free_all();
    chk_result(ok, "lookup_u8_hvx", "n %u", (unsigned)n);
  }
}
