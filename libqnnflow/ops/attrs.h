/* SPDX-License-Identifier: MIT */
/*
 * attrs.h - the attribute structs of the operators, by family. Plain data: copied with memcpy, described to the rest of the
 * project by the QfAttrDef tables in the files of ops/.
 */
#ifndef QF_OPS_ATTRS_H
#define QF_OPS_ATTRS_H

#include "op.h"

/* Conv2d: in [N,H,W,C], weight [KH,KW,C/group,M], bias [M]?, (residual)?, (slope)?  -> [N,OH,OW,M].
 * DepthWiseConv2d: weight [KH,KW,1,C*multiplier], output channel c*multiplier+m; group is ignored.
 * TransposeConv2d: weight [KH,KW,C/group,M] with in channels C; OH = (H-1)*stride + (KH-1)*dilation + 1 - pads + output_padding.
 * Inputs after weight keep their place: bias is NULL when absent. */
typedef struct {
  int32_t stride[2]; /* height, width */
  int32_t dilation[2];
  int32_t pad[4];            /* top, bottom, left, right; may not be negative */
  int32_t output_padding[2]; /* TransposeConv2d only */
  int32_t group;
  QfEpilogue epi;
} QfConv2dAttrs;

/* Conv3d: in [N,D,H,W,C], weight [KD,KH,KW,C/group,M], bias [M]? -> [N,OD,OH,OW,M]; float, or int32 with int32 sums.
 * TransposeConv3d: weight [KD,KH,KW,C/group,M] with in channels C; float; sizes as TransposeConv2d. */
typedef struct {
  int32_t stride[3]; /* depth, height, width */
  int32_t dilation[3];
  int32_t pad[6];            /* front, back, top, bottom, left, right; may not be negative */
  int32_t output_padding[3]; /* TransposeConv3d only */
  int32_t group;
} QfConv3dAttrs;

/* PoolAvg3d, PoolMax3d on [N,D,H,W,C]; the latter's second output, int64, is where in D x H x W each maximum was. */
typedef struct {
  int32_t filter[3], stride[3], dilation[3];
  int32_t pad[6];    /* as above; PoolMax3d pads with -inf */
  int32_t count_pad; /* as in QfPool2dAttrs */
} QfPool3dAttrs;

/* HybridConv2d: as Conv2d or (depthwise) DepthWiseConv2d of float32 images, weights int8 with scales and no offset, bias float32.
 * Each image is quantized to 8 bits when it comes. Made by the `tflite` scheme only, to show the peer's numbers. */
typedef struct {
  QfConv2dAttrs conv;
  int32_t depthwise;
  int32_t asymmetric; /* 1: the range is min..max with an offset, 0: +-max */
  int32_t bias_first; /* order of the float operations: bias + sum * (scale * w_scale) */
} QfHybridAttrs;

/* FullyConnected: in [..., K] seen as [rows, K] unless keep_dims, weight [M,K], bias [M]? -> [rows, M] or [..., M]. */
typedef struct {
  int32_t keep_dims; /* 1: keep the leading dimensions */
  QfEpilogue epi;
} QfFullyConnectedAttrs;

/* MatMul: [..., M,K] x [..., K,N] with broadcast leading dimensions; transposes swap the last two. */
typedef struct {
  int32_t transpose_in0, transpose_in1;
} QfMatMulAttrs;

/* BlockQuantMatMul: in [..., K], weight uint8 [M, bytes of a row], bias [M]?, (residual)?, (slope)? -> [..., M]. */
typedef struct {
  int32_t format;      /* QfkBlockFormat: how a row of the weight is stored, in blocks */
  int32_t in_features; /* K; the rest of a row's last block is not used */
  QfEpilogue epi;
} QfBlockQuantMatMulAttrs;

/* PoolAvg2d, PoolMax2d on [N,H,W,C]. */
typedef struct {
  int32_t filter[2], stride[2], dilation[2];
  int32_t pad[4]; /* top, bottom, left, right; PoolMax2d pads with -inf */
  int32_t
      count_pad; /* PoolAvg2d: 1: divide by the whole filter (within the padded input), 0: by the pixels inside */
  int32_t act; /* QfActivation, with lo and hi: TFLite fuses one into pooling */
  float lo, hi;
} QfPool2dAttrs;

