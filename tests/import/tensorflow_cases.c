/* SPDX-License-Identifier: MIT */
/*
 * tensorflow_cases.c - small frozen graphs. The numbers of those that can be loaded are TensorFlow 2.21's on its CPU, or by hand where it has
 * no kernel (NCHW).
 */
#include "proto_cases.h"

#define NODE(name, op, rest) "node{name:'" name "' op:'" op "' " rest "}"
#define IN(name) "input:'" name "' "
#define ATTR(key, value) "attr{key:'" key "' value{" value "}}"
#define FLOAT ATTR("T", "type:1")
#define D(n) "dim{size:" #n "}"
#define PLACEHOLDER(name, type, dims)                                                                        \
  NODE(name, "Placeholder", ATTR("dtype", "type:" #type) ATTR("shape", "shape{" dims "}"))
#define X(dims) PLACEHOLDER("x", 1, dims)
#define CONST(name, type, dims, values)                                                                      \
  NODE(name, "Const",                                                                                        \
       ATTR("dtype", "type:" #type)                                                                          \
           ATTR("value", "tensor{dtype:" #type " tensor_shape{" dims "} " values "}"))
#define INTS(name, dims, values) CONST(name, 3, dims, "int_val:[" values "]")
#define FLOATS(name, dims, values) CONST(name, 1, dims, "float_val:[" values "]")
#define Y(op, rest) NODE("y", op, rest)
#define XY(op, rest) Y(op, IN("x") FLOAT rest)
#define INT32_INDEX(key) ATTR(key, "type:3")
#define WINDOW(s, p) ATTR("strides", "list{i:[1," #s "," #s ",1]}") ATTR("padding", "s:'" p "'")
#define IMAGE X(D(1) D(4) D(4) D(2))
#define WEIGHTS FLOATS("w", D(2) D(2) D(2) D(2), "1,2,-1,.5,.25,0,3,-2,1,1,-1.5,2,.5,-.5,0,1")

const ProtoCase tensorflow_cases[] = {
    {"conv same",
     IMAGE WEIGHTS XY("Conv2D", IN("w") WINDOW(2, "SAME")),
     "1x2x2x2",
     {-0.75f, -10.75f, 6.25f, -1.5f, -14, 4.25f, 5.375f, 5.25f}},
    {"conv valid",
     IMAGE WEIGHTS XY("Conv2D", IN("w") WINDOW(1, "VALID")),
     "1x3x3x2",
     {-0.75f, -10.75f, -4.125f, -4.75f, 6.25f, -1.5f, -15.625f, 2.25f, 3, -5.5f, 5.125f, 3.25f, -14, 4.25f,
      4.625f, -3.5f, 5.375f, 5.25f}},
    {"conv nchw",
     X(D(1) D(2) D(4) D(4)) WEIGHTS INTS("p", D(4), "0,2,3,1") INTS("q", D(4), "0,3,1,2")
         NODE("a", "Conv2D",
              IN("x") IN("w") FLOAT ATTR("strides", "list{i:[1,1,2,2]}") ATTR("padding", "s:'SAME'")
                  ATTR("data_format", "s:'NCHW'"))
             NODE("t", "Transpose", IN("x") IN("p") FLOAT INT32_INDEX("Tperm"))
                 NODE("c", "Conv2D", IN("t") IN("w") FLOAT WINDOW(2, "SAME"))
                     NODE("b", "Transpose", IN("c") IN("q") FLOAT INT32_INDEX("Tperm"))
                         Y("Sub", IN("a") IN("b") FLOAT),
     "1x2x2x2",
     {0}},
    {"depthwise",
     IMAGE WEIGHTS XY("DepthwiseConv2dNative", IN("w") WINDOW(1, "SAME")),
     "1x4x4x4",
     {-5,     -6.75f, 4.25f,  -4,     -0.875f, -3,      -3.25f, -1.75f, 3.25f, 0.75f, 3,
      -2.25f, 4.5f,   6.5f,   -0.75f, 1,       -3.625f, -5.5f,  -12,    7.75f, 0.5f,  -1.75f,
      2.5f,   -3.75f, 1.875f, 4.75f,  3.25f,   -1.5f,   0,      2.5f,   -2,    2.25f}},
    {"conv transpose",
     X(D(1) D(2) D(2) D(2)) WEIGHTS INTS("s", D(4), "1,4,4,2")
         Y("Conv2DBackpropInput", IN("s") IN("w") IN("x") FLOAT WINDOW(2, "SAME")),
     "1x4x4x2",
     {-0.5f, 3,    -0.625f, -9.5f,  4,    2.25f, -0.25f, -8,     -1.5f, 5.75f, -1.75f,
      1,     1.5f, 6.5f,    -1.75f, 2.5f, -2.5f, -1.25f, 0.125f, 4.5f,  2,     -2,
      0.5f,  6,    -1,      -3.75f, 1,    -1.5f, 2,      -3,     1,     0}},
    {"max pool",
     IMAGE XY("MaxPool", ATTR("ksize", "list{i:[1,3,3,1]}") WINDOW(2, "SAME")),
     "1x2x2x2",
     {1.5f, 2.5f, 2.5f, 1, 2, 2.5f, 2, 1.5f}},
    {"avg pool",
     IMAGE XY("AvgPool", ATTR("ksize", "list{i:[1,3,3,1]}") WINDOW(2, "SAME")),
     "1x2x2x2",
     {-0.5f, -0.055555556f, 0.83333331f, -0.25f, 0.25f, 0.083333336f, -0.25f, 0.5f}},
    {"batch norm",
     IMAGE FLOATS("g", D(2), "1,2") FLOATS("b", D(2), ".5,-1") FLOATS("m", D(2), ".1,.2")
         FLOATS("v", D(2), "1.5,.7")
             XY("FusedBatchNormV3", IN("g") IN("b") IN("m") IN("v") ATTR("U", "type:1")
                                        ATTR("epsilon", "f:0.01") ATTR("is_training", "b:false")),
     "1x4x4x2",
     {-1.6158501f, 0.89885068f,  -0.39516732f, 4.4591961f,   0.82551539f, -5.0350575f, 2.0461981f,
      -1.4747126f, -1.2089558f,  2.0856323f,   0.011726916f, -7.4086208f, 1.2324096f,  -3.8482759f,
      2.4530923f,  -0.28793097f, -0.80206156f, 3.272414f,    0.41862115f, -6.221839f,  1.6393039f,
      -2.6614943f, -1.6158501f,  0.89885068f,  -0.39516732f, 4.4591961f,  0.82551539f, -5.0350575f,
      2.0461981f,  -1.4747126f,  -1.2089558f,  2.0856323f}},
    {"bias",
     IMAGE FLOATS("b", D(2), "10,-10") XY("BiasAdd", IN("b")),
     "1x4x4x2",
     {7.5f, -9, 9,  -7.5f, 10.5f, -11.5f, 12,   -10, 8, -8.5f, 9.5f,  -12.5f, 11, -11, 12.5f, -9.5f,
      8.5f, -8, 10, -12,   11.5f, -10.5f, 7.5f, -9,  9, -7.5f, 10.5f, -11.5f, 12, -10, 8,     -8.5f}},
    {"lrn",
     X(D(1) D(1) D(2) D(5)) XY("LRN", ATTR("depth_radius", "i:1") ATTR("bias", "f:2") ATTR("alpha", "f:.3")
                                          ATTR("beta", "f:.75")),
     "1x1x2x5",
     {-0.85594845f, 0.32501635f, -0.32501635f, 0.8445946f, 0.1784523f, -0.54310954f, 0.72414607f, 0,
      -0.72414607f, 0.54310954f}},
    {"matmul",
     X(D(2) D(4)) WEIGHTS INTS("s", D(2), "4,4") NODE("r", "Reshape", IN("w") IN("s") FLOAT)
         XY("MatMul", IN("r") ATTR("transpose_b", "b:true")),
     "2x4",
     {1.75f, -8.625f, 5, 0.75f, -4.5f, 6.125f, -4, 1}},
    {"einsum",
     X(D(2) D(3) D(2)) FLOATS("w", D(2) D(2) D(3), "1,2,-1,.5,.25,0,3,-2,1,1,-1.5,2")
         Y("Einsum", IN("x") IN("w") FLOAT ATTR("N", "i:2") ATTR("equation", "s:'abc,dcb->da'")),
     "2x2",
     {-3.875f, -1.125f, -10.75f, 2.25f}},
    {"erfc",
     X(D(6)) XY("Erfc", ""),
     "6",
     {1.999593f, 0.15729922f, 1.8427007f, 0.00040695202f, 0.47950011f, 1.9661051f}},
    {"no einsum",
     X(D(2) D(2)) Y("Einsum", IN("x") IN("x") FLOAT ATTR("N", "i:2") ATTR("equation", "s:'aa,ab->b'")),
     NULL,
     {0},
     QF_ERROR_UNSUPPORTED,
     "write it with MatMul"},
    {"selu",
     X(D(6)) XY("Selu", ""),
     "6",
     {-1.6137857f, 1.050701f, -1.1113307f, 2.6267526f, 0.52535051f, -1.3658143f}},
    {"softsign",
     X(D(6)) XY("Softsign", ""),
     "6",
     {-0.71428573f, 0.5f, -0.5f, 0.71428573f, 0.33333334f, -0.60000002f}},
    {"leaky",
     X(D(6)) XY("LeakyRelu", ATTR("alpha", "f:.3")),
     "6",
     {-0.75f, 1, -0.30000001f, 2.5f, 0.5f, -0.45000002f}},
    {"repeated value",
     X(D(2) D(3)) CONST("c", 1, D(2) D(3), "float_val:1 float_val:2") XY("Mul", IN("c")),
     "2x3",
     {-2.5f, 2, -2, 5, 1, -3}},
    {"content",
     X(D(2)) CONST("c", 1, D(2), "tensor_content:'\\000\\000\\200\\077\\000\\000\\000\\100'")
         XY("Mul", IN("c")),
     "2",
     {-2.5f, 2}},
    {"order and control",
     Y("Add", IN("h:0") IN("x") IN("^n") FLOAT) NODE("h", "Relu", IN("x") FLOAT) NODE("n", "NoOp", "")
         X(D(4)),
     "4",
     {-2.5f, 2, -1, 5}},
    {"mean",
     IMAGE INTS("a", D(2), "1,-2") XY("Mean", IN("a") INT32_INDEX("Tidx") ATTR("keep_dims", "b:true")),
     "1x1x1x2",
     {-0.1875f, 0.21875f}},
    {"sum of nothing",
     X(D(3)) CONST("a", 3, D(0), "") XY("Sum", IN("a") INT32_INDEX("Tidx")),
     "3",
     {-2.5f, 1, -1}},
    {"shape arithmetic",
     X(D(2) D(3) D(4)) NODE("s", "Shape", IN("x") FLOAT ATTR("out_type", "type:3")) INTS("b", D(1), "0")
         INTS("e", D(1), "1") NODE("n", "StridedSlice",
                                   IN("s") IN("b") IN("e") IN("e") ATTR("T", "type:3") INT32_INDEX("Index")
                                       ATTR("shrink_axis_mask", "i:1")) INTS("m", "", "-1")
             NODE("p", "Pack", IN("n") IN("m") ATTR("T", "type:3") ATTR("N", "i:2"))
                 XY("Reshape", IN("p") INT32_INDEX("Tshape")),
     "2x12",
     {-2.5f, 1,  -1,   2.5f, 0.5f,  -1.5f, 2, 0,  -2,   1.5f,  -0.5f, -2.5f,
      1,     -1, 2.5f, 0.5f, -1.5f, 2,     0, -2, 1.5f, -0.5f, -2.5f, 1}},
    {"strided slice",
     X(D(3) D(4)) INTS("b", D(2), "-1,3") INTS("e", D(2), "9,0") INTS("s", D(2), "1,-2")
         XY("StridedSlice", IN("b") IN("e") IN("s") INT32_INDEX("Index") ATTR("shrink_axis_mask", "i:1")),
     "2",
     {-2.5f, 1.5f}},
    {"ellipsis",
     X(D(2) D(2) D(3)) INTS("b", D(3), "0,0,1") INTS("e", D(3), "0,0,3") INTS("s", D(3), "1,1,1")
         XY("StridedSlice", IN("b") IN("e") IN("s") INT32_INDEX("Index") ATTR("ellipsis_mask", "i:1")
                                ATTR("new_axis_mask", "i:2")),
     "2x2x1x2",
     {1, -1, 0.5f, -1.5f, 0, -2, -0.5f, -2.5f}},
    {"split",
     X(D(2) D(6)) INTS("a", "", "1") NODE("s", "Split", IN("a") IN("x") FLOAT ATTR("num_split", "i:3"))
         Y("Sub", IN("s:2") IN("s") FLOAT),
     "2x2",
     {3, -2.5f, -2.5f, -2.5f}},
    {"split by sizes",
     X(D(6)) INTS("n", D(3), "1,-1,2") INTS("a", "", "0")
         NODE("s", "SplitV", IN("x") IN("n") IN("a") FLOAT ATTR("Tlen", "type:3") ATTR("num_split", "i:3"))
             Y("Sub", IN("s:1") IN("s") FLOAT),
     "3",
     {3.5f, 1.5f, 5}},
    {"two open parts",
     X(D(6)) INTS("n", D(3), "6,-1,-1") INTS("a", "", "0")
         Y("SplitV", IN("x") IN("n") IN("a") FLOAT ATTR("num_split", "i:3")),
     NULL,
     {0},
     QF_ERROR_SHAPE,
     "do not fill the axis"},
    {"gather",
     X(D(2) D(3)) INTS("i", D(2), "2,0") INTS("a", "", "1")
         Y("GatherV2", IN("x") IN("i") IN("a") ATTR("Tparams", "type:1") ATTR("Tindices", "type:3")
                           ATTR("Taxis", "type:3")),
     "2x2",
     {-1, -2.5f, -1.5f, 2.5f}},
    {"mirror pad",
     X(D(4)) INTS("p", D(1) D(2), "2,1")
         XY("MirrorPad", IN("p") INT32_INDEX("Tpaddings") ATTR("mode", "s:'SYMMETRIC'")),
     "7",
     {1, -2.5f, -2.5f, 1, -1, 2.5f, 2.5f}},
    {"one hot",
     PLACEHOLDER("x", 3, D(3)) INTS("d", "", "4") FLOATS("on", "", "2") FLOATS("off", "", "-1")
         Y("OneHot", IN("x") IN("d") IN("on") IN("off") FLOAT ATTR("TI", "type:3") ATTR("axis", "i:-1")),
     "3x4",
     {-1, -1, -1, -1, -1, 2, -1, -1, -1, -1, -1, -1}},
    {"resize corners",
     X(D(1) D(2) D(3) D(1)) INTS("s", D(2), "3,5")
         XY("ResizeBilinear", IN("s") ATTR("align_corners", "b:true")),
     "1x3x5x1",
     {-2.5f, -0.75f, 1, 0, -1, 0, 0.375f, 0.75f, -0.25f, -1.25f, 2.5f, 1.5f, 0.5f, -0.5f, -1.5f}},
    {"resize halves",
     X(D(1) D(2) D(3) D(1)) INTS("s", D(2), "4,4")
         XY("ResizeBilinear", IN("s") ATTR("half_pixel_centers", "b:true")),
     "1x4x4x1",
     {-2.5f, -0.3125f, 0.25f, -1, -1.25f, 0.078125f, 0.125f, -1.125f, 1.25f, 0.859375f, -0.125f, -1.375f,
      2.5f, 1.25f, -0.25f, -1.5f}},
    {"resize nearest",
     X(D(1) D(2) D(3) D(1)) INTS("s", D(2), "3,5") XY("ResizeNearestNeighbor", IN("s")),
     "1x3x5x1",
     {-2.5f, -2.5f, 1, 1, -1, -2.5f, -2.5f, 1, 1, -1, 2.5f, 2.5f, 0.5f, 0.5f, -1.5f}},
    {"space to batch",
     X(D(1) D(2) D(4) D(1)) INTS("b", D(2), "2,2") INTS("p", D(2) D(2), "0,0,2,0")
         XY("SpaceToBatchND", IN("b") IN("p") INT32_INDEX("Tblock_shape") INT32_INDEX("Tpaddings")),
     "4x1x3x1",
     {0, -2.5f, -1, 0, 1, 2.5f, 0, 0.5f, 2, 0, -1.5f, 0}},
    {"fake quant",
     X(D(11)) FLOATS("lo", "", "-1.3") FLOATS("hi", "", "2.2")
         Y("FakeQuantWithMinMaxVars", IN("x") IN("lo") IN("hi") ATTR("num_bits", "i:8")),
     "11",
     {-1.3039216f, 1.0019608f, -1.0019608f, 2.1960785f, 0.49411765f, -1.3039216f, 2.0039215f, 0, -1.3039216f,
      1.4960785f, -0.49411765f}},
    {"fake quant narrow",
     X(D(11)) FLOATS("lo", "", "-1.3") FLOATS("hi", "", "2.2")
         Y("FakeQuantWithMinMaxVars",
           IN("x") IN("lo") IN("hi") ATTR("num_bits", "i:4") ATTR("narrow_range", "b:true")),
     "11",
     {-1.25f, 1, -1, 2.25f, 0.5f, -1.25f, 2, 0, -1.25f, 1.5f, -0.5f}},
    {"switch",
     X(D(3)) CONST("f", 10, "", "bool_val:false")
         NODE("p", "PlaceholderWithDefault", IN("f") ATTR("dtype", "type:10") ATTR("shape", "shape{}"))
             NODE("s", "Switch", IN("x") IN("p") FLOAT) NODE("t", "Square", IN("s:1") FLOAT)
                 NODE("e", "Neg", IN("s:0") FLOAT) Y("Merge", IN("e") IN("t") FLOAT ATTR("N", "i:2")),
     "3",
     {2.5f, -1, 1}},
    {"unknown operator",
     X(D(3)) XY("Frobnicate", ""),
     NULL,
     {0},
     QF_ERROR_UNSUPPORTED,
     "Frobnicate (node 'y')"},
    {"not frozen",
     NODE("v", "VariableV2", "") Y("Relu", IN("v")),
     NULL,
     {0},
     QF_ERROR_UNSUPPORTED,
     "the graph is not frozen"},
    {"wav",
     PLACEHOLDER("f", 7, "")
         NODE("w", "DecodeWav", IN("f") ATTR("desired_samples", "i:4") ATTR("desired_channels", "i:1"))
             NODE("r", "Cast", IN("w:1") ATTR("SrcT", "type:3") ATTR("DstT", "type:1"))
                 Y("Mul", IN("w") IN("r") FLOAT),
     "4x1",
     {-40000, 16000, -16000, 40000}},
    {"spectrogram",
     X(D(8) D(1)) Y("AudioSpectrogram", IN("x") ATTR("window_size", "i:4") ATTR("stride", "i:2")),
     "1x3x3",
     {0.75f, 1.25f, 2.75f, 1, 2.0615528f, 4.4408921e-16f, 1.25f, 2.1360009f, 2.75f}},
    {"mfcc",
     X(D(16) D(1)) NODE("s", "AudioSpectrogram",
                        IN("x") ATTR("window_size", "i:16") ATTR("stride", "i:1")
                            ATTR("magnitude_squared", "b:true")) INTS("r", "", "16000")
         Y("Mfcc",
           IN("s") IN("r") ATTR("filterbank_channel_count", "i:4") ATTR("dct_coefficient_count", "i:3")
               ATTR("lower_frequency_limit", "f:20") ATTR("upper_frequency_limit", "f:7000")),
     "1x1x3",
     {1.9504663f, -1.9666283f, 0.067821547f}},
    {"no such input", X(D(3)) Y("Relu", IN("z")), NULL, {0}, QF_ERROR_FORMAT, "'z' is made by no node"},
    {"loop",
     X(D(3)) NODE("a", "Add", IN("x") IN("y")) Y("Relu", IN("a")),
     NULL,
     {0},
     QF_ERROR_UNSUPPORTED,
     "part of a loop"},
    {"twice", X(D(3)) X(D(3)), NULL, {0}, QF_ERROR_FORMAT, "there twice"},
    {"no output", X(D(3)), NULL, {0}, QF_ERROR_FORMAT, "no output"},
    {"strings", PLACEHOLDER("x", 7, D(3)) XY("Relu", ""), NULL, {0}, QF_ERROR_UNSUPPORTED, "type string"},
    {"open shape",
     PLACEHOLDER("x", 1, D(1) D(-1)) XY("Relu", ""),
     NULL,
     {0},
     QF_ERROR_SHAPE,
     "dimension 1 of input 'x'"},
    {"shape not known",
     X(D(2)) PLACEHOLDER("s", 3, D(1)) XY("Reshape", IN("s")),
     NULL,
     {0},
     QF_ERROR_UNSUPPORTED,
     "must be a constant list"},
    {"huge",
     CONST("c", 1, D(2000000000), "float_val:1") Y("Relu", IN("c")),
     NULL,
     {0},
     QF_ERROR_FORMAT,
     "too large"},
    {"size",
     CONST("c", 1, D(3), "tensor_content:'1234'") Y("Relu", IN("c")),
     NULL,
     {0},
     QF_ERROR_FORMAT,
     "size of its shape"},
    {NULL},
};
