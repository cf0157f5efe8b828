/* SPDX-License-Identifier: MIT */
/*
 * dwnarrow_hvx.h - the loops of small depthwise filters (dwthree_hvx.h) over planes whose sums may be cut to 16 bits, since what is beyond
 * is beyond the output's bounds too, or never comes (qfk_dwthree_hvx_narrow()).
 *
 * A multiplier m of 31 bits is h * 2^15 + l, and floor((x * m + 2^30) / 2^31) is floor((x * h + floor(x * l / 2^15) + 2^15) / 2^16):
 * two products of halfwords, of which one instruction makes 64, where words by halfwords are 32. Without a zero point all is
 * unsigned, and needs no addition. The pixels are not within the output's bounds yet, nor turned over.
 */
#ifndef QFK_DWNARROW_HVX_H
#define QFK_DWNARROW_HVX_H

#include "../hvx/hvx.h"

#include <stdbool.h>

/* Of a plane; the order is that in which loops load them. Multipliers are of channels 0 and 2, of 1 and 3, by turns. */
typedef struct {
  HVX_Vector bias[4], low[2], high[2], zero;
} QfkDwNarrow;

/* Words of four channels, @part bytes apart; pixels of even rows at @lines, of odd rows @part behind. */
typedef struct {
  const uint8_t *words;
  uint8_t *lines;
  const int32_t *weights;
  const QfkDwNarrow *plane;
  int32_t part, vectors;
} QfkDwNarrowRun;

/* Sums of two channels to halfwords of their results. */
static inline __attribute__((always_inline)) HVX_Vector
qfk_dwnarrow_pair(const QfkDwNarrow *c, int i, HVX_Vector even, HVX_Vector odd, bool zero)
{
  if (!zero) {
    const HVX_Vector x = Q6_Vuh_vasr_VwVwR_sat(odd, even, 0);
    const HVX_VectorPair l = Q6_Wuw_vmpy_VuhVuh(x, c->low[i]);
    const HVX_VectorPair sum = Q6_Wuw_vmpyacc_WuwVuhVuh(Q6_W_vcombine_VV(Q6_Vuw_vlsr_VuwR(Q6_V_hi_W(l), 15),
                                                                         Q6_Vuw_vlsr_VuwR(Q6_V_lo_W(l), 15)),
                                                        x, c->high[i]);
    return Q6_Vuh_vround_VuwVuw_sat(Q6_V_hi_W(sum), Q6_V_lo_W(sum));
  }
  const HVX_Vector x = Q6_Vh_vsat_VwVw(odd, even);
  const HVX_VectorPair l = Q6_Ww_vmpy_VhVuh(x, c->low[i]);
  const HVX_VectorPair sum = Q6_Ww_vmpyacc_WwVhVuh(Q6_W_vcombine_VV(Q6_Vw_vasr_VwR(Q6_V_hi_W(l), 15),
                                                                    Q6_Vw_vasr_VwR(Q6_V_lo_W(l), 15)),
                                                   x, c->high[i]);
  return Q6_Vh_vadd_VhVh_sat(Q6_Vh_vround_VwVw_sat(Q6_V_hi_W(sum), Q6_V_lo_W(sum)), c->zero);
}

/* Sums of four channels to pixels. */
static inline __attribute__((always_inline)) HVX_Vector qfk_dwnarrow_pixels(const QfkDwNarrow *c,
                                                                            const HVX_Vector *sums, bool zero)
{
  return Q6_Vub_vsat_VhVh(qfk_dwnarrow_pair(c, 1, sums[1], sums[3], zero),
                          qfk_dwnarrow_pair(c, 0, sums[0], sums[2], zero));
}

#if defined(__hexagon__)

/* What differs with a zero point (S, signed) and without (U): sums to halfwords, products, their shift, and rounding; v20 and v21 hold sums
 * of even and odd rows, v22-23 and v24-25 their products. */
#define QFK_DWNARROW_U_CUT(x, e, o) x ".uh = vasr(" o ".w, " e ".w, r7):sat\n"
#define QFK_DWNARROW_U_LOW(p, x, m) p ".uw = vmpy(" x ".uh, " m ".uh)\n"
#define QFK_DWNARROW_U_HIGH(p, x, m) p ".uw += vmpy(" x ".uh, " m ".uh)\n"
#define QFK_DWNARROW_U_DOWN(p) p ".uw = vlsr(" p ".uw, r6)\n"
#define QFK_DWNARROW_U_ROUND(y, hi, lo) y ".uh = vround(" hi ".uw, " lo ".uw):sat\n"
#define QFK_DWNARROW_U_ADD(e, o)
#define QFK_DWNARROW_S_CUT(x, e, o) x ".h = vsat(" o ".w, " e ".w)\n"
#define QFK_DWNARROW_S_LOW(p, x, m) p ".w = vmpy(" x ".h, " m ".uh)\n"
#define QFK_DWNARROW_S_HIGH(p, x, m) p ".w += vmpy(" x ".h, " m ".uh)\n"
#define QFK_DWNARROW_S_DOWN(p) p ".w = vasr(" p ".w, r6)\n"
#define QFK_DWNARROW_S_ROUND(y, hi, lo) y ".h = vround(" hi ".w, " lo ".w):sat\n"
#define QFK_DWNARROW_S_ADD(e, o)                                                                             \
  "{ " e ".h = vadd(" e ".h, v10.h):sat\n" o ".h = vadd(" o ".h, v10.h):sat }\n"