/* Elementwise binary operators; broadcast from the right. act is a fused activation. */
typedef struct {
  QfEpilogue epi; /* residual unused */
} QfBinaryAttrs;

/* ReluMinMax: clamp to [lo, hi]. Elu, LeakyRelu (alpha), HardSigmoid (alpha, beta), Gelu (approximate: 1 tanh). */
typedef struct {
  float alpha, beta, lo, hi;
  int32_t approximate;
} QfUnaryAttrs;

/* Softmax, LogSoftmax: y = exp(beta * (x - max)) / sum along axis. Argmax, Argmin, CumulativeSum and others with an axis. */
typedef struct {
  int32_t axis;
  float beta;
  int32_t keep_dims;          /* Argmax, Argmin: keep the dimension with size 1 */
  int32_t dtype;              /* Argmax, Argmin: of the output, int32 or int64 */
  int32_t last;               /* Argmax, Argmin: 1: of equal values take the last index */
  int32_t exclusive, reverse; /* CumulativeSum */
} QfAxisAttrs;

/* ReduceMean, ReduceSum, ReduceMax, ReduceMin, ReduceProd, ReduceSumSquare, ReduceL2. No axes: all of them. */
typedef struct {
  QfInts axes;
  int32_t keep_dims;
} QfReduceAttrs;

/* Concat (axis), Split (axis; sizes along it, one per output), Pack (new axis), Unpack (axis removed). */
typedef struct {
  int32_t axis;
  QfInts sizes; /* Split only; empty: equal parts. Up to QF_MAX_RANK given, more only as equal parts */
} QfConcatAttrs;

/* Reshape: shape with all entries resolved by the importer, >= 0, or one -1. */
typedef struct {
  QfInts shape;
} QfReshapeAttrs;

/* Transpose: output dimension i is input dimension perm[i]. */
typedef struct {
  QfInts perm;
} QfTransposeAttrs;

/* StridedSlice: for each dimension from begin to end (exclusive; -1 with a negative stride means past the start) by stride, already
 * clamped and with negative indices resolved by the importer. No dimension is removed: a Reshape does that. */
typedef struct {
  QfInts begin, end, stride; /* PER_AXIS */
} QfStridedSliceAttrs;

typedef enum { QF_PAD_CONSTANT = 0, QF_PAD_REFLECT, QF_PAD_SYMMETRIC, QF_PAD_EDGE } QfPadScheme;

/* Pad: amounts may be negative (crop). value is the real one, not the quantized. */
typedef struct {
  QfInts before, after; /* PER_AXIS */
  int32_t scheme;       /* QfPadScheme */
  float value;
} QfPadAttrs;

/* Gather (axis; indices any shape), GatherElements, ScatterElements (axis; reduction). GatherNd, ScatterNd (batch_dims). */
typedef struct {
  int32_t axis;
  int32_t batch_dims;
  int32_t reduction; /* ScatterElements, ScatterNd: 0 none, 1 add, 2 mul, 3 max, 4 min */
} QfGatherAttrs;

/* Tile (multiples), BroadcastTo (shape): PER_AXIS, one per output dimension. */
typedef struct {
  QfInts multiples;
} QfTileAttrs;

typedef enum { QF_RESIZE_NEAREST = 0, QF_RESIZE_LINEAR, QF_RESIZE_CUBIC } QfInterpolation;
typedef enum {
  QF_COORD_HALF_PIXEL = 0,     /* x_in = (x + 0.5) / scale - 0.5 */
  QF_COORD_PYTORCH_HALF_PIXEL, /* the same, 0 when the output has one pixel */
  QF_COORD_ALIGN_CORNERS,      /* x_in = x * (in - 1) / (out - 1) */
  QF_COORD_ASYMMETRIC,         /* x_in = x / scale */
} QfCoordinateMode;
typedef enum {
  QF_NEAREST_ROUND_PREFER_FLOOR = 0,
  QF_NEAREST_ROUND_PREFER_CEIL,
  QF_NEAREST_FLOOR,
  QF_NEAREST_CEIL
} QfNearestMode;

