/* SPDX-License-Identifier: MIT */
/*
 * report-svg.c - the charts of the HTML report, as SVG text with classes that the page's style sheet colours.
 * A chart maps [0, x_max] x [0, y_max] onto its plot area; y_max is a round number above every value.
 */
#include "libqnnflow/profile/report.h"

#include <math.h>

enum { WIDTH = 920, HEIGHT = 240, LEFT = 56, RIGHT = 14, TOP = 14, BOTTOM = 34, MAX_BINS = 48 };

typedef struct {
  GString *out;
  double x_max, y_max;
} Chart;

static double plot_x(const Chart *c, double x)
{
  return LEFT + (WIDTH - LEFT - RIGHT) * x / c->x_max;
}

static double plot_y(const Chart *c, double y)
{
  return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * MIN(y / c->y_max, 1);
}

/* 1, 2 or 5 times a power of ten: the step that cuts @range into at most six. */
static double nice_step(double range)
{
  if (!(range > 0) || !isfinite(range))
    return 1;
  double power = pow(10, floor(log10(range / 5))), m = range / 5 / power;
  return power * (m <= 1 ? 1 : m <= 2 ? 2 : m <= 5 ? 5 : 10);
}

static int step_digits(double step)
{
  return CLAMP((int)ceil(-log10(step) - 1e-9), 0, 6);
}

static void text_at(GString *out, double x, double y, const char *class, double value, int digits,
                    const char *after)
{
  g_string_append(out, "<text x='");
  qf_append_number(out, x, 1);
  g_string_append(out, "' y='");
  qf_append_number(out, y, 1);
  g_string_append_printf(out, "' class='%s'>", class);
  qf_append_number(out, value, digits);
  g_string_append_printf(out, "%s</text>", after);
}

static void line_at(GString *out, const char *class, double x1, double y1, double x2, double y2)
{
  const double v[] = {x1, y1, x2, y2};
  const char *const names[] = {"x1", "y1", "x2", "y2"};
  g_string_append_printf(out, "<line class='%s'", class);
  for (int i = 0; i < 4; i++) {
    g_string_append_printf(out, " %s='", names[i]);
    qf_append_number(out, v[i], 1);
    g_string_append_c(out, '\'');
  }
  g_string_append(out, "/>");
}

/* Opens the chart: frame, grid and the labels of both axes. */
static void chart_begin(Chart *c, double y_top, double x_label_0, double x_label_1, const char *x_unit,
                        const char *y_unit, const char *name)
{
  double step = nice_step(y_top);
  c->y_max = step * MAX(ceil(y_top / step), 1);
  g_string_append_printf(c->out, "<svg viewBox='0 0 %d %d' role='img' aria-label='%s'>", WIDTH, HEIGHT, name);
  for (int i = 0; i * step <= c->y_max * 1.0001; i++) {
    double y = plot_y(c, i * step);
    line_at(c->out, i ? "grid" : "axis", LEFT, y, WIDTH - RIGHT, y);
    text_at(c->out, LEFT - 8, y + 4, "end", i * step, step_digits(step), i ? "" : y_unit);
  }
  double x_step = nice_step(x_label_1 - x_label_0);
  for (double v = ceil(x_label_0 / x_step) * x_step; v <= x_label_1 * 1.0001; v += x_step) {
    double x = LEFT + (WIDTH - LEFT - RIGHT) * (v - x_label_0) / MAX(x_label_1 - x_label_0, 1e-12);
    text_at(c->out, x, HEIGHT - BOTTOM + 18, "mid", v, step_digits(x_step), x_unit);
  }
}

static void level(const Chart *c, const char *class, double value, int text_dy, const char *name)
{
  double y = plot_y(c, value);
  if (!(value > 0))
    return;
  line_at(c->out, class, LEFT, y, WIDTH - RIGHT, y);
  g_string_append_printf(c->out, "<text x='%d' y='%d' class='end %s'>%s ", WIDTH - RIGHT - 4,
                         (int)y + text_dy, class, name);
  qf_append_number(c->out, value, 2);
  g_string_append(c->out, " ms</text>");
}

static double largest(const double *values, uint32_t n)
{
  double top = 0;
  for (uint32_t i = 0; i < n; i++)
    if (isfinite(values[i]))
      top = MAX(top, values[i]);
  return top > 0 ? top : 1;
}

void qf_svg_series(GString *out, const double *values, uint32_t n, double p50, double p95)
{
  Chart c = {.out = out, .x_max = n > 1 ? n - 1 : 1};
  chart_begin(&c, MAX(largest(values, n), p95), 0, c.x_max, "", " ms", "latency of each frame");
  g_string_append(out, "<polyline class='series' points='");
  for (uint32_t i = 0; i < n; i++) {
    qf_append_number(out, plot_x(&c, i), 1);
    g_string_append_c(out, ',');
    qf_append_number(out, plot_y(&c, isfinite(values[i]) ? values[i] : 0), 1);
    g_string_append_c(out, ' ');
  }
  g_string_append(out, "'/>");
  level(&c, "p95", p95, -5, "p95");
  level(&c, "p50", p50, 15, "p50");
  g_string_append(out, "</svg>");
}

void qf_svg_histogram(GString *out, const double *values, uint32_t n)
{
  uint32_t bins[MAX_BINS] = {0}, most = 0, n_bins = CLAMP(n / 4, 8, MAX_BINS);
  double low = INFINITY, high = largest(values, n);
  for (uint32_t i = 0; i < n; i++)
    if (isfinite(values[i]))
      low = MIN(low, values[i]);
  if (!isfinite(low) || high - low < 1e-6)
    low = 0;
  for (uint32_t i = 0; i < n; i++)
    if (isfinite(values[i])) {
      uint32_t b = MIN((uint32_t)((values[i] - low) / (high - low) * n_bins), n_bins - 1);
      most = MAX(most, ++bins[b]);
    }
  Chart c = {.out = out, .x_max = n_bins};
  chart_begin(&c, most, low, high, " ms", "", "histogram of latencies");
  for (uint32_t b = 0; b < n_bins; b++) {
    double x = plot_x(&c, b), y = plot_y(&c, bins[b]);
    const double box[] = {x + 1, y, plot_x(&c, b + 1) - x - 2, HEIGHT - BOTTOM - y};
    const char *const names[] = {"x", "y", "width", "height"};
    if (!bins[b])
      continue;
    g_string_append(out, "<rect class='bar' rx='2'");
    for (int i = 0; i < 4; i++) {
      g_string_append_printf(out, " %s='", names[i]);
      qf_append_number(out, box[i], 1);
      g_string_append_c(out, '\'');
    }
    g_string_append_printf(out, "><title>%u frames</title></rect>", bins[b]);
  }
  g_string_append(out, "</svg>");
}
