/* SPDX-License-Identifier: MIT */
/*
 * check_cell.c - the gates of recurrent layers: every line of cell.inc against one step of the reference, whose input weights are a
 * unit matrix, so that what enters the gates is given, and whose recurrent weights are zero.
 */
#include "check.h"
#include "kernels/recurrent/cell.h"

#include <string.h>

typedef struct {
  QfkCellActType act[3];
  float clip, cell_clip;
  int32_t coupled;
  bool peephole;
} CellCase;

static const CellCase cell_cases[] = {
    {{QFK_CELL_SIGMOID, QFK_CELL_TANH, QFK_CELL_TANH}, 0, 0, 0, false},
    {{QFK_CELL_SIGMOID, QFK_CELL_TANH, QFK_CELL_TANH}, 0.5f, 0.3f, 0, true},
    {{QFK_CELL_HARD_SIGMOID, QFK_CELL_RELU, QFK_CELL_SOFTSIGN}, 0, 0, QFK_FORGET_IS_REST, true},
    {{QFK_CELL_SIGMOID, QFK_CELL_ELU, QFK_CELL_AFFINE}, 0, 0, QFK_INPUT_IS_REST, false},
};

enum { BATCH = 3 };

static QfkRecurrent describe(const CellCase *c, QfkRecurrentKind kind, size_t hidden)
{
  const size_t columns = qfk_recurrent_gates(kind) * hidden;
  QfkRecurrent p = {.kind = kind,
                    .steps = 1,
                    .batch = BATCH,
                    .input = columns,
                    .hidden = hidden,
                    .state = hidden,
                    .x_step = BATCH * columns,
                    .x_batch = columns,
                    .coupled = c->coupled,
                    .clip = c->clip,
                    .cell_clip = c->cell_clip};
  for (int i = 0; i < 3; i++)
    p.act[i] = (QfkCellAct){(int32_t)c->act[i], 0.7f, 0.2f};
  return p;
}

/* What the reference makes of @pre; @h and @c are moved on. */
static void run_reference(const QfkRecurrent *p, const float *pre, const float *look, float *h, float *c)
{
  const size_t n = p->input;
  float *w = chk_alloc_aligned(n * n * sizeof(float)), *r = chk_alloc_aligned(n * p->state * sizeof(float));
  for (size_t i = 0; i < n; i++)
    w[i * n + i] = 1;
  const QfkRecurrentData d = {.x = pre, .w = w, .r = r, .peephole = look, .h = h, .c = c};
  qfk_recurrent_f32_ref(p, &d, chk_alloc_aligned(qfk_recurrent_scratch(p) * sizeof(float)));
}

static bool check_case(const QfkKernel *k, const QfkRecurrent *p, bool peephole, ChkFill fill)
{
  const size_t n = BATCH * p->hidden, bytes = n * sizeof(float), columns = p->input / p->hidden;
  float *pre = chk_alloc(columns * bytes), *look = chk_alloc(3 * p->hidden * sizeof(float)),
        *spare = chk_alloc(bytes);
  float *h = chk_alloc(bytes), *c = chk_alloc(bytes), *want_h = chk_alloc(bytes), *want_c = chk_alloc(bytes);
  QfkCellFunc run = (QfkCellFunc)k->function;
  chk_fill_f32(pre, columns * n, fill);
  chk_fill_f32(look, 3 * p->hidden, CHK_PLAIN);
  chk_fill_f32(h, n, CHK_PLAIN);
  chk_fill_f32(c, n, CHK_PLAIN);
  memset(spare, 0, bytes);
  memcpy(want_h, h, bytes);
  memcpy(want_c, c, bytes);
  run_reference(p, pre, peephole ? look : NULL, want_h, want_c);
  if (k->kind == QFK_CELL_GRU_STATE) { /* behind the gates of the same line's machine */
    const QfkKernel *gates = qfk_kernel_find(qfk_cell_kernels, k->isa, QFK_CELL_GRU_GATES);
    ((QfkCellFunc)gates->function)(p, BATCH, pre, NULL, spare, h);
    memset(spare, 0, bytes);
    run(p, BATCH, pre, spare, NULL, h);
  } else {
    run(p, BATCH, pre, peephole ? look : NULL, c, h);
  }
  return chk_close(h, want_h, n, 1e-5f, 2e-6f) &&
         (k->kind != QFK_CELL_LSTM || chk_close(c, want_c, n, 1e-5f, 2e-6f));
}

static void check_kernel(const QfkKernel *k)
{
  static const QfkRecurrentKind kinds[] = {QFK_LSTM, QFK_GRU, QFK_GRU, QFK_RNN};
  static const size_t sizes[] = {1, 7, 16, 33};
  if (k->kind == QFK_CELL_GRU_GATES || !chk_can_run(k->name, k->isa)) /* checked with the state */
    return;
  for (size_t i = 0; i < sizeof(cell_cases) / sizeof(*cell_cases); i++)
    for (size_t s = 0; s < sizeof(sizes) / sizeof(*sizes); s++)
      for (int after = 0; after < (k->kind == QFK_CELL_GRU_STATE ? 2 : 1); after++) {
        const CellCase *c = &cell_cases[i];
        QfkRecurrent p = describe(c, kinds[k->kind], sizes[s]);
        p.linear_before_reset = after;
        bool same = check_case(k, &p, c->peephole && k->kind == QFK_CELL_LSTM, CHK_PLAIN);
        bool guards = chk_free_all();
        chk_result(same && guards, k->name, "case %zu hidden %zu after %d", i, sizes[s], after);
      }
}

void chk_cell(void)
{
  for (const QfkKernel *k = qfk_cell_kernels; k->name; k++)
    check_kernel(k);
}
