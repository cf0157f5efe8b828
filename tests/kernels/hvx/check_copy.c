/* SPDX-License-Identifier: MIT */
/*
 * check_copy.c - moves for HVX against the reference: nests of all kinds, padding, channels in another order, blocks. Units run in a
 * stirred order, for they must not depend on each other.
 */
#include "hvx_check.h"
#include "kernels/copy/block_hvx.h"
#include "kernels/copy/copy.h"
#include "kernels/copy/move_hvx.h"

#include <string.h>

static void move_all(const QfkMoveHvx *p, const uint8_t *x, uint8_t *y)
{
  for (int32_t i = p->units - 1; i >= 0; i -= 3)
    qfk_move_hvx(p, x, y, i < 2 ? 0 : i - 2, i < 2 ? i + 1 : 3);
}

/* A box in x, as @order has its dimensions, to a box in y. */
typedef struct {
  int32_t rank, bytes;
  int32_t dims[5], order[5]; /* of x; y's dimension i is x's order[i] */
  int32_t step[5];           /* in x; 0: 1 */
  int32_t x_more[5], y_more; /* what x has besides the box; and y, in its last dimension */
  QfkMoveKind kind;
} Nest;

static const Nest nests[] = {
    {1, 1, {1000}, {0}, {0}, {0}, 0, QFK_MOVE_RUN},
    {1, 4, {9000}, {0}, {0}, {0}, 0, QFK_MOVE_RUN},
    {2, 1, {40, 17}, {0, 1}, {0}, {0, 5}, 9, QFK_MOVE_RUN},
    {3, 2, {3, 5, 70}, {1, 0, 2}, {0}, {1, 2}, 0, QFK_MOVE_RUN},
    {2, 8, {7, 9}, {0, 1}, {0}, {0, 3}, 1, QFK_MOVE_RUN},
    {2, 8, {35, 9}, {1, 0}, {0}, {0, 3}, 1, QFK_MOVE_RUN},
    {2, 1, {4, 300}, {1, 0}, {0}, {0}, 0, QFK_MOVE_WEAVE},
    {2, 1, {300, 4}, {1, 0}, {0}, {0}, 0, QFK_MOVE_PART},
    {2, 4, {2, 77}, {1, 0}, {0}, {0}, 0, QFK_MOVE_WEAVE},
    {3, 4, {3, 32, 40}, {0, 2, 1}, {0}, {0}, 0, QFK_MOVE_WEAVE},
    {3, 2, {3, 65, 8}, {0, 2, 1}, {0}, {0}, 0, QFK_MOVE_PART},
    {2, 1, {3, 200}, {1, 0}, {0}, {0}, 0, QFK_MOVE_TURN},
    {2, 1, {200, 3}, {1, 0}, {0}, {0}, 0, QFK_MOVE_TURN},
    {2, 1, {130, 131}, {1, 0}, {0}, {0, 7}, 11, QFK_MOVE_TURN},
    {2, 2, {70, 67}, {1, 0}, {0}, {0, 1}, 0, QFK_MOVE_TURN},
    {2, 4, {41, 67}, {1, 0}, {0}, {0, 1}, 3, QFK_MOVE_TURN},
    {3, 1, {24, 50, 4}, {1, 0, 2}, {0}, {0}, 0, QFK_MOVE_TURN},
    {3, 1, {50, 6, 20}, {0, 2, 1}, {0}, {0}, 0, QFK_MOVE_TURN},
    {4, 1, {5, 6, 7, 8}, {3, 1, 0, 2}, {0}, {0}, 0, QFK_MOVE_PART},
    {5, 1, {4, 3, 6, 2, 4}, {0, 3, 1, 2, 4}, {0}, {0}, 0, QFK_MOVE_PART},
    {2, 1, {30, 40}, {0, 1}, {2, 3}, {0}, 0, QFK_MOVE_SINGLE},
    {2, 4, {30, 40}, {0, 1}, {-1, -1}, {0}, 0, QFK_MOVE_SINGLE},
    {2, 2, {9, 50}, {0, 1}, {-2, 1}, {0}, 0, QFK_MOVE_RUN},
};

