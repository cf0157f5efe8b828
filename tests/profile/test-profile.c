/* SPDX-License-Identifier: MIT */
/*
 * test-profile.c - percentiles against sorted samples; each report format against the numbers that went in.
 */
#include <qnnflow/profile.h>

#include <cjson/cJSON.h>
#include <glib/gstdio.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static int by_value(const void *a, const void *b)
{
  uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return x < y ? -1 : x > y;
}

static void near(uint64_t got, uint64_t want)
{
  if (fabs((double)got - (double)want) > 0.02 * want)
    g_error("%" G_GUINT64_FORMAT " is not within 2 %% of %" G_GUINT64_FORMAT, got, want);
}

static void check_samples(uint64_t *samples, unsigned n)
{
  g_autoptr(QfStats) stats = qf_stats_new();
  QfSummary s;
  uint64_t sum = 0;
  for (unsigned i = 0; i < n; i++) {
    qf_stats_add(stats, samples[i]);
    sum += samples[i];
  }
  qf_stats_summary(stats, &s);
  qsort(samples, n, sizeof *samples, by_value);
  g_assert_cmpuint(s.count, ==, n);
  g_assert_cmpuint(s.sum_ns, ==, sum);
  g_assert_cmpuint(s.mean_ns, ==, sum / n);
  g_assert_cmpuint(s.min_ns, ==, samples[0]);
  g_assert_cmpuint(s.max_ns, ==, samples[n - 1]);
  near(s.p50_ns, samples[(n * 50 + 99) / 100 - 1]);
  near(s.p95_ns, samples[(n * 95 + 99) / 100 - 1]);
  near(s.p99_ns, samples[(n * 99 + 99) / 100 - 1]);
}

static void test_percentiles(void)
{
  g_autoptr(GRand) rand = g_rand_new_with_seed(7);
  g_autofree uint64_t *samples = g_new(uint64_t, 5000);
  for (unsigned n = 1; n <= 5000; n = n * 2 + 1) {
    for (unsigned i = 0; i < n; i++) /* spread over twelve powers of ten */
      samples[i] = exp(g_rand_double_range(rand, 0, 27));
    check_samples(samples, n);
  }
  uint64_t edges[] = {0, 1, 63, 64, 65, 127, 128, 129, 1u << 31, (uint64_t)1 << 45};
  for (unsigned i = 0; i < G_N_ELEMENTS(edges); i++)
    check_samples(&edges[i], 1);
}

static void test_empty_and_reset(void)
{
  static const QfSummary zero;
  g_autoptr(QfStats) stats = qf_stats_new();
  QfSummary s;
  qf_stats_summary(stats, &s);
  g_assert_cmpmem(&s, sizeof s, &zero, sizeof zero);
  qf_stats_add(stats, G_MAXUINT64 / 2);
  qf_stats_summary(stats, &s);
  g_assert_cmpuint(s.max_ns, ==, G_MAXUINT64 / 2);
  qf_stats_reset(stats);
  qf_stats_add(stats, 10);
  qf_stats_summary(stats, &s);
  g_assert_cmpuint(s.max_ns, ==, 10);
  g_assert_cmpuint(s.count, ==, 1);
  qf_stats_free(NULL);
}

static const double series[] = {4.5, 5.25, 6, 5.5, NAN, 5};
static const QfLayerProfile layers[] = {
    {"conv1 <a&b>", "Conv2d", "cpu", "qfk_conv_f32_avx2", 10, 8000000, 700000, 1000000, "1x2 float32"},
    {"say \"hi\", you", "Softmax", "cpu", NULL, 10, 2000000, 150000, 0, "1x2 float32"},
};

static QfReport full_report(void)
{
  return (QfReport){.title = "main job",
                    .model = "m<odel>.onnx",
                    .backend = "cpu",
                    .latency = {6, 4500000, 6000000, 31250000, 5208333, 5250000, 6000000, 6000000},
                    .fps = 29.97,
                    .frames = 150,
                    .inferences = 149,
                    .duration_s = 5.005,
                    .rss_bytes = 50000000,
                    .series_ms = series,
                    .n_series = G_N_ELEMENTS(series),
                    .layers = layers,
                    .n_layers = G_N_ELEMENTS(layers)};
}

static double number_at(const cJSON *object, const char *key)
{
  const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
  g_assert_true(cJSON_IsNumber(item));
  return item->valuedouble;
}

