/* SPDX-License-Identifier: MIT */
/*
 * test-pipeline.c - pipeline description files: what comes out of good ones, and what is said about bad ones.
 */
#include <qnnflow/pipeline.h>

#include <glib/gstdio.h>
#include <string.h>

static char *path;

static QfPipeline *load(const char *text, GError **error)
{
  g_assert_true(g_file_set_contents(path, text, -1, NULL));
  return qf_pipeline_load(path, error);
}

static const char good[] = "# a comment\n"
                           "[pipeline]\n"
                           "description = Finds things\n"
                           "[param.input]\n"
                           "type=path\n"
                           "required=true\n"
                           "[param.model]\ntype=path\ndefault=../models/m.onnx\n"
                           "[param.n]\ntype=int\nmin=1\nmax=8\ndefault=2\n"
                           "[param.t]\ntype=float\ndefault=0.50\n"
                           "[param.sync]\ntype=bool\ndefault=no\n"
                           "[param.label]\ndescription=any text\n"
                           "[param.sink]\ntype=launch\ndefault=fakesink\n"
                           "[launch]\n"
                           "  # not this ${nothing}\n"
                           "filesrc location=${input} ! infer model=${model} n=${n} t=${t}\n"
                           "  ! text label=${label} price=5$$ ! ${sink} sync=${sync}\n";

static void set(QfPipeline *p, const char *name, const char *value)
{
  g_autoptr(GError) error = NULL;
  qf_pipeline_set(p, name, value, &error);
  g_assert_no_error(error);
}

static void test_good(void)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(QfPipeline) p = load(good, &error);
  g_assert_no_error(error);
  uint32_t count;
  const QfPipelineParam *params = qf_pipeline_params(p, &count);
  g_assert_cmpuint(count, ==, 7);
  g_assert_cmpstr(params[0].name, ==, "input");
  g_assert_true(params[0].required);
  g_assert_null(params[0].value);
  g_assert_cmpstr(params[5].type, ==, "string");
  g_assert_cmpstr(qf_pipeline_description(p), ==, "Finds things");
  g_assert_null(qf_pipeline_launch_string(p, &error));
  g_assert_error(error, QF_ERROR, QF_ERROR_ARGUMENT);
  g_assert_nonnull(strstr(error->message, "input=VALUE"));
  set(p, "input", "a \"b\" \\c ! d.png");
  set(p, "n", "+7");
  set(p, "sync", "YES");
  set(p, "sink", "queue ! autovideosink");
  g_autofree char *folder = g_path_get_dirname(path), *up = g_path_get_dirname(folder);
  g_autofree char *want =
      g_strdup_printf("filesrc location=\"a \\\"b\\\" \\\\c ! d.png\" ! infer model=\"%s/models/m.onnx\""
                      " n=7 t=0.5\n  ! text label=\"\" price=5$ ! queue ! autovideosink sync=true",
                      up);
  g_autofree char *got = qf_pipeline_launch_string(p, NULL);
  g_assert_cmpstr(got, ==, want);
  g_assert_cmpstr(qf_pipeline_params(p, &count)[2].value, ==, "7");
}

static void test_bad_values(void)
{
  static const char *const cases[][3] = {
      {"n", "0", "at least 1"},
      {"n", "9", "at most 8"},
      {"n", "2.5", "whole number"},
      {"n", "", "whole number"},
      {"n", "99999999999999999999", "whole number"},
      {"t", "nan", "number"},
      {"t", "1 ! fakesink", "number"},
      {"sync", "maybe", "true or false"},
      {"input", "a\nb", "control"},
      {"input", "a\\", "backslash"},
      {"label", "\xff", "UTF-8"},
      {"other", "1", "the parameters are: input, model, n"},
  };
  g_autoptr(QfPipeline) p = load(good, NULL);
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autoptr(GError) error = NULL;
    g_assert_false(qf_pipeline_set(p, cases[i][0], cases[i][1], &error));
    g_assert_error(error, QF_ERROR, QF_ERROR_ARGUMENT);
    if (!strstr(error->message, cases[i][2]) || !strstr(error->message, path))
      g_error("case %u: %s", i, error->message);
  }
}

static void test_bad_files(void)
{
  static const struct {
    const char *text, *says;
    int line;
  } cases[] = {
      {"", "no [launch]", 1},
      {"[pipeline]\ndescription=x\n", "no [launch]", 3},
      {"[launch]\n  \n# x\n", "nothing stands below", 1},
      {"x=1\n[launch]\na\n", "below a group", 1},
      {"[pipeline]\nrubbish\n[launch]\na\n", "rubbish", 2},
      {"[pipeline]\nname=x\n[launch]\na\n", "no key 'name'", 2},
      {"[other]\n[launch]\na\n", "[other] is unknown", 1},
      {"[param.]\n[launch]\na\n", "[param.] is unknown", 1},
      {"[param.a b]\n[launch]\na\n", "unknown", 1},
      {"[param.a]\n[param.a]\n[launch]\na\n", "twice", 2},
      {"[param.a]\ntype=number\n[launch]\na\n", "write string, path", 2},
      {"[param.a]\nrequired=perhaps\n[launch]\na\n", "true or false", 2},
      {"[param.a]\nmin=low\n[launch]\na\n", "a number", 2},
      {"[param.a]\nwidth=1\n[launch]\na\n", "no key 'width'", 2},
      {"\n[param.a]\ntype=int\ndefault=x\n[launch]\na\n", "whole number", 2},
      {"\n[param.a]\ntype=int\n[launch]\na\n", "needs a default", 2},
      {"[launch]\n\na b=${c}\n", "'c' is not declared", 3},
      {"[launch]\na b=${c\n", "lone $", 2},
      {"[launch]\na b=$c\n", "lone $", 2},
      {"[param.a]\n[launch]\nx b=${a}.png\n", "word of its own", 3},
      {"[param.a]\n[launch]\nx b=\"${a}\"\n", "word of its own", 3},
      {"[launch]\na \xff\n", "UTF-8", 1},
  };
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autoptr(GError) error = NULL;
    g_autofree char *place = g_strdup_printf("%s:%d: ", path, cases[i].line);
    g_assert_null(load(cases[i].text, &error));
    g_assert_error(error, QF_ERROR, QF_ERROR_FORMAT);
    if (!strstr(error->message, cases[i].says) || !g_str_has_prefix(error->message, place))
      g_error("case %u: wanted '%s%s', got '%s'", i, place, cases[i].says, error->message);
  }
  g_autoptr(GError) error = NULL;
  g_assert_null(qf_pipeline_load("no/such.gstp", &error));
  g_assert_error(error, QF_ERROR, QF_ERROR_FILE);
  qf_pipeline_free(NULL);
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_autofree char *folder = g_dir_make_tmp("qf-pipeline-XXXXXX", NULL);
  path = g_build_filename(folder, "p.gstp", NULL);
  g_test_add_func("/pipeline/good", test_good);
  g_test_add_func("/pipeline/bad-values", test_bad_values);
  g_test_add_func("/pipeline/bad-files", test_bad_files);
  int rc = g_test_run();
  g_remove(path);
  g_rmdir(folder);
  g_free(path);
  return rc;
}