static void check_nest(const Nest *c)
{
  QfkNd nd = {.rank = c->rank, .n_operands = 2};
  int64_t in = 1, out = 1, start = 0;
  for (int32_t i = c->rank - 1; i >= 0; i--) {
    const int32_t step = c->step[i] ? c->step[i] : 1;
    for (int32_t k = 0; k < c->rank; k++)
      if (c->order[k] == i) {
        nd.dims[k] = c->dims[i];
        nd.stride[1][k] = in * step;
      }
    if (step < 0)
      start -= in * step * (c->dims[i] - 1);
    in *= (int64_t)c->dims[i] * (step < 0 ? -step : step) + c->x_more[i];
  }
  for (int32_t k = c->rank - 1; k >= 0; k--) {
    nd.stride[0][k] = out;
    out *= nd.dims[k] + (k == c->rank - 1 ? c->y_more : 0);
  }
  uint8_t *x = chk_alloc_aligned((size_t)(in * c->bytes) + 128);
  uint8_t *y = chk_alloc((size_t)(out * c->bytes)), *want = chk_alloc((size_t)(out * c->bytes));
  chk_fill_bytes(x, (size_t)(in * c->bytes), CHK_PLAIN);
  QfkMoveHvx p;
  bool ok = qfk_move_hvx_init(&p, &nd, (uint32_t)c->bytes) && p.kind == c->kind;
  if (ok) {
    move_all(&p, x + start * c->bytes, y);
    qfk_copy_ref(&nd, (uint32_t)c->bytes, x + start * c->bytes, want);
    ok = chk_same(y, want, (size_t)(out * c->bytes));
  }
  ok &= chk_free_all();
  chk_result(ok, "move_hvx", "%d bytes, %d dimensions %dx%d.., kind %d", (int)c->bytes, (int)c->rank,
             (int)c->dims[0], (int)c->dims[1], (int)c->kind);
}

/* Where x has what y has at @i, -1: outside. */
static int64_t pad_source(const QfkPadHvx *p, int32_t d, int64_t i)
{
  const int64_t n = p->dims[d], mirror = p->mode == QFK_PAD_REFLECT;
  i -= p->before[d];
  if (i >= 0 && i < n)
    return i;
  if (p->mode == QFK_PAD_VALUE)
    return -1;
  if (p->mode == QFK_PAD_EDGE)
    return i < 0 ? 0 : n - 1;
  return i < 0 ? -i - 1 + mirror : 2 * n - 1 - i - mirror;
}

static void want_pad(const QfkPadHvx *p, const uint8_t *x, const uint8_t *value, uint8_t *want)
{
  const size_t bytes = p->element_bytes;
  int64_t at[8] = {0};
  for (;; want += bytes) {
    int64_t from = 0;
    bool outside = false;
    int32_t d;
    for (d = 0; d < p->rank; d++) {
      const int64_t i = pad_source(p, d, at[d]);
      outside |= i < 0;
      from = from * p->dims[d] + i;
    }
    memcpy(want, outside ? value : x + from * (int64_t)bytes, bytes);
    for (d = p->rank - 1; d >= 0 && ++at[d] == p->dims[d] + p->before[d] + p->after[d]; d--)
      at[d] = 0;
    if (d < 0)
      return;
  }
}

static void check_pad(QfkPadHvx p, const char *what)
{
  static const uint8_t value[4] = {7, 9, 11, 13};
  int64_t in = p.element_bytes, out = p.element_bytes;
  for (int32_t d = 0; d < p.rank; d++) {
    in *= p.dims[d];
    out *= p.dims[d] + p.before[d] + p.after[d];
  }
  uint8_t *x = chk_alloc_aligned((size_t)in + 128), *fill = chk_alloc_aligned(128);
  uint8_t *y = chk_alloc((size_t)out), *want = chk_alloc((size_t)out);
  QfkPadMoveHvx moves[81];
  const int32_t n = qfk_pad_hvx_init(&p, moves, 81);
  bool ok = n > 0 && n <= 81;
  chk_fill_bytes(x, (size_t)in, CHK_PLAIN);
  memcpy(fill, value, sizeof(value));
  for (int32_t i = n - 1; ok && i >= 0; i--)
    move_all(&moves[i].move, moves[i].from_value ? fill : x + moves[i].x, y + moves[i].y);
  want_pad(&p, x, value, want);
  ok &= chk_same(y, want, (size_t)out);
  ok &= chk_free_all();
  chk_result(ok, "pad_hvx", "%s, %d bytes, %d moves", what, (int)p.element_bytes, (int)n);
}

