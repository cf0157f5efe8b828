/* SPDX-License-Identifier: MIT */
/*
 * block_ref.c - moves between space, depth and batch.
 */
#include "block.h"

#include <string.h>

/* Element index, in the deep image, of pixel (n, h, w) channel c of the shallow one. */
static size_t deep_index(const QfkBlock *b, size_t n, size_t h, size_t w, size_t c)
{
  size_t i = h % b->block_h, j = w % b->block_w, blocks = b->block_h * b->block_w;
  size_t depth = b->crd ? c * blocks + i * b->block_w + j : (i * b->block_w + j) * b->c + c;
  size_t row = (n * (b->h / b->block_h) + h / b->block_h) * (b->w / b->block_w) + w / b->block_w;
  return row * b->c * blocks + depth;
}

static void depth_space(const QfkBlock *b, const char *deep_in, const char *flat_in, char *deep_out,
                        char *flat_out)
{
  size_t e = b->element_bytes, flat = 0;
  for (size_t n = 0; n < b->n; n++)
    for (size_t h = 0; h < b->h; h++)
      for (size_t w = 0; w < b->w; w++)
        for (size_t c = 0; c < b->c; c++, flat++) {
          size_t deep = deep_index(b, n, h, w, c);
          if (deep_in)
            memcpy(flat_out + flat * e, deep_in + deep * e, e);
          else
            memcpy(deep_out + deep * e, flat_in + flat * e, e);
        }
}

void qfk_depth_to_space_ref(const QfkBlock *b, const void *x, void *y)
{
  depth_space(b, x, NULL, NULL, y);
}

void qfk_space_to_depth_ref(const QfkBlock *b, const void *x, void *y)
{
  depth_space(b, NULL, x, y, NULL);
}

/* Byte offset in the batched image of pixel (n, h, w) of the flat one. */
static size_t batch_offset(const QfkBlock *b, size_t n, size_t h, size_t w)
{
  size_t y = h + b->pad_top, x = w + b->pad_left;
  size_t image = (y % b->block_h * b->block_w + x % b->block_w) * b->n + n;
  return ((image * b->grid_h + y / b->block_h) * b->grid_w + x / b->block_w) * b->c * b->element_bytes;
}

void qfk_batch_to_space_ref(const QfkBlock *b, const void *x, void *y)
{
  size_t pixel = b->c * b->element_bytes;
  char *to = y;
  for (size_t n = 0; n < b->n; n++)
    for (size_t h = 0; h < b->h; h++)
      for (size_t w = 0; w < b->w; w++, to += pixel)
        memcpy(to, (const char *)x + batch_offset(b, n, h, w), pixel);
}

void qfk_space_to_batch_ref(const QfkBlock *b, const void *x, const void *fill, void *y)
{
  size_t pixel = b->c * b->element_bytes,
         total = b->n * b->block_h * b->block_w * b->grid_h * b->grid_w * b->c;
  const char *from = x;
  for (size_t i = 0; i < total; i++)
    memcpy((char *)y + i * b->element_bytes, fill, b->element_bytes);
  for (size_t n = 0; n < b->n; n++)
    for (size_t h = 0; h < b->h; h++)
      for (size_t w = 0; w < b->w; w++, from += pixel)
        memcpy((char *)y + batch_offset(b, n, h, w), from, pixel);
}
