/* SPDX-License-Identifier: MIT */
/*
 * report.c - a measurement as text, JSON, HTML or CSV: the table of formats, and what the formats share.
 * A file is written wholly or not at all: into a temporary file beside it, then renamed over it.
 */
#include "libqnnflow/profile/report.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

static void (*const formats[])(const QfReport *, GString *) = {
    [QF_REPORT_TEXT] = qf_report_text,
    [QF_REPORT_JSON] = qf_report_json,
    [QF_REPORT_HTML] = qf_report_html,
    [QF_REPORT_CSV] = qf_report_csv,
};

void qf_report_figures(const QfReport *r, QfFigure *figures)
{
  const QfFigure all[QF_N_FIGURES] = {
      {"frames", "frames", "", 0, r->frames, r->frames},
      {"dropped", "dropped", "", 0, r->dropped, r->dropped},
      {"inferences", "inferences", "", 0, r->inferences, r->inferences},
      {"duration_s", "duration", "s", 2, r->duration_s, r->duration_s},
      {"fps", "rate", "fps", 2, r->fps, r->fps},
      {"cpu_percent", "CPU of one core", "%", 1, r->cpu_percent, r->cpu_percent},
      {"rss_bytes", "peak memory", "MB", 1, r->rss_bytes, r->rss_bytes / 1e6},
  };
  for (int i = 0; i < QF_N_FIGURES; i++)
    figures[i] = all[i];
}

void qf_summary_cells(const QfSummary *s, QfSummaryCell *cells)
{
  const QfSummaryCell all[QF_N_SUMMARY] = {{"min", s->min_ns}, {"mean", s->mean_ns}, {"p50", s->p50_ns},
                                           {"p95", s->p95_ns}, {"p99", s->p99_ns},   {"max", s->max_ns}};
  for (int i = 0; i < QF_N_SUMMARY; i++)
    cells[i] = all[i];
}

uint64_t qf_report_layers_ns(const QfReport *report)
{
  uint64_t sum = 0;
  for (uint32_t i = 0; i < report->n_layers; i++)
    sum += report->layers[i].total_ns;
  return MAX(sum, 1);
}

double qf_layer_mean_ns(const QfLayerProfile *layer)
{
  return layer->runs ? (double)layer->total_ns / layer->runs : 0;
}

void qf_append_number(GString *out, double value, int digits)
{
  char format[16], text[G_ASCII_DTOSTR_BUF_SIZE + 330];
  g_snprintf(format, sizeof format, "%%.%df", digits);
  g_string_append(out, g_ascii_formatd(text, sizeof text, format, isfinite(value) ? value : 0));
}

char *qf_report_format(const QfReport *report, QfReportFormat format)
{
  g_return_val_if_fail(report && (unsigned)format < G_N_ELEMENTS(formats), NULL);
  GString *out = g_string_new(NULL);
  formats[format](report, out);
  return g_string_free(out, FALSE);
}

/* A file is replaced as a whole, so that nobody reads half of it; a device or a pipe (/dev/stdout too, when it leads to a
 * file) is only written to. */
static gboolean write_text(const char *path, const char *text, GError **error)
{
  gssize length = (gssize)strlen(text), done = 0, n;
  gboolean replaced = g_file_test(path, G_FILE_TEST_IS_REGULAR | G_FILE_TEST_IS_DIR)
                          ? !g_str_has_prefix(path, "/dev/")
                          : !g_file_test(path, G_FILE_TEST_EXISTS);
  if (replaced) /* 0666: as any program makes files, less the user's umask. */
    return g_file_set_contents_full(path, text, length, G_FILE_SET_CONTENTS_CONSISTENT, 0666, error);
  int file = g_open(path, O_WRONLY | O_APPEND | O_CLOEXEC, 0);
  while (file >= 0 && done < length && (n = write(file, text + done, (size_t)(length - done))) > 0)
    done += n;
  if (file < 0 || done < length)
    g_set_error_literal(error, G_FILE_ERROR, g_file_error_from_errno(errno), g_strerror(errno));
  if (file >= 0)
    close(file);
  return file >= 0 && done == length;
}

gboolean qf_report_write(const QfReport *report, QfReportFormat format, const char *path, GError **error)
{
  g_autofree char *text = qf_report_format(report, format);
  g_autoptr(GError) cause = NULL;
  if (write_text(path, text, &cause))
    return TRUE;
  g_set_error(error, QF_ERROR, QF_ERROR_FILE,
              "%s: the report cannot be written (%s); name a file in a folder that exists and may be written",
              path, cause->message);
  return FALSE;
}
