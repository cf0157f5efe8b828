/* SPDX-License-Identifier: MIT */
/*
 * report-text.c - a report for a terminal: figures, a table of latencies, a table of layers.
 */
#include "libqnnflow/profile/report.h"

static void text_number(GString *out, int width, double value, int digits)
{
  g_autoptr(GString) number = g_string_new(NULL);
  qf_append_number(number, value, digits);
  g_string_append_printf(out, "%*s", width, number->str);
}

static void text_figures(GString *out, const QfReport *report)
{
  QfFigure figures[QF_N_FIGURES];
  qf_report_figures(report, figures);
  for (int i = 0; i < QF_N_FIGURES; i++) {
    const QfFigure *f = &figures[i];
    if (f->value == 0)
      continue;
    g_string_append_printf(out, "  %-16s", f->label);
    text_number(out, 12, f->shown, f->digits);
    g_string_append_printf(out, "%s%s\n", f->unit[0] ? " " : "", f->unit);
  }
}

static void text_summary(GString *out, const char *name, const QfSummary *summary)
{
  QfSummaryCell cells[QF_N_SUMMARY];
  if (!summary->count)
    return;
  qf_summary_cells(summary, cells);
  g_string_append_printf(out, "  %-16s", name);
  for (int i = 0; i < QF_N_SUMMARY; i++)
    text_number(out, 10, cells[i].ns / 1e6, 3);
  g_string_append_c(out, '\n');
}

static void text_layers(GString *out, const QfReport *report)
{
  double total = qf_report_layers_ns(report);
  gboolean packets = FALSE;
  for (uint32_t i = 0; i < report->n_layers; i++)
    packets |= report->layers[i].packets != 0;
  g_string_append_printf(out, "\n  %10s %6s %s %-18s %-4s %-32s %-24s %s\n", "mean us", "share",
                         packets ? " k packets " : "", "operator", "unit", "kernel", "output", "node");
  for (uint32_t i = 0; i < report->n_layers; i++) {
    const QfLayerProfile *l = &report->layers[i];
    g_string_append(out, "  ");
    text_number(out, 10, qf_layer_mean_ns(l) / 1e3, 1);
    text_number(out, 6, 100 * l->total_ns / total, 1);
    g_string_append(out, "% ");
    if (packets)
      g_string_append_printf(out, "%10.1f  ", (double)l->packets / 1e3);
    g_string_append_printf(out, " %-18s %-4s %-32s %-24s %s\n", l->op ? l->op : "-", l->unit ? l->unit : "-",
                           l->kernel ? l->kernel : "-", l->output, l->node ? l->node : "-");
  }
}

void qf_report_text(const QfReport *report, GString *out)
{
  g_string_append(out, report->title ? report->title : "profile");
  if (report->model)
    g_string_append_printf(out, ": %s", report->model);
  if (report->backend)
    g_string_append_printf(out, " on %s", report->backend);
  g_string_append_c(out, '\n');
  text_figures(out, report);
  if (report->latency.count || report->interval.count) {
    QfSummaryCell cells[QF_N_SUMMARY];
    qf_summary_cells(&report->latency, cells);
    g_string_append_printf(out, "  %-16s", "ms");
    for (int i = 0; i < QF_N_SUMMARY; i++)
      g_string_append_printf(out, "%10s", cells[i].key);
    g_string_append_c(out, '\n');
    text_summary(out, "latency", &report->latency);
    text_summary(out, "interval", &report->interval);
  }
  if (report->n_layers)
    text_layers(out, report);
}
