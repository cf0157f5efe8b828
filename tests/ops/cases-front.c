/* SPDX-License-Identifier: MIT */
/*
 * cases-front.c - values of audio front ends in fixed point, of rare windows and boxes, and of convolutions quantized as they come;
 * errors of those and of layers with three spatial dimensions or a state.
 */
#include "cases.h"

#define I16(dims, ...)                                                                                       \
  {                                                                                                          \
    QF_DTYPE_INT16, dims, V(__VA_ARGS__), 0, 0                                                               \
  }
#define U32(dims, ...)                                                                                       \
  {                                                                                                          \
    QF_DTYPE_UINT32, dims, V(__VA_ARGS__), 0, 0                                                              \
  }
#define U64(dims, ...)                                                                                       \
  {                                                                                                          \
    QF_DTYPE_UINT64, dims, V(__VA_ARGS__), 0, 0                                                              \
  }
#define FAILS(op, attrs, text, outputs, ...)                                                                 \
  {                                                                                                          \
    op, attrs, {__VA_ARGS__}, {outputs}, text, 0                                                             \
  }
#define ONE SHAPE(FLOAT32, "")
#define TWO ONE, ONE
#define THREE ONE, TWO
#define FOUR TWO, TWO
#define HALVES "smoothing=8192,8192 one_minus_smoothing=8192,8192"

