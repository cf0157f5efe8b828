/* SPDX-License-Identifier: MIT */
/* tflite_seed.c - writes the sample network to a file: a small seed for the fuzz target. */
#include "tflite_build.h"

#include <stdio.h>

int main(int argc, char **argv)
{
  g_autoptr(GBytes) bytes = tb_sample();
  g_autoptr(GError) error = NULL;
  gsize size;
  const char *data = g_bytes_get_data(bytes, &size);
  if (argc != 2 || !g_file_set_contents(argv[1], data, (gssize)size, &error)) {
    fprintf(stderr, "%s\n", error ? error->message : "usage: tflite_seed FILE");
    return 1;
  }
  return 0;
}
