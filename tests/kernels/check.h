/* SPDX-License-Identifier: MIT */
/*
 * check.h - what the files of the kernel check share. The program goes through every line of every family's .inc list and
 * compares it with the family's reference; with --bench it times them.
 *
 * Outputs lie between guard bytes; inputs and outputs end at a page that cannot be touched, so reading or writing one byte too far
 * is a crash. To add a family: a file check_<family>.c with its functions, and a line in families.inc.
 */
#ifndef QFK_CHECK_H
#define QFK_CHECK_H

#include "kernels/common.h"

typedef struct {
  const char *name;
  void (*check)(void);
  void (*bench)(void); /* NULL: nothing to time */
} ChkFamily;

/* Whether a line may run: this CPU, QF_CPU, or emulation has all bits of @isa. Counts a skip when not. */
bool chk_can_run(const char *name, uint32_t isa);
/* The features to select kernels with. */
uint32_t chk_features(void);

/* Reports one check; a TAP line. @format says the case. */
void chk_result(bool ok, const char *kernel, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* A seeded generator, the same on every machine. */
uint32_t chk_random(void);
int32_t chk_range(int32_t lo, int32_t hi); /* inclusive */
float chk_float(void);                     /* -1 .. 1 */

typedef enum {
  CHK_PLAIN = 0, /* uniform */
  CHK_EDGE,      /* floats: zeros of both signs, denormals, tiny and large; integers: mostly the extremes */
  CHK_N_FILLS
} ChkFill;
void chk_fill_f32(float *p, size_t n, ChkFill fill);
void chk_fill_bytes(void *p, size_t n, ChkFill fill); /* edge: 0, 127, 128, 255 */
void chk_fill_s16(int16_t *p, size_t n, int32_t lo, int32_t hi, ChkFill fill);

/* Memory that ends at an unreadable page, before it guard bytes; so its start is as unaligned as its size. Filled with
 * 0xff, NaN as a float of any size. All of it is freed by chk_free_all(), which also checks the guards: FALSE when one was written. */
void *chk_alloc(size_t size);
/* 128-byte aligned, zeroed, with slack: for packed constants and scratch. */
void *chk_alloc_aligned(size_t size);
bool chk_free_all(void);

/* Bit for bit. */
bool chk_same(const void *a, const void *b, size_t n);
/* |a - b| <= abs_tol + rel_tol * |b| for every pair; NaN equals NaN. */
bool chk_close(const float *a, const float *b, size_t n, float rel_tol, float abs_tol);

/* Seconds of a call: the shortest of many. */
double chk_time(void (*fn)(void *arg), void *arg);

/* The units whose rate a kernel's is compared with: float multiply-adds; products of int16 pairs and a sum, which are the exact way to
 * multiply bytes without dot products; dot products of bytes. In peak.c. */
typedef enum { CHK_UNIT_F32, CHK_UNIT_S16, CHK_UNIT_DOT } ChkUnit;
/* A loop that does as many as @isa can, @macs multiply-accumulates in all. NULL: this machine has none. */
void (*chk_peak_loop(ChkUnit unit, uint32_t isa, double *macs))(void);

/* That of a QfkTileKind, which has the same order. */
static inline ChkUnit chk_unit(int tile_kind)
{
  return tile_kind < CHK_UNIT_DOT ? (ChkUnit)tile_kind : CHK_UNIT_DOT;
}

/* Loads and stores of a depthwise layer: for each output pixel, every tap's bytes, and its own. */
typedef struct {
  const char *x;
  char *y;
  size_t pixels, bytes; /* of y, and of one */
  size_t taps, step;    /* how many, and bytes from one pixel's to the next one's */
  const size_t *at;     /* [taps] */
  uint32_t isa;
} ChkWalk;
void chk_walk(const ChkWalk *walk);

/* What the project set itself to reach; told at the end. */
typedef enum { CHK_LIMIT_NONE, CHK_LIMIT_F32, CHK_LIMIT_INT, CHK_LIMIT_DEPTHWISE, CHK_N_LIMITS } ChkLimit;

/* A row of the table. The peak is measured together with the kernel: the machine's clock moves. */
typedef struct {
  const char *kernel, *shape;
  double macs, calls; /* of a call; how many kernels are in it (0: one) */
  ChkUnit unit;
  uint32_t isa;
  ChkLimit limit;
  const ChkWalk *walk; /* compared with instead of a peak; NULL: none */
} ChkBenchRow;
void chk_bench(const ChkBenchRow *row, void (*fn)(void *arg), void *arg);
/* Begins a table, as Markdown when it was asked for once. */
void chk_bench_begin(const char *family, bool markdown);
/* Says which limits hold. */
void chk_bench_end(void);
/* For kernels bound by memory: bytes moved. */
void chk_bench_bytes(const char *kernel, const char *shape, double seconds, double bytes);

#define CHK_FAMILY(name, bench)                                                                              \
  void chk_##name(void);                                                                                     \
  void chk_##name##_bench(void);
#include "families.inc"
#undef CHK_FAMILY

#endif
