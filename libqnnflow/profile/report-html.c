/* SPDX-License-Identifier: MIT */
/*
 * report-html.c - a report as one HTML page that needs nothing beside it: no script, no font, no network.
 * Every text that comes from outside is escaped.
 */
#include "libqnnflow/profile/report.h"

static const char page_head[] = "<!DOCTYPE html>\n<html lang='en'><head><meta charset='utf-8'>"
                                "<meta name='viewport' content='width=device-width,initial-scale=1'><title>";

static const char page_style[] =
    "</title><style>\n"
    ":root{color-scheme:light dark;--bg:#f4f5f7;--card:#fff;--ink:#1d2330;--soft:#687083;--line:#e3e6ec;"
    "--main:#2f6fde;--warm:#d9822b;--cool:#2a9d6f}\n"
    "@media(prefers-color-scheme:dark){:root{--bg:#14171d;--card:#1d222b;--ink:#e8ebf1;--soft:#98a1b3;"
    "--line:#2d3440;--main:#6a9cf5;--warm:#eba75a;--cool:#55c79a}}\n"
    "body{margin:0;background:var(--bg);color:var(--ink);font:15px/1.5 system-ui,'DejaVu Sans',sans-serif}\n"
    "main{max-width:1000px;margin:0 auto;padding:32px 20px}h1{font-size:25px;margin:0}\n"
    "h2{font-size:16px;margin:0 0 12px}.sub{color:var(--soft);margin:2px 0 22px;word-break:break-all}\n"
    ".tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:12px;margin-bottom:"
    "16px}\n"
    ".tile,.card{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:14px 16px}\n"
    ".tile "
    "b{display:block;white-space:nowrap;font-size:23px;font-weight:650;font-variant-numeric:tabular-nums}\n"
    ".tile small{font-size:13px;font-weight:400;color:var(--soft)}.tile "
    "span{color:var(--soft);font-size:13px}\n"
    ".card{margin-bottom:16px;overflow-x:auto}svg{display:block;width:100%;height:auto}\n"
    "svg text{fill:var(--soft);font-size:12px}.end{text-anchor:end}.mid{text-anchor:middle}\n"
    ".grid{stroke:var(--line)}.axis{stroke:var(--soft)}.series{fill:none;stroke:var(--main);stroke-width:1.6;"
    "stroke-linejoin:round}.bar{fill:var(--main)}\n"
    "line.p50{stroke:var(--cool);stroke-dasharray:5 4}line.p95{stroke:var(--warm);stroke-dasharray:5 4}\n"
    "svg text.p50,svg text.p95{paint-order:stroke;stroke:var(--card);stroke-width:5px}"
    "svg text.p50{fill:var(--cool);font-weight:600}svg text.p95{fill:var(--warm);font-weight:600}\n"
    "table{border-collapse:collapse;width:100%;font-size:13px}th{color:var(--soft);font-weight:500;text-"
    "align:left}\n"
    "th,td{padding:5px 10px 5px 0;border-bottom:1px solid var(--line);white-space:nowrap}\n"
    "td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}td.b{min-width:130px}td.b "
    "svg{height:12px}\n"
    "td.k{font-family:'DejaVu Sans Mono',monospace;font-size:12px}\n"
    "</style></head><body><main>\n";

static void escaped(GString *out, const char *text)
{
  g_autofree char *safe = g_utf8_make_valid(text ? text : "", -1);
  g_autofree char *markup = g_markup_escape_text(safe, -1);
  g_string_append(out, markup);
}

static void tile(GString *out, const char *label, double value, int digits, const char *unit)
{
  g_string_append(out, "<div class='tile'><b>");
  qf_append_number(out, value, digits);
  if (unit[0])
    g_string_append_printf(out, " <small>%s</small>", unit);
  g_string_append_printf(out, "</b><span>%s</span></div>\n", label);
}

static void tiles(GString *out, const QfReport *report)
{
  QfFigure figures[QF_N_FIGURES];
  const QfSummary *l = &report->latency;
  g_string_append(out, "<div class='tiles'>\n");
  if (l->count) {
    tile(out, "median latency", l->p50_ns / 1e6, 2, "ms");
    tile(out, "95th percentile", l->p95_ns / 1e6, 2, "ms");
    tile(out, "99th percentile", l->p99_ns / 1e6, 2, "ms");
  }
  qf_report_figures(report, figures);
  for (int i = 0; i < QF_N_FIGURES; i++) {
    const QfFigure *f = &figures[i];
    if (f->value != 0)
      tile(out, f->label, f->shown, f->digits, f->unit);
  }
  g_string_append(out, "</div>\n");
}

