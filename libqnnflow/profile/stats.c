/* SPDX-License-Identifier: MIT */
/*
 * stats.c - a histogram of durations in constant memory.
 * Durations below SUB nanoseconds have a bucket each; above, every power of two is cut into SUB equal buckets, so a
 * bucket is at most 1/SUB of its value wide and its middle is within 1/(2 SUB) = 0.8 % of any sample in it.
 */
#include <qnnflow/profile.h>

#include <string.h>

#define SUB_BITS 6
#define SUB (1u << SUB_BITS)
#define MAX_BITS 46 /* samples of 2^46 ns (19 hours) and more share the last bucket */
#define N_BUCKETS (SUB + (MAX_BITS - SUB_BITS) * SUB)

struct _QfStats {
  uint64_t count, sum, min, max;
  uint64_t buckets[N_BUCKETS];
};

QfStats *qf_stats_new(void)
{
  return g_new0(QfStats, 1);
}

void qf_stats_free(QfStats *stats)
{
  g_free(stats);
}

void qf_stats_reset(QfStats *stats)
{
  memset(stats, 0, sizeof *stats);
}

static unsigned bucket_of(uint64_t ns)
{
  if (ns < SUB)
    return ns;
  unsigned shift = 63 - __builtin_clzll(ns) - SUB_BITS;
  unsigned index = SUB + shift * SUB + (unsigned)((ns >> shift) - SUB);
  return MIN(index, N_BUCKETS - 1);
}

static uint64_t middle_of(unsigned bucket)
{
  if (bucket < SUB)
    return bucket;
  unsigned shift = (bucket - SUB) / SUB;
  uint64_t low = (uint64_t)(SUB + (bucket - SUB) % SUB) << shift;
  return low + ((uint64_t)1 << shift) / 2;
}

void qf_stats_add(QfStats *stats, uint64_t duration_ns)
{
  if (!stats->count || duration_ns < stats->min)
    stats->min = duration_ns;
  if (duration_ns > stats->max)
    stats->max = duration_ns;
  stats->count++;
  stats->sum += duration_ns;
  stats->buckets[bucket_of(duration_ns)]++;
}

/* The sample of rank ceil(percent / 100 * count), to within its bucket. */
static uint64_t percentile(const QfStats *stats, unsigned percent)
{
  uint64_t rank = (stats->count * percent + 99) / 100, seen = 0;
  for (unsigned i = 0; i < N_BUCKETS; i++) {
    seen += stats->buckets[i];
    if (seen >= rank && seen)
      return CLAMP(middle_of(i), stats->min, stats->max);
  }
  return stats->max;
}

void qf_stats_summary(const QfStats *stats, QfSummary *summary)
{
  *summary = (QfSummary){0};
  if (!stats->count)
    return;
  *summary = (QfSummary){.count = stats->count,
                         .min_ns = stats->min,
                         .max_ns = stats->max,
                         .sum_ns = stats->sum,
                         .mean_ns = stats->sum / stats->count,
                         .p50_ns = percentile(stats, 50),
                         .p95_ns = percentile(stats, 95),
                         .p99_ns = percentile(stats, 99)};
}
