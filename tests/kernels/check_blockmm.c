/* SPDX-License-Identifier: MIT */
/*
 * check_blockmm.c - products with weights in blocks: every line of blockmm.inc against the reference, within what blockmm_fast.h
 * promises; and how near they come to the speed at which this machine reads memory.
 */
#include "check.h"
#include "kernels/blockquant/blockmm_fast.h"
#include "kernels/blockquant/load.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A number of @size bytes that is a scale of ordinary size. */
static void fill_number(uint8_t *p, uint8_t size)
{
  const uint16_t half =
      (uint16_t)((chk_random() & 0x83ff) | (uint32_t)chk_range(8, 15) << 10); /* 2^-7 to 2 */
  const float f = qfk_half_bits(half);
  const double d = (double)f;
  memcpy(p, size == 2 ? (const void *)&half : size == 4 ? (const void *)&f : (const void *)&d, size);
}

/* Random codes, and scales that keep values finite and sums exact enough to compare. */
static void fill_block(const QfkBlockDef *f, uint8_t *b)
{
  float v[QFK_BLOCK_MAX_VALUES];
  bool good = false;
  while (!good) {
    chk_fill_bytes(b, f->bytes, CHK_PLAIN);
    for (int k = 0; k < 2; k++)
      for (int i = 0; i < f->numbers[k].count; i++)
        fill_number(b + f->numbers[k].offset + i * f->numbers[k].size, f->numbers[k].size);
    f->decode(b, v);
    good = true;
    for (int i = 0; i < f->values; i++)
      good &= fabsf(v[i]) < 1e6f || f->values == 1;
  }
}

typedef struct {
  QfkBlockMm mm;
  const uint8_t *w;
  const float *x;
  QfkBlockRows rows;
} Data;

static void make_rows(Data *d, const QfkKernel *k)
{
  const size_t n = (size_t)d->mm.rows * d->mm.k;
  d->rows = (QfkBlockRows){.x = d->x};
  if (k->kind == QFK_BLOCKMM_ANY)
    return;
  int16_t *q = chk_alloc(n * 2);
  float *scale = chk_alloc(n / 32 * 4), *sum = chk_alloc(n / 32 * 4);
  qfk_blockmm_rows(k)(d->x, n, q, scale, sum);
  d->rows.q = q;
  d->rows.scale = scale;
  d->rows.sum = sum;
}

/* Whether y[r][o] is as near to @want as promised. */
static bool near(const Data *d, uint32_t r, uint32_t o, float got, float want)
{
  const QfkBlockDef *f = d->mm.format;
  double bound = 0, largest = 0, sum_x = 0;
  for (uint32_t k = 0; k < d->mm.k; k += f->values) {
    float v[QFK_BLOCK_MAX_VALUES];
    f->decode(d->w + o * d->mm.row_bytes + k / f->values * f->bytes, v);
    for (uint32_t i = 0; i < f->values && k + i < d->mm.k; i++) {
      const size_t at = (size_t)r * d->mm.k + k + i;
      largest = fmax(largest, (double)fabsf(v[i]));
      sum_x += (double)fabsf(d->x[at]);
      bound += d->rows.q ? 0.5001 * (double)d->rows.scale[at / 32] * (double)fabsf(v[i]) : 0;
    }
  }
  return fabs((double)got - (double)want) <= bound + 4e-6 * largest * sum_x;
}

static void check_case(const QfkKernel *kernel, const QfkBlockDef *f, uint32_t rows, uint32_t out, uint32_t k,
                       ChkFill fill)
{
  const size_t row_bytes = qfk_block_row_bytes(f, k), ny = (size_t)rows * out;
  uint8_t *w = chk_alloc(out * row_bytes);
  float *x = chk_alloc((size_t)rows * k * 4), *y = chk_alloc(ny * 4), *want = chk_alloc_aligned(ny * 4);
  for (size_t i = 0; i < out * row_bytes; i += f->bytes)
    fill_block(f, w + i);
  chk_fill_f32(x, (size_t)rows * k, fill);
  Data d = {.mm = {f, rows, out, k, row_bytes}, .w = w, .x = x};
  make_rows(&d, kernel);
  const QfkBlockMmFunc run = (QfkBlockMmFunc)kernel->function;
  run(&d.mm, &d.rows, w, out / 2, out, y);
  run(&d.mm, &d.rows, w, 0, out / 2, y);
  qfk_blockmm_ref(&d.mm, x, w, NULL, NULL, &(QfkEpilogue){0}, want);
  bool ok = true;
  for (uint32_t i = 0; i < ny; i++)
    ok &= near(&d, i / out, i % out, y[i], want[i]);
  ok &= chk_free_all();
  chk_result(ok, kernel->name, "%s rows %u out %u k %u%s", f->name, rows, out, k, fill ? " edge" : "");
}

