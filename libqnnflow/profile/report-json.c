/* SPDX-License-Identifier: MIT */
/*
 * report-json.c - a report as one JSON object; units are in the names, absent means not measured.
 */
#include "libqnnflow/profile/report.h"

#include <cjson/cJSON.h>
#include <math.h>

/* Nanoseconds as milliseconds, without digits nobody measured. */
static double ms(double ns)
{
  return round(ns) / 1e6;
}

static void add_string(cJSON *object, const char *key, const char *value)
{
  if (value)
    cJSON_AddStringToObject(object, key, value);
}

static void add_summary(cJSON *object, const char *key, const QfSummary *summary)
{
  QfSummaryCell cells[QF_N_SUMMARY];
  if (!summary->count)
    return;
  cJSON *child = cJSON_AddObjectToObject(object, key);
  cJSON_AddNumberToObject(child, "count", summary->count);
  qf_summary_cells(summary, cells);
  for (int i = 0; i < QF_N_SUMMARY; i++)
    cJSON_AddNumberToObject(child, cells[i].key, ms(cells[i].ns));
}

static cJSON *layer_json(const QfLayerProfile *l, double total)
{
  cJSON *object = cJSON_CreateObject();
  double mean = qf_layer_mean_ns(l);
  add_string(object, "node", l->node);
  add_string(object, "op", l->op);
  add_string(object, "unit", l->unit);
  add_string(object, "kernel", l->kernel);
  add_string(object, "output", l->output);
  cJSON_AddNumberToObject(object, "runs", l->runs);
  cJSON_AddNumberToObject(object, "mean_ms", ms(mean));
  cJSON_AddNumberToObject(object, "min_ms", ms(l->min_ns));
  cJSON_AddNumberToObject(object, "share", round(1e4 * l->total_ns / total) / 1e4);
  if (l->macs) {
    cJSON_AddNumberToObject(object, "macs", l->macs);
    if (mean > 0)
      cJSON_AddNumberToObject(object, "gmacs_per_s", round(1e3 * l->macs / mean) / 1e3);
  }
  if (l->packets)
    cJSON_AddNumberToObject(object, "packets", l->packets);
  return object;
}

void qf_report_json(const QfReport *report, GString *out)
{
  cJSON *root = cJSON_CreateObject();
  QfFigure figures[QF_N_FIGURES];
  add_string(root, "title", report->title);
  add_string(root, "model", report->model);
  add_string(root, "backend", report->backend);
  qf_report_figures(report, figures);
  for (int i = 0; i < QF_N_FIGURES; i++)
    if (figures[i].value != 0)
      cJSON_AddNumberToObject(root, figures[i].key, round(figures[i].value * 1e6) / 1e6);
  add_summary(root, "latency_ms", &report->latency);
  add_summary(root, "interval_ms", &report->interval);
  if (report->n_series) {
    cJSON *series = cJSON_AddArrayToObject(root, "series_ms");
    for (uint32_t i = 0; i < report->n_series; i++)
      cJSON_AddItemToArray(series, cJSON_CreateNumber(round(report->series_ms[i] * 1e6) / 1e6));
  }
  if (report->n_layers) {
    cJSON *layers = cJSON_AddArrayToObject(root, "layers");
    for (uint32_t i = 0; i < report->n_layers; i++)
      cJSON_AddItemToArray(layers, layer_json(&report->layers[i], qf_report_layers_ns(report)));
  }
  char *text = cJSON_Print(root);
  g_string_append(out, text ? text : "{}");
  g_string_append_c(out, '\n');
  cJSON_free(text);
  cJSON_Delete(root);
}