/* Resize. The coordinate formula uses scale where the model gives one, else out / in. */
typedef struct {
  QfInts size;             /* PER_AXIS: output dimensions, all resolved */
  QfInts scale;            /* PER_AXIS: the model's scale as the bits of a float each; n 0: not given */
  int32_t interpolation;   /* QfInterpolation */
  int32_t coordinate_mode; /* QfCoordinateMode */
  int32_t nearest_mode;    /* QfNearestMode */
  float cubic_a;           /* -0.75 by default */
  int32_t exclude_outside;
} QfResizeAttrs;

/* GridSample: x [N,H,W,C] (or [N,D,H,W,C]), grid [N,GH,GW,2] (or [N,GD,GH,GW,3]), x first -> [N,GH,GW,C]. */
typedef struct {
  int32_t mode;    /* 0 bilinear, 1 nearest, 2 bicubic */
  int32_t padding; /* 0 zeros, 1 border, 2 reflection */
  int32_t align_corners;
} QfGridSampleAttrs;

/* RoiAlign: x [N,H,W,C], boxes [R,4] x1 y1 x2 y2, image of each [R] -> [R,OH,OW,C]. RoiPool: x, boxes [R,5], the image first.
 * CropAndResize: as RoiAlign with boxes y1 x1 y2 x2 in parts of the image. */
typedef struct {
  int32_t size[2]; /* OH, OW */
  float scale;     /* of the boxes: 1 / stride of x */
  int32_t samples; /* RoiAlign: along each side of a bin; 0: by the size of the bin */
  int32_t half_pixel, maximum, nearest;
  float outside; /* CropAndResize: the value outside of the image */
} QfRegionAttrs;

/* DFT: x [..., n, ..., 1 or 2] (real, or real and imaginary) cut or zero-padded to length along axis -> [..., length, ..., 2];
 * onesided: the first length / 2 + 1 only; onesided and inverse: from those to real numbers [..., length, ..., 1]. */
typedef struct {
  int32_t axis, length;
  int32_t inverse, onesided;
} QfDftAttrs;

/* TfIdfVectorizer: x [C] or [N,C], pool, offset of each size in the pool, output of each n-gram (all constant int64), weights? ->
 * [size] or [N,size]. */
typedef struct {
  int32_t mode; /* 0 TF, 1 IDF, 2 TFIDF */
  int32_t min_gram, max_gram, max_skip;
} QfTfIdfAttrs;

/* ReverseSequence: x, lengths [batch]. */
typedef struct {
  int32_t time_axis, batch_axis;
} QfReverseAttrs;

/* Col2Im: x [N, C * product of block, columns] -> [N, C, image...]; lists for each dimension of the image, pad before and after. */
typedef struct {
  QfInts image, block, dilation, stride, pad_before, pad_after;
} QfCol2ImAttrs;

/* RandomUniform in [a, b), RandomNormal of mean a and deviation b, of the shape of their input or of @shape; Multinomial: logarithms
 * of probabilities [N,C] -> [N,samples]. With a seed the numbers are the same in each run. */
typedef struct {
  QfInts shape;
  int32_t fixed; /* 1: @shape counts, and the input is any number */
  int32_t dtype;
  float a, b;
  int32_t samples;
  int32_t seeded, seed; /* the bits of ONNX's float attribute, or any number */
} QfRandomAttrs;

/* DepthToSpace, SpaceToDepth on NHWC; mode 0 DCR (depth outermost: TFLite, ONNX's default), 1 CRD. SpaceToBatch, BatchToSpace. */
typedef struct {
  int32_t block[2];
  int32_t mode;
  int32_t pad[4]; /* SpaceToBatch: padding; BatchToSpace: crops; top, bottom, left, right */
} QfBlockAttrs;

/* Batchnorm: y = x * weight[c] + bias[c], c the last dimension (inputs: x, weight, bias).
 * InstanceNorm (per image and channel, NHWC), LayerNorm (over axes), L2Norm (axis), GroupNorm. */
typedef struct {
  QfInts axes; /* LayerNorm: AXES */
  float epsilon;
  int32_t group; /* GroupNorm */
} QfNormAttrs;

/* Cast: plain conversion of numbers. Quantize, Dequantize: from and to float, encodings on the tensors; also Requantize (Convert). */
typedef struct {
  int32_t dtype;
} QfCastAttrs;