/* A column's words by its weights, for two rows. */
#define QFK_DWNARROW_COLUMN(x, e, o, w, v)                                                                   \
  e ".w += vrmpy(" x ".ub, " w ".b)\n" o ".w += vrmpy(" x ".ub, " v ".b)\n"

/* A packet a line. */
/* clang-format off */

/*
 * Stride 1. Half a round: 128 sums of channels a and b, in packets of products of bytes that take turns with those in which the sums of
 * the half before (X) are multiplied; of the half before that one the last packets are done. In the four packets with room to spare
 * (O1-4) the first half loads the weights that do not stay in registers, the second puts pixels together and stores them.
 */
#define QFK_DWNARROW_HALF(K, PA, PB, A0, A1, A2, A3, A4, A5, B0, B1, B2, B3, B4, B5, AE, AO, BE, BO, BB, B, \
                          XAE, XAO, XBE, XBO, XA, XB, LOW, HIGH, OWN, XYE, YE, YO, O1, O2, O3, O4) \
  "{ v1.tmp = vmem(" PA "+#0)\n" QFK_DWNARROW_COLUMN("v1", AE, AO, A0, A1) BB " = vcombine(" B ", " B ") }\n" \
  "{ v0 = vmemu(" PA "++m0)\n" QFK_DWNARROW_##K##_HIGH("v25:24", "v21", OWN) QFK_DWNARROW_##K##_CUT("v20", XAE, XBE) "}\n" \
  "{ " QFK_DWNARROW_COLUMN("v0", AE, AO, A2, A3) QFK_DWNARROW_##K##_CUT("v21", XAO, XBO) O1 "}\n" \
  "{ v0 = vmemu(" PA "++m1)\n" QFK_DWNARROW_##K##_LOW("v23:22", "v20", LOW) QFK_DWNARROW_##K##_ROUND(YO, "v25", "v24") "}\n" \
  QFK_DWNARROW_##K##_ADD(YE, YO) \
  "{ " QFK_DWNARROW_COLUMN("v0", AE, AO, A4, A5) QFK_DWNARROW_##K##_DOWN("v22") O2 "}\n" \
  "{ v1.tmp = vmem(" PB "+#0)\n" QFK_DWNARROW_COLUMN("v1", BE, BO, B0, B1) XA " = vcombine(" XB ", " XB ") }\n" \
  "{ v0 = vmemu(" PB "++m0)\n" QFK_DWNARROW_##K##_LOW("v25:24", "v21", LOW) QFK_DWNARROW_##K##_DOWN("v23") "}\n" \
  "{ " QFK_DWNARROW_COLUMN("v0", BE, BO, B2, B3) QFK_DWNARROW_##K##_DOWN("v24") O3 "}\n" \
  "{ v0 = vmemu(" PB "++m1)\n" QFK_DWNARROW_##K##_HIGH("v23:22", "v20", HIGH) QFK_DWNARROW_##K##_DOWN("v25") "}\n" \
  "{ " QFK_DWNARROW_COLUMN("v0", BE, BO, B4, B5) QFK_DWNARROW_##K##_ROUND(XYE, "v23", "v22") O4 "}"

/* Channels 0 and 2, then 1 and 3. */
#define QFK_DWNARROW_FIRST(K) \
  QFK_DWNARROW_HALF(K, "r20", "r22", "r0", "r1", "r2", "r3", "r4", "r5", "r8", "r9", "r18", "r19", "r18", "r19", \
                    "v12", "v13", "v14", "v15", "v15:14", "v4", "v16", "v17", "v18", "v19", "v17:16", "v3", \
                    "v7", "v9", "v8", "v28", "v26", "v27", "vmem(r25++#1) = v31\n", "r19:18 = memd(r26+#72)\n", \
                    "r19:18 = memd(r26+#80)\n", "r19:18 = memd(r26+#40)\n") "\n" \
  QFK_DWNARROW_HALF(K, "r21", "r23", "r10", "r11", "r18", "r19", "r18", "r19", "r12", "r13", "r14", "r15", "r16", "r17", \
                    "v16", "v17", "v18", "v19", "v19:18", "v5", "v12", "v13", "v14", "v15", "v13:12", "v2", \
                    "v6", "v8", "v9", "v26", "v28", "v29", "r19:18 = memd(r26+#48)\n", "v30.ub = vsat(v28.h, v26.h)\n", \
                    "v31.ub = vsat(v29.h, v27.h)\n", "vmem(r24++#1) = v30\n")

