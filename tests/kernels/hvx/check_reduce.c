/* SPDX-License-Identifier: MIT */
/*
 * check_reduce.c - reductions and indices of extremes for HVX against the references. Units run a few at a time, from the end.
 */
#include "hvx_check.h"
#include "kernels/reduce/reduce_hvx.h"

typedef struct {
  int32_t outer, n, inner; /* channels: pixels, channels, 0 */
} Case;

static const Case cases[] = {{3, 1000, 1},  {20, 7, 1},   {2, 128, 1},  {1, 129, 1},
                             {5, 49, 4},    {2, 3000, 4}, {2, 300, 50}, {3, 17, 128},
                             {2, 600, 200}, {1, 2, 1000}, {9, 1, 6},    {50, 21, 0},
                             {33, 3, 0},    {100, 64, 0}, {1, 1030, 0}, {7, 1, 0}};

/* The data as the references have it: channels last. */
static QfkReduce shape_of(const Case *c, QfkReduceOp op)
{
  const bool channels = !c->inner;
  const int64_t inner = channels ? 1 : c->inner;
  return (QfkReduce){.op = op,
                     .kept = {.rank = 2,
                              .n_operands = 2,
                              .dims = {c->outer, inner},
                              .stride = {{inner, 1}, {c->n * inner, 1}}},
                     .reduced = {.rank = 1, .n_operands = 2, .dims = {c->n}, .stride = {{0}, {inner}}},
                     .count = c->n};
}

static void check_reduce(const Case *c, QfkReduceOp op, ChkFill fill)
{
  static const char *const names[] = {"sum", "mean", "max", "min"};
  const bool channels = !c->inner;
  const size_t out = (size_t)c->outer * (channels ? 1 : c->inner), in = out * c->n;
  const QfkInt type = (QfkInt)(chk_random() % 2), y_type = (QfkInt)(chk_random() % 2);
  const int exponent = op == QFK_REDUCE_SUM || op == QFK_REDUCE_MEAN ? -6 : chk_range(-1, 3);
  const QfkReduceInt q = {.x_type = type,
                          .y_type = y_type,
                          .x_zero = (type == QFK_S8 ? -128 : 0) + chk_range(0, 255),
                          .requant = chk_requant(y_type, chk_multipliers(1, exponent), false)};
  const QfkReduce shape = shape_of(c, op);
  uint8_t *x = chk_alloc_aligned(in), *want = chk_alloc(out), *y = chk_alloc(channels ? out * 4 : out);
  chk_fill_bytes(x, in, fill);
  QfkReduceHvx p;
  bool ok = channels ? qfk_reduce_hvx_init_channels(&p, op, &q, c->n, c->outer)
                     : qfk_reduce_hvx_init(&p, op, &q, c->outer, c->n, c->inner);
  if (ok) {
    const uint8_t *data = channels ? chk_d4_make(x, c->n, c->outer) : x;
    for (int32_t u = p.units - 1; u >= 0; u -= 2)
      qfk_reduce_u8_hvx(&p, data, y, u ? u - 1 : 0, u ? 2 : 1);
    qfk_reduce_int_ref(&shape, &q, x, want);
    ok = channels ? chk_d4_same(y, want, 1, c->outer) : chk_same(y, want, out);
  }
  ok &= chk_free_all();
  chk_result(ok, "reduce_u8_hvx", "%s, %d of %d by %d%s%s", names[op], (int)c->outer, (int)c->n,
             (int)c->inner, channels ? " channels" : "", fill ? " edge" : "");
}

static void check_arg(const Case *c, bool min, bool last, ChkFill fill)
{
  const bool channels = !c->inner;
  const QfkAxis a = {
      .outer = c->outer, .n = c->n, .inner = channels ? 1 : c->inner, .min = min, .last = last};
  const size_t out = (size_t)c->outer * (size_t)a.inner, in = out * c->n;
  const QfkInt type = (QfkInt)(chk_random() % 2);
  uint8_t *x = chk_alloc_aligned(in);
  int64_t *wide = chk_alloc_aligned(in * sizeof(*wide)), *want = chk_alloc_aligned(out * sizeof(*want));
  int32_t *y = chk_alloc(out * sizeof(*y)), *narrow = chk_alloc_aligned(out * sizeof(*narrow));
  chk_fill_bytes(x, in, fill);
  for (size_t i = 0; i < in; i++)
    wide[i] = qfk_load_int(x, type, i);
  QfkArgHvx p;
  bool ok =
      channels ? qfk_arg_hvx_init_channels(&p, &a, type, c->n, c->outer) : qfk_arg_hvx_init(&p, &a, type);
  if (ok) {
    const uint8_t *data = channels ? chk_d4_make(x, c->n, c->outer) : x;
    for (int32_t u = p.units - 1; u >= 0; u -= 3)
      qfk_arg_u8_hvx(&p, data, y, u < 2 ? 0 : u - 2, u < 2 ? u + 1 : 3);
    qfk_arg_i64_ref(&a, wide, want);
    for (size_t i = 0; i < out; i++)
      narrow[i] = (int32_t)want[i];
    ok = chk_same(y, narrow, out * sizeof(*y));
  }
  ok &= chk_free_all();
  chk_result(ok, "arg_u8_hvx", "%s%s, %d of %d by %d%s", min ? "min" : "max", last ? ", last" : "",
             (int)c->outer, (int)c->n, (int)c->inner, fill ? " edge" : "");
}

void chk_hvx_reduce(void)
{
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
    for (int v = 0; v < 4; v++) {
      check_reduce(&cases[i], (QfkReduceOp)v, (i + v) % 2 ? CHK_PLAIN : CHK_EDGE);
      check_arg(&cases[i], v & 1, v & 2, (i + v) % 3 ? CHK_EDGE : CHK_PLAIN);
    }
}