/* Lstm, Gru, Rnn. Gates in the rows of the weights: Lstm i, o, f, c; Gru z, r, h; D directions, H hidden, P state.
 * Inputs: x [T,B,I], w [D,gates*H,I], r [D,gates*H,P], bias [D,2*gates*H] (of w, then of r)?, lengths [B] int32?,
 * h [D,B,P]?, and for Lstm c [D,B,H]?, peephole [D,3*H] (i, o, f)?, projection [D,P,H]?, its bias [D,P]?,
 * layer normalisation [D,4*H]?. Outputs: y [T,D,B,P], the last h, and for Lstm the last c. */
typedef struct {
  int32_t direction;           /* 0 forward, 1 reverse, 2 both */
  int32_t batch_major;         /* x is [B,T,I] and y [B,T,D,P] */
  int32_t linear_before_reset; /* Gru: the reset gate is applied behind the product */
  int32_t coupled;             /* Lstm: 1: forget gate = 1 - input gate, 2: input gate = 1 - forget gate */
  float clip;                  /* of what enters a gate, 0: none */
  float cell_clip, state_clip; /* Lstm: of the cell, and of what is projected; 0: none */
  float epsilon;               /* of the layer normalisation */
  int32_t act[6]; /* QfCellActivation: Lstm f, g, h; Gru f, g; Rnn f; the second direction's from 3 on */
  float alpha[6], beta[6];
  float hidden_scale; /* 8-bit Lstm: encoding of what is projected; 0: that of the state */
  int32_t hidden_offset;
  float gate_scale[4]; /* 8-bit Lstm with layer normalisation: of what is normalised, i, o, f, c */
  int32_t
      hybrid; /* 8-bit weights and float data: 1: data is quantized at run time, 2: with a zero point; 0: no */
} QfRecurrentAttrs;

typedef enum {
  QF_CELL_SIGMOID = 0,
  QF_CELL_TANH,
  QF_CELL_RELU,
  QF_CELL_AFFINE,
  QF_CELL_LEAKY_RELU,
  QF_CELL_THRESHOLDED_RELU,
  QF_CELL_SCALED_TANH,
  QF_CELL_HARD_SIGMOID,
  QF_CELL_ELU,
  QF_CELL_SOFTSIGN,
  QF_CELL_SOFTPLUS,
  QF_CELL_CLIP, /* to [alpha, beta] */
  QF_N_CELL_ACTIVATIONS
} QfCellActivation;

/* Svdf: x [B,I], features [F,I], time weights [F,M], bias [F / rank]?, state [B,F*M] -> y [B,F / rank], the state after. */
typedef struct {
  int32_t rank;
  int32_t act; /* QfCellActivation, with alpha and beta */
  float alpha, beta;
  int32_t hybrid; /* as in QfRecurrentAttrs */
} QfSvdfAttrs;

/* MiniFloat: x rounded to a float of fewer bits. Values of beyond: the largest number, infinity, NaN. */
typedef struct {
  int32_t mantissa_bits, min_exponent, beyond;
  float max;
  int32_t up;     /* away from zero, which becomes the smallest number: powers of two as scales */
  int32_t no_nan; /* NaN becomes 0 */
} QfMiniFloatAttrs;

/* TopK: values and indices along axis. */
typedef struct {
  int32_t axis, k, largest, sorted;
} QfTopKAttrs;

/* DetectionOutput of TFLite (TFLite_Detection_PostProcess): inputs boxes [1,N,4], scores [1,N,C+1], anchors [N,4];
 * outputs boxes [1,D,4], classes [1,D], scores [1,D], count [1]. */
typedef struct {
  int32_t max_detections, max_classes_per_detection, detections_per_class, num_classes, use_regular_nms;
  float score_threshold, iou_threshold, scale_y, scale_x, scale_h, scale_w;
} QfDetectionAttrs;

typedef enum { QF_BOX_CORNER = 0, QF_BOX_CENTER_SIZE, QF_BOX_CORNER_SIZE } QfBoxCode;

/* SsdDetectionOutput: inputs locations [N, priors * L * 4] (L 1 when shared, else classes), scores [N, priors * classes], priors
 * [1, 2, priors * 4] (corners, then variances). Output [1, 1, rows, 7] = image, class, score, xmin, ymin, xmax, ymax; rows behind the
 * last detection have image -1 and are 0 otherwise. */
