/* SPDX-License-Identifier: MIT */
/*
 * weighted.h - what layers with weights share: the node as kernels see it, and the steps of convolutions, of which others are made (deconv.c).
 */
#ifndef QF_BACKENDS_HTP_WEIGHTED_H
#define QF_BACKENDS_HTP_WEIGHTED_H

#include "build.h"

/* The node with @channels outputs as the kernels see it: uint8 in and out, or 16 bits as they are. FALSE with @why. */
gboolean qf_htp_take_apart(QfHtpBuild *b, const QfNode *node, const QfEpilogue *epi, int64_t channels,
                           QfkIntArgs *q, GString *why);

/* Shape and window of a convolution, transposed or not; its jobs are not decided yet. */
QfDspConv qf_htp_describe_conv(const QfNode *node, const QfkIntArgs *q);

/* A convolution of the node's first input by weights @w [kh,kw,c/group,oc], which are read here alone, into the images in planes @out. */
gboolean qf_htp_emit_conv(QfHtpBuild *b, const QfNode *node, gboolean depthwise, QfDspConv *c,
                          const QfkIntArgs *q, const void *w, uint32_t out, GString *why);

#endif
