/* SPDX-License-Identifier: MIT */
/*
 * check_dot16.c - products of plain integers: every line of dot16.inc gives the reference's bits, with sums that wrap around too.
 */
#include "check.h"
#include "kernels/gemm/dot16.h"

void chk_dot16(void)
{
  static const size_t shapes[][3] = {{1, 1, 1}, {2, 4, 8}, {3, 5, 17}, {1, 9, 64}, {5, 4, 33}, {4, 13, 200}};
  for (const QfkKernel *k = qfk_dot16_kernels; k->name; k++)
    for (size_t s = 0; chk_can_run(k->name, k->isa) && s < sizeof(shapes) / sizeof(*shapes); s++)
      for (int fill = 0; fill < CHK_N_FILLS; fill++) {
        const size_t m = shapes[s][0], n = shapes[s][1], depth = shapes[s][2],
                     bytes = m * n * sizeof(int32_t);
        int16_t *a = chk_alloc(m * depth * 2), *b = chk_alloc(n * depth * 2);
        int32_t *want = chk_alloc(bytes), *got = chk_alloc(bytes);
        chk_fill_s16(a, m * depth, INT16_MIN, INT16_MAX, (ChkFill)fill);
        chk_fill_s16(b, n * depth, INT16_MIN, INT16_MAX, (ChkFill)fill);
        qfk_dot16_ref(m, n, depth, a, b, want);
        ((QfkDot16Func)k->function)(m, n, depth, a, b, got);
        bool same = chk_same(got, want, bytes), guards = chk_free_all();
        chk_result(same && guards, k->name, "%zux%zux%zu fill %d", m, n, depth, fill);
      }
}