/* Infinities and NaN must come out as NaN, in their row only. */
static void check_not_finite(const QfkKernel *kernel, const QfkBlockDef *f)
{
  const uint32_t k = 512;
  const size_t row_bytes = qfk_block_row_bytes(f, k);
  uint8_t *w = chk_alloc(row_bytes);
  float *x = chk_alloc(3 * k * 4), *y = chk_alloc(3 * 4);
  for (size_t i = 0; i < row_bytes; i += f->bytes)
    fill_block(f, w + i);
  chk_fill_f32(x, 3 * k, CHK_PLAIN);
  x[7] = INFINITY;
  x[2 * k + 300] = NAN;
  Data d = {.mm = {f, 3, 1, k, row_bytes}, .w = w, .x = x};
  make_rows(&d, kernel);
  ((QfkBlockMmFunc)kernel->function)(&d.mm, &d.rows, w, 0, 1, y);
  bool ok = isnan(y[0]) && isfinite(y[1]) && isnan(y[2]);
  ok &= chk_free_all();
  chk_result(ok, kernel->name, "%s infinity and NaN", f->name);
}

void chk_blockmm(void)
{
  static const uint32_t rows[] = {1, 2, 4, 7, 9};
  for (const QfkKernel *k = qfk_blockmm_kernels; k->name; k++) {
    if (k->kind == QFK_BLOCKMM_ROWS || !chk_can_run(k->name, k->isa))
      continue;
    if (k->kind == QFK_BLOCKMM_ANY) {
      for (int f = 0; f < QFK_N_BLOCK_FORMATS; f++)
        for (uint32_t i = 0; i < 3; i++)
          check_case(k, &qfk_block_formats[f], 1 + 4 * i, 1 + i, (uint32_t[]){256, 517, 15}[i], CHK_PLAIN);
      continue;
    }
    const QfkBlockDef *f = &qfk_block_formats[k->kind];
    for (uint32_t i = 0; i < 5; i++)
      for (uint32_t n = 1; n <= 5; n += 2)
        check_case(k, f, rows[i], 8 - n, n * f->values, n == 5 && i % 2 ? CHK_EDGE : CHK_PLAIN);
    check_not_finite(k, f);
  }
}

/* Reading memory, as fast as this machine does. */
#define READ_BYTES ((size_t)192 << 20)
static uint64_t read_sum;
static void read_all(void *arg)
{
  const uint64_t *p = arg;
  uint64_t sum[8] = {0};
  for (size_t i = 0; i < READ_BYTES / 8; i += 8)
    for (int l = 0; l < 8; l++)
      sum[l] += p[i + (size_t)l];
  for (int l = 0; l < 8; l++)
    read_sum += sum[l];
}

typedef struct {
  const QfkKernel *k;
  Data d;
  float *y;
} Bench;

static void run_bench(void *arg)
{
  const Bench *b = arg;
  ((QfkBlockMmFunc)b->k->function)(&b->d.mm, &b->d.rows, b->d.w, 0, b->d.mm.out, b->y);
}

static void bench_line(const QfkKernel *k, uint32_t rows, size_t out, const uint8_t *memory)
{
  const QfkBlockDef *f = &qfk_block_formats[k->kind];
  const uint32_t width = 4096;
  const size_t row_bytes = qfk_block_row_bytes(f, width);
  out = out ? out : READ_BYTES / row_bytes;
  float *x = chk_alloc_aligned(rows * width * 4);
  chk_fill_f32(x, rows * width, CHK_PLAIN);
  Bench b = {k, {.mm = {f, rows, (uint32_t)out, width, row_bytes}, .w = memory, .x = x}, NULL};
  b.y = chk_alloc_aligned(rows * out * 4);
  make_rows(&b.d, k);
  char shape[64];
  snprintf(shape, sizeof(shape), "%u x 4096 by %zu x 4096", rows, out);
  const ChkBenchRow row = {.kernel = k->name,
                           .shape = shape,
                           .macs = (double)rows * (double)out * width,
                           .unit = CHK_UNIT_F32,
                           .isa = k->isa};
  if (rows > 1)
    chk_bench(&row, run_bench, &b);
  else
    chk_bench_bytes(k->name, shape, chk_time(run_bench, &b), (double)out * (double)row_bytes);
  chk_free_all();
}

void chk_blockmm_bench(void)
{
  uint8_t *memory = malloc(READ_BYTES);
  for (size_t i = 0; memory && i < READ_BYTES; i++)
    memory[i] = (uint8_t)((i * 2654435761u >> 13 & 3) | 0x38); /* any bytes may be a scale: ordinary ones */
  for (const QfkKernel *k = qfk_blockmm_kernels; memory && k->name; k++)
    if (k->kind < QFK_BLOCKMM_ANY && chk_can_run(k->name, k->isa)) {
      chk_bench_bytes("reading memory", "192 MiB", chk_time(read_all, memory), READ_BYTES);
      bench_line(k, 1, 0, memory);
      bench_line(k, 1, 64, memory); /* from the cache */
      bench_line(k, 64, 256, memory);
    }
  free(memory);
}