typedef struct {
  int32_t num_classes, share_location, background_class; /* background -1: none */
  int32_t top_k, keep_top_k;                             /* before and after suppression; -1: all */
  int32_t code_type;                                     /* QfBoxCode */
  int32_t variance_in_target;                            /* 1: the variances are in the locations already */
  float nms_threshold, nms_eta, confidence_threshold;
} QfSsdAttrs;

/* ReduceWindow: x, one initial value -> y; windows lie within x, element i of one at i * dilation. */
typedef struct {
  QfInts window, stride, dilation; /* PER_AXIS */
  int32_t reduction;               /* 0 add, 1 mul, 2 min, 3 max */
} QfWindowAttrs;

/* MaxPoolWithArgmax: x [N,H,W,C] -> largest, place in the window (row * width + column, as float32). MaxUnpool2d: those two ->
 * [N, H * filter, W * filter, C]. */
typedef struct {
  int32_t filter[2], stride[2];
  int32_t pad[4]; /* top, bottom, left, right */
} QfArgPoolAttrs;

/* SoftNonMaxSuppression: boxes [N,4], scores [N], threshold of the overlap, of the score, sigma? -> indices, scores [wanted],
 * count. Sigma above 0: overlapping boxes lose score by exp(-overlap^2 / (2 sigma)). */
typedef struct {
  int32_t wanted;
} QfSuppressAttrs;

/*
 * Operators named Signal...: audio front ends in fixed point (kernels/frontend). Each uses the members in the comments.
 *   SignalWindow: x int16 [..., n], window int16 [n] -> [..., n]; shift
 *   SignalFftAutoScale: x int16 [n] -> [n], bits int32 []
 *   SignalRfft: x [..., n] of int16, int32 or float32 -> [..., length + 2]; SignalIrfft: back; length
 *   SignalEnergy: x int16 [2 m] -> uint32 [m]; first, last
 *   SignalFilterBank: x uint32, weights, unweights, starts, weight_starts, widths int16 -> uint64 [channels]; channels
 *   SignalFilterBankSquareRoot: x uint64 [n], bits int32 [] -> uint32 [n]
 *   SignalFilterBankSpectralSubtraction: x, noise uint32 [n] -> y, noise uint32 [n]; smoothing and below
 *   SignalPCAN: x, noise uint32 [n], table int16 -> uint32 [n]; shift
 *   SignalFilterBankLog: x uint32 [n] -> int16 [n]; scale, bits
 *   SignalOverlapAdd: frames [..., f, n] and state [..., n] of int16 or float32 -> [..., f * step], state; step
 *   SignalStacker: x int16 [n], state int16 [n * (left + 1 + right)], fill int32 [] -> y like state, valid bool [], state, fill;
 *     left, right, step
 */
typedef struct {
  int32_t shift, length, first, last, channels, step, left, right, scale, bits;
  int32_t smoothing[2], keep[2]; /* of even and odd channels, in 2^-fraction_bits */
  int32_t remaining;             /* least share of the signal, in 2^-fraction_bits */
  int32_t fraction_bits, clamping;
} QfSignalAttrs;

/*
 * Control flow. A body is a graph (QfNode.subgraphs) whose inputs and outputs are given here; all its shapes are fixed. Captures are
 * values that do not change from iteration to iteration. Conditions and counters have one element.
 *   If:    cond, operands...                        bodies then(operands) and else(operands) -> the node's outputs
 *   While: carried..., captures...                  bodies cond(carried, captures) -> bool, body(carried, captures) -> carried
 *   Loop:  trips, cond, carried..., captures...     body(iteration int64, cond, carried, captures) -> cond, carried, slices
 *   Scan:  carried..., sequences..., captures...    body(carried, slices, captures) -> carried, slices
 * Outputs of the loops: the carried values after the last iteration, then each slice stacked along a new first dimension. Sequences
 * are cut along their first dimension.
 */
typedef struct {
  int32_t n_carried;   /* While, Loop, Scan */
  int32_t n_sequences; /* Scan, at least 1 */
  int32_t
      trips; /* Loop: exactly this many iterations, inputs 0 and 1 and the body's cond are ignored; -1: by them */
} QfControlAttrs;

#endif
