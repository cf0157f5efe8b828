/* SPDX-License-Identifier: MIT */
/*
 * report-csv.c - a report as rows `section,name,value...` that a spreadsheet reads (RFC 4180 quoting).
 */
#include "libqnnflow/profile/report.h"

#include <string.h>

static void csv_string(GString *out, const char *text)
{
  if (!text)
    return;
  /* A leading formula sign would be run by a spreadsheet. */
  gboolean formula = text[0] && strchr("=+-@", text[0]);
  if (!formula && !strpbrk(text, ",\"\r\n")) {
    g_string_append(out, text);
    return;
  }
  g_string_append_c(out, '"');
  if (formula)
    g_string_append_c(out, '\'');
  for (const char *p = text; *p; p++) {
    if (*p == '"')
      g_string_append_c(out, '"');
    g_string_append_c(out, *p);
  }
  g_string_append_c(out, '"');
}

static void csv_summary(GString *out, const char *name, const QfSummary *summary)
{
  QfSummaryCell cells[QF_N_SUMMARY];
  if (!summary->count)
    return;
  qf_summary_cells(summary, cells);
  for (int i = 0; i < QF_N_SUMMARY; i++) {
    g_string_append_printf(out, "%s,%s,", name, cells[i].key);
    qf_append_number(out, cells[i].ns / 1e6, 6);
    g_string_append(out, "\r\n");
  }
}

static void csv_layers(GString *out, const QfReport *report)
{
  g_string_append(out, "layer,node,op,unit,kernel,output,runs,mean_ms,min_ms,macs\r\n");
  for (uint32_t i = 0; i < report->n_layers; i++) {
    const QfLayerProfile *l = &report->layers[i];
    const char *texts[] = {l->node, l->op, l->unit, l->kernel, l->output};
    g_string_append_printf(out, "%u", i);
    for (guint k = 0; k < G_N_ELEMENTS(texts); k++) {
      g_string_append_c(out, ',');
      csv_string(out, texts[k]);
    }
    g_string_append_printf(out, ",%" G_GUINT64_FORMAT ",", l->runs);
    qf_append_number(out, qf_layer_mean_ns(l) / 1e6, 6);
    g_string_append_c(out, ',');
    qf_append_number(out, l->min_ns / 1e6, 6);
    g_string_append_printf(out, ",%" G_GUINT64_FORMAT "\r\n", l->macs);
  }
}

void qf_report_csv(const QfReport *report, GString *out)
{
  const char *names[] = {"title", "model", "backend"},
             *texts[] = {report->title, report->model, report->backend};
  QfFigure figures[QF_N_FIGURES];
  g_string_append(out, "section,name,value\r\n");
  for (guint i = 0; i < G_N_ELEMENTS(names); i++)
    if (texts[i]) {
      g_string_append_printf(out, "report,%s,", names[i]);
      csv_string(out, texts[i]);
      g_string_append(out, "\r\n");
    }
  qf_report_figures(report, figures);
  for (int i = 0; i < QF_N_FIGURES; i++)
    if (figures[i].value != 0) {
      g_string_append_printf(out, "report,%s,", figures[i].key);
      qf_append_number(out, figures[i].value, figures[i].digits);
      g_string_append(out, "\r\n");
    }
  csv_summary(out, "latency_ms", &report->latency);
  csv_summary(out, "interval_ms", &report->interval);
  for (uint32_t i = 0; i < report->n_series; i++) {
    g_string_append_printf(out, "series_ms,%u,", i);
    qf_append_number(out, report->series_ms[i], 6);
    g_string_append(out, "\r\n");
  }
  if (report->n_layers)
    csv_layers(out, report);
}