static void summary_row(GString *out, const char *name, const QfSummary *summary)
{
  QfSummaryCell cells[QF_N_SUMMARY];
  if (!summary->count)
    return;
  qf_summary_cells(summary, cells);
  g_string_append_printf(out, "<tr><td>%s</td><td class='n'>%" G_GUINT64_FORMAT "</td>", name,
                         summary->count);
  for (int i = 0; i < QF_N_SUMMARY; i++) {
    g_string_append(out, "<td class='n'>");
    qf_append_number(out, cells[i].ns / 1e6, 3);
    g_string_append(out, "</td>");
  }
  g_string_append(out, "</tr>\n");
}

static void summaries(GString *out, const QfReport *report)
{
  QfSummaryCell cells[QF_N_SUMMARY];
  if (!report->latency.count && !report->interval.count)
    return;
  g_string_append(
      out, "<div class='card'><h2>Times in milliseconds</h2><table><tr><th></th><th class='n'>count</th>");
  qf_summary_cells(&report->latency, cells);
  for (int i = 0; i < QF_N_SUMMARY; i++)
    g_string_append_printf(out, "<th class='n'>%s</th>", cells[i].key);
  g_string_append(out, "</tr>\n");
  summary_row(out, "latency", &report->latency);
  summary_row(out, "interval between frames", &report->interval);
  g_string_append(out, "</table></div>\n");
}

static void charts(GString *out, const QfReport *report)
{
  if (!report->n_series)
    return;
  g_string_append_printf(out, "<div class='card'><h2>Latency of the last %u frames</h2>\n", report->n_series);
  qf_svg_series(out, report->series_ms, report->n_series, report->latency.p50_ns / 1e6,
                report->latency.p95_ns / 1e6);
  g_string_append(out, "</div>\n<div class='card'><h2>How often which latency</h2>\n");
  qf_svg_histogram(out, report->series_ms, report->n_series);
  g_string_append(out, "</div>\n");
}

static void layer_row(GString *out, const QfLayerProfile *l, double total, uint64_t most)
{
  const char *texts[] = {l->op, l->kernel, l->output, l->node};
  g_string_append(out, "<tr><td class='b'><svg viewBox='0 0 100 8' preserveAspectRatio='none'>"
                       "<rect class='bar' height='8' width='");
  qf_append_number(out, 100.0 * l->total_ns / most, 2);
  g_string_append(out, "'/></svg></td><td class='n'>");
  qf_append_number(out, 100 * l->total_ns / total, 1);
  g_string_append(out, " %</td><td class='n'>");
  qf_append_number(out, qf_layer_mean_ns(l) / 1e3, 1);
  g_string_append(out, "</td><td class='n'>");
  if (l->macs && l->total_ns)
    qf_append_number(out, l->macs / qf_layer_mean_ns(l), 1);
  g_string_append(out, "</td>");
  for (guint i = 0; i < G_N_ELEMENTS(texts); i++) {
    g_string_append(out, i ? "<td class='k'>" : "<td>");
    escaped(out, texts[i]);
    g_string_append(out, "</td>");
  }
  g_string_append(out, "</tr>\n");
}

static void layers(GString *out, const QfReport *report)
{
  uint64_t most = 1;
  if (!report->n_layers)
    return;
  for (uint32_t i = 0; i < report->n_layers; i++)
    most = MAX(most, report->layers[i].total_ns);
  g_string_append_printf(
      out,
      "<div class='card'><h2>Layers (%u steps)</h2><table><tr><th></th><th class='n'>share</th>"
      "<th class='n'>mean &micro;s</th><th class='n'>GMAC/s</th><th>operator</th><th>kernel</th>"
      "<th>output</th><th>node</th></tr>\n",
      report->n_layers);
  for (uint32_t i = 0; i < report->n_layers; i++)
    layer_row(out, &report->layers[i], qf_report_layers_ns(report), most);
  g_string_append(out, "</table></div>\n");
}

void qf_report_html(const QfReport *report, GString *out)
{
  const char *title = report->title ? report->title : "Profile";
  g_string_append(out, page_head);
  escaped(out, title);
  g_string_append(out, page_style);
  g_string_append(out, "<h1>");
  escaped(out, title);
  g_string_append(out, "</h1><p class='sub'>");
  escaped(out, report->model);
  if (report->model && report->backend)
    g_string_append(out, " on ");
  escaped(out, report->backend);
  g_string_append(out, "</p>\n");
  tiles(out, report);
  charts(out, report);
  summaries(out, report);
  layers(out, report);
  g_string_append(out, "</main></body></html>\n");
}
