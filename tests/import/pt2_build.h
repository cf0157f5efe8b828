/* SPDX-License-Identifier: MIT */
/*
 * pt2_build.h - archives as torch.export.save() writes them, for tests: a zip of stored files, with the program from a few lines.
 *
 *   in x 1,2,4             an input, float32; ? is an open dimension
 *   w k 3,4 = 1 2 3        a parameter; values repeat
 *   node aten.add.Tensor y 1,2,4 : self=x other=k alpha=2 dims=[0,1] flag=true mode="word" rate=0.5
 *                          a node, its output and that one's dimensions (- : none is said), then arguments: names are tensors
 *   out y                  an output
 */
#ifndef QF_TESTS_PT2_BUILD_H
#define QF_TESTS_PT2_BUILD_H

#include <glib.h>
#include <stdint.h>

typedef struct {
  GByteArray *files, *directory;
  uint32_t count;
} ZipBuild;

ZipBuild *zb_new(void);
/* @method: 0 is stored; anything else only says so. */
void zb_add(ZipBuild *z, const char *path, const void *data, size_t size, uint16_t method);
GBytes *zb_end(ZipBuild *z); /* frees @z */

GBytes *pt2_build(const char *text);

/* A convolution, an activation, a linear layer: about 4 kB. */
extern const char *const pt2_sample;

#endif