static void test_json(void)
{
  QfReport report = full_report();
  g_autofree char *text = qf_report_format(&report, QF_REPORT_JSON);
  cJSON *root = cJSON_Parse(text);
  g_assert_nonnull(root);
  g_assert_cmpfloat(number_at(root, "fps"), ==, 29.97);
  g_assert_cmpfloat(number_at(root, "frames"), ==, 150);
  g_assert_null(cJSON_GetObjectItem(root, "dropped"));
  g_assert_null(cJSON_GetObjectItem(root, "interval_ms"));
  g_assert_cmpfloat(number_at(cJSON_GetObjectItem(root, "latency_ms"), "p50"), ==, 5.25);
  const cJSON *list = cJSON_GetObjectItem(root, "layers"), *first = cJSON_GetArrayItem(list, 0);
  g_assert_cmpint(cJSON_GetArraySize(list), ==, 2);
  g_assert_cmpstr(cJSON_GetObjectItem(first, "node")->valuestring, ==, "conv1 <a&b>");
  g_assert_cmpfloat(number_at(first, "mean_ms"), ==, 0.8);
  g_assert_cmpfloat(number_at(first, "share"), ==, 0.8);
  g_assert_cmpint(cJSON_GetArraySize(cJSON_GetObjectItem(root, "series_ms")), ==, 6);
  cJSON_Delete(root);
}

static void has(const char *text, const char *part)
{
  if (!strstr(text, part))
    g_error("'%s' is missing in:\n%s", part, text);
}

static void test_other_formats(void)
{
  QfReport report = full_report();
  g_autofree char *text = qf_report_format(&report, QF_REPORT_TEXT),
                  *csv = qf_report_format(&report, QF_REPORT_CSV),
                  *html = qf_report_format(&report, QF_REPORT_HTML);
  has(text, "main job: m<odel>.onnx on cpu");
  has(text, "29.97 fps");
  has(text, "50.0 MB");
  has(text, "qfk_conv_f32_avx2");
  has(csv, "report,fps,29.97\r\n");
  has(csv, "latency_ms,p50,5.250000\r\n");
  has(csv, "1,\"say \"\"hi\"\", you\",Softmax,cpu,,");
  has(html, "m&lt;odel&gt;.onnx");
  has(html, "conv1 &lt;a&amp;b&gt;");
  has(html, "<polyline class='series'");
  g_assert_null(strstr(html, "<odel>"));
  g_assert_null(strstr(html, "nan"));
  g_assert_null(strstr(html, "http")); /* nothing comes from a network */
}

static void test_empty_report(void)
{
  QfReport report = {0};
  for (int f = QF_REPORT_TEXT; f <= QF_REPORT_CSV; f++) {
    g_autofree char *text = qf_report_format(&report, f);
    g_assert_cmpuint(strlen(text), >, 0);
  }
}

static void test_write(void)
{
  QfReport report = full_report();
  g_autoptr(GError) error = NULL;
  g_autofree char *folder = g_dir_make_tmp("qf-profile-XXXXXX", NULL);
  g_autofree char *path = g_build_filename(folder, "p.json", NULL),
                  *bad = g_build_filename(folder, "no", "p.json", NULL);
  g_autofree char *want = qf_report_format(&report, QF_REPORT_JSON), *got = NULL;
  g_assert_true(g_file_set_contents(path, "old", -1, NULL));
  g_assert_true(qf_report_write(&report, QF_REPORT_JSON, path, &error));
  g_assert_no_error(error);
  g_assert_true(g_file_get_contents(path, &got, NULL, NULL));
  g_assert_cmpstr(got, ==, want);
  g_assert_false(qf_report_write(&report, QF_REPORT_JSON, bad, &error));
  g_assert_error(error, QF_ERROR, QF_ERROR_FILE);
  has(error->message, "p.json");
  g_remove(path);
  g_assert_cmpint(g_rmdir(folder), ==, 0); /* no temporary file stays */
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/profile/percentiles", test_percentiles);
  g_test_add_func("/profile/empty-and-reset", test_empty_and_reset);
  g_test_add_func("/profile/json", test_json);
  g_test_add_func("/profile/other-formats", test_other_formats);
  g_test_add_func("/profile/empty-report", test_empty_report);
  g_test_add_func("/profile/write", test_write);
  return g_test_run();
}
