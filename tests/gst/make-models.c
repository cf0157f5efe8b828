/* SPDX-License-Identifier: MIT */
/*
 * make-models.c - writes small models for scripts. usage: make-models DIR; makes DIR/mean.onnx (32x16 colour) and others.
 */
#include "tinymodel.h"

int main(int argc, char **argv)
{
  if (argc != 2) {
    g_printerr("usage: make-models DIR\n");
    return 2;
  }
  g_free(tiny_mean_model(argv[1], 32, 16));
  g_free(tiny_boxes_model(argv[1], 32, 16));
  g_free(tiny_add_model(argv[1]));
  g_free(tiny_relu_model(argv[1]));
  return 0;
}
