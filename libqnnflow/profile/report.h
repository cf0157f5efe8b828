/* SPDX-License-Identifier: MIT */
/*
 * report.h - inside profile/ only: the formats of a report, and what they share.
 * A format is one function and one row of the table in report.c.
 */
#ifndef QF_PROFILE_REPORT_H
#define QF_PROFILE_REPORT_H

#include <qnnflow/profile.h>

/* Each appends the whole report to @out. */
void qf_report_text(const QfReport *report, GString *out);
void qf_report_json(const QfReport *report, GString *out);
void qf_report_csv(const QfReport *report, GString *out);
void qf_report_html(const QfReport *report, GString *out);

/* One figure of the head of a report: shown when its value is not zero. */
typedef struct {
  const char *key;   /* JSON and CSV name, unit included */
  const char *label; /* for people */
  const char *unit;  /* "" when it is a plain count */
  int digits;        /* after the point, for people */
  double value;      /* in the key's unit */
  double shown;      /* in the label's unit */
} QfFigure;

#define QF_N_FIGURES 7

/* Fills in @figures[QF_N_FIGURES], in the order they are shown. */
void qf_report_figures(const QfReport *report, QfFigure *figures);

/* The columns of a summary: name and nanoseconds. */
typedef struct {
  const char *key;
  uint64_t ns;
} QfSummaryCell;

#define QF_N_SUMMARY 6

void qf_summary_cells(const QfSummary *summary, QfSummaryCell *cells);

/* Sum over the layers; at least 1, so that it can divide. */
uint64_t qf_report_layers_ns(const QfReport *report);

/* Mean nanoseconds of one run of a layer; 0 when it never ran. */
double qf_layer_mean_ns(const QfLayerProfile *layer);

/* A number with a point whatever the locale; "0" for what is not finite. */
void qf_append_number(GString *out, double value, int digits);

/* Charts of the HTML page, as SVG elements; values are milliseconds. @p50 and @p95 are drawn as lines. */
void qf_svg_series(GString *out, const double *values, uint32_t n, double p50, double p95);
void qf_svg_histogram(GString *out, const double *values, uint32_t n);

#endif