/* What rounds leave to be done. */
#define QFK_DWNARROW_FIRST_LAST(K) \
  "{ " QFK_DWNARROW_##K##_HIGH("v25:24", "v21", "v8") QFK_DWNARROW_##K##_CUT("v20", "v16", "v18") "vmem(r25++#1) = v31 }\n" \
  "{ " QFK_DWNARROW_##K##_CUT("v21", "v17", "v19") "}\n" \
  "{ " QFK_DWNARROW_##K##_LOW("v23:22", "v20", "v7") QFK_DWNARROW_##K##_ROUND("v27", "v25", "v24") "}\n" \
  QFK_DWNARROW_##K##_ADD("v26", "v27") \
  "{ " QFK_DWNARROW_##K##_LOW("v25:24", "v21", "v7") QFK_DWNARROW_##K##_DOWN("v22") "}\n" \
  "{ " QFK_DWNARROW_##K##_DOWN("v23") "}\n" \
  "{ " QFK_DWNARROW_##K##_HIGH("v23:22", "v20", "v9") QFK_DWNARROW_##K##_DOWN("v24") "}\n" \
  "{ " QFK_DWNARROW_##K##_DOWN("v25") "}\n" \
  "{ " QFK_DWNARROW_##K##_HIGH("v25:24", "v21", "v9") QFK_DWNARROW_##K##_ROUND("v28", "v23", "v22") "}\n" \
  "{ " QFK_DWNARROW_##K##_ROUND("v29", "v25", "v24") "}\n" \
  QFK_DWNARROW_##K##_ADD("v28", "v29") \
  "{ v30.ub = vsat(v28.h, v26.h)\nvmem(r24++#1) = v30.new }\n" \
  "{ v31.ub = vsat(v29.h, v27.h)\nvmem(r25++#1) = v31.new }\n"

/* clang-format on */

/* v2-5 biases, v6-7 and v8-9 multipliers, v10 zero point; r20-23 words of four channels, at the second column; r24 even rows, r25 odd ones:
 * of these the first two stores are of nothing, of those the first. */
#define QFK_DWNARROW_CONSTANTS                                                                               \
  "{ r20 = memw(%[run]+#0)\nr19 = memw(%[run]+#16) }\n"                                                      \
  "{ r24 = memw(%[run]+#4)\nr26 = memw(%[run]+#8) }\n"                                                       \
  "{ r25 = memw(%[run]+#12)\nr18 = memw(%[run]+#20)\nr20 = add(r20, #4) }\n"                                 \
  "{ v2 = vmem(r25++#1)\nr1:0 = memd(r26+#0)\nr21 = add(r20, r19)\nloop0(1f, r18) }\n"                       \
  "{ v3 = vmem(r25++#1)\nr3:2 = memd(r26+#8)\nr22 = add(r21, r19)\nr6 = #4 }\n"                              \
  "{ v4 = vmem(r25++#1)\nr5:4 = memd(r26+#16)\nr23 = add(r22, r19)\nm0 = r6 }\n"                             \
  "{ v5 = vmem(r25++#1)\nr9:8 = memd(r26+#64)\nr6 = #124 }\n"                                                \
  "{ v6 = vmem(r25++#1)\nr11:10 = memd(r26+#32)\nm1 = r6 }\n"                                                \
  "{ v7 = vmem(r25++#1)\nr13:12 = memd(r26+#96)\nr6 = #15 }\n"                                               \
  "{ v8 = vmem(r25++#1)\nr15:14 = memd(r26+#104)\nr7 = #0\nr24 = add(r24, #-128) }\n"                        \
  "{ v9 = vmem(r25++#1)\nr17:16 = memd(r26+#112) }\n"                                                        \
  "{ v10 = vmem(r25++#1)\nv13:12 = vcombine(v2, v2) }\n"                                                     \
  "{ r25 = add(r24, r19) }\n{ r25 = add(r25, #-128) }\n"

#define QFK_DWNARROW_CLOBBERS                                                                                \
  "r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",      \
      "r16", "r17", "r18", "r19", "r20", "r21", "r22", "r23", "r24", "r25", "r26", "v0", "v1", "v2", "v3",   \
      "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11", "v12", "v13", "v14", "v15", "v16", "v17", "v18",     \
      "v19", "v20", "v21", "v22", "v23", "v24", "v25", "v26", "v27", "v28", "v29", "v30", "v31", "m0", "m1", \
      "lc0", "sa0", "memory"

#define QFK_DWNARROW_LOOP(K, ROUND, LAST)                                                                    \
  __asm__ volatile(QFK_DWNARROW_CONSTANTS ".balign 16\n1:\n" ROUND(K) ":endloop0\n" LAST(K)::[run] "r"(r)    \
                   : QFK_DWNARROW_CLOBBERS)

/* 20 packets for 256 outputs. */
static __attribute__((noinline)) void qfk_dwnarrow_first(const QfkDwNarrowRun *r)
{
  QFK_DWNARROW_LOOP(U, QFK_DWNARROW_FIRST, QFK_DWNARROW_FIRST_LAST);
}

/* 22 packets. */
static __attribute__((noinline)) void qfk_dwnarrow_first_zero(const QfkDwNarrowRun *r)
{
  QFK_DWNARROW_LOOP(S, QFK_DWNARROW_FIRST, QFK_DWNARROW_FIRST_LAST);
}

#endif

#endif
