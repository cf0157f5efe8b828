/* SPDX-License-Identifier: MIT */
/*
 * tensorflow_map.c - the TensorFlow importer on small graphs, good, wrong and damaged. With a folder as its argument it writes the
 * graphs there: seeds for fuzz-tensorflow, and what the peer's numbers are made of.
 */
#include "proto_cases.h"

#include "graphdef.pb-c.h"

#include <glib/gstdio.h>

static void test_case(gconstpointer data)
{
  const ProtoCase *c = data;
  g_autoptr(GBytes) bytes = proto_pack(&tf__graph_def__descriptor, c->text);
  proto_check(bytes, c, "ref");
  proto_check(bytes, c, "cpu");
}

/* The first cases have most kinds of records. */
static void test_damaged(void)
{
  for (int i = 0; i < 3; i++) {
    g_autoptr(GBytes) bytes = proto_pack(&tf__graph_def__descriptor, tensorflow_cases[3 * i].text);
    proto_damage(bytes);
  }
}

static int write_cases(const char *folder)
{
  int ok = g_mkdir_with_parents(folder, 0755) == 0;
  for (const ProtoCase *c = tensorflow_cases; ok && c->name; c++) {
    g_autofree char *path = g_strdup_printf("%s/%s.tensorflow", folder, c->name);
    g_autoptr(GBytes) bytes = proto_pack(&tf__graph_def__descriptor, c->text);
    ok = g_file_set_contents(path, g_bytes_get_data(bytes, NULL), (gssize)g_bytes_get_size(bytes), NULL);
  }
  return !ok;
}

int main(int argc, char **argv)
{
  if (argc == 2 && argv[1][0] != '-')
    return write_cases(argv[1]);
  g_test_init(&argc, &argv, NULL);
  for (const ProtoCase *c = tensorflow_cases; c->name; c++) {
    g_autofree char *path = g_strconcat("/tensorflow/", c->name, NULL);
    g_test_add_data_func(path, c, test_case);
  }
  g_test_add_func("/tensorflow/damaged", test_damaged);
  return g_test_run();
}
