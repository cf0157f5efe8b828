/* SPDX-License-Identifier: MIT */
/*
 * native_packed.c - packed constants of .qnnf files: they are used where they lie, give the results that packing anew gives, are
 * passed over on another machine, and damage of what describes them is refused.
 */
#include "onnx_build.h"

#include "libqnnflow/import/native/native.h"
#include "libqnnflow/runtime/model.h"

#include <glib/gstdio.h>
#include <qnnflow/qnnflow.h>
#include <string.h>

static char *folder;

static const char sample[] =
    "opset 13\nin x f32 1,32,12,12\nw k f32 32,32,3,3\nw b f32 32\nw d f32 32,1,3,3\nw m f32 32,40\n"
    "node Conv x,k,b -> y pads=[1,1,1,1]\nnode Conv y,d -> z group=32\n"
    "node GlobalAveragePool z -> p\nnode Flatten p -> f\nnode MatMul f,m -> o\nout o\n"
    "w gw f32 1,24,10\nw gr f32 1,24,8\nnode ReduceMean z -> t axes=[3] keepdims=0\n"
    "node GRU t,gw,gr -> g hidden_size=8\nout g\n"
    "w i i8 32,16\nnode DynamicQuantizeLinear f -> q,s,e\nnode MatMulInteger q,i,e -> c\nout c\n";

static char *path_of(const char *name)
{
  return g_build_filename(folder, name, NULL);
}

static GBytes *contents(const char *path)
{
  char *text;
  gsize size;
  g_assert_true(g_file_get_contents(path, &text, &size, NULL));
  return g_bytes_new_take(text, size);
}

static GBytes *convert(const char *from, const char *name, gboolean no_packed)
{
  g_autoptr(GError) error = NULL;
  g_autofree char *to = path_of(name);
  qf_model_convert(from, to, &(QfModelOptions){.backend = "cpu", .no_packed = no_packed}, &error);
  g_assert_no_error(error);
  return contents(to);
}

static GBytes *packed_file(void)
{
  g_autofree char *path = path_of("sample.onnx");
  g_autoptr(GBytes) onnx = onnx_build(sample);
  gsize size;
  const char *text = g_bytes_get_data(onnx, &size);
  g_assert_true(g_file_set_contents(path, text, (gssize)size, NULL));
  return convert(path, "sample.qnnf", FALSE);
}

static QfModel *load(GBytes *bytes, gboolean check, GError **error)
{
  return qf_model_load_bytes(bytes, "sample", &(QfModelOptions){.backend = "cpu", .check_data = check},
                             error);
}

/* Outputs for an input that is always the same. */
static GBytes *run(QfModel *model)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(QfSession) session = qf_session_new(model, &(QfSessionOptions){.n_threads = 1}, &error);
  g_assert_no_error(error);
  float *x = qf_session_input_data(session, 0);
  for (size_t i = 0; i < qf_model_input(model, 0)->size_bytes / sizeof(*x); i++)
    x[i] = (float)(i % 17) - 8;
  g_assert_true(qf_session_run(session, &error));
  GByteArray *all = g_byte_array_new();
  for (uint32_t i = 0; i < qf_model_n_outputs(model); i++)
    g_byte_array_append(all, qf_session_output_data(session, i),
                        (guint)qf_model_output(model, i)->size_bytes);
  return g_byte_array_free_to_bytes(all);
}

static void test_used(void)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GBytes) bytes = packed_file(), plain = NULL;
  g_autofree char *path = path_of("sample.qnnf"), *onnx = path_of("sample.onnx");
  g_autoptr(QfModel) model = qf_model_load(path, &(QfModelOptions){.backend = "cpu"}, &error);
  g_assert_no_error(error);
  const QfPackedStore *store = model->graph->packed;
  g_assert_cmpuint(store->n_stored, >=, 10); /* a layer that packs has one at least */
  g_assert_cmpuint(store->used, ==, store->n_stored);
  g_assert_cmpuint(store->made->len, ==, store->n_stored);
  plain = convert(onnx, "plain.qnnf", TRUE);
  g_assert_cmpuint(g_bytes_get_size(plain), <, g_bytes_get_size(bytes));
  g_autoptr(QfModel) other = load(plain, FALSE, &error);
  g_assert_no_error(error);
  g_assert_cmpuint(other->graph->packed->n_stored, ==, 0);
  g_autoptr(GBytes) a = run(model), b = run(other);
  g_assert_true(g_bytes_equal(a, b));
  g_autoptr(GBytes) again = convert(path, "again.qnnf", FALSE);
  g_assert_true(g_bytes_equal(bytes, again));
}

static QfNativeHeader header_of(GBytes *bytes)
{
  QfNativeHeader h;
  memcpy(&h, g_bytes_get_data(bytes, NULL), sizeof h);
  return h;
}

