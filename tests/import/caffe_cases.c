/* SPDX-License-Identifier: MIT */
/*
 * caffe_cases.c - small nets with their weights in the text. The numbers of those that can be loaded are those of OpenCV 4.14's Caffe
 * importer where it has the layer, else worked out from Caffe's definitions.
 */
#include "proto_cases.h"

#define INPUT(name, dims) "input:'" name "' input_shape{dim:[" dims "]} "
#define X(dims) INPUT("x", dims)
#define LAYER(name, type, rest) "layer{name:'" name "' type:'" type "' " rest "} "
#define Y(type, rest) LAYER("y", type, "bottom:'x' top:'y' " rest)
#define BLOB(dims, values) "blobs{shape{dim:[" dims "]} data:[" values "]} "
#define PRIORS                                                                                               \
  "layer{name:'loc' type:'Parameter' top:'loc' parameter_param{shape{dim:[1,16]}} " BLOB(                    \
      "1,16", "0,0,0,0, .5,0,0,0, 0,0,.5,-.5, 1,-1,.2,.1") "} "                                              \
                                                           "layer{name:'conf' type:'Softmax' bottom:'x' "    \
                                                           "top:'conf' softmax_param{axis:2}} "              \
                                                           "layer{name:'flat' type:'Flatten' bottom:'conf' " \
                                                           "top:'flat'} "                                    \
                                                           "layer{name:'box' type:'Parameter' top:'box' "    \
                                                           "parameter_param{shape{dim:[1,2,16]}} " BLOB(     \
                                                               "1,2,16", "0,0,.4,.4, .05,0,.45,.4, "         \
                                                                         ".5,.5,.9,.9, .5,.45,.9,.95, "      \
                                                                         ".1,.1,.2,.2, .1,.1,.2,.2, "        \
                                                                         ".1,.1,.2,.2, .1,.1,.2,.2") "} "

