/* SPDX-License-Identifier: MIT */
/*
 * test-npy.c - arrays go through a file unchanged; files that are not what they say are refused with a reason.
 */
#include "npy.h"

#include <glib/gstdio.h>
#include <string.h>

static char *folder;

static char *file_of(const char *name)
{
  return g_build_filename(folder, name, NULL);
}

static void test_round_trip(void)
{
  static const int64_t shapes[][3] = {{2, 3, 5}, {7, 1, 1}, {0, 4, 2}};
  uint8_t data[30 * 8];
  for (guint i = 0; i < sizeof data; i++)
    data[i] = i * 37;
  g_autofree char *path = file_of("a.npy");
  for (int t = QF_DTYPE_FLOAT32; t < QF_N_DTYPES; t++)
    for (int rank = 0; rank <= 3; rank++)
      for (guint s = 0; s < G_N_ELEMENTS(shapes); s++) {
        g_autoptr(GError) error = NULL;
        g_auto(QfNpy) array = {0};
        g_assert_true(qf_npy_write(path, t, shapes[s], rank, data, &error));
        g_assert_no_error(error);
        g_assert_true(qf_npy_read(path, &array, &error));
        g_assert_no_error(error);
        g_assert_cmpint(array.dtype, ==, t);
        g_assert_cmpint(array.rank, ==, rank);
        for (int i = 0; i < rank; i++)
          g_assert_cmpint(array.dims[i], ==, shapes[s][i]);
        g_assert_cmpuint(array.size_bytes, ==, qf_dims_count(shapes[s], rank) * qf_dtype_size(t));
        g_assert_cmpmem(array.data, array.size_bytes, data, array.size_bytes);
      }
}

/* A file made of @dictionary and @n_data bytes that count up. */
static char *write_raw(const char *dictionary, int version, int n_data)
{
  char *path = file_of("raw.npy");
  g_autoptr(GString) text = g_string_new("\x93NUMPY");
  gsize length = strlen(dictionary);
  g_string_append_c(text, version);
  g_string_append_c(text, 0);
  g_string_append_c(text, length & 255);
  g_string_append_c(text, length >> 8);
  if (version > 1)
    g_string_append_len(text, "\0\0", 2);
  g_string_append(text, dictionary);
  for (int i = 0; i < n_data; i++)
    g_string_append_c(text, i);
  g_assert_true(g_file_set_contents(path, text->str, text->len, NULL));
  return path;
}

static void test_big_endian(void)
{
  g_auto(QfNpy) array = {0};
  g_autoptr(GError) error = NULL;
  g_autofree char *path = write_raw("{\"shape\": (2,), 'descr': '>i2', 'fortran_order': False}", 2, 4);
  g_assert_true(qf_npy_read(path, &array, &error));
  g_assert_no_error(error);
  g_assert_cmpint(((int16_t *)array.data)[0], ==, 0x0001);
  g_assert_cmpint(((int16_t *)array.data)[1], ==, 0x0203);
}

static void test_bad_files(void)
{
  static const struct {
    const char *dictionary;
    int n_data, code;
  } cases[] = {
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", 7, QF_ERROR_FORMAT},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", 9, QF_ERROR_FORMAT},
      {"{'descr': '<c8', 'fortran_order': False, 'shape': (1,), }", 8, QF_ERROR_UNSUPPORTED},
      {"{'descr': '<f4', 'fortran_order': True, 'shape': (1,1), }", 4, QF_ERROR_UNSUPPORTED},
      {"{'descr': [('a','<f4')], 'fortran_order': False, 'shape': (1,), }", 4, QF_ERROR_UNSUPPORTED},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (1,2,3,4,5,6,7,8,9), }", 4, QF_ERROR_SHAPE},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904,16), }", 4, QF_ERROR_LIMIT},
      {"{'descr': '<f8', 'fortran_order': False, 'shape': (2305843009213693952,), }", 0, QF_ERROR_LIMIT},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }", 4, QF_ERROR_FORMAT},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (1", 4, QF_ERROR_FORMAT},
      {"{'descr': '<f4', 'fortran_order': False, }", 4, QF_ERROR_FORMAT},
      {"{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': () }", 4, QF_ERROR_FORMAT},
      {"{'descr': '<f4', 'fortran_order': Maybe, 'shape': () }", 4, QF_ERROR_FORMAT},
      {"{'descr': '", 0, QF_ERROR_FORMAT},
      {"", 0, QF_ERROR_FORMAT},
  };
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_auto(QfNpy) array = {0};
    g_autoptr(GError) error = NULL;
    g_autofree char *path = write_raw(cases[i].dictionary, 1, cases[i].n_data);
    g_assert_false(qf_npy_read(path, &array, &error));
    g_test_message("%s", error->message);
    g_assert_error(error, QF_ERROR, cases[i].code);
    g_assert_nonnull(strstr(error->message, "raw.npy"));
    g_assert_null(array.data);
  }
}

static void test_every_cut(void)
{
  g_autofree char *path = file_of("whole.npy"), *cut = file_of("cut.npy"), *bytes = NULL;
  float data[6] = {0};
  gsize length;
  g_assert_true(qf_npy_write(path, QF_DTYPE_FLOAT32, (int64_t[]){2, 3}, 2, data, NULL));
  g_assert_true(g_file_get_contents(path, &bytes, &length, NULL));
  for (gsize n = 0; n < length; n++) {
    g_auto(QfNpy) array = {0};
    g_autoptr(GError) error = NULL;
    g_assert_true(g_file_set_contents(cut, bytes, n, NULL));
    g_assert_false(qf_npy_read(cut, &array, &error));
    g_assert_nonnull(error);
  }
  g_autoptr(GError) error = NULL;
  QfNpy none = {0};
  g_assert_false(qf_npy_read("no/such/file.npy", &none, &error));
  g_assert_error(error, QF_ERROR, QF_ERROR_FILE);
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  folder = g_dir_make_tmp("qf-npy-XXXXXX", NULL);
  g_test_add_func("/npy/round-trip", test_round_trip);
  g_test_add_func("/npy/big-endian", test_big_endian);
  g_test_add_func("/npy/bad-files", test_bad_files);
  g_test_add_func("/npy/every-cut", test_every_cut);
  int rc = g_test_run();
  static const char *const names[] = {"a.npy", "raw.npy", "whole.npy", "cut.npy"};
  for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
    g_autofree char *path = file_of(names[i]);
    g_remove(path);
  }
  g_rmdir(folder);
  g_free(folder);
  return rc;
}
