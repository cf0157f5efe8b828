/* SPDX-License-Identifier: MIT */
/*
 * test-results.c - label files, good and bad, and results as JSON, read back by a parser.
 */
#include <qnnflow/decode.h>

#include <cjson/cJSON.h>
#include <glib/gstdio.h>
#include <locale.h>
#include <math.h>
#include <string.h>

/* A decoder for three scores with labels from @text (@size bytes); NULL and @error when they are bad. */
static QfDecoder *with_labels(const char *text, gssize size, const char *params, GError **error)
{
  static const QfTensorDesc desc = {.name = "scores", .dtype = QF_DTYPE_FLOAT32, .rank = 2, .dims = {1, 3}};
  const QfTensorDesc *list = &desc;
  g_autofree char *path = g_build_filename(g_get_tmp_dir(), "qf-labels-XXXXXX", NULL);
  int fd = g_mkstemp(path);
  g_assert_cmpint(fd, >=, 0);
  g_close(fd, NULL);
  g_assert_true(g_file_set_contents(path, text, size, NULL));
  QfDecoder *d = qf_decoder_new("classification", &(QfDecoderConfig){.labels_path = path, .params = params},
                                &list, 1, error);
  g_unlink(path);
  return d;
}

static void test_labels(void)
{
  static const struct {
    const char *text, *params;
    const char *labels[3];
  } cases[] = {
      {"cat\ndog\nbird\n", NULL, {"cat", "dog", "bird"}},
      {"cat\r\ndog\r\nbird", NULL, {"cat", "dog", "bird"}},
      {"\xef\xbb\xbf"
       "cat\n\nbird\n\n\n",
       NULL,
       {"cat", NULL, "bird"}},
      {"0 cat\n2 bird\n1 dog\n", NULL, {"cat", "dog", "bird"}},
      {"0: cat\n2:  black bird\n", NULL, {"cat", NULL, "black bird"}},
      {"7 up\ncola\n2 much\n", NULL, {"7 up", "cola", "2 much"}}, /* not all lines have a number */
      {"background\ncat\ndog\nbird\n", "label-offset=1", {"cat", "dog", "bird"}},
      {"cat\n", NULL, {"cat", NULL, NULL}},
  };
  const float scores[] = {.5f, .3f, .2f};
  const void *data = scores;
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    QfResults r;
    g_autoptr(GError) error = NULL;
    g_autoptr(QfDecoder) d = with_labels(cases[i].text, -1, cases[i].params, &error);
    g_assert_no_error(error);
    qf_decoder_run(d, &data, NULL, &r);
    for (int k = 0; k < 3; k++)
      g_assert_cmpstr(r.classes[k].label, ==, cases[i].labels[k]);
  }
}

static void test_bad_labels(void)
{
  static const struct {
    const char *text;
    gssize size;
    const char *part;
  } cases[] = {
      {"", 0, ":1: the file has no labels"},
      {"\n\n\n", 3, ":1: the file has no labels"},
      {"0 cat\n1 dog\n1 bird\n", -1, ":3: the index was given before"},
      {"0 cat\n4000000000 dog\n", -1, ":2: the index is larger"},
      {"99999999999999999999999 dog\n", -1, ":1: the index is larger"},
      {"cat\ndog\n\xff\xfe\n", -1, ":3: not a text file"},
      {"cat\n\0dog\n", 9, ":2: not a text file"},
  };
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autoptr(GError) error = NULL;
    g_assert_null(with_labels(cases[i].text, cases[i].size, NULL, &error));
    g_assert_error(error, QF_ERROR, QF_ERROR_FORMAT);
    g_assert_nonnull(strstr(error->message, "qf-labels-"));
    if (!strstr(error->message, cases[i].part))
      g_error("\"%s\" does not say \"%s\"", error->message, cases[i].part);
  }
  static const QfTensorDesc desc = {.name = "scores", .dtype = QF_DTYPE_FLOAT32, .rank = 2, .dims = {1, 3}};
  const QfTensorDesc *list = &desc;
  g_autoptr(GError) error = NULL;
  g_assert_null(
      qf_decoder_new("auto", &(QfDecoderConfig){.labels_path = "/nonexistent/labels.txt"}, &list, 1, &error));
  g_assert_error(error, QF_ERROR, QF_ERROR_FILE);
  g_assert_nonnull(strstr(error->message, "/nonexistent/labels.txt"));
}

static double number(const cJSON *object, const char *key)
{
  const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
  g_assert_true(cJSON_IsNumber(item));
  return item->valuedouble;
}

static void test_json(void)
{
  const uint8_t classes[] = {0, 3, 3, 3};
  const QfDetection d[] = {{.x = 1.5f,
                            .y = 2,
                            .width = 3,
                            .height = 4,
                            .score = .25f,
                            .class_id = 9,
                            .label = "a \"quoted\"\\ one\n\x01 \xc3\xa9 \xff",
                            .n_keypoints = 2,
                            .keypoints = {{5, 6, 1}, {7.25f, NAN, .5f}}},
                           {.x = 1e9f, .score = 1, .class_id = -1}};
  const QfClass c = {.5f, 3, "cat"};
  const QfResults r = {d, 2, &c, 1, {classes, 2, 2, {1, 2, 3, 4}, 4}}, none = {0};
  setlocale(LC_ALL, "de_DE.UTF-8"); /* where there is one, a comma must not appear */
  g_autofree char *text = qf_results_to_json(&r, 7, 1234567890123456789u);
  g_assert_null(strchr(text, '\n'));
  cJSON *j = cJSON_Parse(text);
  g_assert_nonnull(j);
  g_assert_nonnull(strstr(text, "\"pts_ns\":1234567890123456789,"));
  g_assert_cmpfloat(number(j, "frame"), ==, 7);
  const cJSON *first = cJSON_GetArrayItem(cJSON_GetObjectItem(j, "detections"), 0);
  g_assert_cmpfloat(number(first, "x"), ==, 1.5);
  g_assert_cmpfloat(number(first, "class_id"), ==, 9);
  g_assert_cmpstr(cJSON_GetObjectItem(first, "label")->valuestring, ==,
                  "a \"quoted\"\\ one\n\x01 \xc3\xa9 \xef\xbf\xbd");
  const cJSON *point = cJSON_GetArrayItem(cJSON_GetObjectItem(first, "keypoints"), 1);
  g_assert_cmpfloat(number(point, "x"), ==, 7.25);
  g_assert_true(cJSON_IsNull(cJSON_GetObjectItem(point, "y")));
  g_assert_cmpstr(
      cJSON_GetObjectItem(cJSON_GetArrayItem(cJSON_GetObjectItem(j, "classes"), 0), "label")->valuestring, ==,
      "cat");
  const cJSON *mask = cJSON_GetObjectItem(j, "mask");
  g_assert_cmpfloat(number(cJSON_GetObjectItem(mask, "shares"), "3"), ==, 0.75);
  cJSON_Delete(j);
  g_autofree char *empty = qf_results_to_json(&none, 0, UINT64_MAX);
  g_assert_cmpstr(empty, ==, "{\"frame\":0,\"pts_ns\":null,\"detections\":[],\"classes\":[]}");
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/results/labels", test_labels);
  g_test_add_func("/results/bad-labels", test_bad_labels);
  g_test_add_func("/results/json", test_json);
  return g_test_run();
}