const Case cases_front[] = {
    {"SignalWindow", "shift=12", {I16("2", 1000, -1000), I16("2", 4096, 2048)}, {I16("2", 1000, -500)}},
    {"SignalWindow", NULL, {I16("1", 1000), I16("1", 1000)}, {I16("1", 32767)}},
    {"SignalFftAutoScale", NULL, {I16("2", 100, -200)}, {I16("2", 12800, -25600), I32("", 7)}},
    {"SignalFftAutoScale", NULL, {I16("1", -32768)}, {I16("1", -32768), I32("", 0)}},
    {"SignalRfft", "fft_length=4", {F32("4", 1, 2, 3, 4)}, {F32("6", 10, 0, -2, 2, -2, 0)}, NULL, 1e-6},
    {"SignalRfft", "fft_length=4", {I16("2", 4, 8)}, {I16("6", 3, 0, 1, -2, -1, 0)}},
    {"SignalIrfft", "fft_length=4", {F32("6", 10, 0, -2, 2, -2, 0)}, {F32("4", 1, 2, 3, 4)}, NULL, 1e-6},
    {"SignalEnergy", "start_index=0 end_index=2", {I16("6", 3, 4, -1, 2, 9, 9)}, {U32("3", 25, 5, 0)}},
    /* the second triangle's rise begins with the fall of what the first width covers */
    {"SignalFilterBank",
     "num_channels=1",
     {U32("4", 1, 2, 3, 4), I16("4", 10, 20, 30, 40), I16("4", 1, 2, 3, 4), I16("2", 0, 2), I16("2", 0, 2),
      I16("2", 2, 2)},
     {U64("1", 255)}},
    {"SignalFilterBankSquareRoot", NULL, {U64("3", 16, 21, 1e6), I32("", 1)}, {U32("3", 2, 2, 500)}},
    {"SignalFilterBankSpectralSubtraction",
     HALVES,
     {U32("2", 100, 100), U32("2", 0, 400)},
     {U32("2", 50, 0), U32("2", 50, 250)}},
    {"SignalFilterBankSpectralSubtraction",
     HALVES " clamping=1 min_signal_remaining=1638",
     {U32("1", 100), U32("1", 400)},
     {U32("1", 9), U32("1", 100)}},
    {"SignalPCAN",
     NULL,
     {U32("2", 8, 1), U32("2", 1, 1), I16("125", [1] = 4096, [124] = 0)},
     {U32("2", 448, 16)}},
    {"SignalFilterBankLog", "output_scale=100", {U32("3", 0, 1, 10)}, {I16("3", 0, 0, 230)}},
    {"SignalFilterBankLog",
     "output_scale=1600 input_correction_bits=3",
     {U32("1", 1000000000)},
     {I16("1", 32767)}},
    {"SignalOverlapAdd",
     "frame_step=2",
     {F32("2x4", 1, 2, 3, 4, 10, 20, 30, 40), F32("4", 0, 0, 0, 0)},
     {F32("4", 1, 2, 13, 24), F32("4", 30, 40, 0, 0)}},
    {"SignalStacker",
     "left_context=1",
     {I16("2", 5, 6), I16("4", 0, 0, 0, 0), I32("", 0)},
     {I16("4", 5, 6, 5, 6), BOOL("", 1), I16("4", 5, 6, 0, 0), I32("", 2)}},
    {"SignalStacker",
     "right_context=1",
     {I16("2", 5, 6), I16("4", 0, 0, 0, 0), I32("", 0)},
     {I16("4", 0, 0, 0, 0), BOOL("", 0), I16("4", 5, 6, 0, 0), I32("", 2)}},
    {"ReduceWindow",
     "reduction=0 window=2 stride=1 dilation=1",
     {F32("3", 1, 2, 3), F32("", 10)},
     {F32("2", 13, 15)}},
    {"ReduceWindow",
     "reduction=3 window=2 stride=1 dilation=2",
     {I64("4", 1, 9, 3, 4), I64("", -7)},
     {I64("2", 3, 9)}},
    {"MaxPoolWithArgmax",
     "filter_size=2,2 stride=2,2",
     {F32("1x2x2x1", 1, 4, 3, 2)},
     {F32("1x1x1x1", 4), F32("1x1x1x1", 1.1)},
     NULL,
     1e-6},
    {"MaxUnpool2d",
     "filter_size=2,2 stride=2,2",
     {F32("1x1x1x1", 4), F32("1x1x1x1", 1.1)},
     {F32("1x2x2x1", 0, 4, 0, 0)}},
    {"SoftNonMaxSuppression",
     "max_boxes_selected=3",
     {F32("3x4", 0, 0, 1, 1, 2, 2, 3, 3, 0, 0, 1, 1), F32("3", 0.8, 0.9, 0.5), F32("", 0.5), F32("", 0)},
     {I32("3", 1, 0, 0), F32("3", 0.9, 0.8, 0), I32("", 2)},
     NULL,
     1e-6},
    {"BitCast", "dtype=9", {F32("2", 1, -2)}, {I32("2", 1065353216, -1073741824)}},
    {"SsdDetectionOutput",
     "num_classes=2",
     {F32("1x4", 0, 0, 0, 0), F32("1x2", 0.1, 0.9), F32("1x2x4", 0.1, 0.1, 0.5, 0.5, 0.1, 0.1, 0.2, 0.2)},
     {F32("1x1x1x7", 0, 1, 0.9, 0.1, 0.1, 0.5, 0.5)},
     NULL,
     1e-6},
    {"HybridConv2d",
     NULL,
     {F32("1x1x1x2", 1, -1), Q(INT8, "1x1x2x1", 0.5, 0, 2, 3), F32("1", 7)},
     {F32("1x1x1x1", 6.5)},
     NULL,
     1e-6},

    FAILS("SignalWindow", NULL, "must be int16", ONE, F32("1", 1), I16("1", 1)),
    FAILS("SignalFftAutoScale", NULL, "must be int16", TWO, F32("1", 1)),
    FAILS("SignalRfft", "fft_length=6", "multiple of 4", ONE, F32("2", 1, 1)),
    FAILS("SignalIrfft", "fft_length=8", "do not fit", ONE, F32("4", 1, 1, 1, 1)),
    FAILS("SignalEnergy", NULL, "must be int16", ONE, I32("2", 1, 1)),
    FAILS("SignalFilterBank", "num_channels=2", "has 1 elements, not 3", ONE, U32("1", 1), I16("1", 1),
          I16("1", 1), I16("1", 1), I16("1", 1), I16("1", 1)),
    FAILS("SignalFilterBankSquareRoot", NULL, "must be uint64", ONE, U32("1", 1), I32("", 1)),
    FAILS("SignalFilterBankSpectralSubtraction", "smoothing_bits=32", "must be 0 to 31", TWO, U32("1", 1),
          U32("1", 1)),
    FAILS("SignalPCAN", NULL, "125 are needed", ONE, U32("1", 1), U32("1", 1), I16("1", 1)),
    FAILS("SignalFilterBankLog", "input_correction_bits=-1", "must be 0 to 31", ONE, U32("1", 1)),
    FAILS("SignalOverlapAdd", "frame_step=3", "must be 1 to 2", TWO, F32("1x2", 1, 1), F32("2", 0, 0)),
    FAILS("SignalStacker", "left_context=1", "has 1 elements, not 2", FOUR, I16("1", 1), I16("1", 1),
          I32("", 0)),
    FAILS("ReduceWindow", "window=1,1 stride=1 dilation=1", "for each of 1 dimensions", ONE, F32("1", 1),
          F32("", 0)),
    FAILS("MaxPoolWithArgmax", NULL, "float32 image", TWO, I32("1x1x1x1", 1)),
    FAILS("MaxUnpool2d", NULL, "must have the shape", ONE, F32("1x1x1x1", 1), F32("1x1x2x1", 1, 1)),
    FAILS("SoftNonMaxSuppression", NULL, "boxes Nx4", THREE, F32("1x3", 1, 1, 1), F32("1", 1), F32("", 1),
          F32("", 1)),
    FAILS("BitCast", "dtype=0", "do not make elements", ONE, F32("1", 1)),
    FAILS("SsdDetectionOutput", "num_classes=3", "of 3 classes", ONE, F32("1x4", 0, 0, 0, 0),
          F32("1x2", 0, 0), F32("1x2x4", 0, 0, 0, 0, 0, 0, 0, 0)),
    FAILS("HybridConv2d", NULL, "int8 weights with scales", ONE, F32("1x1x1x1", 1), F32("1x1x1x1", 1)),
    FAILS("TransposeConv3d", NULL, "must have rank 5", ONE, F32("1x1x1x1", 1), F32("1x1x1x1x1", 1)),
    FAILS("PoolMax3d", "filter_size=1,1,4", "does not fit an input", ONE, F32("1x1x1x3x1", 1, 5, 2)),
    FAILS("PoolAvg3d", "filter_size=1,1,4", "does not fit an input", ONE, F32("1x1x1x3x1", 1, 5, 2)),
    FAILS("Rnn", NULL, "do not fit", TWO, F32("2x1x1", 1, 2), F32("1x1x2", 2, 2), F32("1x1x1", 0.5)),
    FAILS("Svdf", NULL, "do not fit", TWO, F32("1x1", 2), F32("1x2", 3, 3), F32("1x2", 10, 1), F32("1", 0.5),
          F32("1x2", 7, 8)),
    {NULL},
};
