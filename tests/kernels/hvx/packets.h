/* SPDX-License-Identifier: MIT */
/*
 * packets.h - what counts the packets of kernels (packets.c; packets_more.c those that are not layers of the networks): a layer, what it
 * took, and memory.
 */
#ifndef PACKETS_H
#define PACKETS_H

#include "kernels/conv/conv.h"

typedef struct {
  int32_t h, w, c, oc, k, stride, rows;
} Layer;

typedef struct {
  uint64_t macs; /* or values, where there are no sums of products */
  uint32_t packets;
} Count;

/* Aligned, with the slack of images, and not 0. */
void *memory(size_t size);
QfkConvShape shape_of(const Layer *l, int32_t group);

Count count_conv16(const Layer *l);
Count count_dw16(const Layer *l);
Count count_fc16(const Layer *l);
Count count_pool(const Layer *l); /* maximum */
Count count_mean(const Layer *l); /* over H * W, of C lanes */
Count count_softmax(const Layer *l);
Count count_resize(const Layer *l); /* linear, to OC by K */
Count count_matmul(const Layer *l); /* H by C times C by OC */
Count count_lookup(const Layer *l);

#endif
