/* SPDX-License-Identifier: MIT */
/*
 * pt2_seeds.c - writes small archives to a folder, as seeds for fuzz-pt2.
 * usage: pt2-seeds DIR
 */
#include "pt2_build.h"

#include <glib/gstdio.h>
#include <stdio.h>

static const char *const programs[] = {
    "in x 2,3,4\nnode aten.softmax.int y 2,3,4 : self=x dim=-1\nnode aten.permute.default z 4,2,3 : self=y "
    "dims=[2,0,1]\nout z\n",
    "in x 1,2,6,6\nnode aten.max_pool2d.default y 1,2,3,3 : self=x kernel_size=[2,2] stride=[2,2]\nnode "
    "aten.mean.dim z 1,2 : self=y "
    "dim=[2,3]\nout z\n",
    "in x 2,4\nin z 2,4\nnode aten.add.Tensor y 2,4 : self=x other=z alpha=2\nnode aten.clamp.default c 2,4 "
    ": self=y min=-1.5\nout c\n",
    "in q 1,2,3,4\nnode aten.scaled_dot_product_attention.default y 1,2,3,4 : query=q key=q value=q "
    "is_causal=true\nout y\n",
};

static gboolean write_seed(const char *dir, guint i, const char *text)
{
  g_autofree char *path = g_strdup_printf("%s/program-%u.pt2", dir, i);
  g_autoptr(GBytes) bytes = pt2_build(text);
  gsize size;
  const char *data = g_bytes_get_data(bytes, &size);
  return g_file_set_contents(path, data, (gssize)size, NULL);
}

int main(int argc, char **argv)
{
  gboolean ok = argc == 2 && g_mkdir_with_parents(argv[1], 0755) == 0 && write_seed(argv[1], 0, pt2_sample);
  for (guint i = 0; ok && i < G_N_ELEMENTS(programs); i++)
    ok = write_seed(argv[1], i + 1, programs[i]);
  if (!ok)
    fprintf(stderr, "usage: pt2-seeds DIR\n");
  return !ok;
}