static void check_pads(void)
{
  static const char *const names[] = {"value", "edge", "reflect", "symmetric"};
  for (int mode = 0; mode < 4; mode++)
    for (uint32_t bytes = 1; bytes <= 4; bytes *= 2) {
      check_pad((QfkPadHvx){.rank = 3,
                            .dims = {3, 9, 50},
                            .before = {0, 2, 3},
                            .after = {0, 1, 5},
                            .mode = (QfkPadMode)mode,
                            .element_bytes = bytes},
                names[mode]);
      check_pad((QfkPadHvx){.rank = 4,
                            .dims = {2, 5, 6, 3},
                            .before = {0, 4, 1, 2},
                            .after = {1, 0, 5, 0},
                            .mode = (QfkPadMode)mode,
                            .element_bytes = bytes},
                mode >= QFK_PAD_REFLECT ? "mirrored, whole image" : names[mode]);
    }
  check_pad((QfkPadHvx){.rank = 3,
                        .dims = {6, 9, 20},
                        .before = {0, -2, 3},
                        .after = {1, -3, -7},
                        .element_bytes = 1},
            "crop");
  const QfkPadHvx wide = {.rank = 1, .dims = {4}, .before = {4}, .mode = QFK_PAD_REFLECT, .element_bytes = 1};
  chk_result(qfk_pad_hvx_init(&wide, NULL, 0) == 0, "pad_hvx", "a mirror wider than the image is refused");
}

/* Channels of up to three inputs, any of them. */
static void check_channels(const int32_t *counts, int32_t channels, int32_t pixels, bool random)
{
  const uint8_t *planes[3], *nhwc[3];
  int32_t next = 0, n_inputs = 0;
  for (; n_inputs < 3 && counts[n_inputs]; n_inputs++) {
    const size_t n = (size_t)counts[n_inputs] * pixels;
    uint8_t *x = chk_alloc_aligned(n);
    chk_fill_bytes(x, n, CHK_PLAIN);
    nhwc[n_inputs] = x;
    planes[n_inputs] = chk_d4_make(x, counts[n_inputs], pixels);
  }
  QfkChannelFrom *from = chk_alloc_aligned((size_t)channels * sizeof(*from));
  uint8_t *want = chk_alloc((size_t)channels * pixels), *y = chk_alloc(qfk_d4_bytes(channels, 1, pixels));
  for (int32_t c = 0, input = 0; c < channels; c++) {
    if (random)
      input = chk_range(-1, n_inputs - 1);
    else if (input >= 0 && next == counts[input]) {
      next = 0;
      input = input + 1 < n_inputs ? input + 1 : -1;
    }
    from[c] = (QfkChannelFrom){input, input < 0 ? 0 : random ? chk_range(0, counts[input] - 1) : next++};
    for (int32_t i = 0; i < pixels; i++)
      want[i * channels + c] = input < 0 ? 200 : nhwc[input][i * counts[input] + from[c].channel];
  }
  QfkChannelsHvx p;
  bool ok = qfk_channels_hvx_init(&p, channels, pixels, 200);
  QfkChannelPiece *pieces = chk_alloc_aligned(qfk_channels_hvx_pieces(&p) * sizeof(*pieces));
  qfk_channels_hvx_pack(&p, from, pieces);
  p.pieces = pieces;
  for (int32_t i = 0; i < pixels; i += 37)
    qfk_channels_u8_hvx(&p, planes, i, 37, y);
  ok = ok && chk_d4_same(y, want, channels, pixels);
  ok &= chk_free_all();
  chk_result(ok, "channels_u8_hvx", "%d channels from %d, %d, %d, %d pixels%s", (int)channels, (int)counts[0],
             (int)counts[1], (int)counts[2], (int)pixels, random ? ", any" : "");
}