const ProtoCase caffe_cases[] = {
    {"convolution",
     X("1,2,3,3")
         Y("Convolution", "convolution_param{num_output:2 kernel_size:2 pad:1 stride:2 # of both\n}" BLOB(
                              "2,2,2,2", "1,2,-1,.5,.25,0,3,-2,1,1,-1.5,2,.5,-.5,0,1") BLOB("2", ".5,-1")),
     "1x2x2x2",
     {-3.75f, 2.5f, 5.5f, -11.75f, -4.5f, -7, 5.5f, -5.75f}},
    {"convolution by groups",
     X("1,2,3,3")
         Y("Convolution",
           "convolution_param{num_output:4 kernel_h:1 kernel_w:2 group:2 bias_term:false dilation:2}" BLOB(
               "4,1,1,2", "1,2,-1,.5,.25,0,3,-2")),
     "1x4x3x1",
     {-4.5f, -0.5f, -2, 2, -3.25f, -3, 0.375f, 0.25f, 0.125f, 9.5f, -2, -2.5f}},
    {"first format",
     X("1,2,3,3") "layers{name:'y' type:CONVOLUTION bottom:'x' top:'y' blobs_lr:1 "
                  "convolution_param{num_output:1 "
                  "kernel_size:3} blobs{num:1 channels:2 height:3 width:3 "
                  "data:[1,2,3,4,5,6,7,8,9,1,1,1,1,1,1,1,1,1]} "
                  "blobs{num:1 channels:1 height:1 width:1 data:.5}} layers{name:'r' type:RELU bottom:'y' "
                  "top:'y'}",
     "1x1x1x1",
     {-0}},
    {"deconvolution",
     X("1,2,2,2")
         Y("Deconvolution",
           "convolution_param{num_output:2 group:2 kernel_size:3 stride:2 pad:1 bias_term:false}" BLOB(
               "2,1,3,3", "1,2,3,4,5,6,7,8,9,1,0,1,0,1,0,1,0,-1")),
     "1x2x3x3",
     {-12.5f, -11, 5, -22, -16, 13, -5, 4, 12.5f, 0.5f, 0, -1.5f, 0, 0, 0, 2, 0, 0}},
    {"inner product",
     X("1,2,2,1") Y("InnerProduct",
                    "inner_product_param<num_output:2>" BLOB("2,4", "1,2,3,4,-1,0,.5,1") BLOB("2", "1,2")),
     "1x2",
     {7.5f, 6.5f}},
    {"inner product of double",
     X("1,4")
         Y("InnerProduct",
           "inner_product_param{num_output:1 bias_term:false} blobs{shape{dim:[1,4]} double_data:[1,2,3,4]}"),
     "1x1",
     {6.5f}},
    {"inner product of halves",
     X("1,4") Y("InnerProduct",
                "inner_product_param{num_output:1 bias_term:false} blobs{shape{dim:[1,4]} raw_data_type:2 "
                "raw_data:'\\000\\074\\000\\100\\000\\102\\000\\104'}"), /* 1, 2, 3, 4 */
     "1x1",
     {6.5f}},
    {"max pool",
     X("1,1,4,4") Y("Pooling", "pooling_param{pool:MAX kernel_size:3 stride:2 pad:1}"),
     "1x1x3x3",
     {1, 2.5f, 2.5f, 1.5f, 2.5f, 0.5f, 1, 2.5f, 0.5f}},
    {"average pool",
     X("1,1,4,4") Y("Pooling", "pooling_param{pool:AVE kernel_size:3 stride:2 pad:1}"),
     "1x1x3x3",
     {-0.27777779f, 0.33333334f, 0.41666669f, -0.16666667f, 0.11111111f, -0.33333334f, 0, 0.33333334f,
      0.125f}},
    {"pool that rounds down",
     X("1,1,4,4") Y("Pooling", "pooling_param{pool:AVE kernel_size:3 stride:2 ceil_mode:false}"),
     "1x1x1x1",
     {-0.27777778f}},
    {"global pool",
     X("1,2,2,3") Y("Pooling", "pooling_param{pool:AVE global_pooling:true}"),
     "1x2x1x1",
     {-0.16666667f, -0.25f}},
    {"batch norm",
     X("1,2,1,2")
         Y("BatchNorm", "batch_norm_param{eps:.01}" BLOB("2", "1,-1") BLOB("2", "4,9") BLOB("1", "2"))
             LAYER("s", "Scale",
                   "bottom:'y' top:'y' scale_param{bias_term:true}" BLOB("2", "2,-1") BLOB("2", ".5,1")),
     "1x2x1x2",
     {-3.7320738f, 1.2053456f, 1.2354409f, -0.41264486f}},
    {"prelu", X("1,2,1,3") Y("PReLU", BLOB("2", ".5,-1")), "1x2x1x3", {-1.25f, 1, -0.5f, 2.5f, 0.5f, 1.5f}},
    {"power",
     X("1,5") Y("Power", "power_param{power:2 scale:.5 shift:1}"),
     "1x5",
     {0.0625f, 2.25f, 0.25f, 5.0625f, 1.5625f}},
    {"exp",
     X("1,5") Y("Exp", "exp_param{base:2 scale:.5 shift:.25}"),
     "1x5",
     {0.5f, 1.6817929f, 0.84089643f, 2.8284271f, 1.4142135f}},
    {"log",
     X("1,3") LAYER("a", "AbsVal", "bottom:'x' top:'a'")
         LAYER("y", "Log", "bottom:'a' top:'y' log_param{base:10 scale:2 shift:1}"),
     "1x3",
     {0.77815125f, 0.47712125f, 0.47712125f}},
    {"threshold", X("1,4") Y("Threshold", "threshold_param{threshold:.5}"), "1x4", {0, 1, 0, 1}},
    {"eltwise",
     X("1,4") INPUT("z", "1,4")
         LAYER("y", "Eltwise", "bottom:'x' bottom:'z' top:'y' eltwise_param{operation:SUM coeff:[2,-1]}"),
     "1x4",
     {-4, -0.5f, -2.5f, 6.5f}},
    {"lrn",
     X("1,3,1,1") Y("LRN", "lrn_param{local_size:3 alpha:.3 beta:.5 k:2}"),
     "1x3x1x1",
     {-1.5144563f, 0.59496412f, -0.67419986f}},
    {"mvn",
     X("1,2,1,3") Y("MVN", ""),
     "1x2x1x3",
     {-1.1624764f, 1.2787241f, -0.11624762f, 1.2247448f, 0, -1.2247448f}},
    {"normalize",
     X("1,2,1,2") Y("Normalize", "norm_param{across_spatial:false channel_shared:false}" BLOB("2", "10,20")),
     "1x2x1x2",
     {-9.2847672f, 3.7139068f, -7.4278135f, 18.569534f}},
    {"softmax", X("1,3") Y("Softmax", ""), "1x3", {0.025908655f, 0.85797679f, 0.11611453f}},
    {"slice",
     X("1,4") LAYER("s", "Slice", "bottom:'x' top:'a' top:'b' slice_param{slice_point:1}")
         LAYER("y", "Flatten", "bottom:'b' top:'c'"),
     "1x1",
     {-2.5f}},
    {"reshape",
     X("1,2,3,2") Y("Reshape", "reshape_param{shape{dim:[0,-1,3]}}"),
     "1x4x3",
     {-2.5f, 1, -1, 2.5f, 0.5f, -1.5f, 2, 0, -2, 1.5f, -0.5f, -2.5f}},
    {"permute",
     X("1,2,2,2") Y("Permute", "permute_param{order:0 order:2}"),
     "1x2x2x2",
     {-2.5f, 1, 0.5f, -1.5f, -1, 2.5f, 2, 0}},
    {"argmax",
     X("2,4") Y("ArgMax", "argmax_param{out_max_val:true top_k:2}"),
     "2x2x2",
     {3, 1, 2.5f, 1, 2, 0, 2, 0.5f}},
    {"reduction", X("2,3") Y("Reduction", "reduction_param{operation:ASUM axis:1 coeff:2}"), "2", {9, 9}},
    {"tile", X("1,2") Y("Tile", "tile_param{axis:1 tiles:2}"), "1x4", {-2.5f, 1, -2.5f, 1}},
    {"reorg",
     X("1,4,2,2") Y("Reorg", "reorg_param{stride:2}"),
     "1x16x1x1",
     {-2.5f, -1, -2, -0.5f, 1, 2.5f, 1.5f, -2.5f, 0.5f, 2, 1, 2.5f, -1.5f, 0, -1, 0.5f}},
    {"shuffle",
     X("1,4,1,1") Y("ShuffleChannel", "shuffle_channel_param{group:2}"),
     "1x4x1x1",
     {-2.5f, -1, 1, 2.5f}},
    {"upsample",
     X("1,1,1,2") Y("Upsample", "upsample_param{scale:2}"),
     "1x1x2x4",
     {-2.5f, -2.5f, 1, 1, -2.5f, -2.5f, 1, 1}},
    {"interp",
     X("1,1,2,2") Y("Interp", "interp_param{height:3 width:3}"),
     "1x1x3x3",
     {-2.5f, -0.75f, 1, -1.75f, 0, 1.75f, -1, 0.75f, 2.5f}},
    {"crop",
     X("1,1,3,3") INPUT("z", "1,1,2,2")
         LAYER("y", "Crop", "bottom:'x' bottom:'z' top:'y' crop_param{axis:2 offset:1 offset:0}"),
     "1x1x2x2",
     {2.5f, 0.5f, 2, 0}},
    {"axpy",
     INPUT("s", "1,2") INPUT("x", "1,2,1,2") INPUT("z", "1,2,1,2")
         LAYER("y", "Axpy", "bottom:'s' bottom:'x' bottom:'z' top:'y'"),
     "1x2x1x2",
     {3, -7.75f, 2.5f, -1.5f}},
    {"prior boxes",
     X("1,1,1,2") INPUT("z", "1,3,10,20")
         LAYER("y", "PriorBox",
               "bottom:'x' bottom:'z' top:'y' prior_box_param{min_size:4 max_size:9 aspect_ratio:4 flip:true "
               "clip:true variance:[.1,.1,.2,.2]}")
             LAYER("r", "Reshape", "bottom:'y' top:'r' reshape_param{shape{dim:[2,8,4]}}"),
     "2x8x4",
     {0.15f, 0.3f, 0.35f, 0.7f, 0.1f, 0.2f, 0.4f, 0.8f, 0.05f, 0.4f, 0.45f, 0.6f, 0.2f, 0.1f, 0.3f, 0.9f,
      0.65f, 0.3f, 0.85f, 0.7f, 0.6f, 0.2f, 0.9f, 0.8f, 0.55f, 0.4f, 0.95f, 0.6f, 0.7f, 0.1f, 0.8f, 0.9f}},
    {"detections",
     X("1,4,3") PRIORS LAYER("y", "DetectionOutput",
                             "bottom:'loc' bottom:'flat' bottom:'box' top:'y' "
                             "detection_output_param{num_classes:3 code_type:CENTER_SIZE "
                             "keep_top_k:4 confidence_threshold:.05 nms_param{nms_threshold:.5 top_k:3}}"),
     "1x1x4x7",
     {0,           1,           0.85797681f, 0,           0, 0.4f, 0.4f,        0, 1, 0.11731043f,
      0.47896582f, 0.51903252f, 0.92103418f, 0.88096748f, 0, 2,    0.11611453f, 0, 0, 0.4f,
      0.4f,        -1,          0,           0,           0, 0,    0,           0}},
    {"best detections",
     X("1,4,3") PRIORS LAYER("y", "DetectionOutput",
                             "bottom:'loc' bottom:'flat' bottom:'box' top:'y' "
                             "detection_output_param{num_classes:3 code_type:CENTER_SIZE "
                             "keep_top_k:2 confidence_threshold:.05 nms_param{nms_threshold:.5 top_k:3}}"),
     "1x1x2x7",
     {0, 1, 0.85797681f, 0, 0, 0.4f, 0.4f, 0, 1, 0.11731043f, 0.47896582f, 0.51903252f, 0.92103418f,
      0.88096748f}},
    {"lstm",
     INPUT("x", "3,1,2") INPUT("z", "3,1")
         LAYER("y", "LSTM",
               "bottom:'x' bottom:'z' top:'y' recurrent_param{num_output:1}" BLOB(
                   "4,2", ".5,-.25,.1,.2,-.3,.4,.7,.6") BLOB("4", ".1,.2,.3,.4") BLOB("4,1", ".3,-.2,.5,.9")),
     "3x1x1",
     {-0.10123823f, -0.01571786f, -0.04239894f}},
    {"rnn",
     INPUT("x", "3,1,2") INPUT("z", "3,1")
         LAYER("y", "RNN",
               "bottom:'x' bottom:'z' top:'y' recurrent_param{num_output:2}" BLOB("2,2", ".5,-.25,.1,.2")
                   BLOB("2", ".1,-.2") BLOB("2,2", ".3,-.2,.5,.9") BLOB("2,2", "1,.5,-.5,.25")
                       BLOB("2", ".05,-.1")),
     "3x1x2",
     {-0.74329886f, 0.274243f, -0.86555616f, 0.13313883f, 0.23794915f, -0.53235752f}},
    {"phases",
     X("1,2") LAYER("d", "Data", "top:'z' include{phase:TRAIN}")
         LAYER("y", "ReLU", "bottom:'x' top:'y' exclude{phase:TRAIN}")
             LAYER("l", "SoftmaxWithLoss", "bottom:'y' bottom:'label' top:'loss'")
                 LAYER("n", "ReLU", "bottom:'nothing' top:'n' include{stage:'deploy'}"),
     "1x2",
     {0, 1}},
    {"labels",
     X("1,2") LAYER("d", "Data", "top:'data' top:'label' include{phase:TRAIN}")
         LAYER("s", "Slice", "bottom:'label' top:'a' top:'b'") LAYER("r", "ReLU", "bottom:'a' top:'a'")
             LAYER("y", "ReLU", "bottom:'x' top:'y'")
                 LAYER("l", "EuclideanLoss", "bottom:'y' bottom:'a' top:'loss'"),
     "1x2",
     {0, 1}},
    {"data without dimensions",
     LAYER("d", "Data", "top:'x' top:'label'") Y("ReLU", ""),
     NULL,
     {0},
     QF_ERROR_SHAPE,
     "in the file: 'x'; give"},
    {"data layer",
     LAYER("d", "MemoryData",
           "top:'x' top:'label' memory_data_param{batch_size:1 channels:2 height:1 width:1}") Y("TanH", ""),
     "1x2x1x1",
     {-0.9866143f, 0.76159416f}},
    {"text",
     "name: \"a\\tb\\x41\" 'c' # comment\n" X("1,2") "unknown{a:1 b<c:'}'> d:[1,2]};"
                                                     "layer { name: 'y', type: \"Dropout\"; bottom: ['x'] "
                                                     "top: 'y' dropout_param { dropout_ratio: 5e-1f } }",
     "1x2",
     {-2.5f, 1}},
    {"unknown layer",
     X("1,2") Y("Frobnicate", ""),
     NULL,
     {0},
     QF_ERROR_UNSUPPORTED,
     "Frobnicate (layer 'y')"},
    {"no weights",
     X("1,2") Y("InnerProduct", "inner_product_param{num_output:1}"),
     NULL,
     {0},
     QF_ERROR_FILE,
     "--seed-weights=1"},
    {"other weights",
     X("1,2") Y("InnerProduct", "inner_product_param{num_output:1}" BLOB("3", "1,2,3")),
     NULL,
     {0},
     QF_ERROR_SHAPE,
     "do not belong together"},
    {"no bottom",
     X("1,2") LAYER("y", "ReLU", "bottom:'z' top:'y'"),
     NULL,
     {0},
     QF_ERROR_FORMAT,
     "'z' is made by no layer"},
    {"bottoms", X("1,2") LAYER("y", "ReLU", "top:'y'"), NULL, {0}, QF_ERROR_FORMAT, "0 bottoms"},
    {"oldest format",
     X("1,2") "layers{layer{name:'y' type:'relu'} bottom:'x' top:'y'}",
     NULL,
     {0},
     QF_ERROR_UNSUPPORTED,
     "upgrade_net_proto"},
    {"no shape", "input:'x' " Y("ReLU", ""), NULL, {0}, QF_ERROR_SHAPE, "--dims=x"},
    {"axis", X("1,2") Y("Softmax", "softmax_param{axis:2}"), NULL, {0}, QF_ERROR_SHAPE, "axis 2"},
    {"no output",
     X("1,2") LAYER("l", "Accuracy", "bottom:'x' bottom:'label' top:'a'"),
     NULL,
     {0},
     QF_ERROR_FORMAT,
     "makes an output"},
    {NULL},
};