/* A copy with a byte of the packed section changed; with a right checksum of its head where @sign. */
static GBytes *changed(GBytes *bytes, gsize at, uint8_t mask, gboolean sign)
{
  gsize size;
  uint8_t *copy = g_memdup2(g_bytes_get_data(bytes, &size), g_bytes_get_size(bytes));
  size = g_bytes_get_size(bytes);
  uint8_t *section = copy + size - header_of(bytes).packed_size;
  QfNativePackedHead h;
  section[at] ^= mask;
  memcpy(&h, section, sizeof h);
  const size_t head =
      (sizeof h + h.n_blocks * sizeof(QfNativePackedEntry) + QF_ALIGNMENT - 1) / QF_ALIGNMENT * QF_ALIGNMENT;
  if (sign && head <= header_of(bytes).packed_size) {
    h.sum = qf_native_sum(0, section + sizeof h.sum, head - sizeof h.sum);
    memcpy(section, &h, sizeof h);
  }
  return g_bytes_new_take(copy, size);
}

static size_t head_size(GBytes *bytes)
{
  QfNativePackedHead h;
  memcpy(&h,
         (const uint8_t *)g_bytes_get_data(bytes, NULL) + g_bytes_get_size(bytes) -
             header_of(bytes).packed_size,
         sizeof h);
  return sizeof h + h.n_blocks * sizeof(QfNativePackedEntry);
}

/* Every byte of the table in eight ways: an error, or, signed again, an error or a model that runs. */
static void test_damage(void)
{
  g_autoptr(GBytes) whole = packed_file();
  for (gsize at = 0; at < head_size(whole); at++)
    for (int bit = 0; bit < 8; bit++) {
      g_autoptr(GError) error = NULL, other = NULL;
      const gboolean sum_of_blocks = at >= 8 && at < 16; /* only its own check looks at it */
      g_autoptr(GBytes) damaged = changed(whole, at, (uint8_t)(1 << bit), FALSE);
      g_autoptr(GBytes) again = changed(whole, at, (uint8_t)(1 << bit), TRUE);
      g_autoptr(QfModel) none = load(damaged, FALSE, &error);
      g_autoptr(QfModel) maybe = load(again, sum_of_blocks, &other);
      g_assert_null(none);
      g_assert_error(error, QF_ERROR, QF_ERROR_FORMAT);
      g_assert_true((maybe == NULL) == (other != NULL));
      g_assert_true(!sum_of_blocks || !maybe);
      if (maybe) {
        g_autoptr(GBytes) result = run(maybe);
        g_assert_nonnull(result);
      }
    }
}

/* Damage of a block shows when it is looked for. */
static void test_block(void)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GBytes) whole = packed_file(),
                    damaged = changed(whole, header_of(whole).packed_size - 200, 1, FALSE);
  g_autoptr(QfModel) model = load(damaged, FALSE, &error);
  g_assert_no_error(error);
  g_assert_nonnull(model);
  g_autoptr(QfModel) none = load(damaged, TRUE, &error);
  g_assert_null(none);
  g_assert_error(error, QF_ERROR, QF_ERROR_FORMAT);
}

static void test_truncated(void)
{
  g_autoptr(GBytes) whole = packed_file();
  const gsize size = g_bytes_get_size(whole);
  for (gsize n = size - header_of(whole).packed_size - 1; n < size; n += 61) {
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) part = g_bytes_new_from_bytes(whole, 0, n);
    g_autoptr(QfModel) none = load(part, FALSE, &error);
    g_assert_null(none);
    g_assert_error(error, QF_ERROR, QF_ERROR_FORMAT);
  }
}

/* For another machine: told, and packed anew. */
static void test_other_machine(void)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GBytes) whole = packed_file(),
                    other = changed(whole, offsetof(QfNativePackedHead, unit), 1, TRUE);
  g_autoptr(QfModel) model = load(whole, FALSE, &error);
  g_assert_no_error(error);
  g_test_expect_message("qnnflow", G_LOG_LEVEL_MESSAGE, "*packed constants are for *convert the model here*");
  g_autoptr(QfModel) anew = load(other, FALSE, &error);
  g_test_assert_expected_messages();
  g_assert_no_error(error);
  g_assert_cmpuint(anew->graph->packed->used, ==, 0);
  g_autoptr(GBytes) a = run(model), b = run(anew);
  g_assert_true(g_bytes_equal(a, b));
}

static void remove_folder(void)
{
  g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
  const char *name;
  while ((name = g_dir_read_name(dir))) {
    g_autofree char *path = path_of(name);
    g_unlink(path);
  }
  g_rmdir(folder);
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_log_set_always_fatal(G_LOG_LEVEL_CRITICAL | G_LOG_FATAL_MASK);
  folder = g_dir_make_tmp("qnnf-XXXXXX", NULL);
  g_assert_nonnull(folder);
  g_test_add_func("/packed/used", test_used);
  g_test_add_func("/packed/damage", test_damage);
  g_test_add_func("/packed/block", test_block);
  g_test_add_func("/packed/truncated", test_truncated);
  g_test_add_func("/packed/other-machine", test_other_machine);
  const int result = g_test_run();
  remove_folder();
  g_free(folder);
  return result;
}