static void check_block(int32_t h, int32_t w, int32_t c, int32_t side, bool crd, bool to_depth)
{
  const QfkBlock b = {.n = 1,
                      .h = (size_t)h,
                      .w = (size_t)w,
                      .c = (size_t)c,
                      .block_h = (size_t)side,
                      .block_w = (size_t)side,
                      .crd = crd,
                      .element_bytes = 1};
  const int32_t blocks = side * side, grid = h * w / blocks, deep_c = c * blocks,
                moved = qfk_block_hvx_channels(&b);
  const size_t n = (size_t)h * w * c;
  uint8_t *x = chk_alloc_aligned(n), *want = chk_alloc(n);
  chk_fill_bytes(x, n, CHK_PLAIN);
  (to_depth ? qfk_space_to_depth_ref : qfk_depth_to_space_ref)(&b, x, want);
  const uint8_t *in = chk_d4_make(x, to_depth ? c : deep_c, to_depth ? h * w : grid);
  uint8_t *y = chk_alloc(to_depth ? qfk_d4_bytes(deep_c, 1, grid) : qfk_d4_bytes(c, h, w));
  uint8_t *between = chk_alloc_aligned(qfk_d4_bytes(moved, 1, grid) + QFK_D4_SLACK);
  QfkChannelFrom *from = chk_alloc_aligned((size_t)moved * sizeof(*from));
  const bool ordered = qfk_block_hvx_in_order(&b);
  QfkNd nd;
  QfkMoveHvx move;
  QfkChannelsHvx p;
  qfk_block_hvx_nest(&nd, &b, to_depth);
  qfk_block_hvx_order(&b, to_depth, from);
  bool ok = qfk_move_hvx_init(&move, &nd, 4) && qfk_channels_hvx_init(&p, to_depth ? deep_c : moved, grid, 0);
  QfkChannelPiece *pieces = chk_alloc_aligned(qfk_channels_hvx_pieces(&p) * sizeof(*pieces));
  qfk_channels_hvx_pack(&p, from, pieces);
  p.pieces = pieces;
  if (to_depth) {
    move_all(&move, in, ordered ? y : between);
    if (!ordered)
      qfk_channels_u8_hvx(&p, (const uint8_t *const[]){between}, 0, grid, y);
  } else {
    if (!ordered)
      qfk_channels_u8_hvx(&p, &in, 0, grid, between);
    move_all(&move, ordered ? in : between, y);
  }
  ok &= to_depth ? chk_d4_same(y, want, deep_c, grid) : chk_d4_same(y, want, c, h * w);
  ok &= chk_free_all();
  chk_result(ok, "block_hvx", "%s, %dx%dx%d, blocks of %d%s", to_depth ? "to depth" : "to space", (int)h,
             (int)w, (int)c, (int)side, crd ? " crd" : "");
}

void chk_hvx_copy(void)
{
  for (size_t i = 0; i < sizeof(nests) / sizeof(nests[0]); i++)
    check_nest(&nests[i]);
  check_pads();
  static const int32_t counts[][3] = {{4, 8, 0}, {3, 5, 2}, {1, 1, 1}, {6, 9, 4}, {24, 24, 24}, {17, 0, 0}};
  for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
    for (int32_t pixels = 1; pixels < 120; pixels += 49) {
      const int32_t all = counts[i][0] + counts[i][1] + counts[i][2];
      check_channels(counts[i], all, pixels, false);
      check_channels(counts[i], all + 3, pixels, false);
      check_channels(counts[i], 13, pixels, true);
    }
  for (int i = 0; i < 8; i++) {
    check_block(6, 80, 8, 2, i & 1, i & 2);
    check_block(9, 12, i & 4 ? 3 : 5, 3, i & 1, i & 2);
    check_block(8, 16, i & 4 ? 1 : 12, 4, i & 1, i & 2);
  }
}
